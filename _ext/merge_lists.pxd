"""Merging by position lists: for the many pairs after the first, each of which changes only a little of the array.

A token covers `widths[id]` cells and its id stands in its first and its last cell, so both neighbours of a token are
found without links. A list holds the first cell of each place where its pair stood when the pair came to be. A place
is stale when its token has been merged since; then its cells say so: the cell of a swallowed left half has a new id,
and the first cell of a swallowed right half is marked with the border's value. As a pair can only come to be while the
younger of its two tokens does, every list is written in one merge, in rising order, and never added to.
"""

from libc.stdint cimport int64_t, uint16_t, uint32_t
from libc.stdlib cimport free, malloc

from _ext.merge_state cimport BORDER_16, NOT_LISTED, MergeState, settle_after, settle_before
from _ext.pair_table cimport PairEntry

cdef extern from "large_memory.h" nogil:
    void ecgbyte_prefetch(const void* place)

# Places ahead of the one being merged whose cells are fetched from memory.
cdef enum:
    PLACES_AHEAD = 16


cdef inline int make_seen(MergeState* state, int64_t places) noexcept nogil:
    """Room for the neighbours of `places` merged pairs; -1 where memory is missing."""
    if places > state.seen_capacity:
        free(state.seen_before)
        free(state.seen_after)
        state.seen_capacity = places
        state.seen_before = <uint16_t*> malloc(places * sizeof(uint16_t))
        state.seen_after = <uint16_t*> malloc(places * sizeof(uint16_t))
        if state.seen_before == NULL or state.seen_after == NULL:
            return -1
    return 0


cdef inline int64_t rewrite_places(
    MergeState* state, uint32_t* places, int64_t listed, uint32_t left, uint32_t right, uint32_t token
) noexcept nogil:
    """Write `token` over the places that are not stale, keep those at the front of the list, and return how many.

    What stood before and after them is summed in `before` and `after`, and kept in `seen_before` and `seen_after`.
    """
    cdef uint16_t* cells = state.cells
    cdef uint32_t left_width = state.widths[left]
    cdef uint32_t width = left_width + state.widths[right]
    cdef uint32_t place
    cdef uint16_t cell_before, cell_after
    cdef int64_t i, merged = 0
    for i in range(listed):
        # The lists end in as many spare positions, so the one ahead can be read.
        ecgbyte_prefetch(&cells[places[i + PLACES_AHEAD]])
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
    return merged


cdef inline int merge_listed(
    MergeState* state, PairEntry chosen, uint32_t left, uint32_t right, uint32_t token
) noexcept nogil:
    """Merge the listed places of a pair, in place; -1 where memory is missing. O(places).

    The pool must have room for two new positions a place.
    """
    cdef uint32_t* places = state.pool + chosen.start
    cdef uint16_t cell_before, cell_after
    cdef int64_t i, merged, doubles, at

    if make_seen(state, chosen.length) != 0:
        return -1
    merged = rewrite_places(state, places, chosen.length, left, right, token)
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

    # New lists. What is not listed (borders too, and `token` as the cell after: its pair is listed by the cell before)
    # is written to a place that nobody reads, which costs less than to ask.
    for i in range(merged):
        cell_before = state.seen_before[i]
        cell_after = state.seen_after[i]
        at = state.before_at[cell_before]
        state.pool[at] = places[i] - state.widths[cell_before]
        state.before_at[cell_before] = at + (at != NOT_LISTED)
        at = state.after_at[cell_after]
        state.pool[at] = places[i]
        state.after_at[cell_after] = at + (at != NOT_LISTED)
    return 0
