"""Building the tables of merge_order.pxd and merge_runs.pxd, once for a vocabulary."""

import numpy as np

from libc.stdint cimport int32_t, int64_t, uint8_t, uint16_t, uint32_t

from _ext.merge_ranks cimport PairRank, RankTable, pair_rank
from _ext.merge_runs cimport MAX_LEVELS, MAX_RUN_TOKENS


def build_runs(const int32_t[:, :] merges, int alphabet_size, table):
    """The tables of merge_runs.pxd.

    Parameters
    ----------
    merges : int32 [merges, 2]  # IN
    alphabet_size : int
    table
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
    cdef const uint32_t[::1] keys = table[0]
    cdef const uint8_t[::1] listed = table[1]
    cdef RankTable rank_table
    rank_table.keys = &keys[0]
    rank_table.pairs = <const PairRank*> &listed[0]
    rank_table.multiplier = table[2]
    rank_table.bits = table[3]
    for k in range(run_ids.shape[0]):
        for number in range(run_ids.shape[0]):
            pairs[k * run_ids.shape[0] + number] = pair_rank(&rank_table, run_ids[k], run_ids[number])
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
