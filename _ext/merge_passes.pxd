"""Merging by passes over the whole array: for the first, frequent pairs, each of which shortens the array a lot.

The array is made of cells, one token a cell, with a border cell before, between and after the sequences; a border has
its own value, which is no token, so the loops need no test for ends. Pairs are counted once, in a dense table; after
that each merge only corrects it by what its own pass saw to the left and to the right of the merged pairs.
"""

from libc.stdint cimport int64_t, uint8_t, uint16_t

ctypedef fused cell_t:
    uint8_t
    uint16_t


cdef inline int64_t compact_merge(
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
    cdef int64_t read = 0, write = 0, last = length - 1
    cdef cell_t cell
    while read < last:
        cell = cells[read]
        if cell == left and cells[read + 1] == right:
            before[cells[write - 1]] += 1
            after[cells[read + 2]] += 1
            cells[write] = token
            read += 2
        else:
            cells[write] = cell
            read += 1
        write += 1
    cells[write] = cells[last]
    return write + 1
