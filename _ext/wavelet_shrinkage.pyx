"""Wavelet denoising of 12 leads side by side; the loops are in wavelet_loops.h."""

cdef extern from *:
    """
    #define LANES_LOOPS "wavelet_loops.h"
    #include "lead_lanes.h"

    static void wavelet_denoise_with(
        int instructions, double *rows, ptrdiff_t samples, int level, const double *taps, double deviation,
        double *bands)
    {
        LANES_CALL(instructions, wavelet_denoise, rows, samples, level, taps, deviation, bands);
    }
    """
    enum:
        LEAD_LANES
        WAVELET_TAPS
        WAVELET_LEVELS
    int ecgbyte_machine_instruction_set() noexcept
    int ecgbyte_chosen_instruction_set() noexcept
    void wavelet_denoise_with(
        int instructions, double* rows, Py_ssize_t samples, int level, const double* taps, double deviation,
        double* bands,
    ) noexcept nogil

cdef int machine = ecgbyte_machine_instruction_set()
cdef int chosen = ecgbyte_chosen_instruction_set()


def band_rows(Py_ssize_t samples, int level):
    """How many rows the bands of all levels take together, low and high ones."""
    cdef Py_ssize_t rows = 0
    for _ in range(level):
        samples = (samples + WAVELET_TAPS - 1) // 2
        rows += 2 * samples
    return rows


def denoise_lanes(
    double[:, ::1] lanes,  # IN and OUT: [samples, 12]
    int level,
    const double[:, ::1] taps,  # IN: [4, 12]
    double deviation,
    double[:, ::1] bands,  # scratch: [band_rows(samples, level), 12]
    int instructions=-1,
):
    """Shrink every detail coefficient of a lead by the median absolute one of its coarsest band over `deviation`.

    Parameters
    ----------
    lanes : float64 [samples, 12]
    level : int
        How often the frequency range is halved; 1 to 60, and no band to be halved may be shorter than 12 rows.
    taps : float64 [4, 12]
        Low and high filter of the analysis, low and high of the synthesis, as PyWavelets has them.
    deviation : float
    bands : float64 [band_rows(samples, level), 12]
    instructions : int
        The set of instruction_sets.h to use; -1 for the one chosen on import, and never more than the machine has.

    Notes
    -----
    O(samples), no memory of its own. The interpreter lock is released.
    """
    cdef Py_ssize_t samples = lanes.shape[0], shortest = lanes.shape[0]
    cdef int used = chosen if instructions < 0 else min(instructions, machine)
    if lanes.shape[1] != LEAD_LANES or bands.shape[1] != LEAD_LANES:
        raise ValueError(f"lanes, bands: expected {LEAD_LANES} columns")
    if taps.shape[0] != 4 or taps.shape[1] != WAVELET_TAPS:
        raise ValueError(f"taps: expected [4, {WAVELET_TAPS}]")
    if not 1 <= level <= WAVELET_LEVELS:
        raise ValueError(f"level: expected 1 to {WAVELET_LEVELS}")
    # A band is never longer than the one before it, so the last that is halved is the shortest.
    for _ in range(level - 1):
        shortest = (shortest + WAVELET_TAPS - 1) // 2
    if min(samples, shortest) < WAVELET_TAPS:
        raise ValueError(f"level: halves a band that is shorter than {WAVELET_TAPS} rows")
    if bands.shape[0] != band_rows(samples, level):
        raise ValueError("bands: expected band_rows(samples, level) rows")
    with nogil:
        wavelet_denoise_with(used, &lanes[0, 0], samples, level, &taps[0, 0], deviation, &bands[0, 0])
