"""Putting symbols into cells and counting their pairs, both in one reading of the corpus; C structs, no Python."""

from libc.stdint cimport int64_t, uint8_t

from _ext.merge_passes cimport cell_t

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
    cdef uint8_t highest = 0
    if stride == 1:
        for i in range(length):
            highest = max(highest, symbols[i])
            cells[i] = symbols[i]
    else:
        for i in range(length):
            highest = max(highest, symbols[i * stride])
            cells[i] = symbols[i * stride]
    if highest >= alphabet_size:
        i = 0
        while symbols[i * stride] < alphabet_size:
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
