"""Encoding with dropout against the plain Python versions, and that only the seed decides what is skipped."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ecgbyte.bpe import MATCHING, Vocabulary, train_merges
from ecgbyte.bpe.dropout import derived_seeds, encode_batch_with_dropout
from ecgbyte.bpe.reference import (
    encode_longest_dropout_reference,
    encode_longest_reference,
    encode_merge_order_dropout_reference,
    encode_merge_order_reference,
    mixed_reference,
)
from tests.kernels.kernel_strategies import Merges, encodings

REFERENCES = {"longest": encode_longest_dropout_reference, "merge-order": encode_merge_order_dropout_reference}
PLAIN = {"longest": encode_longest_reference, "merge-order": encode_merge_order_reference}


@given(encodings(), st.sampled_from([0.0, 0.01, 0.1, 0.5, 0.9, 0.999]), st.integers(0, 2**63 - 1))
@settings(deadline=None)
def test_ids_are_those_of_the_reference(drawn: tuple[int, Merges, list[np.ndarray]], dropout: float, seed: int) -> None:
    alphabet_size, merges, sequences = drawn
    vocabulary = Vocabulary(merges, alphabet_size)
    seeds = derived_seeds([seed], len(sequences))[0]
    for matching in MATCHING:
        ids, splits = encode_batch_with_dropout(vocabulary, sequences, seeds, dropout=dropout, matching=matching)
        assert (ids.dtype, splits.dtype) == (np.int32, np.int64) and splits.shape == (len(sequences) + 1,)
        found = [ids[start:stop].tolist() for start, stop in itertools.pairwise(splits)]
        assert found == [
            REFERENCES[matching](sequence.tolist(), merges, alphabet_size, dropout, int(its))
            for sequence, its in zip(sequences, seeds, strict=True)
        ]
        if dropout == 0:
            assert found == [PLAIN[matching](sequence.tolist(), merges, alphabet_size) for sequence in sequences]
        for sequence, row in zip(sequences, found, strict=True):
            assert vocabulary.decode(np.array(row, np.int32)).tolist() == sequence.tolist()


@given(st.integers(0, 2**63 - 1), st.integers(1, 5))
def test_seeds_of_parts_are_mixed_as_the_reference_says(seed: int, parts: int) -> None:
    expected = [mixed_reference(mixed_reference(seed) ^ part) for part in range(parts)]
    assert derived_seeds([seed], parts).tolist() == [expected]


def walks(count: int, length: int) -> list[np.ndarray]:
    generator = np.random.default_rng(0)
    steps = generator.integers(-1, 2, size=(count, length)).cumsum(axis=1)
    return list((steps % 26).astype(np.uint8))


@pytest.mark.parametrize("matching", MATCHING)
def test_the_same_bytes_at_any_number_of_threads_and_beside_any_others(matching: str) -> None:
    sequences = [*walks(40, 3000), *walks(7, 100), np.empty(0, np.uint8)]
    vocabulary = Vocabulary(train_merges(sequences, 300))
    seeds = derived_seeds(np.arange(len(sequences)), 1)[:, 0]
    first = encode_batch_with_dropout(vocabulary, sequences, seeds, dropout=0.2, matching=matching)
    for threads in (2, 3, 8):
        other = encode_batch_with_dropout(
            vocabulary, sequences, seeds, dropout=0.2, matching=matching, num_threads=threads
        )
        assert first[0].tobytes() == other[0].tobytes() and first[1].tobytes() == other[1].tobytes()
    alone, _ = encode_batch_with_dropout(vocabulary, sequences[5:6], seeds[5:6], dropout=0.2, matching=matching)
    np.testing.assert_array_equal(alone, first[0][first[1][5] : first[1][6]])


@pytest.mark.parametrize("matching", MATCHING)
def test_more_dropout_makes_more_tokens_and_each_seed_others(matching: str) -> None:
    sequences = walks(20, 1000)
    vocabulary = Vocabulary(train_merges(sequences, 300))
    seeds = derived_seeds(np.arange(20), 1)[:, 0]
    totals = [
        len(encode_batch_with_dropout(vocabulary, sequences, seeds, dropout=dropout, matching=matching)[0])
        for dropout in (0.0, 0.1, 0.3, 0.9)
    ]
    assert totals[0] == len(vocabulary.encode_batch(sequences, matching)[0])
    assert totals == sorted(totals) and totals[0] < totals[1] and totals[3] > 0.7 * 20_000
    others = {
        encode_batch_with_dropout(vocabulary, sequences, seeds + np.uint64(n), dropout=0.1, matching=matching)[
            0
        ].tobytes()
        for n in range(5)
    }
    assert len(others) == 5


def test_the_share_of_skipped_merges_is_the_probability() -> None:
    """With one merge and pairs that do not overlap, each is kept with probability 1 - dropout."""
    vocabulary = Vocabulary([(0, 1)], 2)
    sequences = [np.tile(np.array([0, 1], np.uint8), 500)] * 40
    for matching in MATCHING:
        seeds = derived_seeds(np.arange(40), 1)[:, 0]
        ids, _ = encode_batch_with_dropout(vocabulary, sequences, seeds, dropout=0.3, matching=matching)
        assert abs((ids == 2).sum() / 20_000 - 0.7) < 0.02


def test_bad_arguments_are_refused() -> None:
    vocabulary = Vocabulary([(0, 1)], 2)
    sequence = np.array([0, 1], np.uint8)
    for dropout in (-0.1, 1.0, float("nan"), "0.1"):
        with pytest.raises(ValueError, match="dropout: expected a number of 0 at least and below 1"):
            encode_batch_with_dropout(vocabulary, [sequence], [1], dropout=dropout)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="seeds: expected one for each of 1 sequences"):
        encode_batch_with_dropout(vocabulary, [sequence], [1, 2], dropout=0.1)
    with pytest.raises(ValueError, match="got symbol 2 in sequence 0 at 1, expected 0 to 1"):
        encode_batch_with_dropout(vocabulary, [np.array([0, 2], np.uint8)], [1], dropout=0.1)
    with pytest.raises(ValueError, match="matching: got 'first'"):
        encode_batch_with_dropout(vocabulary, [sequence], [1], dropout=0.1, matching="first")
    ids, splits = encode_batch_with_dropout(vocabulary, [], [], dropout=0.1)
    assert len(ids) == 0 and splits.tolist() == [0]
