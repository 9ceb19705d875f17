"""Merging by passes over the whole array: for the first, frequent pairs, each of which shortens the array a lot.

The array is made of cells, one token a cell, with a border cell before, between and after the sequences; a border has
its own value, which is no token, so the loops need no test for ends. Pairs are counted once, in a dense table; after
that each merge only corrects it by what its own pass saw to the left and to the right of the merged pairs.

Most blocks of the array hold no place of a pair and are only moved. Byte cells are merged by `byte_passes.h` where the
machine has the instructions for it; the loop here merges what is left, 16-bit cells, and everything on other machines.
"""

from libc.stdint cimport int64_t, uint8_t, uint16_t, uint32_t
from libc.string cimport memmove

from _ext.merge_state cimport BORDER_8, BORDER_16, MergeState, settle_after, settle_before

cdef extern from "byte_passes.h" nogil:
    ctypedef struct ecgbyte_pass:
        int64_t read
        int64_t write
    ecgbyte_pass ecgbyte_pass_blocks(
        int instruction_set, uint8_t* cells, int64_t length, uint8_t left, uint8_t right, uint8_t token,
        int64_t* before, int64_t* after
    )
    void ecgbyte_fill_kept()

ctypedef fused cell_t:
    uint8_t
    uint16_t

# Cells that are looked at for the pair at once.
cdef enum:
    PASS_BLOCK = 64


cdef inline bint block_holds(const cell_t* cells, cell_t left, cell_t right) noexcept nogil:
    """Whether the pair begins in one of PASS_BLOCK cells; a loop without branches, for the compiler to vectorise."""
    cdef cell_t found = 0
    cdef int i
    for i in range(PASS_BLOCK):
        found |= (cells[i] == left) & (cells[i + 1] == right)
    return found != 0


cdef inline int64_t compact_merge(
    int instruction_set,
    cell_t* cells,  # IN and OUT: [length], begins and ends with a border
    int64_t length,
    cell_t left, cell_t right, cell_t token,
    int64_t* before,  # OUT: [ids and border], added to: how often each cell value stood before a merged pair
    int64_t* after,  # OUT: [ids and border], added to: how often each cell value stood after a merged pair
) noexcept nogil:
    """Replace (left, right) by `token` in place, runs from left to right; return the new length. O(length).

    `before` sees cells as they are after the merge (so `before[token]` counts merged pairs side by side), `after` sees
    them as they were.
    """
    cdef int64_t last = length - 1, stop
    cdef ecgbyte_pass at
    cdef cell_t cell
    at.read = 0
    at.write = 0
    if cell_t is uint8_t:
        at = ecgbyte_pass_blocks(instruction_set, cells, length, left, right, token, before, after)
    while at.read < last:
        stop = last
        if at.read + PASS_BLOCK <= last:
            if not block_holds(cells + at.read, left, right):
                if at.write != at.read:
                    memmove(cells + at.write, cells + at.read, PASS_BLOCK * sizeof(cell_t))
                at.write += PASS_BLOCK
                at.read += PASS_BLOCK
                continue
            stop = at.read + PASS_BLOCK
        while at.read < stop:
            cell = cells[at.read]
            if cell == left and cells[at.read + 1] == right:
                before[cells[at.write - 1]] += 1
                after[cells[at.read + 2]] += 1
                cells[at.write] = token
                at.read += 2
            else:
                cells[at.write] = cell
                at.read += 1
            at.write += 1
    cells[at.write] = cells[last]
    return at.write + 1


cdef inline int merge_by_pass(
    MergeState* state, int instruction_set, uint32_t left, uint32_t right, uint32_t token
) noexcept nogil:
    """Merge a pair by one pass and correct the counts of its neighbours; -1 where memory is missing. O(cells)."""
    cdef uint32_t cell, border = BORDER_16 if state.bytes == NULL else BORDER_8
    cdef int64_t doubles
    state.work += state.length
    if state.bytes != NULL:
        state.length = compact_merge(
            instruction_set, state.bytes, state.length, <uint8_t> left, <uint8_t> right, <uint8_t> token,
            state.before, state.after
        )
    else:
        state.length = compact_merge(
            instruction_set, state.cells, state.length, <uint16_t> left, <uint16_t> right, <uint16_t> token,
            state.before, state.after
        )
    state.widths[token] = 1
    state.before[border] = 0
    state.after[border] = 0
    doubles = state.before[token]
    for cell in range(token + 1):
        if settle_after(state, cell, left, right, token, border, doubles) != 0:
            return -1
    for cell in range(token + 1):
        if settle_before(state, cell, left, token, border) != 0:
            return -1
    return 0
