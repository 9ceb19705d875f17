"""Compression, bits per sample and reconstruction error, worked out by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest

from ecgbyte.metrics.compression import ReconstructionError, entropy_of_counts, measure_counts


def error_of(*pairs: tuple[np.ndarray, np.ndarray]) -> ReconstructionError:
    error = ReconstructionError()
    for signal, decoded in pairs:
        error.add(signal, decoded)
    return error


def test_entropy_by_hand() -> None:
    assert entropy_of_counts([0, 3, 0]) == 0.0
    assert entropy_of_counts([1, 1, 1, 0, 1]) == pytest.approx(2.0)
    # Shares 1/2, 1/4, 1/4.
    assert entropy_of_counts(np.array([2, 1, 0, 1], dtype=np.int32)) == pytest.approx(1.5)


def test_tokens_by_hand() -> None:
    measures = measure_counts([2, 1, 1] + [0] * 29, num_records=2, num_samples=16)
    assert (measures.num_records, measures.num_tokens, measures.num_samples) == (2, 4, 16)
    assert measures.compression == 4.0
    assert measures.tokens_per_record == 2.0
    assert measures.bits_bound == pytest.approx(5 / 4)
    assert measures.bits_entropy == pytest.approx(1.5 / 4)


def test_entropy_never_exceeds_the_bound() -> None:
    ids = np.random.default_rng(0).integers(0, 64, 5000)
    measures = measure_counts(np.bincount(ids, minlength=64), num_records=1, num_samples=5000)
    assert 0.98 * measures.bits_bound < measures.bits_entropy <= measures.bits_bound


def test_reconstruction_errors_by_hand() -> None:
    first, second = np.array([[3.0, 4.0]]), np.array([[0.0, 0.0]])
    error = error_of((first, np.array([[3.0, 3.0]])), (second, np.array([[1.0, 0.0]])))
    assert error.root_mean_square == pytest.approx(math.sqrt(2 / 4))
    assert error.percentage == pytest.approx(100 * math.sqrt(2 / 25))
    assert error_of((first, first), (second, second)).root_mean_square == 0.0


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (([0, 0], 1, 10), "counts: got no tokens"),
        (([], 1, 10), "counts: got no tokens"),
        (([1, -1], 1, 10), "got -1"),
        (([1, 1], 0, 10), "num_records: got 0, expected 1 or more"),
        (([1, 1], 1, 1), "num_samples: got 1 for 2 tokens"),
        (([0.5], 1, 10), "expected integers"),
    ],
)
def test_bad_counts_are_refused(arguments: tuple, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        measure_counts(*arguments)


def test_bad_signals_are_refused() -> None:
    one = np.zeros((1, 2))
    with pytest.raises(ValueError, match=r"decoded\[0\]: got shape \(1, 3\)"):
        error_of((one, np.zeros((1, 3))))
    with pytest.raises(ValueError, match=r"signals\[1\], decoded\[1\]: got NaN"):
        error_of((one, one), (one, one + np.nan))
    with pytest.raises(ValueError, match="no samples"):
        _ = error_of().root_mean_square
    with pytest.raises(ValueError, match="only zeros"):
        _ = error_of((one, one)).percentage
