"""Symbols of a signal: quantisation to the letters of a small alphabet and back, in one pass.

The formula is evaluated in float64 for every input type, so a symbol never depends on how the signal was stored:
``floor(letters * clip((x - low) / width, 0, 1))``, at most ``letters - 1``, with ``width = high - low + 1e-6``.
"""

from libc.float cimport DBL_MAX, FLT_MAX
from libc.math cimport fabs, fabsf
from libc.stdint cimport int16_t, int32_t, uint8_t

ctypedef fused sample_t:
    float
    double
    int16_t


cdef inline uint8_t symbol_of(double x, double low, double width, double letters, int32_t last) noexcept nogil:
    """The symbol of one finite sample. Written without branches, so that the loops below become vector code."""
    cdef double place = (x - low) / width
    cdef int32_t symbol
    place = place if place > 0.0 else 0.0
    place = place if place < 1.0 else 1.0
    symbol = <int32_t> (letters * place)
    return <uint8_t> (symbol if symbol < last else last)


cdef inline int not_finite(sample_t x) noexcept nogil:
    """1 for NaN and the infinities, else 0; compared in the type of the sample, which more of fit into one vector."""
    if sample_t is float:
        return not fabsf(x) <= FLT_MAX
    elif sample_t is double:
        return not fabs(x) <= DBL_MAX
    else:
        return 0


cdef Py_ssize_t first_not_finite(const sample_t[:] row) noexcept nogil:
    """Index of the first NaN or infinity of row [samples], or -1."""
    cdef Py_ssize_t i
    for i in range(row.shape[0]):
        if not_finite(row[i]):
            return i
    return -1


cdef int symbolize_contiguous(
    const sample_t* row,  # IN: [samples]
    Py_ssize_t samples,
    double low, double width, double letters, int32_t last,
    uint8_t* symbols,  # OUT: [samples]
) noexcept nogil:
    """Symbols of one row without gaps; returns 1 where a sample is not finite (its symbol means nothing then)."""
    cdef Py_ssize_t i
    cdef int found = 0
    for i in range(samples):
        symbols[i] = symbol_of(<double> row[i], low, width, letters, last)
    for i in range(samples):
        found |= not_finite(row[i])
    return found


cdef int symbolize_strided(
    const sample_t[:] row,  # IN: [samples]
    double low, double width, double letters, int32_t last,
    uint8_t* symbols,  # OUT: [samples]
) noexcept nogil:
    """As symbolize_contiguous, for a row with any stride."""
    cdef Py_ssize_t i
    cdef int found = 0
    for i in range(row.shape[0]):
        symbols[i] = symbol_of(<double> row[i], low, width, letters, last)
        found |= not_finite(row[i])
    return found


def symbolize(
    const sample_t[:, :] signal,  # IN: [leads, samples]
    double low, double width, int alphabet_size,
    uint8_t[:, :] symbols,  # OUT: [leads, samples], rows without gaps
):
    """Write the symbols of a signal; return None, or (lead, sample) of the first value that is not finite.

    Parameters
    ----------
    signal : float32, float64 or int16 [leads, samples], any strides, may be read-only
    low, width : float
        Lower end of the range and its width (`high` - `low` + 1e-6), both finite, width above 0.
    alphabet_size : int
        1 to 256.
    symbols : uint8 [leads, samples]
        Where the symbols go; the samples of a lead lie side by side.

    Notes
    -----
    O(leads * samples), no memory of its own. The interpreter lock is released.
    """
    cdef Py_ssize_t lead, sample = -1
    cdef Py_ssize_t leads = signal.shape[0], samples = signal.shape[1]
    cdef bint contiguous = signal.strides[1] == sizeof(sample_t)
    cdef int found
    if symbols.shape[0] != leads or symbols.shape[1] != samples:
        raise ValueError("symbols: expected the shape of the signal")
    if samples and symbols.strides[1] != 1:
        raise ValueError("symbols: expected rows without gaps")
    if samples == 0:
        return None
    with nogil:
        for lead in range(leads):
            if contiguous:
                found = symbolize_contiguous(
                    &signal[lead, 0], samples, low, width, alphabet_size, alphabet_size - 1, &symbols[lead, 0]
                )
            else:
                found = symbolize_strided(
                    signal[lead, :], low, width, alphabet_size, alphabet_size - 1, &symbols[lead, 0]
                )
            if found:
                sample = first_not_finite(signal[lead, :])
                break
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
    if signal.shape[0] != symbols.shape[0]:
        raise ValueError("signal: expected the shape of the symbols")
    with nogil:
        for i in range(symbols.shape[0]):
            if symbols[i] >= letters:
                with gil:
                    return i
            signal[i] = levels[symbols[i]]
    return -1
