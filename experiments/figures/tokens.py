"""Figures of how the tokens of the vocabulary are used."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from experiments.figures.data import FigureData
from experiments.figures.files import COLOURS, GRID, logarithmic, new_figure

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def token_usage_figure(data: FigureData) -> Figure | None:
    """Share of each token against its rank; a line ends where the rest of the vocabulary is not used; None without."""
    if not data.token_usage:
        return None
    figure, axes = new_figure(9, 4.4)
    for place, (whose, usage) in enumerate(sorted(data.token_usage.items())):
        shares = 100 * usage.ranked_shares()
        ranks = np.arange(1, len(shares) + 1)
        used = f"{usage.used_percent:.1f} % of {len(usage.counts):,} used, {usage.entropy:.2f} bits"
        axes.plot(ranks, shares, label=f"{whose.label}: {used}", **_line(place))
        axes.plot(ranks[-1], shares[-1], "o", color=_line(place)["color"], markersize=5)
    for name in ("x", "y"):
        logarithmic(axes, name)
    axes.set_xlabel("rank of the token, the most frequent first")
    axes.set_ylabel("share of all tokens (%)")
    axes.set_title("How often each token is used", loc="left")
    axes.grid(color=GRID, linewidth=0.6)
    figure.legend(frameon=False, loc="outside lower left")
    return figure


def token_lengths_figure(data: FigureData) -> Figure | None:
    """How long tokens are, in what is encoded and in the vocabulary, as shares of at most so many symbols; or None."""
    if not data.token_usage:
        return None
    figure, (used, known) = new_figure(11, 4.4, columns=2, sharey=True)
    for place, (whose, usage) in enumerate(sorted(data.token_usage.items())):
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
        axes.grid(color=GRID, linewidth=0.6)
    used.set_ylabel("tokens of at most so many symbols (%)")
    figure.legend(frameon=False, loc="outside lower left")
    return figure


def _line(place: int) -> dict[str, Any]:
    style = ("-", "--", ":", "-.")[place % 4]
    return {"color": COLOURS[place % len(COLOURS)], "linestyle": style, "linewidth": 1.8}
