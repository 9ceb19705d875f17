"""Merging by position lists: for the many pairs after the first, each of which changes only a little of the array.

A token covers `widths[id]` cells and its id stands in its first and its last cell, so both neighbours of a token are
found without links. A list holds the first cell of each place where its pair stood when the pair came to be. A place
is stale when its token has been merged since; then its cells say so: the cell of a swallowed left half has a new id,
and the first cell of a swallowed right half is marked with the border's value. As a pair can only come to be while the
younger of its two tokens does, every list is written in one merge, in rising order, and never added to.
"""

from libc.stdint cimport int64_t, uint16_t, uint32_t
from libc.stdlib cimport calloc, free, malloc, realloc

from _ext.merge_state cimport BORDER_16, MergeState, hold_pair, settle_after, settle_before
from _ext.pair_heap cimport heap_close
from _ext.pair_table cimport PairEntry, PairTable, pair_key, table_add, table_close, table_find, table_open

# A square of pair counts of this size is cheap whatever the array.
cdef enum:
    SMALL_SQUARE = 1 << 16


cdef inline int merge_listed(
    MergeState* state, PairEntry chosen, uint32_t left, uint32_t right, uint32_t token
) noexcept nogil:
    """Merge the listed places of a pair, in place; -1 where memory is missing. O(places).

    The pool must have room for two new positions a place.
    """
    cdef uint16_t* cells = state.cells
    cdef uint32_t* places = state.pool + chosen.start
    cdef uint32_t left_width = state.widths[left], right_width = state.widths[right]
    cdef uint32_t width = left_width + right_width
    cdef uint32_t place
    cdef uint16_t cell_before, cell_after
    cdef int64_t i, merged = 0, doubles

    if chosen.length > state.seen_capacity:
        free(state.seen_before)
        free(state.seen_after)
        state.seen_capacity = chosen.length
        state.seen_before = <uint16_t*> malloc(chosen.length * sizeof(uint16_t))
        state.seen_after = <uint16_t*> malloc(chosen.length * sizeof(uint16_t))
        if state.seen_before == NULL or state.seen_after == NULL:
            return -1

    for i in range(chosen.length):
        place = places[i]
        if cells[place] != left or cells[place + left_width] != right:
            continue
        cell_before = cells[place - 1]
        cell_after = cells[place + width]
        cells[place] = <uint16_t> token
        cells[place + left_width] = BORDER_16
        cells[place + width - 1] = <uint16_t> token
        state.before[cell_before] += 1
        state.after[cell_after] += 1
        if cell_before == token:
            state.seen_after[merged - 1] = <uint16_t> token
        state.seen_before[merged] = cell_before
        state.seen_after[merged] = cell_after
        places[merged] = place
        merged += 1
    state.widths[token] = width
    state.work += chosen.length + merged

    # `after[left]` must be settled even where all of its cells were merged themselves: (right, left) was lost.
    doubles = state.before[token]
    if settle_after(state, left, left, right, token, BORDER_16, doubles) != 0:
        return -1
    for i in range(merged):
        if state.before[state.seen_before[i]] != 0:
            if settle_before(state, state.seen_before[i], left, token, BORDER_16) != 0:
                return -1
        if state.after[state.seen_after[i]] != 0:
            if settle_after(state, state.seen_after[i], left, right, token, BORDER_16, doubles) != 0:
                return -1

    for i in range(merged):
        cell_before = state.seen_before[i]
        cell_after = state.seen_after[i]
        if cell_before != BORDER_16 and state.before_at[cell_before] >= 0:
            state.pool[state.before_at[cell_before]] = places[i] - state.widths[cell_before]
            state.before_at[cell_before] += 1
        if cell_after != BORDER_16 and cell_after != token and state.after_at[cell_after] >= 0:
            state.pool[state.after_at[cell_after]] = places[i]
            state.after_at[cell_after] += 1
    return 0


cdef inline void close_gaps(MergeState* state, uint32_t ids) noexcept nogil:
    """Rewrite the array with one cell a token. O(tokens)."""
    cdef int64_t read = 0, write = 0
    cdef uint16_t cell
    cdef uint32_t id
    cdef uint16_t* smaller
    while read < state.length:
        cell = state.cells[read]
        state.cells[write] = cell
        write += 1
        read += state.widths[cell]
    state.length = write
    for id in range(ids):
        state.widths[id] = 1
    smaller = <uint16_t*> realloc(state.cells, state.length * sizeof(uint16_t))
    if smaller != NULL:
        state.cells = smaller


cdef inline bint is_pair(uint16_t left, uint16_t right) noexcept nogil:
    return left != BORDER_16 and right != BORDER_16


cdef inline int open_pool(MergeState* state) noexcept nogil:
    """Room for the lists of now, and for the new pairs of merges that touch every cell once."""
    state.pool_capacity = state.pool_used + state.length + 64
    state.pool = <uint32_t*> malloc(state.pool_capacity * sizeof(uint32_t))
    return -1 if state.pool == NULL else 0


cdef inline int list_from_square(MergeState* state, uint32_t ids, int64_t share, uint32_t* square) noexcept nogil:
    """Count, hold and list pairs with a table of all ids by all ids: `square` [ids, ids], zeros. O(cells + ids^2)."""
    cdef uint16_t* cells = state.cells
    cdef int64_t i, best = 0, place
    cdef uint32_t left, right
    cdef uint32_t* entry
    for i in range(1, state.length):
        if is_pair(cells[i - 1], cells[i]):
            square[cells[i - 1] * <int64_t> ids + cells[i]] += 1
    for i in range(<int64_t> ids * ids):
        best = max(best, square[i])
    state.threshold = max(state.min_count, best // share)
    if best < state.threshold:
        state.finished = True
        return 0
    if table_open(&state.table, 1024) != 0:
        return -1
    for left in range(ids):
        for right in range(ids):
            entry = &square[left * <int64_t> ids + right]
            if hold_pair(state, pair_key(left, right), entry[0], &place) != 0:
                return -1
            entry[0] = <uint32_t> (place + 1)  # from here on: one more than where the next position goes; 0 not held
    if open_pool(state) != 0:
        return -1
    for i in range(1, state.length):
        if is_pair(cells[i - 1], cells[i]):
            entry = &square[cells[i - 1] * <int64_t> ids + cells[i]]
            if entry[0] != 0:
                state.pool[entry[0] - 1] = <uint32_t> (i - 1)
                entry[0] += 1
    return 0


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
    if open_pool(state) != 0:
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


cdef inline int rebuild(MergeState* state, uint32_t ids, bint listed, int64_t share) noexcept nogil:
    """Close the gaps, count all pairs, and hold (and list) those of at least 1/share of the best count.

    O(cells). Sets `finished` where no pair reaches `min_count`. -1 where memory is missing.
    """
    cdef uint32_t* square
    cdef int outcome
    table_close(&state.table)
    heap_close(&state.heap)
    free(state.pool)
    state.pool = NULL
    state.pool_used = 0
    state.listed = listed
    close_gaps(state, ids)
    state.work += 3 * state.length
    if not listed or <int64_t> ids * ids > state.length + SMALL_SQUARE:
        return list_from_table(state, share)
    square = <uint32_t*> calloc(<int64_t> ids * ids, sizeof(uint32_t))
    if square == NULL:
        return -1
    outcome = list_from_square(state, ids, share, square)
    free(square)
    return outcome
