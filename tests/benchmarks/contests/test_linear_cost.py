"""Time against length, 1e4 to 1e7 symbols, on real, adverse, constant and periodic input, and its slope."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from ecgbyte.bpe import Vocabulary, train_merges
from ecgbyte.bpe.reference import train_merges_reference
from ecgbyte.files import fingerprint
from ecgbyte.symbols import symbolize
from tests.benchmarks.contest import Contest, Contestant, hold
from tests.benchmarks.peers import missing, token_strings

from .corpora import Corpora, Symbols
from .encoding_peers import hugging_face_tokenizer
from .published_port import longest_match_in_python
from .results import Results, Slope
from .test_symbols import formula

LENGTHS = {
    "smoke": (10_000, 100_000),
    "default": (10_000, 30_000, 100_000, 300_000, 1_000_000, 3_000_000, 10_000_000),
    "full": (10_000, 30_000, 100_000, 300_000, 1_000_000, 3_000_000, 10_000_000),
}
TARGETS = {"symbols": 1.1, "longest": 1.1, "merge-order": 1.1, "training": 1.2}
INPUTS = ("real", "noise", "constant", "periodic")
CHECKED = 10_000  # the independent versions are slow: outputs are compared on the shortest length
# Of real input and noise a short length is many windows in turn, or the processor would learn one by heart.
WINDOWS, WINDOW_SYMBOLS = 64, 2_000_000
PERIOD = 250  # samples: a heart rate of 60 at 250 Hz


@pytest.fixture(scope="module")
def windows_of(real: Symbols, noise: Symbols) -> Callable[[str, int], list[np.ndarray]]:
    """uint8 [length] of each kind of input, in one or several windows."""

    def make(kind: str, length: int) -> list[np.ndarray]:
        if kind == "constant":
            return [np.full(length, 12, dtype=np.uint8)]
        if kind == "periodic":
            beat = np.round(12.5 + 12.5 * np.sin(2 * np.pi * np.arange(PERIOD) / PERIOD)).astype(np.uint8)
            return [np.resize(beat, length)]
        symbols = (real if kind == "real" else noise).symbols.reshape(-1)
        if len(symbols) < length:
            return [np.resize(symbols, length)]
        windows = min(WINDOWS, max(1, WINDOW_SYMBOLS // length), len(symbols) // length)
        return [symbols[k * length : (k + 1) * length] for k in range(windows)]

    return make


@pytest.mark.parametrize("kind", INPUTS)
@pytest.mark.parametrize("kernel", list(TARGETS))
def test_slope(
    benchmark: Any,
    results: Results,
    scale: str,
    windows_of: Callable[[str, int], list[np.ndarray]],
    vocabulary: Vocabulary,
    noise_vocabulary: Vocabulary,
    corpora: Corpora,
    num_merges: int,
    kernel: str,
    kind: str,
) -> None:
    lengths = LENGTHS[scale]
    inputs: list[list[np.ndarray]] = [windows_of(kind, length) for length in lengths]
    table = noise_vocabulary if kind == "noise" else vocabulary
    if kernel == "symbols":
        signals = corpora.signals()
        inputs = [[_signal(symbols, signals.low, signals.high) for symbols in windows] for windows in inputs]
        call = lambda x: symbolize(x, signals.low, signals.high)  # noqa: E731
        check = _same(lambda x: formula(x, signals.low, signals.high), "the float64 formula, written out")
    elif kernel == "training":
        call = lambda x: train_merges([x], num_merges)  # noqa: E731
        few = min(num_merges, 20)
        check = _first_merges(few), f"the first {few} merges equal to those of the plain Python version"
    else:
        call = lambda x: table.encode(x, kernel)  # noqa: E731
        check = _encoding_check(table, kernel)
    compare, statement = check

    contestants = [
        Contestant(
            name=f"{length:,} symbols",
            call=lambda k, windows=windows: call(windows[k % len(windows)]),
            check=lambda k, output, windows=windows: compare(windows[k % len(windows)], output),
            compared_with=f"{statement} (on 10,000 symbols)",
        )
        for length, windows in zip(lengths, inputs, strict=True)
    ]
    rows = hold(
        benchmark,
        Contest(
            name=f"linear-{kernel}-{kind}",
            work=f"{kernel}, {kind} input",
            corpus=kind,
            corpus_fingerprint=fingerprint(inputs[-1][0]),
            symbols=0,
            merges=0 if kernel == "symbols" else num_merges,
            contestants=contestants,
            rounds=5,
            inputs=WINDOWS,
            expected=lambda _: None,
            compared_with="",
        ),
        scale,
    )
    rows = [
        dataclasses.replace(
            row,
            contestant="ecgbyte",
            contest=f"{row.contest}-{length}",
            symbols=length,
            symbols_per_second=length / row.seconds,
        )
        for row, length in zip(rows, lengths, strict=True)
    ]
    slope, _ = np.polyfit(np.log([row.symbols for row in rows]), np.log([row.seconds for row in rows]), 1)
    results.add_lengths(rows, Slope(kernel, kind, float(slope), TARGETS[kernel], lengths[0], lengths[-1], len(lengths)))


def _signal(symbols: np.ndarray, low: float, high: float) -> np.ndarray:
    """float32 [1, length] in the middle of each bin, moved within it so that values differ."""
    place = (symbols + np.resize(np.linspace(0.1, 0.9, 997), symbols.shape)) / 26
    return (low + place * (high - low)).astype(np.float32)[np.newaxis]


def _same(independent: Callable[[np.ndarray], np.ndarray], statement: str) -> tuple[Callable, str]:
    def compare(given: np.ndarray, found: np.ndarray) -> None:
        part = given[..., :CHECKED]
        assert np.array_equal(found[..., :CHECKED], independent(part))

    return compare, f"equal to {statement}"


def _first_merges(count: int) -> Callable[[np.ndarray, np.ndarray], None]:
    def compare(given: np.ndarray, found: np.ndarray) -> None:
        if len(given) <= CHECKED:
            expected = train_merges_reference([given.tolist()], count)
            assert [tuple(pair) for pair in found[: len(expected)].tolist()] == expected

    return compare


def _encoding_check(table: Vocabulary, matching: str) -> tuple[Callable[[np.ndarray, np.ndarray], None], str]:
    if matching == "longest":
        independent, statement = longest_match_in_python(token_strings(table)), "equal to a plain Python trie"
    elif missing("tokenizers"):
        pytest.skip(f"{missing('tokenizers')}, so the ids could not be checked")
    else:
        from ecgbyte.symbols import letters

        tokenizer = hugging_face_tokenizer(table)
        independent = lambda symbols: np.array(tokenizer.encode(letters(symbols)).ids)  # noqa: E731
        statement = "equal to HF tokenizers"

    def compare(given: np.ndarray, found: np.ndarray) -> None:
        if len(given) <= CHECKED:
            assert np.array_equal(found, independent(given))
        assert np.array_equal(table.decode(found), given)

    return compare, statement
