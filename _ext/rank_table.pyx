"""Building the table of merge_ranks.pxd, once for a vocabulary."""

import numpy as np

from libc.stdint cimport int32_t, int64_t, uint8_t, uint16_t, uint32_t, uint64_t

from _ext.merge_ranks cimport PairRank, RankTable, first_place, hash_of, pair_rank, second_place
from _ext.pair_table cimport NO_PAIR, pair_key

# Halves of halves that are visited for the bounds of early merges; vocabularies of signals need two or three a merge.
MAX_VISITS_PER_MERGE = 16

# Pairs that are moved to let one more in, before another multiplier is tried; and multipliers, before more room.
cdef enum:
    MAX_MOVES = 500
    MAX_MULTIPLIERS = 8

cdef struct ListedPair:
    uint32_t key
    PairRank pair


def build_rank_table(const int32_t[:, :] merges, int alphabet_size, int64_t max_visits=-1):
    """The hash table from pairs to ranks, and to how early their tokens may be taken.

    Parameters
    ----------
    merges : int32 [merges, 2]  # IN
    alphabet_size : int
    max_visits : int
        Bounds are found for as many merges as need so many visits (16 a merge, if negative); later ones are never
        done early.

    Returns
    -------
    keys, pairs : uint32 [capacity], uint8 [capacity * 6]
    multiplier, bits : int
        See RankTable.

    Notes
    -----
    O(merges).
    """
    cdef Py_ssize_t count = merges.shape[0], k, settled = count, listed = 0
    cdef int64_t visits = 0
    cdef int side
    cdef int32_t token, other
    cdef uint16_t rank
    cdef PairRank nothing
    cdef PairRank* pair
    nothing.rank = nothing.from_left = nothing.from_right = <uint16_t> count
    if max_visits < 0:
        max_visits = MAX_VISITS_PER_MERGE * count
    # How many merges the visits suffice for.
    for k in range(count):
        for side in range(2):
            token = merges[k, side]
            visits += 1
            while token >= alphabet_size and visits <= max_visits:
                token = merges[token - alphabet_size, 1 - side]
                visits += 1
        if visits > max_visits:
            settled = k
            visits = max_visits
            break
    list_array = np.empty((count + visits + 1) * sizeof(ListedPair), dtype=np.uint8)
    cdef uint8_t[::1] list_bytes = list_array
    cdef ListedPair* pairs = <ListedPair*> &list_bytes[0]
    numbers = {}
    for k in range(count):
        rank = <uint16_t> k
        pair = pair_of(pairs, numbers, pair_key(merges[k, 0], merges[k, 1]), nothing)
        pair.rank = min(pair.rank, rank)  # of a pair that is listed twice, the first rank counts
    for k in range(settled):
        rank = <uint16_t> k
        for side in range(2):
            # Down the right side of the left token, and the left side of the right token.
            token = merges[k, side]
            other = merges[k, 1 - side]
            while True:
                if side == 0:
                    pair = pair_of(pairs, numbers, pair_key(token, other), nothing)
                    pair.from_left = min(pair.from_left, rank)
                else:
                    pair = pair_of(pairs, numbers, pair_key(other, token), nothing)
                    pair.from_right = min(pair.from_right, rank)
                if token < alphabet_size:
                    break
                token = merges[token - alphabet_size, 1 - side]
    listed = len(numbers)
    rank = <uint16_t> settled
    nothing.from_left = nothing.from_right = rank
    for k in range(listed):
        pairs[k].pair.from_left = min(pairs[k].pair.from_left, rank)
        pairs[k].pair.from_right = min(pairs[k].pair.from_right, rank)
    return place_pairs(pairs, listed, nothing)


cdef PairRank* pair_of(ListedPair* pairs, dict numbers, uint32_t key, PairRank nothing):
    """A pair in the list, which it enters where it is new."""
    cdef Py_ssize_t before = len(numbers), number = numbers.setdefault(key, before)
    if number == before:
        pairs[number].key = key
        pairs[number].pair = nothing
    return &pairs[number].pair


cdef place_pairs(const ListedPair* pairs, Py_ssize_t count, PairRank nothing):
    """Find a place for each pair: keys, pairs, multiplier and bits, as `build_rank_table` returns them."""
    cdef int bits = 6, tried = 0
    cdef uint64_t multiplier = 0
    cdef Py_ssize_t k
    cdef PairRank* placed
    while (<int64_t> 1 << bits) * 9 < 20 * (count + 1):  # two places a pair suffice up to half of all
        bits += 1
    while True:
        # The golden ratio, and its multiples, as odd numbers.
        multiplier += <uint64_t> 0x9E3779B97F4A7C15u
        tried += 1
        numbers_array = np.full(1 << bits, -1, dtype=np.int32)
        if place_numbers(pairs, count, multiplier | 1, bits, numbers_array):
            break
        if tried % MAX_MULTIPLIERS == 0:
            bits += 1
    cdef const int32_t[::1] numbers = numbers_array
    keys_array = np.full(1 << bits, <uint32_t> NO_PAIR, dtype=np.uint32)
    placed_array = np.empty((1 << bits) * sizeof(PairRank), dtype=np.uint8)
    cdef uint32_t[::1] keys = keys_array
    cdef uint8_t[::1] placed_bytes = placed_array
    placed = <PairRank*> &placed_bytes[0]
    for k in range(1 << bits):
        placed[k] = nothing
        if numbers[k] >= 0:
            keys[k] = pairs[numbers[k]].key
            placed[k] = pairs[numbers[k]].pair
    return keys_array, placed_array, multiplier | 1, bits


cdef bint place_numbers(
    const ListedPair* pairs, Py_ssize_t count, uint64_t multiplier, int bits, int32_t[::1] numbers
) noexcept:
    """Place the numbers of all pairs; false where some pair finds none."""
    cdef Py_ssize_t k
    cdef int32_t number, other
    cdef uint32_t place, first
    cdef uint64_t product
    cdef int moves
    for k in range(count):
        number = <int32_t> k
        place = first_place(hash_of(pairs[number].key, multiplier), bits)
        moves = 0
        while True:
            # Place 0 is nobody's.
            if place != 0:
                other = numbers[place]
                numbers[place] = number
                if other < 0:
                    break
                number = other
            if moves == MAX_MOVES:
                return False
            moves += 1
            product = hash_of(pairs[number].key, multiplier)
            first = first_place(product, bits)
            place = second_place(product, bits) if place == first else first
    return True


def look_up_pairs(table, const int32_t[:, ::1] pairs):
    """What a table says of pairs.

    Parameters
    ----------
    table
        From `build_rank_table`.
    pairs : int32 [pairs, 2]  # IN
        Token ids.

    Returns
    -------
    uint16 [pairs, 3]
        `rank`, `from_left` and `from_right` of PairRank.
    """
    cdef Py_ssize_t k
    cdef RankTable ranks
    cdef PairRank pair
    cdef const uint32_t[::1] keys = table[0]
    cdef const uint8_t[::1] listed = table[1]
    ranks.keys = &keys[0]
    ranks.pairs = <const PairRank*> &listed[0]
    ranks.multiplier = table[2]
    ranks.bits = table[3]
    found_array = np.empty((pairs.shape[0], 3), dtype=np.uint16)
    cdef uint16_t[:, ::1] found = found_array
    for k in range(pairs.shape[0]):
        pair = pair_rank(&ranks, pairs[k, 0], pairs[k, 1])
        found[k, 0] = pair.rank
        found[k, 1] = pair.from_left
        found[k, 2] = pair.from_right
    return found_array
