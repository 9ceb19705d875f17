"""The ranks of pairs and the bounds of early merges, against their definitions."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ecgbyte._ext.rank_table import build_rank_table, look_up_pairs
from ecgbyte.bpe import Vocabulary
from ecgbyte.bpe.reference import encode_merge_order_reference
from tests.kernels.kernel_strategies import Merges, merge_tables


def tokens_at_end(token: int, merges: Merges, alphabet_size: int, side: int) -> list[int]:
    """The token and its halves, and their halves, that lie at its left (0) or right (1) end."""
    ends = [token]
    while ends[-1] >= alphabet_size:
        ends.append(merges[ends[-1] - alphabet_size][side])
    return ends


def visits_of(merge: tuple[int, int], merges: Merges, alphabet_size: int) -> int:
    return sum(len(tokens_at_end(merge[side], merges, alphabet_size, 1 - side)) for side in range(2))


def pair_by_definition(left: int, right: int, merges: Merges, alphabet_size: int, settled: int) -> tuple[int, int, int]:
    rank = merges.index((left, right)) if (left, right) in merges else len(merges)
    from_left = [
        k
        for k, (before, after) in enumerate(merges[:settled])
        if after == right and left in tokens_at_end(before, merges, alphabet_size, 1)
    ]
    from_right = [
        k
        for k, (before, after) in enumerate(merges[:settled])
        if before == left and right in tokens_at_end(after, merges, alphabet_size, 0)
    ]
    return rank, min(from_left, default=settled), min(from_right, default=settled)


@given(merge_tables(), st.integers(-1, 60))
def test_every_pair_has_its_rank_and_bounds(drawn: tuple[int, Merges], max_visits: int) -> None:
    alphabet_size, merges = drawn
    table = build_rank_table(np.array(merges, dtype=np.int32).reshape(-1, 2), alphabet_size, max_visits)
    allowed = 16 * len(merges) if max_visits < 0 else max_visits
    visits = np.cumsum([visits_of(merge, merges, alphabet_size) for merge in merges], dtype=np.int64)
    settled = int(np.count_nonzero(visits <= allowed))
    size = alphabet_size + len(merges)
    pairs = np.array([(left, right) for left in range(size) for right in range(size)], dtype=np.int32)
    expected = [pair_by_definition(left, right, merges, alphabet_size, settled) for left, right in pairs.tolist()]
    assert [tuple(found) for found in look_up_pairs(table, pairs).tolist()] == expected


def test_a_table_of_many_pairs() -> None:
    """All pairs of an alphabet of 256 up to the largest vocabulary, in a random order."""
    order = np.random.default_rng(21).permutation(1 << 16)[: 65_535 - 256]
    merges = np.stack([order >> 8, order & 255], axis=1).astype(np.int32)
    table = build_rank_table(merges, 256)
    assert look_up_pairs(table, merges)[:, 0].tolist() == list(range(len(merges)))
    missing = np.setdiff1d(np.arange(1 << 16), order)
    absent = np.stack([missing >> 8, missing & 255], axis=1).astype(np.int32)
    assert (look_up_pairs(table, absent) == len(merges)).all()


@pytest.mark.parametrize("length", [1, 2, 3, 40, 400])
def test_a_lower_pair_is_not_early_where_a_longer_one_may_come_before(length: int) -> None:
    """(b, c) is lower than both neighbours in a b c d, and yet z a, and then (za, b), come before it."""
    letters = {"z": 0, "a": 1, "b": 2, "c": 3, "d": 4}
    merges = [(0, 1), (5, 2), (2, 3), (1, 2), (3, 4), (3, 4)]
    vocabulary = Vocabulary(merges, 5)
    for text in ("zabcd", "abcd", "bcd", "zabc", "zzabbccdd"):
        symbols = np.array([letters[letter] for letter in text] * length, dtype=np.uint8)
        expected = encode_merge_order_reference(symbols.tolist(), merges, 5)
        assert vocabulary.encode(symbols, "merge-order").tolist() == expected


@pytest.mark.parametrize("seed", range(4))
def test_noise_of_a_few_letters_with_random_merges(seed: int) -> None:
    """Merges that no training would make: low ranks of long tokens, and pairs listed twice."""
    generator = np.random.default_rng(seed)
    merges = [(int(generator.integers(0, 3 + k)), int(generator.integers(0, min(3 + k, 9)))) for k in range(120)]
    vocabulary = Vocabulary(merges, 3)
    symbols = generator.integers(0, 3, 3000).astype(np.uint8)
    expected = encode_merge_order_reference(symbols.tolist(), merges, 3)
    assert vocabulary.encode(symbols, "merge-order").tolist() == expected


@pytest.mark.parametrize("first_seed", range(0, 600, 100))
def test_runs_of_tokens_of_which_only_some_are_merged_early(first_seed: int) -> None:
    """Then a pair of two equal tokens may be queued before one to its left, which is merged first nevertheless."""
    for seed in range(first_seed, first_seed + 100):
        generator = np.random.default_rng(seed)
        alphabet_size = int(generator.integers(2, 4))
        merges: Merges = []
        for size in range(alphabet_size, alphabet_size + int(generator.integers(4, 20))):
            token, other = (int(number) for number in generator.integers(0, size, size=2))
            merges.append((token, token if generator.random() < 0.4 else other))
        vocabulary = Vocabulary(merges, alphabet_size)
        short = np.flatnonzero(vocabulary.lengths < 60)
        parts = []
        for token in generator.choice(short, size=12):
            parts.append(np.tile(vocabulary.token_symbols(int(token)), int(generator.integers(1, 5))))
            parts.append(generator.integers(0, alphabet_size, int(generator.integers(0, 3))).astype(np.uint8))
        symbols = np.concatenate(parts)
        expected = encode_merge_order_reference(symbols.tolist(), merges, alphabet_size)
        assert vocabulary.encode(symbols, "merge-order").tolist() == expected
