"""Zero-phase filtering with second-order sections, 12 leads side by side; the loops are in zero_phase_loops.h."""

cdef extern from *:
    """
    #define LANES_LOOPS "zero_phase_loops.h"
    #include "lead_lanes.h"

    static void zero_phase_with(
        int instructions, double *rows, ptrdiff_t samples, ptrdiff_t extension, const double *sections,
        const double *resting, ptrdiff_t num_sections, double *delays, double *tail)
    {
        LANES_CALL(instructions, zero_phase, rows, samples, extension, sections, resting, num_sections, delays, tail);
    }
    """
    enum:
        LEAD_LANES
    int ecgbyte_machine_instruction_set() noexcept
    int ecgbyte_chosen_instruction_set() noexcept
    void zero_phase_with(
        int instructions, double* rows, Py_ssize_t samples, Py_ssize_t extension, const double* sections,
        const double* resting, Py_ssize_t num_sections, double* delays, double* tail,
    ) noexcept nogil

LANES = LEAD_LANES
cdef int machine = ecgbyte_machine_instruction_set()
cdef int chosen = ecgbyte_chosen_instruction_set()


def filter_lanes(
    double[:, ::1] lanes,  # IN and OUT: [samples, 12]
    Py_ssize_t extension,
    const double[:, ::1] sections,  # IN: [sections, 6]
    const double[:, ::1] resting,  # IN: [sections, 2]
    double[:, :, ::1] delays,  # scratch: [sections, 2, 12]
    double[:, ::1] tail,  # scratch: [extension, 12]
    int instructions=-1,
):
    """Filter in place, forwards and backwards, like ``scipy.signal.sosfiltfilt(padtype="odd", padlen=extension)``.

    Parameters
    ----------
    lanes : float64 [samples, 12]
    extension : int
        0 to samples - 1.
    sections : float64 [sections, 6]
        As SciPy orders them, the fourth column 1.
    resting : float64 [sections, 2]
        ``scipy.signal.sosfilt_zi(sections)``.
    delays : float64 [sections, 2, 12]
    tail : float64 [extension, 12]
    instructions : int
        The set of instruction_sets.h to use; -1 for the one chosen on import, and never more than the machine has.

    Notes
    -----
    O(sections * (samples + extension)), no memory of its own. The interpreter lock is released.
    """
    cdef Py_ssize_t samples = lanes.shape[0], count = sections.shape[0]
    cdef int used = chosen if instructions < 0 else min(instructions, machine)
    if lanes.shape[1] != LEAD_LANES or tail.shape[1] != LEAD_LANES or delays.shape[2] != LEAD_LANES:
        raise ValueError(f"lanes, tail, delays: expected {LEAD_LANES} columns")
    if not 0 <= extension < samples or tail.shape[0] != extension:
        raise ValueError("extension: expected 0 to samples - 1, and so many rows in tail")
    if sections.shape[1] != 6 or resting.shape[0] != count or resting.shape[1] != 2:
        raise ValueError("sections, resting: expected [sections, 6] and [sections, 2]")
    if delays.shape[0] != count or delays.shape[1] != 2:
        raise ValueError("delays: expected [sections, 2, 12]")
    if count == 0:
        return
    with nogil:
        zero_phase_with(
            used, &lanes[0, 0], samples, extension, &sections[0, 0], &resting[0, 0], count, &delays[0, 0, 0],
            &tail[0, 0] if extension else NULL,
        )
