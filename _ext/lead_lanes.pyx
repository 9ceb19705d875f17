"""From signals with one lead after another to signals with the leads side by side, and back."""

cdef extern from *:
    """
    #define LEAD_LANES 12
    """
    enum:
        LEAD_LANES

ctypedef fused sample_t:
    float
    double

LANES = LEAD_LANES


def to_lanes(
    const sample_t[:, :] signal,  # IN: [leads, samples]
    double[:, ::1] lanes,  # OUT: [samples, 12]
):
    """Write a signal with its leads side by side; lanes without a lead become 0.

    Parameters
    ----------
    signal : float32 or float64 [leads, samples], any strides, 12 leads at most
    lanes : float64 [samples, 12]

    Notes
    -----
    O(samples), no memory of its own. The interpreter lock is released.
    """
    cdef Py_ssize_t leads = signal.shape[0], lead, sample
    if leads > LEAD_LANES or lanes.shape[0] != signal.shape[1] or lanes.shape[1] != LEAD_LANES:
        raise ValueError(f"lanes: expected [samples, {LEAD_LANES}], and so many leads at most")
    with nogil:
        for sample in range(lanes.shape[0]):
            for lead in range(leads):
                lanes[sample, lead] = signal[lead, sample]
            for lead in range(leads, LEAD_LANES):
                lanes[sample, lead] = 0


def from_lanes(
    const double[:, ::1] lanes,  # IN: [samples, 12]
    sample_t[:, ::1] signal,  # OUT: [leads, samples]
):
    """Write one lead after another, as many as `signal` has rows: the reverse of to_lanes.

    Parameters
    ----------
    lanes : float64 [samples, 12]
    signal : float32 or float64 [leads, samples], 12 leads at most

    Notes
    -----
    O(samples), no memory of its own. The interpreter lock is released.
    """
    cdef Py_ssize_t leads = signal.shape[0], lead, sample
    if leads > LEAD_LANES or lanes.shape[0] != signal.shape[1] or lanes.shape[1] != LEAD_LANES:
        raise ValueError(f"signal: expected [leads, samples] of the lanes, and {LEAD_LANES} leads at most")
    with nogil:
        for sample in range(lanes.shape[0]):
            for lead in range(leads):
                signal[lead, sample] = <sample_t> lanes[sample, lead]
