"""The samples of a signal as C sees them: rows of any stride, and the symbols and extremes of a row."""

from cpython.buffer cimport Py_buffer
from libc.stdint cimport int64_t, uint8_t
from libc.string cimport memcpy

cdef extern from "symbol_loops.h" nogil:
    enum:
        ECGBYTE_SYMBOL_BLOCK
        ECGBYTE_FLOAT
        ECGBYTE_DOUBLE
        ECGBYTE_INT16

    ctypedef struct SymbolFormula:
        pass

    ctypedef int64_t (*SymbolLoop)(const void*, Py_ssize_t, const SymbolFormula*, uint8_t*) noexcept nogil
    SymbolFormula ecgbyte_symbol_formula(double low, double high, double width, int letters)
    SymbolLoop ecgbyte_symbol_loop(int instruction_set, int sample_type)
    int ecgbyte_machine_instruction_set()
    int ecgbyte_chosen_instruction_set()

cdef extern from "row_extremes.h" nogil:
    void ecgbyte_extremes_float(const float* samples, Py_ssize_t length, double* lowest, double* highest)
    void ecgbyte_extremes_double(const double* samples, Py_ssize_t length, double* lowest, double* highest)


cdef inline int sample_type(const Py_buffer* view) noexcept nogil:
    """Which of the types of symbol_loops.h a buffer holds, in native byte order, or -1."""
    cdef const char* format = view.format
    if format == NULL:
        return -1
    if format[0] == c"=":  # native as well, but perhaps not aligned
        format += 1
    if format[0] == 0 or format[1] != 0:
        return -1
    if format[0] == c"f" and view.itemsize == 4:
        return ECGBYTE_FLOAT
    if format[0] == c"d" and view.itemsize == 8:
        return ECGBYTE_DOUBLE
    if format[0] == c"h" and view.itemsize == 2:
        return ECGBYTE_INT16
    return -1


cdef inline void gather(
    const char* row,  # IN: samples of `size` bytes, `stride` bytes apart, aligned or not
    Py_ssize_t stride, Py_ssize_t size, Py_ssize_t length,
    char* samples,  # OUT: room for [length]
) noexcept nogil:
    """Copy samples of a row together."""
    cdef Py_ssize_t i
    if size == 4:
        for i in range(length):
            memcpy(samples + i * 4, row + i * stride, 4)
    elif size == 8:
        for i in range(length):
            memcpy(samples + i * 8, row + i * stride, 8)
    else:
        for i in range(length):
            memcpy(samples + i * 2, row + i * stride, 2)


cdef inline int64_t symbolize_row(
    SymbolLoop loop,
    const char* row,  # IN: [length] samples of `size` bytes, `stride` bytes apart
    Py_ssize_t stride, Py_ssize_t size, Py_ssize_t length,
    const SymbolFormula* formula,
    uint8_t* symbols,  # OUT: [length]
) noexcept nogil:
    """Symbols of one row; returns how many samples were clipped, or -1 where one is not finite. O(length)."""
    cdef double together[ECGBYTE_SYMBOL_BLOCK]
    cdef Py_ssize_t start = 0, count
    cdef int64_t found, clipped = 0
    if stride == size and <size_t> row % <size_t> size == 0:
        return loop(row, length, formula, symbols)
    while start < length:
        count = min(length - start, <Py_ssize_t> ECGBYTE_SYMBOL_BLOCK)
        gather(row + start * stride, stride, size, count, <char*> together)
        found = loop(together, count, formula, symbols + start)
        if found < 0:
            return -1
        clipped += found
        start += count
    return clipped


cdef inline void row_extremes(
    const char* row,  # IN: [length] samples of `size` bytes, 4 (float) or 8 (double), `stride` bytes apart
    Py_ssize_t stride, Py_ssize_t size, Py_ssize_t length,
    double* lowest, double* highest,  # IN and OUT
) noexcept nogil:
    """Widen lowest .. highest to the samples of one row; a NaN is passed over. O(length)."""
    cdef double together[ECGBYTE_SYMBOL_BLOCK]
    cdef Py_ssize_t start = 0, count = length
    cdef bint apart = stride != size or <size_t> row % <size_t> size != 0
    cdef const void* samples = row
    while start < length:
        if apart:
            count = min(length - start, <Py_ssize_t> ECGBYTE_SYMBOL_BLOCK)
            gather(row + start * stride, stride, size, count, <char*> together)
            samples = together
        if size == sizeof(float):
            ecgbyte_extremes_float(<const float*> samples, count, lowest, highest)
        else:
            ecgbyte_extremes_double(<const double*> samples, count, lowest, highest)
        start += count
