"""Signals in mV to token ids in one call, and where in a signal each token lies; the kernel is in signal_share.pxd."""

from cpython.buffer cimport PyBUF_RECORDS_RO, Py_buffer, PyBuffer_Release, PyObject_GetBuffer
from cpython.bytes cimport PyBytes_FromStringAndSize
from cpython.pycapsule cimport PyCapsule_GetPointer
from libc.stdint cimport int16_t, int32_t, int64_t
from libc.stdlib cimport calloc, free
from libc.string cimport memset

from _ext.interrupts cimport pass_on
from _ext.sample_rows cimport (
    ECGBYTE_DOUBLE,
    ECGBYTE_FLOAT,
    ecgbyte_chosen_instruction_set,
    ecgbyte_machine_instruction_set,
    sample_type,
)
from _ext.sequence_matcher cimport SequenceMatcher
from _ext.signal_share cimport (
    NO_MEMORY,
    REFUSED,
    STOPPED,
    Settings,
    Share,
    encode_share,
    share_close,
    share_open,
)
from _ext.signal_share cimport SYMBOLS_TOGETHER as _SYMBOLS_TOGETHER

SYMBOLS_TOGETHER = _SYMBOLS_TOGETHER
cdef int CHOSEN_SET = ecgbyte_chosen_instruction_set()


cdef class SignalBatch:
    """Several signals as C sees them. Their buffers are held while it lives, so none can be resized or freed.

    *Thread-safety*: nothing changes after construction; what is written into the signals meanwhile may or may not be
    seen.
    """

    cdef Py_buffer* views
    cdef readonly Py_ssize_t size
    cdef readonly Py_ssize_t num_leads
    cdef readonly int64_t symbols   # in all signals together
    cdef readonly int64_t largest   # in the largest of them

    def __cinit__(self, list signals, Py_ssize_t num_leads, type record_type, sampling_rate, lead_names, checked):
        """Collect the samples of records and arrays; O(signals), no samples are copied.

        Parameters
        ----------
        signals : list of Record or float32 or float64 [leads, samples]
        num_leads : int
        record_type : type
            What has its samples in `signal`, beside `sampling_rate` and `lead_names`.
        sampling_rate, lead_names
            What those of a record should equal; None for any.
        checked : callable
            Takes the index of a signal that is not as expected here, and gives its samples as an array that is, or
            raises.
        """
        cdef Py_ssize_t index, count = len(signals)
        cdef bint expected
        self.num_leads = num_leads
        self.views = <Py_buffer*> calloc(count + 1, sizeof(Py_buffer))
        if self.views == NULL:
            raise MemoryError(f"no memory for {count} signals")
        for index in range(count):
            samples = signals[index]
            expected = True
            if isinstance(samples, record_type):
                expected = (sampling_rate is None or samples.sampling_rate == sampling_rate) and (
                    lead_names is None or samples.lead_names == lead_names
                )
                samples = samples.signal
            if not (expected and self._hold(samples)) and not self._hold(checked(index)):
                raise TypeError(f"signals: got one that is no float array of {num_leads} leads at {index}")

    cdef bint _hold(self, samples):
        """Hold the buffer of one more signal, if it is one."""
        cdef Py_buffer* view = &self.views[self.size]
        try:
            PyObject_GetBuffer(samples, view, PyBUF_RECORDS_RO)
        except (BufferError, TypeError, ValueError):  # no buffer, or of a type that has no name there
            return False
        if (
            sample_type(view) not in (ECGBYTE_FLOAT, ECGBYTE_DOUBLE)
            or view.ndim != 2 or view.shape[0] != self.num_leads or view.shape[1] < 2
        ):
            PyBuffer_Release(view)
            return False
        self.size += 1
        self.symbols += view.shape[0] * view.shape[1]
        self.largest = max(self.largest, view.shape[0] * view.shape[1])
        return True

    def __dealloc__(self):
        cdef Py_ssize_t index
        for index in range(self.size):
            PyBuffer_Release(&self.views[index])
        free(self.views)

    def samples(self):
        """Samples a lead of each signal, as a list."""
        cdef Py_ssize_t index
        return [self.views[index].shape[1] for index in range(self.size)]


cdef class SignalEncoder:
    """How signals become tokens: range, alphabet, boundary, matching.

    *Thread-safety*: nothing changes after construction. The interpreter lock is released during encoding.
    """

    cdef Settings settings
    cdef object tables  # which the matcher leads into

    def __init__(
        self, tables, bint merge_order, bint by_lead, amplitude_range, double widening, double constant_margin,
        int instruction_set=-1,
    ):
        """Take the settings.

        Parameters
        ----------
        tables : EncodingTables
        merge_order : bool
            True: merge order; False: longest match.
        by_lead : bool
            Each lead is a sequence of its own; else each signal is one, lead after lead.
        amplitude_range : (low, high) or None
            Finite, of a finite width above 0; None where each signal has its own.
        widening, constant_margin : float
            What the formula adds to high - low, and the room on each side of the only value of a constant signal.
        instruction_set : int
            As in `ecgbyte._ext.symbols.symbolize`; the best where nothing is said.
        """
        if instruction_set > ecgbyte_machine_instruction_set():
            raise ValueError(f"instruction_set: got {instruction_set}, expected one that this machine has")
        self.tables = tables
        self.settings.matcher = <const SequenceMatcher*> PyCapsule_GetPointer(tables.matcher, "ecgbyte.SequenceMatcher")
        self.settings.merge_order = merge_order
        self.settings.by_lead = by_lead
        self.settings.per_record = amplitude_range is None
        if amplitude_range is not None:
            self.settings.low, self.settings.high = amplitude_range
        self.settings.widening = widening
        self.settings.constant_margin = constant_margin
        self.settings.instruction_set = CHOSEN_SET if instruction_set < 0 else instruction_set

    def encode(
        self,
        SignalBatch signals,
        Py_ssize_t first, Py_ssize_t last, Py_ssize_t first_sequence, Py_ssize_t last_sequence,
        int64_t[:, :, ::1] counts,
        double[:, ::1] ranges,
    ):
        """Encode a share of the signals; return their ids as bytes of int32, or the index of a signal that has none.

        Parameters
        ----------
        signals : SignalBatch  # IN
        first, last, first_sequence, last_sequence : int
            Which sequences of which signals; all sequences where it is more than one signal.
        counts : int64 [2, signals, sequences of a signal]  # OUT
            Number of tokens, and number of samples outside the range.
        ranges : float64 [signals, 2]  # OUT
            Low and high.

        Notes
        -----
        O(samples). Memory: 9 bytes a symbol of the sequences that are matched together, which are 131,072 symbols or
        one longer sequence; for merge order what its kernel needs as well; and the ids.
        """
        cdef Py_ssize_t sequences = counts.shape[2]
        cdef int outcome
        cdef Share share
        if counts.shape[0] != 2 or counts.shape[1] != signals.size or ranges.shape[0] != signals.size:
            raise ValueError("counts, ranges: expected a place for each signal")
        if ranges.shape[1] != 2:
            raise ValueError("ranges: expected [signals, 2]")
        if not (0 <= first <= last <= signals.size and 0 <= first_sequence < last_sequence <= sequences):
            raise ValueError("first, last: beyond the signals or their sequences")
        if last_sequence - first_sequence != sequences and last - first != 1:
            raise ValueError("first, last: a part of the sequences can be taken of one signal only")
        if first == last:
            return b""
        if sequences != (signals.views[first].shape[0] if self.settings.by_lead else 1):
            raise ValueError("counts: expected a place for each sequence")
        memset(&share, 0, sizeof(Share))
        share.first, share.last = first, last
        share.first_sequence, share.last_sequence = first_sequence, last_sequence
        with nogil:
            outcome = share_open(&share, &self.settings, signals.views)
            if outcome != NO_MEMORY:
                outcome = encode_share(
                    &share, &self.settings, signals.views,
                    &counts[0, first, first_sequence], &counts[1, first, first_sequence], &ranges[0, 0],
                )
        try:
            if outcome == NO_MEMORY:
                raise MemoryError(f"no memory for encoding {last - first} signals")
            if outcome == STOPPED:
                pass_on()
            if outcome == REFUSED:
                return share.refused
            return PyBytes_FromStringAndSize(<const char*> share.ids, share.written * sizeof(int32_t))
        finally:
            share_close(&share)


def locate(
    const int32_t[::1] ids,  # IN: [tokens]
    const int32_t[::1] lengths,  # IN: [vocabulary]
    int64_t samples,
    int16_t[::1] leads,  # OUT: [tokens]
    int32_t[:, ::1] offsets,  # OUT: [tokens, 2]
):
    """Write the lead in which each token of a signal starts, and its samples, counted from the start of that lead.

    Raises
    ------
    ValueError
        If an id is not in the vocabulary; or if an argument has a wrong shape.

    Notes
    -----
    O(tokens). The interpreter lock is released.
    """
    cdef Py_ssize_t token, bad = -1
    cdef int64_t start = 0, lead = 0
    cdef int32_t id  # read once: another thread may be writing the ids
    if leads.shape[0] != ids.shape[0] or offsets.shape[0] != ids.shape[0] or offsets.shape[1] != 2:
        raise ValueError("leads, offsets: expected a place for each token")
    if samples < 1:
        raise ValueError(f"samples: got {samples}, expected 1 or more")
    with nogil:
        for token in range(ids.shape[0]):
            id = ids[token]
            if id < 0 or id >= lengths.shape[0]:
                bad = token
                break
            while start >= samples:
                start -= samples
                lead += 1
            leads[token] = <int16_t> lead
            offsets[token, 0] = <int32_t> start
            start += lengths[id]
            offsets[token, 1] = <int32_t> start
    if bad >= 0:
        raise ValueError(f"ids: got {ids[bad]} at {bad}, expected 0 to {lengths.shape[0] - 1}")
