"""The state of one training run, and what every merge does to the pair counts; C structs, no Python.

`table` holds the true count of every pair whose count was at least `threshold` when the pair came to be; all other
pairs are rarer than that and are not held. `heap` chooses among them. Each merge of (left, right) changes only pairs
with the cells before and after the merged ones, so it hands over two small sums (`before`, `after`: how often each
cell value stood there) and `settle_before` and `settle_after` turn them into counts.
"""

from libc.stdint cimport int64_t, uint8_t, uint16_t, uint32_t
from libc.stdlib cimport calloc, free

from _ext.pair_heap cimport PairHeap, heap_close, heap_drop_top, heap_lower_top, heap_push
from _ext.pair_table cimport PairEntry, PairTable, pair_key, table_add, table_close, table_find

cdef enum:
    BORDER_8 = 255        # the border's value while cells are bytes
    BORDER_16 = 65535     # and in 16-bit cells, where it also marks cells inside a token
    CELL_VALUES = 65536
    NOT_LISTED = 0        # a place in the pool that is written and never read: the list of all that is not listed

cdef struct MergeState:
    uint8_t* bytes        # [length] cells while ids fit, else NULL
    uint16_t* cells       # [length] cells after that, else NULL
    int64_t length        # cells in use, borders included
    uint32_t* widths      # [65536] cells that a token of each id covers; 1 right after a rebuild
    int64_t* before       # [65536] sums of the merge under way, zero between merges
    int64_t* after        # [65536]
    int64_t* before_at    # [65536] where in the pool the next position of a new pair goes, or NOT_LISTED
    int64_t* after_at     # [65536]
    PairTable table
    PairHeap heap
    int64_t threshold     # the least count of a pair that is held
    int64_t min_count
    uint32_t* pool        # [pool_capacity] the position lists
    int64_t pool_used
    int64_t pool_capacity
    uint16_t* seen_before  # [seen_capacity] cell before each merged pair of the merge under way
    uint16_t* seen_after   # [seen_capacity] and the cell after it
    int64_t seen_capacity
    bint listed           # positions are listed; else merges are passes
    bint finished         # no pair is left, or none of min_count
    int64_t work          # cells visited so far


cdef inline int state_open(MergeState* state) noexcept nogil:
    state.widths = <uint32_t*> calloc(CELL_VALUES, sizeof(uint32_t))
    state.before = <int64_t*> calloc(CELL_VALUES, sizeof(int64_t))
    state.after = <int64_t*> calloc(CELL_VALUES, sizeof(int64_t))
    state.before_at = <int64_t*> calloc(CELL_VALUES, sizeof(int64_t))
    state.after_at = <int64_t*> calloc(CELL_VALUES, sizeof(int64_t))
    if (state.widths == NULL or state.before == NULL or state.after == NULL
            or state.before_at == NULL or state.after_at == NULL):
        return -1
    return 0


cdef inline void state_close(MergeState* state) noexcept nogil:
    free(state.bytes)
    free(state.cells)
    free(state.widths)
    free(state.before)
    free(state.after)
    free(state.before_at)
    free(state.after_at)
    free(state.pool)
    free(state.seen_before)
    free(state.seen_after)
    state.bytes = NULL
    state.cells = NULL
    state.widths = NULL
    state.before = NULL
    state.after = NULL
    state.before_at = NULL
    state.after_at = NULL
    state.pool = NULL
    state.seen_before = NULL
    state.seen_after = NULL
    table_close(&state.table)
    heap_close(&state.heap)


cdef inline int hold_pair(MergeState* state, uint32_t key, int64_t count, int64_t* place) noexcept nogil:
    """Hold a new pair if it is frequent enough; `place` gets the start of its list in the pool, or NOT_LISTED."""
    cdef PairEntry* entry
    place[0] = NOT_LISTED
    if count < state.threshold:
        return 0
    entry = table_add(&state.table, key)
    if entry == NULL or heap_push(&state.heap, count, key) != 0:
        return -1
    entry.count = count
    if state.listed:
        entry.start = state.pool_used
        entry.length = count
        place[0] = state.pool_used
        state.pool_used += count
    return 0


cdef inline void lose_pairs(MergeState* state, uint32_t key, int64_t count) noexcept nogil:
    cdef PairEntry* entry = table_find(&state.table, key)
    if entry != NULL:
        entry.count -= count


cdef inline int settle_before(
    MergeState* state, uint32_t cell, uint32_t left, uint32_t token, uint32_t border
) noexcept nogil:
    """Turn `before[cell]` into counts: (cell, left) became (cell, token)."""
    cdef int64_t count = state.before[cell]
    state.before[cell] = 0
    state.before_at[cell] = NOT_LISTED
    if cell == border or count == 0:
        return 0
    if cell != token:  # else the pair between two merged ones was lost on the other side, as (right, left)
        lose_pairs(state, pair_key(cell, left), count)
    return hold_pair(state, pair_key(cell, token), count, &state.before_at[cell])


cdef inline int settle_after(
    MergeState* state, uint32_t cell, uint32_t left, uint32_t right, uint32_t token, uint32_t border, int64_t doubles
) noexcept nogil:
    """Turn `after[cell]` into counts: (right, cell) became (token, cell), except where cell was merged itself.

    `doubles` is how many merged pairs stand side by side; their cell after was `left` when it was seen.
    """
    cdef int64_t count = state.after[cell]
    state.after[cell] = 0
    state.after_at[cell] = NOT_LISTED
    if cell == border or count == 0:
        return 0
    lose_pairs(state, pair_key(right, cell), count)
    if cell == left:
        count -= doubles
    if count == 0:
        return 0
    return hold_pair(state, pair_key(token, cell), count, &state.after_at[cell])


cdef inline bint choose(MergeState* state) noexcept nogil:
    """Bring the best held pair to the top of the heap with its true count; False where none is held any more."""
    cdef PairEntry* entry
    while state.heap.size > 0:
        entry = table_find(&state.table, state.heap.entries[0].key)
        if entry.count < state.threshold:
            heap_drop_top(&state.heap)
        elif entry.count < state.heap.entries[0].count:
            heap_lower_top(&state.heap, entry.count)
        else:
            return True
    return False
