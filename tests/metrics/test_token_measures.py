"""Compression, bits per sample and reconstruction error, worked out by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest

from ecgbyte.metrics.compression import (
    measure_tokens,
    percentage_root_difference,
    root_mean_square_error,
    unigram_entropy,
)


def test_entropy_by_hand() -> None:
    assert unigram_entropy([3, 3, 3]) == 0.0
    assert unigram_entropy([0, 1, 2, 7]) == pytest.approx(2.0)
    # Shares 1/2, 1/4, 1/4.
    assert unigram_entropy(np.array([5, 5, 6, 9], dtype=np.int32)) == pytest.approx(1.5)


def test_tokens_by_hand() -> None:
    measures = measure_tokens([np.array([0, 0], dtype=np.int32), [1, 2]], num_samples=16, vocabulary_size=32)
    assert (measures.num_records, measures.num_tokens, measures.num_samples) == (2, 4, 16)
    assert measures.compression == 4.0
    assert measures.tokens_per_record == 2.0
    assert measures.bits_bound == pytest.approx(5 / 4)
    assert measures.bits_entropy == pytest.approx(1.5 / 4)


def test_entropy_never_exceeds_the_bound() -> None:
    ids = np.random.default_rng(0).integers(0, 64, 5000)
    measures = measure_tokens([ids], num_samples=5000, vocabulary_size=64)
    assert 0.98 * measures.bits_bound < measures.bits_entropy <= measures.bits_bound


def test_reconstruction_errors_by_hand() -> None:
    signals = [np.array([[3.0, 4.0]]), np.array([[0.0, 0.0]])]
    decoded = [np.array([[3.0, 3.0]]), np.array([[1.0, 0.0]])]
    assert root_mean_square_error(signals, decoded) == pytest.approx(math.sqrt(2 / 4))
    assert percentage_root_difference(signals, decoded) == pytest.approx(100 * math.sqrt(2 / 25))
    assert root_mean_square_error(signals, signals) == 0.0


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (([], 10, 4), "0 records without tokens"),
        (([[]], 10, 4), "1 records without tokens"),
        (([[4]], 10, 4), "got id 4, expected ids below vocabulary_size 4"),
        (([[-1]], 10, 4), "got -1"),
        (([[1, 2]], 1, 4), "num_samples: got 1 for 2 tokens"),
        (([[0.5]], 10, 4), "expected integers"),
    ],
)
def test_bad_tokens_are_refused(arguments: tuple, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        measure_tokens(*arguments)


def test_bad_signals_are_refused() -> None:
    one = np.zeros((1, 2))
    with pytest.raises(ValueError, match="signals ends after 1 records"):
        root_mean_square_error([one], [one, one])
    with pytest.raises(ValueError, match=r"decoded\[0\]: got shape \(1, 3\)"):
        root_mean_square_error([one], [np.zeros((1, 3))])
    with pytest.raises(ValueError, match="no samples"):
        root_mean_square_error([], [])
    with pytest.raises(ValueError, match="NaN"):
        root_mean_square_error([one], [one + np.nan])
    with pytest.raises(ValueError, match="only zeros"):
        percentage_root_difference([one], [one])
    with pytest.raises(ValueError, match="no tokens"):
        unigram_entropy([])


def test_records_may_come_one_by_one_and_must_be_as_many() -> None:
    signals = [np.ones((1, 2)), np.zeros((1, 2))]
    assert root_mean_square_error(iter(signals), iter(signals)) == 0.0
    with pytest.raises(ValueError, match="decoded ends after 1 records"):
        percentage_root_difference(iter(signals), iter(signals[:1]))
