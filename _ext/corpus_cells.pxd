"""The cells of a training run while they are filled: room for them, symbols put into them, borders, and their widening.

Symbols are copied and their pairs counted in one reading of the corpus.
"""

from libc.stdint cimport int64_t, uint8_t, uint16_t
from libc.stdlib cimport free, malloc, realloc

from _ext.merge_passes cimport cell_t
from _ext.merge_state cimport BORDER_8, BORDER_16, MergeState

cdef extern from "large_memory.h" nogil:
    void ecgbyte_prefer_large_pages(void* start, int64_t bytes)

# Symbols copied, then counted: few enough to be still in the nearest cache when they are counted.
cdef enum:
    PLACED_AT_ONCE = 1 << 13


cdef inline int64_t place_symbols(
    cell_t* cells,  # OUT: [length]; the cell before is written already
    const uint8_t* symbols,  # IN: [length], `stride` bytes apart
    int64_t stride,
    int64_t length,
    int64_t alphabet_size,
    int64_t* counts,  # OUT: [4, alphabet, alphabet], added to: the pairs whose right half is placed here
    bint joined,  # the cell before belongs to the same sequence
) noexcept nogil:
    """Copy symbols into cells and count their pairs; return -1, or where the first symbol outside the alphabet stands.

    The pairs go to four tables in turn, so that a run of one pair does not wait for its own last addition. O(length).
    """
    cdef int64_t i, square = alphabet_size * alphabet_size
    cdef cell_t highest = 0
    if stride == 1:
        for i in range(length):
            cells[i] = symbols[i]
    else:
        for i in range(length):
            cells[i] = symbols[i * stride]
    # Of the cells, not of the symbols: another thread may be writing those.
    for i in range(length):
        highest = max(highest, cells[i])
    if highest >= alphabet_size:
        i = 0
        while cells[i] < alphabet_size:
            i += 1
        return i
    i = 0 if joined else 1
    while i + 3 < length:
        counts[cells[i - 1] * alphabet_size + cells[i]] += 1
        counts[square + cells[i] * alphabet_size + cells[i + 1]] += 1
        counts[2 * square + cells[i + 1] * alphabet_size + cells[i + 2]] += 1
        counts[3 * square + cells[i + 2] * alphabet_size + cells[i + 3]] += 1
        i += 4
    while i < length:
        counts[cells[i - 1] * alphabet_size + cells[i]] += 1
        i += 1
    return -1


cdef inline int64_t place_part(
    MergeState* state, int64_t cell, const uint8_t* symbols, int64_t stride, int64_t length, int64_t alphabet_size,
    int64_t* counts, bint joined
) noexcept nogil:
    """`place_symbols` from `cell` on, whichever the cells are."""
    if state.bytes != NULL:
        return place_symbols(state.bytes + cell, symbols, stride, length, alphabet_size, counts, joined)
    return place_symbols(state.cells + cell, symbols, stride, length, alphabet_size, counts, joined)


cdef inline void place_border(MergeState* state, int64_t cell) noexcept nogil:
    if state.bytes != NULL:
        state.bytes[cell] = BORDER_8
    else:
        state.cells[cell] = BORDER_16


cdef inline int make_room(MergeState* state, int64_t capacity, bint as_bytes) noexcept nogil:
    """Give the cells room for `capacity`, keeping what they hold; -1 where memory is missing.

    Linux moves large arrays by their page tables, without a second copy; elsewhere both stand for a moment.
    """
    cdef uint8_t* larger_bytes
    cdef uint16_t* larger_cells
    if as_bytes:
        larger_bytes = <uint8_t*> realloc(state.bytes, capacity)
        if larger_bytes == NULL:
            return -1
        state.bytes = larger_bytes
        ecgbyte_prefer_large_pages(larger_bytes, capacity)
        return 0
    larger_cells = <uint16_t*> realloc(state.cells, capacity * sizeof(uint16_t))
    if larger_cells == NULL:
        return -1
    state.cells = larger_cells
    ecgbyte_prefer_large_pages(larger_cells, capacity * <int64_t> sizeof(uint16_t))
    return 0


cdef inline int widen(MergeState* state) noexcept nogil:
    """Turn bytes into 16-bit cells, once the passes have shortened the array; -1 where memory is missing. O(cells).

    The room behind the cells in use is given back first: 3 bytes for each cell that is left are the most at a time.
    """
    cdef int64_t i
    cdef uint8_t* smaller = <uint8_t*> realloc(state.bytes, state.length)
    if smaller != NULL:
        state.bytes = smaller
    state.cells = <uint16_t*> malloc(state.length * sizeof(uint16_t))
    if state.cells == NULL:
        return -1
    ecgbyte_prefer_large_pages(state.cells, state.length * <int64_t> sizeof(uint16_t))
    for i in range(state.length):
        state.cells[i] = state.bytes[i]
        if state.bytes[i] == BORDER_8:
            state.cells[i] = BORDER_16
    free(state.bytes)
    state.bytes = NULL
    return 0
