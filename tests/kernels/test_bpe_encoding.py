"""Encoding and decoding against the plain Python versions."""

from __future__ import annotations

import copy
import itertools
import pickle
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from hypothesis import given

from ecgbyte._ext.bpe_encoding import EncodingTables
from ecgbyte.bpe import MATCHING, Vocabulary, train_merges
from ecgbyte.bpe.reference import (
    decode_reference,
    encode_longest_reference,
    encode_merge_order_reference,
    token_strings,
)
from ecgbyte.bpe.vocabulary import MAX_TOKEN_SYMBOLS, MAX_TOKENS, MAX_VOCABULARY_SYMBOLS
from tests.kernels.kernel_strategies import Merges, encodings, merge_tables

REFERENCES = {"longest": encode_longest_reference, "merge-order": encode_merge_order_reference}


@given(encodings())
def test_ids_are_those_of_the_reference(drawn: tuple[int, Merges, list[np.ndarray]]) -> None:
    alphabet_size, merges, sequences = drawn
    vocabulary = Vocabulary(merges, alphabet_size)
    for matching in MATCHING:
        expected = [REFERENCES[matching](sequence.tolist(), merges, alphabet_size) for sequence in sequences]
        for sequence, ids in zip(sequences, expected, strict=True):
            encoded = vocabulary.encode(sequence, matching)
            assert encoded.dtype == np.int32
            assert encoded.tolist() == ids
            assert vocabulary.decode(encoded).tolist() == decode_reference(ids, merges, alphabet_size)
            assert vocabulary.decode(encoded).tolist() == sequence.tolist()
        ids, splits = vocabulary.encode_batch(sequences, matching)
        assert (ids.dtype, splits.dtype) == (np.int32, np.int64)
        assert splits.shape == (len(sequences) + 1,)
        assert [ids[start:stop].tolist() for start, stop in itertools.pairwise(splits)] == expected


@given(merge_tables())
def test_tokens_are_those_of_the_reference(drawn: tuple[int, Merges]) -> None:
    alphabet_size, merges = drawn
    vocabulary = Vocabulary(merges, alphabet_size)
    strings = token_strings(merges, alphabet_size)
    assert vocabulary.size == len(strings) == alphabet_size + len(merges)
    assert vocabulary.lengths.tolist() == [len(string) for string in strings]
    assert [tuple(vocabulary.token_symbols(token).tolist()) for token in range(vocabulary.size)] == strings
    ids = np.arange(vocabulary.size)[::-1]
    assert vocabulary.starts(ids).tolist() == [0, *np.cumsum(vocabulary.lengths[ids]).tolist()]
    assert vocabulary.decode(ids).tolist() == decode_reference(ids.tolist(), merges, alphabet_size)


def test_long_paths_that_end_in_no_token() -> None:
    """A chain that grows to the right leaves a path of tokens that greedy matching must give up letter by letter."""
    merges = [(0, 1)]
    merges += [(k % 2, 1 + k) for k in range(1, 60)]
    vocabulary = Vocabulary(merges, 2)
    whole = vocabulary.token_symbols(vocabulary.size - 1)
    for cut in range(1, len(whole)):
        for tail in ([], [0], [1], [1, 1, 0]):
            symbols = np.concatenate([whole[:cut], np.array(tail, dtype=np.uint8)])
            for matching in MATCHING:
                expected = REFERENCES[matching](symbols.tolist(), merges, 2)
                assert vocabulary.encode(symbols, matching).tolist() == expected


def test_equal_token_strings_go_to_the_smallest_id() -> None:
    merges = [(0, 0), (0, 2), (2, 0), (0, 2)]
    vocabulary = Vocabulary(merges, 2)
    aaa = np.zeros(3, dtype=np.uint8)
    assert vocabulary.encode(aaa, "longest").tolist() == [3]
    assert vocabulary.encode(aaa, "merge-order").tolist() == [4]


def test_a_trie_with_32_bit_nodes() -> None:
    rows = (np.cumsum(np.random.default_rng(7).integers(-1, 2, size=(4, 3000)), axis=1) % 26).astype(np.uint8)
    pairs = [(int(left), int(right)) for left, right in train_merges(rows, 400)]
    pairs += [(0, 0)] + [(k, k) for k in range(26 + 400, 26 + 416)]  # 0 to the power of 2, 4, ... 131,072
    vocabulary = Vocabulary(pairs)
    assert vocabulary._tables.nodes > 65_535
    flat = np.zeros(700, dtype=np.uint8)
    for symbols in (rows[0][:500], (rows[1][:500] + 3) % 26, np.concatenate([rows[2][:90], flat, rows[3][:90], flat])):
        for matching in MATCHING:
            expected = REFERENCES[matching](symbols.tolist(), pairs)
            assert vocabulary.encode(symbols, matching).tolist() == expected


@pytest.mark.parametrize("alphabet_size", [1, 2, 255, 256])
def test_alphabets_of_every_size(alphabet_size: int) -> None:
    rows = np.random.default_rng(8).integers(0, alphabet_size, size=(3, 400)).astype(np.uint8)
    merges = train_merges(rows, 60, alphabet_size=alphabet_size)
    vocabulary = Vocabulary(merges, alphabet_size)
    pairs = [(int(left), int(right)) for left, right in merges]
    for matching in MATCHING:
        expected = REFERENCES[matching](rows[0].tolist(), pairs, alphabet_size)
        assert vocabulary.encode(rows[0], matching).tolist() == expected


@pytest.mark.parametrize("matching", MATCHING)
def test_threads_rows_strides_and_read_only(matching: str) -> None:
    walk = np.cumsum(np.random.default_rng(9).integers(-1, 2, size=(90, 5000)), axis=1) % 26
    rows = walk.astype(np.uint8)
    vocabulary = Vocabulary(train_merges(rows[:5], 500))
    ids, splits = vocabulary.encode_batch(rows, matching)
    rows.flags.writeable = False
    forms = [list(rows), np.asfortranarray(rows), np.repeat(rows, 2, axis=1)[:, ::2], [row[::-1][::-1] for row in rows]]
    for form in forms:
        for num_threads in (1, 2, 3, 200):
            again = vocabulary.encode_batch(form, matching, num_threads)
            assert again[0].tobytes() == ids.tobytes()
            assert again[1].tobytes() == splits.tobytes()
    assert vocabulary.encode(rows[7], matching).tolist() == ids[splits[7] : splits[8]].tolist()
    assert vocabulary.encode(rows[:, 3], matching).tolist() == vocabulary.encode(rows[:, 3].copy(), matching).tolist()
    mixed = [rows[0, :0], *rows, rows[0, :1], rows[0, :0]]
    one, many = vocabulary.encode_batch(mixed, matching), vocabulary.encode_batch(mixed, matching, 3)
    assert one[0].tobytes() == many[0].tobytes()
    assert one[1].tobytes() == many[1].tobytes()


def test_one_vocabulary_in_many_threads() -> None:
    rows = (np.cumsum(np.random.default_rng(10).integers(-1, 2, size=(40, 3000)), axis=1) % 26).astype(np.uint8)
    vocabulary = Vocabulary(train_merges(rows, 300))
    for matching in MATCHING:
        expected = [vocabulary.encode(row, matching).tolist() for row in rows]
        with ThreadPoolExecutor(4) as pool:
            assert [ids.tolist() for ids in pool.map(vocabulary.encode, rows, [matching] * len(rows))] == expected


def test_nothing_to_encode() -> None:
    vocabulary = Vocabulary([(0, 0)])
    for matching in MATCHING:
        assert vocabulary.encode(np.empty(0, dtype=np.uint8), matching).shape == (0,)
        for nothing, splits in (([], 1), (np.empty((0, 9), np.uint8), 1), (np.empty((3, 0), np.uint8), 4)):
            for num_threads in (1, 2):
                ids, borders = vocabulary.encode_batch(nothing, matching, num_threads)
                assert (ids.shape, borders.tolist()) == ((0,), [0] * splits)
    assert vocabulary.decode([]).shape == (0,)
    assert vocabulary.starts([]).tolist() == [0]
    for no_merges in ([], np.empty((0, 2), dtype=np.int32)):
        symbols = np.array([3, 25, 3], dtype=np.uint8)
        assert Vocabulary(no_merges).encode(symbols, "merge-order").tolist() == [3, 25, 3]
        assert Vocabulary(no_merges).encode(symbols).tolist() == [3, 25, 3]


def test_a_vocabulary_is_immutable_and_can_be_copied() -> None:
    given_merges = np.array([[0, 1], [26, 2]], dtype=np.int32)
    vocabulary = Vocabulary(given_merges)
    given_merges[0] = 9
    assert vocabulary.merges.tolist() == [[0, 1], [26, 2]]
    for array in (vocabulary.merges, vocabulary.lengths, vocabulary.token_symbols(27)):
        with pytest.raises(ValueError, match="read-only"):
            array[0] = 1
    with pytest.raises(AttributeError, match="immutable"):
        vocabulary.merges = given_merges  # type: ignore[misc]
    with pytest.raises(AttributeError, match="immutable"):
        del vocabulary._merges
    for again in (pickle.loads(pickle.dumps(vocabulary)), copy.deepcopy(vocabulary), Vocabulary([(0, 1), (26, 2)])):
        assert again == vocabulary
        assert hash(again) == hash(vocabulary)
    assert vocabulary != Vocabulary([(0, 1)])
    assert Vocabulary([], 3) != Vocabulary([], 4)
    assert (vocabulary == 3) is False


@pytest.mark.parametrize(
    ("merges", "error", "message"),
    [
        ([(0, 1), (27, 0)], ValueError, "merge 1 joins ids 27 and 0, expected ids 0 to 26"),
        ([(26, 0)], ValueError, "merge 0 joins ids 26 and 0"),
        ([(0, -1)], ValueError, "merge 0 joins ids 0 and -1"),
        ([(0, 2**40)], ValueError, "merge 0 joins"),
        ([(0.5, 1.0)], TypeError, "float64"),
        ([(0, 1, 2)], ValueError, r"shape \(1, 3\)"),
        ([0, 1], ValueError, r"shape \(2,\)"),
        (np.zeros((MAX_TOKENS, 2), int), ValueError, "at most 65535 tokens"),
        ([(0, 0)] + [(k, k) for k in range(26, 26 + 64)], ValueError, f"merge 20 .* at most {MAX_TOKEN_SYMBOLS}"),
        (
            [(0, 0)] + [(k, k) for k in range(26, 26 + 19)] + [(44, 44)] * 200,
            ValueError,
            f"together, expected at most {MAX_VOCABULARY_SYMBOLS}",
        ),
    ],
)
def test_hostile_merges_are_refused(merges: object, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        Vocabulary(merges)  # type: ignore[arg-type]


def test_a_trie_beyond_its_limit_is_refused() -> None:
    merges = np.array([(0, 0)] + [(k, k) for k in range(26, 36)], dtype=np.int32)  # 2,048 nodes of one letter
    EncodingTables(merges, 26, max_trie_entries=(2048 + 26) * 32)
    with pytest.raises(ValueError, match="up to merge 9 need more than 1000 trie nodes, expected at most 32000"):
        EncodingTables(merges[:10], 26, max_trie_entries=1000 * 32)


def test_wrong_symbols_are_refused() -> None:
    vocabulary = Vocabulary([(0, 1)])
    fine = np.zeros(4, dtype=np.uint8)
    foreign = np.array([0, 1, 26, 255], dtype=np.uint8)
    with pytest.raises(ValueError, match="got 26 at 2, expected 0 to 25"):
        vocabulary.encode(foreign)
    with pytest.raises(ValueError, match="got symbol 26 in sequence 2 at 2"):
        vocabulary.encode_batch([fine, fine[:0], foreign])
    with pytest.raises(ValueError, match="got symbol 26 in sequence 1 at 2"):
        vocabulary.encode_batch(np.stack([fine, foreign]))
    with pytest.raises(TypeError, match="list"):
        vocabulary.encode([0, 1])  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="int64"):
        vocabulary.encode(np.array([0, 1]))  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="shape"):
        vocabulary.encode(np.zeros((2, 2), dtype=np.uint8))
    with pytest.raises(TypeError, match=r"sequences\[1\]: got dtype bool"):
        vocabulary.encode_batch([fine, np.zeros(3, dtype=bool)])  # type: ignore[list-item]
    for call in (vocabulary.encode, vocabulary.encode_batch):
        with pytest.raises(ValueError, match="matching: got 'bpe', expected one of 'longest', 'merge-order'"):
            call(fine, "bpe")  # type: ignore[operator]
    with pytest.raises(ValueError, match="num_threads"):
        vocabulary.encode_batch([fine], num_threads=0)


def test_wrong_ids_are_refused() -> None:
    vocabulary = Vocabulary([(0, 1)])
    for call in (vocabulary.decode, vocabulary.starts):
        with pytest.raises(ValueError, match="got 27 at 1, expected 0 to 26"):
            call([0, 27])
        with pytest.raises(ValueError, match="got -1 at 0"):
            call(np.array([-1], dtype=np.int32))
        with pytest.raises(TypeError, match="float64"):
            call([0.0])
        with pytest.raises(ValueError, match="shape"):
            call([[0]])
    for token in (27, -1):
        with pytest.raises(ValueError, match=f"got {token}"):
            vocabulary.token_symbols(token)
    with pytest.raises(TypeError, match="token"):
        vocabulary.token_symbols(1.0)  # type: ignore[arg-type]


@pytest.mark.parametrize("alphabet_size", [30, 31, 32, 33, 256])
def test_runs_of_every_length_in_merge_order(alphabet_size: int) -> None:
    """Doublings that come first are done at once, up to a level; others stand in their way here and there."""
    last = alphabet_size - 1
    merges = [(last, last), (0, 0), (alphabet_size, alphabet_size), (0, last), (alphabet_size + 1, alphabet_size + 1)]
    merges += [(alphabet_size + 1, 0), (alphabet_size + 4, alphabet_size + 4)]
    merges += [(alphabet_size + k, alphabet_size + k) for k in range(6, 16)]
    vocabulary = Vocabulary(merges, alphabet_size)
    for length in [*range(1, 70), 1000, 1023]:
        symbols = np.repeat(np.array([0, last, 0], dtype=np.uint8), length)[: 3 * length - length // 2]
        expected = encode_merge_order_reference(symbols.tolist(), merges, alphabet_size)
        assert vocabulary.encode(symbols, "merge-order").tolist() == expected
