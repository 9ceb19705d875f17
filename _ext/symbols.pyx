"""Symbols of a signal: quantisation to the letters of a small alphabet and back, in one pass.

A symbol never depends on how the signal was stored: it is that of the formula in float64 for every type of sample,
``floor(letters * clip((x - low) / width, 0, 1))``, at most ``letters - 1``, with ``width = high - low + 1e-6``. The
loop that comes to it is in symbol_block.h.
"""

from cpython.buffer cimport PyBUF_RECORDS, PyBUF_RECORDS_RO, Py_buffer, PyBuffer_Release, PyObject_GetBuffer
from libc.float cimport DBL_MAX
from libc.math cimport fabs
from libc.stdint cimport uint8_t
from libc.string cimport memcpy

from _ext.sample_rows cimport (
    ECGBYTE_DOUBLE,
    ECGBYTE_FLOAT,
    SymbolFormula,
    SymbolLoop,
    ecgbyte_chosen_instruction_set,
    ecgbyte_machine_instruction_set,
    ecgbyte_symbol_formula,
    ecgbyte_symbol_loop,
    sample_type,
    symbolize_row,
)

cdef int CHOSEN_SET = ecgbyte_chosen_instruction_set()
# How many sets of instructions this machine has; `symbolize` takes 0 .. INSTRUCTION_SETS - 1.
INSTRUCTION_SETS = ecgbyte_machine_instruction_set() + 1


cdef Py_ssize_t first_not_finite(const char* row, Py_ssize_t stride, int kind, Py_ssize_t length) noexcept nogil:
    """Index of the first NaN or infinity of row [length], or -1."""
    cdef Py_ssize_t i
    cdef float single
    cdef double x = 0.0  # as which every int16 is finite
    for i in range(length):
        if kind == ECGBYTE_FLOAT:
            memcpy(&single, row + i * stride, sizeof(float))
            x = single
        elif kind == ECGBYTE_DOUBLE:
            memcpy(&x, row + i * stride, sizeof(double))
        if not fabs(x) <= DBL_MAX:
            return i
    return -1


def symbolize(
    signal,  # IN: [samples] or [leads, samples]
    double low, double width, int alphabet_size,
    symbols,  # OUT: shape of signal, rows without gaps
    Py_ssize_t first=0, Py_ssize_t last=-1, int instruction_set=-1,
):
    """Write the symbols of a signal; return None, or (lead, sample) of the first value that is not finite.

    Parameters
    ----------
    signal : float32, float64 or int16 [samples] or [leads, samples], any strides, may be read-only
    low, width : float
        Lower end of the range and its width (`high` - `low` + 1e-6), both finite, width above 0.
    alphabet_size : int
        1 to 256.
    symbols : uint8, shape of `signal`
        Where the symbols go; the samples of a lead lie side by side.
    first, last : int
        Only the samples `first` .. `last` - 1 of each lead; all of them where nothing is said.
    instruction_set : int
        Which of the INSTRUCTION_SETS to use; the best where nothing is said. The symbols do not depend on it.

    Raises
    ------
    ValueError
        If an argument is none of these.

    Notes
    -----
    O(leads * samples), no memory of its own. The interpreter lock is released.
    """
    cdef Py_buffer read, written
    cdef int kind
    cdef Py_ssize_t lead = 0, sample = -1, leads, samples, lead_stride, symbol_stride
    cdef SymbolFormula formula
    cdef SymbolLoop loop
    cdef const char* row
    if not 1 <= alphabet_size <= 256:
        raise ValueError(f"alphabet_size: got {alphabet_size}, expected 1 to 256")
    if not (fabs(low) <= DBL_MAX and 0.0 < width <= DBL_MAX):
        raise ValueError(f"low, width: got {low} and {width}, expected finite numbers and a width above 0")
    if instruction_set >= <int> INSTRUCTION_SETS:
        raise ValueError(f"instruction_set: got {instruction_set}, expected less than {INSTRUCTION_SETS}")
    PyObject_GetBuffer(signal, &read, PyBUF_RECORDS_RO)
    try:
        PyObject_GetBuffer(symbols, &written, PyBUF_RECORDS)
        try:
            kind = sample_type(&read)
            if kind < 0 or read.ndim not in (1, 2):
                raise ValueError("signal: expected float32, float64 or int16 [samples] or [leads, samples]")
            samples = read.shape[read.ndim - 1]
            leads = read.shape[0] if read.ndim == 2 else 1
            if written.itemsize != 1 or written.ndim != read.ndim or written.shape[written.ndim - 1] != samples:
                raise ValueError("symbols: expected uint8 of the shape of the signal")
            if read.ndim == 2 and written.shape[0] != leads:
                raise ValueError("symbols: expected uint8 of the shape of the signal")
            if samples > 1 and written.strides[written.ndim - 1] != 1:
                raise ValueError("symbols: expected rows without gaps")
            last = samples if last < 0 else last
            if not 0 <= first <= last <= samples:
                raise ValueError(f"first, last: got {first} and {last}, expected a part of {samples} samples")
            lead_stride = read.strides[0] if read.ndim == 2 else 0
            symbol_stride = written.strides[0] if read.ndim == 2 else 0
            loop = ecgbyte_symbol_loop(CHOSEN_SET if instruction_set < 0 else instruction_set, kind)
            with nogil:
                # Nothing is done with the number of clipped samples here, so any finite end will do.
                formula = ecgbyte_symbol_formula(low, min(low + width, DBL_MAX), width, alphabet_size)
                for lead in range(leads):
                    row = <const char*> read.buf + lead * lead_stride + first * read.strides[read.ndim - 1]
                    if symbolize_row(
                        loop, row, read.strides[read.ndim - 1], read.itemsize, last - first, &formula,
                        <uint8_t*> written.buf + lead * symbol_stride + first,
                    ) < 0:
                        sample = first + first_not_finite(row, read.strides[read.ndim - 1], kind, last - first)
                        break
        finally:
            PyBuffer_Release(&written)
    finally:
        PyBuffer_Release(&read)
    return None if sample < 0 else (lead, sample)


def desymbolize(
    const uint8_t[::1] symbols,  # IN: [symbols]
    const float[::1] levels,  # IN: [alphabet_size]
    float[::1] signal,  # OUT: [symbols]
):
    """Write the level of each symbol; return the index of the first symbol outside the alphabet, or -1.

    Parameters
    ----------
    symbols : uint8 [symbols]
    levels : float32 [alphabet_size]
        The amplitude that each symbol stands for.
    signal : float32 [symbols]
        Where the amplitudes go.

    Notes
    -----
    O(symbols), no memory of its own. The interpreter lock is released.
    """
    cdef Py_ssize_t i
    cdef Py_ssize_t letters = levels.shape[0]
    cdef uint8_t symbol  # read once: another thread may be writing the symbols
    if signal.shape[0] != symbols.shape[0]:
        raise ValueError("signal: expected the shape of the symbols")
    with nogil:
        for i in range(symbols.shape[0]):
            symbol = symbols[i]
            if symbol >= letters:
                with gil:
                    return i
            signal[i] = levels[symbol]
    return -1
