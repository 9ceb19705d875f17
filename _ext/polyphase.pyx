"""Resampling of 12 leads side by side with a filter for each phase; the loop is in polyphase_loops.h."""

cdef extern from *:
    """
    #define LANES_LOOPS "polyphase_loops.h"
    #include "lead_lanes.h"

    static void polyphase_with(
        int instructions, const double *rows, const double *phases, ptrdiff_t up, ptrdiff_t down, ptrdiff_t taps,
        ptrdiff_t start, ptrdiff_t count, double *resampled)
    {
        LANES_CALL(instructions, polyphase, rows, phases, up, down, taps, start, count, resampled);
    }
    """
    enum:
        LEAD_LANES
    int ecgbyte_machine_instruction_set() noexcept
    int ecgbyte_chosen_instruction_set() noexcept
    void polyphase_with(
        int instructions, const double* rows, const double* phases, Py_ssize_t up, Py_ssize_t down, Py_ssize_t taps,
        Py_ssize_t start, Py_ssize_t count, double* resampled,
    ) noexcept nogil

cdef int machine = ecgbyte_machine_instruction_set()
cdef int chosen = ecgbyte_chosen_instruction_set()


def resample_lanes(
    const double[:, ::1] lanes,  # IN: [rows, 12]
    const double[:, ::1] phases,  # IN: [up, taps]
    Py_ssize_t down,
    Py_ssize_t start,
    double[:, ::1] resampled,  # OUT: [count, 12]
    int instructions=-1,
):
    """Write new rows that lie `down` / up old rows apart.

    Row k is the sum of the last taps old rows up to row ``(start + k * down) // up``, with the weights
    ``phases[(start + k * down) % up]``.

    Parameters
    ----------
    lanes : float64 [rows, 12]
    phases : float64 [up, taps]
        From the oldest row to the newest.
    down, start : int
    resampled : float64 [count, 12]
    instructions : int
        The set of instruction_sets.h to use; -1 for the one chosen on import, and never more than the machine has.

    Raises
    ------
    ValueError
        If a new row would reach beyond the old ones.

    Notes
    -----
    O(count * taps), no memory of its own. The interpreter lock is released.
    """
    cdef Py_ssize_t up = phases.shape[0], taps = phases.shape[1], count = resampled.shape[0]
    cdef int used = chosen if instructions < 0 else min(instructions, machine)
    if lanes.shape[1] != LEAD_LANES or resampled.shape[1] != LEAD_LANES:
        raise ValueError(f"lanes, resampled: expected {LEAD_LANES} columns")
    if not (up and taps and down > 0 and start >= 0):
        raise ValueError("phases, down, start: expected one phase, tap and step or more, and a start from 0")
    if count == 0:
        return
    if start // up < taps - 1 or (start + (count - 1) * down) // up >= lanes.shape[0]:
        raise ValueError("lanes: too few rows for the new ones")
    with nogil:
        polyphase_with(used, &lanes[0, 0], &phases[0, 0], up, down, taps, start, count, &resampled[0, 0])
