"""Figures of how the tokens of the vocabulary are used, drawn from the file of their counts."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from ecgbyte.metrics.token_usage import TokenUsage
from experiments.figures.files import COLOURS, new_figure, save_figure
from experiments.steps.token_usage import UsageOf, read_token_usage


def token_figures(tokens_file: str | os.PathLike[str], folder: str | os.PathLike[str]) -> list[Path]:
    """Draw all figures of a file that `write_token_usage` wrote; the folder is made."""
    usages = read_token_usage(tokens_file)
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    return [
        usage_figure(usages, folder / "token-usage.png"),
        length_figure(usages, folder / "token-lengths.png"),
        run_figure(usages, folder / "token-runs.png"),
    ]


def usage_figure(usages: Mapping[UsageOf, TokenUsage], path: str | os.PathLike[str]) -> Path:
    """Share of each token against its rank; a line ends where the rest of the vocabulary is not used."""
    figure, axes = new_figure(9, 4.4)
    for place, (whose, usage) in enumerate(sorted(usages.items())):
        shares = 100 * usage.ranked_shares()
        ranks = np.arange(1, len(shares) + 1)
        used = f"{usage.used_percent:.1f} % of {len(usage.counts):,} used, {usage.entropy:.2f} bits"
        axes.plot(ranks, shares, label=f"{whose.label}: {used}", **_line(place))
        axes.plot(ranks[-1], shares[-1], "o", color=_line(place)["color"], markersize=5)
    axes.set_xscale("log")
    axes.set_yscale("log")
    axes.set_xlabel("rank of the token, the most frequent first")
    axes.set_ylabel("share of all tokens (%)")
    axes.set_title("How often each token is used", loc="left")
    figure.legend(frameon=False, loc="outside lower left")
    return save_figure(figure, path)


def length_figure(usages: Mapping[UsageOf, TokenUsage], path: str | os.PathLike[str]) -> Path:
    """How long tokens are, in what is encoded and in the vocabulary, as shares of at most so many symbols."""
    figure, (used, known) = new_figure(11, 4.4, columns=2, sharey=True)
    for place, (whose, usage) in enumerate(sorted(usages.items())):
        for axes, (lengths, shares) in (
            (used, usage.lengths_by_occurrence()),
            (known, usage.lengths_by_vocabulary()),
        ):
            # A step starts at 0 %, so that a line of one length is seen too.
            ends = np.concatenate([[lengths[0]], lengths])
            axes.plot(ends, 100 * np.concatenate([[0], np.cumsum(shares)]), drawstyle="steps-post", **_line(place))
        longest = f"mean {usage.mean_length:.2f}, longest used {usage.longest}"
        used.plot([], [], label=f"{whose.label}: {longest}", **_line(place))
    for axes, title in (
        (used, "Tokens of the encoded signals"),
        (known, "Vocabulary, used or not (a line a tokenizer)"),
    ):
        axes.set_xscale("log", base=2)
        axes.xaxis.set_major_formatter("{x:g}")
        axes.set_xlabel("symbols of a token (samples of one lead)")
        axes.set_title(title, loc="left")
        axes.set_ylim(0, 102)
    used.set_ylabel("tokens of at most so many symbols (%)")
    figure.legend(frameon=False, loc="outside lower left")
    return save_figure(figure, path)


def run_figure(usages: Mapping[UsageOf, TokenUsage], path: str | os.PathLike[str]) -> Path:
    """Share of the symbols that lie in tokens of one repeated letter: where the signal stood still."""
    figure, axes = new_figure(9, 1.3 + 0.5 * len(usages))
    ordered = sorted(usages.items())
    for place, (_, usage) in enumerate(ordered):
        axes.barh(place, usage.run_percent, color=COLOURS[0], height=0.6)
        axes.annotate(
            f"{usage.run_percent:.1f} %", (usage.run_percent, place), (4, 0), textcoords="offset points", va="center"
        )
    axes.set_yticks(range(len(ordered)), [whose.label for whose, _ in ordered])
    axes.invert_yaxis()
    axes.set_xlim(0, 100)
    axes.set_xlabel("symbols in tokens of one repeated letter (%)")
    axes.set_title("Share of runs", loc="left")
    return save_figure(figure, path)


def _line(place: int) -> dict[str, Any]:
    style = ("-", "--", ":", "-.")[place // len(COLOURS) % 4]
    return {"color": COLOURS[place % len(COLOURS)], "linestyle": style, "linewidth": 1.8}
