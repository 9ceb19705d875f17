"""``ecgbyte inspect``: what a tokenizer file holds."""

from __future__ import annotations

import argparse
import dataclasses
import json
from typing import Any

import numpy as np

from ecgbyte.signals.amplitude_range import AmplitudeRange
from ecgbyte.symbols import ALPHABET_SIZE, letters
from ecgbyte.tokenizer.ecg_tokenizer import ECGTokenizer

_LETTERS_SHOWN = 60


def add_parser(commands: Any, **format_options: Any) -> None:
    """Add ``inspect`` to the commands."""
    parser = commands.add_parser(
        "inspect",
        help="show what a tokenizer file holds",
        description="Check a tokenizer file and show its settings, its sizes and some of its tokens. The file holds no "
        "counts; its first merges are the pairs that were most frequent when they were learned.",
        **format_options,
    )
    parser.add_argument("tokenizer", metavar="FILE", help="the tokenizer file, or the name of one (ptb-xl-3500)")
    parser.add_argument("--tokens", type=int, default=10, metavar="N", help="tokens to show of each kind (default: 10)")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Print the description; returns the exit code."""
    if arguments.tokens < 0:
        raise ValueError(f"--tokens: got {arguments.tokens}, expected 0 or more")
    tokenizer = ECGTokenizer.from_pretrained(arguments.tokenizer)
    description = describe(tokenizer, arguments.tokens)
    if arguments.json:
        print(json.dumps(description))
    else:
        print("\n".join(_lines(description)))
    return 0


def describe(tokenizer: ECGTokenizer, num_tokens: int) -> dict[str, Any]:
    """Settings, sizes and some tokens, ready for `json.dumps`.

    Parameters
    ----------
    tokenizer : ECGTokenizer
    num_tokens : int
        How many tokens to list of each kind: the first merges, and the longest tokens (of equal ones the first).
    """
    lengths = np.asarray(tokenizer.vocabulary.lengths)
    sizes, counts = np.unique(lengths, return_counts=True)
    first = range(tokenizer.alphabet_size, min(tokenizer.alphabet_size + num_tokens, tokenizer.vocabulary.size))
    longest = np.lexsort((np.arange(len(lengths)), -lengths))[:num_tokens].tolist()
    limits = tokenizer.amplitude_range
    return {
        "fingerprint": tokenizer.fingerprint,
        "vocabulary_size": tokenizer.vocabulary_size,
        "alphabet_size": tokenizer.alphabet_size,
        "merges": len(tokenizer.merges),
        "range_mv": [limits.low, limits.high] if isinstance(limits, AmplitudeRange) else limits,
        "sampling_rate": tokenizer.sampling_rate,
        "num_leads": tokenizer.num_leads,
        "lead_names": None if tokenizer.lead_names is None else list(tokenizer.lead_names),
        "boundary": tokenizer.boundary,
        "matching": tokenizer.matching,
        "preprocessing": tokenizer.preprocessing,
        "training": None if tokenizer.training is None else dataclasses.asdict(tokenizer.training),
        "token_lengths": {str(size): count for size, count in zip(sizes.tolist(), counts.tolist(), strict=True)},
        "first_merges": [_token(tokenizer, token) for token in first],
        "longest_tokens": [_token(tokenizer, token) for token in longest],
    }


def _token(tokenizer: ECGTokenizer, token: int) -> dict[str, Any]:
    symbols = tokenizer.vocabulary.token_symbols(token)
    # More than 26 symbols have no letters; they are shown as numbers.
    text = letters(symbols) if tokenizer.alphabet_size <= ALPHABET_SIZE else " ".join(map(str, symbols.tolist()))
    shown = int(tokenizer._content.token_ids.shown(np.array([token]))[0])
    return {"id": shown, "length": len(symbols), "letters": text}


def _lines(description: dict[str, Any]) -> list[str]:
    listed = ("token_lengths", "first_merges", "longest_tokens", "training", "preprocessing", "lead_names", "range_mv")
    lines = [f"{key:<16} {_shown(value)}" for key, value in description.items() if key not in listed]
    limits, names = description["range_mv"], description["lead_names"]
    span = f"{limits[0]:.6g} to {limits[1]:.6g} mV" if isinstance(limits, list) else _shown(limits)
    lines.append(f"{'range':<16} {span}")
    lines.append(f"{'leads':<16} {_shown(names if names is None else ' '.join(names))}")
    for section in ("preprocessing", "training"):
        values = description[section]
        lines.append(f"{section:<16} {'none stored' if values is None else ''}".rstrip())
        lines.extend(f"  {key:<18} {'none' if value is None else value}" for key, value in (values or {}).items())
    lines.append("token lengths (symbols: tokens)")
    lines.extend(f"  {size:>6}: {count}" for size, count in _grouped(description["token_lengths"]))
    for title, key in (
        ("first merges (the most frequent pairs when they were learned)", "first_merges"),
        ("longest tokens", "longest_tokens"),
    ):
        lines.append(title)
        for token in description[key]:
            lines.append(f"  {token['id']:>6}  {token['length']:>5}  {_cut(token['letters'])}")
    return lines


def _grouped(lengths: dict[str, int]) -> list[tuple[str, int]]:
    """Token lengths in steps of doubling width: 1, 2, 3-4, 5-8, ..."""
    groups: dict[tuple[int, int], int] = {}
    for text, count in lengths.items():
        upper = 1
        while upper < int(text):
            upper *= 2
        group = (upper // 2 + 1, upper)
        groups[group] = groups.get(group, 0) + count
    return [(str(last) if first >= last else f"{first}-{last}", count) for (first, last), count in groups.items()]


def _shown(value: Any) -> str:
    return "not known" if value is None else str(value)


def _cut(text: str) -> str:
    return text if len(text) <= _LETTERS_SHOWN else f"{text[: _LETTERS_SHOWN - 3]}..."
