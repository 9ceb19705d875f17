"""Symbols of a signal, float32 [12, 2500]: beside good NumPy and the published way."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from ecgbyte.symbols import from_letters, symbolize
from tests.benchmarks.contest import Contest, Contestant
from tests.benchmarks.machine import thread_counts

from .corpora import Signals
from .published_port import symbolize_published

Compete = Callable[[Contest], object]


def symbolize_in_numpy(signal: np.ndarray, low: float, high: float) -> np.ndarray:
    """The float64 formula, bit for bit, with as few passes as NumPy takes for it."""
    scaled = np.subtract(signal, low, dtype=np.float64)
    scaled /= high - low + 1e-6
    np.clip(scaled, 0.0, 1.0, out=scaled)
    scaled *= 26
    symbols = scaled.astype(np.uint8)  # rounds towards zero, which is down here
    return np.minimum(symbols, 25, out=symbols)


def test_one_record(compete: Compete, signals: Signals) -> None:
    rows, low, high = list(signals.signals), signals.low, signals.high
    compete(
        Contest(
            name="symbols",
            work="symbols of one record, float32 [12, 2500]",
            corpus=signals.description,
            corpus_fingerprint=signals.fingerprint,
            symbols=rows[0].size,
            contestants=[
                Contestant(name="ecgbyte", call=lambda k: symbolize(rows[k], low, high)),
                Contestant(name="NumPy", package="numpy", call=lambda k: symbolize_in_numpy(rows[k], low, high)),
                Contestant(
                    name="published algorithm (port: np.vectorize)",
                    package="numpy",
                    call=lambda k: symbolize_published(rows[k], low, high),
                    comparable=lambda text: from_letters(text).reshape(rows[0].shape),
                ),
            ],
            rounds=15,
            expected=lambda k: formula(rows[k], low, high),
            compared_with="the float64 formula, written out",
            inputs=len(rows),
            checked_inputs=100,
        )
    )


def test_threads(compete: Compete, signals: Signals) -> None:
    joined = np.ascontiguousarray(np.moveaxis(signals.signals[:100], 0, 1)).reshape(12, -1)
    low, high = signals.low, signals.high
    expected = formula(joined, low, high)
    compete(
        Contest(
            name="symbols-threads",
            work=f"symbols of one long record, float32 [12, {joined.shape[1]}], 2 threads",
            corpus=signals.description,
            corpus_fingerprint=signals.fingerprint,
            symbols=joined.size,
            contestants=[
                Contestant(
                    name="ecgbyte",
                    threads=threads,
                    call=lambda _, threads=threads: symbolize(joined, low, high, num_threads=threads),
                )
                for threads in thread_counts()
            ],
            rounds=25,
            expected=lambda _: expected,
            compared_with="the float64 formula, written out",
        )
    )


def formula(signal: np.ndarray, low: float, high: float) -> np.ndarray:
    place = np.floor(26 * np.clip((signal.astype(np.float64) - low) / (high - low + 1e-6), 0, 1))
    return np.minimum(place, 25).astype(np.uint8)
