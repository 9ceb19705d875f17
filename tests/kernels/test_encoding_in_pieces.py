"""Sequences side by side, in lanes, jobs and pieces, against the plain Python versions."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ecgbyte._ext.batch_encoding import BatchEncoding
from ecgbyte._ext.bpe_encoding import EncodingTables
from ecgbyte.bpe import MATCHING, Vocabulary, train_merges
from ecgbyte.bpe.reference import encode_longest_reference, encode_merge_order_reference
from tests.kernels.kernel_strategies import Merges, encodings

REFERENCES = {"longest": encode_longest_reference, "merge-order": encode_merge_order_reference}


def encoded_in_pieces(
    tables: EncodingTables,
    sequences: list[np.ndarray],
    matching: str,
    largest_piece: int,
    job_symbols: int,
    num_threads: int = 1,
) -> list[list[int]]:
    batch = BatchEncoding(tables, sequences, matching == "merge-order", num_threads, largest_piece, job_symbols)
    batch.encode()
    splits = batch.join()
    ids = np.empty(splits[-1], dtype=np.int32)
    batch.copy(ids)
    return [ids[start:stop].tolist() for start, stop in itertools.pairwise(splits)]


@given(encodings(), st.integers(1, 40), st.integers(1, 200), st.integers(1, 3))
def test_pieces_join_to_what_the_reference_makes(
    drawn: tuple[int, Merges, list[np.ndarray]], largest_piece: int, job_symbols: int, num_threads: int
) -> None:
    alphabet_size, merges, sequences = drawn
    tables = EncodingTables(np.array(merges, dtype=np.int32).reshape(-1, 2), alphabet_size)
    for matching in MATCHING:
        expected = [REFERENCES[matching](sequence.tolist(), merges, alphabet_size) for sequence in sequences]
        assert encoded_in_pieces(tables, sequences, matching, largest_piece, job_symbols, num_threads) == expected


@pytest.mark.parametrize("count", range(20))
def test_every_number_of_sequences_fills_the_lanes(count: int) -> None:
    """Longest match walks eight pieces at once: fewer, more, and remainders; of equal and of different lengths."""
    generator = np.random.default_rng(count)
    walk = (np.cumsum(generator.integers(-1, 2, size=5000)) % 26).astype(np.uint8)
    vocabulary = Vocabulary(train_merges(walk[np.newaxis], 200))
    pairs = [(int(left), int(right)) for left, right in vocabulary.merges]
    for lengths in (np.full(count, 60), generator.integers(0, 90, size=count)):
        sequences = [walk[start : start + length] for start, length in zip(range(count), lengths, strict=True)]
        for matching in MATCHING:
            expected = [REFERENCES[matching](sequence.tolist(), pairs) for sequence in sequences]
            for largest_piece in (7, 100):
                assert encoded_in_pieces(vocabulary._tables, sequences, matching, largest_piece, 1000) == expected


LONG_SEQUENCES = {
    "constant": np.zeros(70_001, dtype=np.uint8),
    "periodic": np.resize(np.array([0, 1, 2, 1, 0, 0, 3], dtype=np.uint8), 70_000),
    "long-period": np.resize(np.random.default_rng(11).integers(0, 3, 5000).astype(np.uint8), 90_000),
    "noise": np.random.default_rng(12).integers(0, 26, 100_000).astype(np.uint8),
    "walk": (np.cumsum(np.random.default_rng(13).integers(-1, 2, 150_000)) % 26).astype(np.uint8),
}


@pytest.mark.parametrize("kind", LONG_SEQUENCES)
@pytest.mark.parametrize("matching", MATCHING)
def test_long_sequences_in_pieces_are_those_in_one(kind: str, matching: str) -> None:
    symbols = LONG_SEQUENCES[kind]
    vocabulary = Vocabulary(train_merges([LONG_SEQUENCES["walk"][:9000], symbols[:20_000]], 300))
    tables = vocabulary._tables
    # Eight of them fill the lanes, so none is cut.
    whole = encoded_in_pieces(tables, [symbols] * 8, matching, len(symbols), 8 * len(symbols))[0]
    assert vocabulary.decode(whole).tolist() == symbols.tolist()
    for largest_piece, job_symbols in ((64, 5000), (2048, 10_000), (1 << 15, 1 << 16)):
        assert encoded_in_pieces(tables, [symbols], matching, largest_piece, job_symbols) == [whole]
    assert vocabulary.encode(symbols, matching).tolist() == whole
    for num_threads in (1, 2, 3):
        ids, splits = vocabulary.encode_batch([symbols], matching, num_threads)
        assert (ids.tolist(), splits.tolist()) == (whole, [0, len(whole)])


@given(encodings(), st.integers(0, 5))
def test_sequences_side_by_side_through_the_matcher(drawn: tuple[int, Merges, list[np.ndarray]], skipped: int) -> None:
    """What other compiled code calls: the first sequence need not begin at the first symbol."""
    alphabet_size, merges, sequences = drawn
    tables = EncodingTables(np.array(merges, dtype=np.int32).reshape(-1, 2), alphabet_size)
    symbols = np.concatenate([np.zeros(skipped + 1, dtype=np.uint8), *sequences, np.zeros(1, dtype=np.uint8)])
    borders = skipped + 1 + np.concatenate([[0], np.cumsum([len(sequence) for sequence in sequences], dtype=np.int64)])
    for matching in MATCHING:
        expected = [REFERENCES[matching](sequence.tolist(), merges, alphabet_size) for sequence in sequences]
        ids = np.empty(len(symbols), dtype=np.int32)
        counts = np.empty(len(sequences), dtype=np.int64)
        written = tables.encode(symbols, borders, matching == "merge-order", ids, counts)
        assert counts.tolist() == [len(tokens) for tokens in expected]
        assert ids[:written].tolist() == [token for tokens in expected for token in tokens]


def test_a_batch_goes_its_way_once() -> None:
    tables = Vocabulary([(0, 1)])._tables
    batch = BatchEncoding(tables, [np.zeros(3, dtype=np.uint8)], False)
    with pytest.raises(RuntimeError, match="once"):
        batch.__init__(tables, [np.zeros(3, dtype=np.uint8)], False)  # type: ignore[misc]
    with pytest.raises(RuntimeError, match="encode"):
        batch.join()
    batch.encode()
    with pytest.raises(ValueError, match="ids"):
        batch.copy(np.empty(3, dtype=np.int32))
    assert batch.join().tolist() == [0, 3]
    with pytest.raises(RuntimeError, match="once"):
        batch.join()
    with pytest.raises(ValueError, match="ids: got 4, expected 3"):
        batch.copy(np.empty(4, dtype=np.int32))
    with pytest.raises(ValueError, match="at least 1"):
        BatchEncoding(tables, [], False, largest_piece=0)
