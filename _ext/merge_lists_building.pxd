"""Counting all pairs again, and listing those that are now in play.

Done when merging by passes has ended, and whenever the best count has fallen so far that pairs which are not held may
be the best. The gaps that merged places left are closed, all pairs are counted, and those of at least 1/share of the
best count are held; then their positions are listed by one more reading of the array.
"""

from libc.stdint cimport int64_t, uint16_t, uint32_t
from libc.stdlib cimport calloc, free, malloc, realloc

from _ext.merge_lists cimport PLACES_AHEAD
from _ext.merge_state cimport BORDER_16, NOT_LISTED, MergeState, hold_pair
from _ext.pair_heap cimport heap_close
from _ext.pair_table cimport PairEntry, PairTable, pair_key, table_add, table_close, table_find, table_open

cdef extern from "large_memory.h" nogil:
    void ecgbyte_prefer_large_pages(void* start, int64_t bytes)


cdef inline void end_closing(MergeState* state, int64_t length, uint32_t ids) noexcept nogil:
    """Note that every token has one cell now, and give back the memory behind them."""
    cdef uint32_t id
    cdef uint16_t* smaller
    state.length = length
    for id in range(ids):
        state.widths[id] = 1
    smaller = <uint16_t*> realloc(state.cells, length * sizeof(uint16_t))
    if smaller != NULL:
        state.cells = smaller


cdef inline void close_gaps(MergeState* state, uint32_t ids) noexcept nogil:
    """Rewrite the array with one cell a token. O(tokens)."""
    cdef int64_t read = 0, write = 0
    cdef uint16_t cell
    while read < state.length:
        cell = state.cells[read]
        state.cells[write] = cell
        write += 1
        read += state.widths[cell]
    end_closing(state, write, ids)


cdef inline void close_gaps_and_count(MergeState* state, uint32_t ids, uint32_t* square) noexcept nogil:
    """The same, and count all pairs: `square` [ids + 1, ids + 1], zeros; the last row and column are the border's."""
    cdef uint16_t* cells = state.cells
    cdef uint32_t* widths = state.widths
    cdef int64_t read = 0, write = 0, length = state.length, side = <int64_t> ids + 1, row = ids * side
    cdef uint16_t cell
    cdef uint32_t column
    while read < length:
        cell = cells[read]
        cells[write] = cell
        write += 1
        read += widths[cell]
        column = min(cell, ids)
        square[row + column] += 1
        row = column * side
    end_closing(state, write, ids)


cdef inline int open_pool(MergeState* state, int64_t best) noexcept nogil:
    """Room for the lists of now, and for the new pairs of merges to come.

    It lasts until as many places are merged as a fair part of the array has cells, so that the array has shrunk by then
    and building lists anew stays linear over all; and at least for merging the best pair, which stands `best` times.
    """
    cdef int64_t capacity = state.pool_used + min(state.length, max(state.length // 2, 4 * best)) + 64
    if state.pool_capacity < capacity:
        free(state.pool)
        state.pool_capacity = capacity
        state.pool = <uint32_t*> malloc((capacity + PLACES_AHEAD) * sizeof(uint32_t))
        if state.pool == NULL:
            return -1
        ecgbyte_prefer_large_pages(state.pool, (capacity + PLACES_AHEAD) * <int64_t> sizeof(uint32_t))
    return 0


cdef inline int list_from_square(MergeState* state, uint32_t ids, int64_t share, uint32_t* square) noexcept nogil:
    """Count, hold and list pairs with a table of all ids by all ids, zeros. O(cells + ids^2)."""
    cdef uint16_t* cells
    cdef uint32_t* pool
    cdef int64_t i, place, side = <int64_t> ids + 1, row
    cdef uint32_t left, right, column, best = 0, at
    close_gaps_and_count(state, ids, square)
    for left in range(ids):
        square[left * side + ids] = 0
        for right in range(ids):
            best = max(best, square[left * side + right])
    for right in range(ids + 1):
        square[ids * side + right] = 0
    state.threshold = max(state.min_count, best // share)
    if best < state.threshold:
        state.finished = True
        return 0
    if table_open(&state.table, 1024) != 0:
        return -1
    # From here on the square says where the next position of a pair goes, or NOT_LISTED.
    for left in range(ids):
        for right in range(ids):
            place = NOT_LISTED
            if square[left * side + right] >= state.threshold:
                if hold_pair(state, pair_key(left, right), square[left * side + right], &place) != 0:
                    return -1
            square[left * side + right] = <uint32_t> place
    if open_pool(state, best) != 0:
        return -1
    cells = state.cells
    pool = state.pool
    row = ids * side
    for i in range(state.length):
        column = min(cells[i], ids)
        at = square[row + column]
        pool[at] = <uint32_t> (i - 1)
        square[row + column] = at + (at != NOT_LISTED)
        row = column * side
    return 0


cdef inline bint is_pair(uint16_t left, uint16_t right) noexcept nogil:
    return left != BORDER_16 and right != BORDER_16


cdef inline int list_from_table(MergeState* state, int64_t share) noexcept nogil:
    """Count, hold and (where `listed`) list pairs with a hash table: where the ids are too many for a square."""
    cdef PairTable all_pairs
    cdef PairEntry* entry
    cdef uint16_t* cells = state.cells
    cdef int64_t i, best = 0, held = 0, ignored
    if table_open(&all_pairs, 1024) != 0:
        return -1
    for i in range(1, state.length):
        if is_pair(cells[i - 1], cells[i]):
            entry = table_add(&all_pairs, pair_key(cells[i - 1], cells[i]))
            if entry == NULL:
                table_close(&all_pairs)
                return -1
            entry.count += 1
    for i in range(all_pairs.capacity):
        best = max(best, all_pairs.entries[i].count)
    state.threshold = max(state.min_count, best // share)
    if best < state.threshold:
        state.finished = True
        table_close(&all_pairs)
        return 0
    # Room for all at once: taken in the order of their slots, they would crowd the low end of a table that grows.
    for i in range(all_pairs.capacity):
        if all_pairs.entries[i].count >= state.threshold:
            held += 1
    if table_open(&state.table, held) != 0:
        table_close(&all_pairs)
        return -1
    for i in range(all_pairs.capacity):
        if hold_pair(state, all_pairs.entries[i].key, all_pairs.entries[i].count, &ignored) != 0:
            table_close(&all_pairs)
            return -1
    table_close(&all_pairs)
    if not state.listed:
        return 0
    if open_pool(state, best) != 0:
        return -1
    for i in range(state.table.capacity):
        state.table.entries[i].length = 0
    for i in range(1, state.length):
        if is_pair(cells[i - 1], cells[i]):
            entry = table_find(&state.table, pair_key(cells[i - 1], cells[i]))
            if entry != NULL:
                state.pool[entry.start + entry.length] = <uint32_t> (i - 1)
                entry.length += 1
    return 0


cdef inline int rebuild(
    MergeState* state, uint32_t ids, bint listed, int64_t share, int64_t max_square
) noexcept nogil:
    """Close the gaps, count all pairs, and hold (and list) those of at least 1/share of the best count.

    O(cells). A square of counts may have `max_square` entries. Sets `finished` where no pair reaches `min_count`. -1
    where memory is missing.
    """
    cdef uint32_t* square
    cdef int64_t entries = (<int64_t> ids + 1) * (<int64_t> ids + 1)
    cdef int outcome
    table_close(&state.table)
    heap_close(&state.heap)
    state.pool_used = NOT_LISTED + 1
    state.listed = listed
    state.work += 3 * state.length
    if not listed or entries > max_square:
        close_gaps(state, ids)
        return list_from_table(state, share)
    square = <uint32_t*> calloc(entries, sizeof(uint32_t))
    if square == NULL:
        return -1
    ecgbyte_prefer_large_pages(square, entries * <int64_t> sizeof(uint32_t))
    outcome = list_from_square(state, ids, share, square)
    free(square)
    return outcome
