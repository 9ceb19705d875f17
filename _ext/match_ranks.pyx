"""Building the tables of merge_ranks.pxd, merge_order.pxd and merge_runs.pxd, once for a vocabulary."""

import numpy as np

from libc.stdint cimport int32_t, int64_t, uint8_t, uint16_t, uint32_t, uint64_t

from _ext.merge_ranks cimport PairRank, RankEntry, RankTable, pair_rank, slot_of
from _ext.merge_runs cimport MAX_LEVELS, MAX_RUN_TOKENS
from _ext.pair_table cimport NO_PAIR, pair_key


# Halves of halves that are visited for the bounds of early merges; vocabularies of signals need two or three a merge.
MAX_VISITS_PER_MERGE = 16


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
    entries : uint8 [capacity * 12]
        RankEntry of merge_ranks.pxd.
    shift : int
        64 - log2(capacity).
    settled : int
        So many merges have bounds; this is the bound of pairs that none of them takes a token of.

    Notes
    -----
    O(merges).
    """
    cdef Py_ssize_t count = merges.shape[0], k, settled
    cdef int64_t visits
    cdef int side
    cdef int32_t token, other
    cdef uint32_t slot
    cdef PairRank pair, nothing
    cdef RankEntry* entries
    nothing.rank = nothing.from_left = nothing.from_right = <uint16_t> count
    if max_visits < 0:
        max_visits = MAX_VISITS_PER_MERGE * count
    # How many merges the visits suffice for.
    visits = 0
    settled = count
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
    found_array, shift = empty_table(count + visits, nothing)
    cdef uint8_t[::1] found_bytes = found_array
    cdef RankTable found
    open_table(&found, found_bytes, shift)
    entries = <RankEntry*> found.entries
    for k in range(count):
        slot = add_pair(&found, merges[k, 0], merges[k, 1], nothing)
        entries[slot].pair.rank = min(entries[slot].pair.rank, <uint16_t> k)  # of a pair listed twice the first counts
    for k in range(settled):
        for side in range(2):
            # Down the right side of the left token, and the left side of the right token.
            token = merges[k, side]
            other = merges[k, 1 - side]
            while True:
                if side == 0:
                    slot = add_pair(&found, token, other, nothing)
                    entries[slot].pair.from_left = min(entries[slot].pair.from_left, <uint16_t> k)
                else:
                    slot = add_pair(&found, other, token, nothing)
                    entries[slot].pair.from_right = min(entries[slot].pair.from_right, <uint16_t> k)
                if token < alphabet_size:
                    break
                token = merges[token - alphabet_size, 1 - side]
    # The table that is kept is only as large as the pairs need it.
    cdef Py_ssize_t taken = 0
    for k in range(found.mask + 1):
        taken += entries[k].key != NO_PAIR
    nothing.from_left = nothing.from_right = <uint16_t> settled
    kept_array, shift = empty_table(taken, nothing)
    cdef uint8_t[::1] kept_bytes = kept_array
    cdef RankTable kept
    open_table(&kept, kept_bytes, shift)
    for k in range(found.mask + 1):
        if entries[k].key != NO_PAIR:
            pair = entries[k].pair
            pair.from_left = min(pair.from_left, nothing.from_left)
            pair.from_right = min(pair.from_right, nothing.from_right)
            add_pair(&kept, entries[k].key >> 16, entries[k].key & 0xFFFF, pair)
    return kept_array, shift, settled


cdef empty_table(Py_ssize_t pairs, PairRank nothing):
    """The bytes of a table with room for so many pairs, at most a quarter of it taken, and its shift."""
    cdef Py_ssize_t capacity = 64, k
    cdef int shift = 64 - 6
    cdef RankEntry* entries
    while capacity < 8 * pairs:
        capacity *= 2
        shift -= 1
    entries_array = np.empty(capacity * sizeof(RankEntry), dtype=np.uint8)
    cdef uint8_t[::1] entry_bytes = entries_array
    entries = <RankEntry*> &entry_bytes[0]
    for k in range(capacity):
        entries[k].key = NO_PAIR
        entries[k].pair = nothing
    return entries_array, shift


cdef void open_table(RankTable* table, const uint8_t[::1] entries, int shift) noexcept:
    table.entries = <const RankEntry*> &entries[0]
    table.shift = shift
    table.mask = <uint32_t> ((<uint64_t> 1 << (64 - shift)) - 1)


cdef uint32_t add_pair(RankTable* table, uint32_t left, uint32_t right, PairRank pair) noexcept:
    """The entry of a pair, which gets `pair` where it is new."""
    cdef uint32_t key = pair_key(left, right)
    cdef uint32_t slot = slot_of(table, key)
    cdef RankEntry* entry = <RankEntry*> table.entries + slot
    if entry.key == NO_PAIR:
        entry.key = key
        entry.pair = pair
    return slot


def build_runs(const int32_t[:, :] merges, int alphabet_size, const uint8_t[::1] entries, int shift):
    """The tables of merge_runs.pxd.

    Parameters
    ----------
    merges : int32 [merges, 2]  # IN
    alphabet_size : int
    entries, shift
        From `build_rank_table`.

    Returns
    -------
    levels, first, ids, pairs, digits : uint8 [alphabet], uint16 [alphabet], uint16 [run tokens], \
uint8 [run tokens ** 2 * 6], uint16 [2 ** MAX_LEVELS * (MAX_LEVELS + 1)]
        See RunTables.

    Notes
    -----
    O(merges + run tokens ** 2).
    """
    cdef Py_ssize_t k, count = merges.shape[0]
    cdef int side, symbol, level, number, digit
    cdef int32_t token
    cdef int64_t doubling
    # The first merge that takes each token, and the first that doubles it.
    cdef int64_t[::1] taken = np.full(alphabet_size + count, count, dtype=np.int64)
    cdef int64_t[::1] doubled = np.full(alphabet_size + count, count, dtype=np.int64)
    for k in range(count - 1, -1, -1):
        for side in range(2):
            taken[merges[k, side]] = k
        if merges[k, 0] == merges[k, 1]:
            doubled[merges[k, 0]] = k
    chains = [[symbol] for symbol in range(alphabet_size)]
    total = alphabet_size
    for level in range(MAX_LEVELS):
        longer = {}
        for symbol in range(alphabet_size):
            if len(chains[symbol]) <= level:
                continue
            token = chains[symbol][level]
            doubling = doubled[token]
            if doubling < count and doubling == taken[token]:
                longer[symbol] = alphabet_size + doubling
        if total + len(longer) > MAX_RUN_TOKENS:
            break
        total += len(longer)
        for symbol, following in longer.items():
            chains[symbol].append(following)
    levels = np.array([len(chain) - 1 for chain in chains], dtype=np.uint8)
    first = (np.cumsum(levels + 1, dtype=np.int64) - levels - 1).astype(np.uint16)
    ids = np.concatenate(chains).astype(np.uint16)
    pairs_array = np.empty(total * total * sizeof(PairRank), dtype=np.uint8)
    cdef uint8_t[::1] pair_bytes = pairs_array
    cdef const uint16_t[::1] run_ids = ids
    cdef PairRank* pairs = <PairRank*> &pair_bytes[0]
    cdef RankTable table
    open_table(&table, entries, shift)
    for k in range(run_ids.shape[0]):
        for number in range(run_ids.shape[0]):
            pairs[k * run_ids.shape[0] + number] = pair_rank(&table, run_ids[k], run_ids[number])
    digits_array = np.zeros((1 << MAX_LEVELS, MAX_LEVELS + 1), dtype=np.uint16)
    cdef uint16_t[:, ::1] digits = digits_array
    for number in range(1 << MAX_LEVELS):
        for digit in range(MAX_LEVELS - 1, -1, -1):
            if (number >> digit) & 1:
                digits[number, digits[number, MAX_LEVELS]] = <uint16_t> digit
                digits[number, MAX_LEVELS] += 1
    return levels, first, ids, pairs_array, digits_array.reshape(-1)


def build_merge_arrays(const int32_t[:, :] merges, int alphabet_size, const uint16_t[::1] run_ids):
    """The sides of merges, and the tokens as sides and in cells.

    Parameters
    ----------
    merges : int32 [merges, 2]  # IN
    alphabet_size : int
    run_ids : uint16 [run tokens]  # IN

    Returns
    -------
    lefts, rights, is_left, is_right, widths : uint16 [merges + 1], the same, uint8 [tokens], the same, int32 [tokens]
        See MergeTables.
    """
    cdef Py_ssize_t k, count = merges.shape[0]
    lefts_array = np.zeros(count + 1, dtype=np.uint16)
    rights_array = np.zeros(count + 1, dtype=np.uint16)
    is_left_array = np.zeros(alphabet_size + count, dtype=np.uint8)
    is_right_array = np.zeros(alphabet_size + count, dtype=np.uint8)
    widths_array = np.zeros(alphabet_size + count, dtype=np.int32)
    cdef uint16_t[::1] lefts = lefts_array, rights = rights_array
    cdef uint8_t[::1] is_left = is_left_array, is_right = is_right_array
    cdef int32_t[::1] widths = widths_array
    for k in range(run_ids.shape[0]):
        widths[run_ids[k]] = 1
    for k in range(count):
        lefts[k] = <uint16_t> merges[k, 0]
        rights[k] = <uint16_t> merges[k, 1]
        is_left[merges[k, 0]] = True
        is_right[merges[k, 1]] = True
        if widths[alphabet_size + k] == 0:
            widths[alphabet_size + k] = widths[merges[k, 0]] + widths[merges[k, 1]]
    return lefts_array, rights_array, is_left_array, is_right_array, widths_array
