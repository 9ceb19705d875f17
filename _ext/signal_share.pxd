"""From signals in mV to token ids: range, symbols and matching of the share of one thread.

Some sequences at a time, so that their symbols are still in the cache when the matcher reads them.
"""

from cpython.buffer cimport Py_buffer
from libc.float cimport DBL_MAX
from libc.math cimport INFINITY
from libc.stdint cimport int32_t, int64_t, uint8_t
from libc.stdlib cimport free, malloc, realloc
from libc.string cimport memset

from _ext.interrupts cimport INTERRUPTED
from _ext.sample_rows cimport (
    SymbolFormula,
    SymbolLoop,
    ecgbyte_symbol_formula,
    ecgbyte_symbol_loop,
    row_extremes,
    sample_type,
    symbolize_row,
)
from _ext.sequence_matcher cimport SequenceMatcher

cdef enum:
    # Symbols that are matched together: sequences enough for all lanes of the matcher, in a cache of 1 MB.
    SYMBOLS_TOGETHER = 1 << 17

cdef enum Outcome:
    DONE
    REFUSED
    NO_MEMORY
    STOPPED  # by Ctrl-C; the error is set

cdef struct Settings:
    const SequenceMatcher* matcher
    int instruction_set
    bint merge_order
    bint by_lead              # a sequence is a lead, else a whole signal
    bint per_record           # each signal has its own range, else low .. high
    double low, high
    double widening           # what is added to high - low
    double constant_margin    # room on each side of the only value of a constant signal

cdef struct Share:
    # Sequences first_sequence .. last_sequence - 1 of signals first .. last - 1; all of them if it is not one signal.
    Py_ssize_t first, last, first_sequence, last_sequence
    Py_ssize_t refused        # which signal it was, where that is the outcome
    uint8_t* symbols          # of the sequences at hand
    int64_t* borders          # of the same: [sequences + 1]
    Py_ssize_t sequences
    int32_t* ids              # of all sequences before: [written], room for [capacity]
    int64_t written, capacity


cdef inline void share_close(Share* share) noexcept nogil:
    free(share.symbols)
    free(share.borders)
    free(share.ids)


cdef inline int share_open(Share* share, const Settings* settings, const Py_buffer* views) noexcept nogil:
    cdef Py_ssize_t record, longest = 0, sequences = share.last_sequence - share.first_sequence
    cdef int64_t symbols = 0, length
    for record in range(share.first, share.last):
        length = views[record].shape[1] * (1 if settings.by_lead else views[record].shape[0])
        longest = max(longest, length)
        symbols += length * sequences
    share.symbols = <uint8_t*> malloc(max(longest, min(symbols, <int64_t> SYMBOLS_TOGETHER)))
    share.borders = <int64_t*> malloc(((share.last - share.first) * sequences + 1) * sizeof(int64_t))
    if share.symbols == NULL or share.borders == NULL:
        return NO_MEMORY
    share.borders[0] = 0
    return DONE


cdef inline bint own_range(const Py_buffer* view, double constant_margin, double* low, double* high) noexcept nogil:
    """The extremes of a signal, with some room around the only value of a constant one; False if that is no range.

    A NaN is passed over here, to be found with the symbols.
    """
    cdef Py_ssize_t lead
    low[0] = INFINITY
    high[0] = -INFINITY
    for lead in range(view.shape[0]):
        row_extremes(
            <const char*> view.buf + lead * view.strides[0], view.strides[1], view.itemsize, view.shape[1], low, high
        )
    if low[0] == high[0]:
        low[0] -= constant_margin
        high[0] += constant_margin
    return low[0] < high[0] and high[0] - low[0] <= DBL_MAX


cdef inline int match_symbols(Share* share, const Settings* settings, int64_t* tokens) noexcept nogil:
    """Encode the sequences at hand, after which there are none; tokens: OUT, [sequences]."""
    cdef int64_t count, needed = share.written + share.borders[share.sequences]
    cdef int32_t* ids
    if share.sequences == 0:
        return DONE
    if needed > share.capacity:
        share.capacity = max(needed, 2 * share.capacity)
        ids = <int32_t*> realloc(share.ids, share.capacity * sizeof(int32_t))
        if ids == NULL:
            return NO_MEMORY
        share.ids = ids
    count = settings.matcher.match(
        settings.matcher, share.symbols, share.borders, share.sequences, settings.merge_order,
        share.ids + share.written, tokens
    )
    if count == INTERRUPTED:
        return STOPPED
    if count < 0:
        return NO_MEMORY
    share.written += count
    share.sequences = 0
    return DONE


cdef inline int encode_share(
    Share* share,  # IN and OUT, opened
    const Settings* settings,
    const Py_buffer* views,  # IN: [signals], each of float or double [leads, samples]
    int64_t* tokens,  # OUT: [sequences of the share]
    int64_t* clipped,  # OUT: [sequences of the share] samples outside the range
    double* ranges,  # OUT: [signals, 2] low and high of those whose first sequence is in the share
) noexcept nogil:
    """Encode a share; REFUSED where a signal has no range or a sample that is not finite, STOPPED. O(samples)."""
    cdef Py_ssize_t record, sequence, lead, leads, samples
    cdef int outcome
    cdef int64_t end, outside
    cdef double low = settings.low, high = settings.high
    cdef const Py_buffer* view
    cdef SymbolFormula formula
    cdef SymbolLoop loop
    for record in range(share.first, share.last):
        view = &views[record]
        samples = view.shape[1]
        leads = 1 if settings.by_lead else view.shape[0]
        if settings.per_record and not own_range(view, settings.constant_margin, &low, &high):
            share.refused = record
            return REFUSED
        if share.first_sequence == 0:
            ranges[2 * record] = low
            ranges[2 * record + 1] = high
        loop = ecgbyte_symbol_loop(settings.instruction_set, sample_type(view))
        formula = ecgbyte_symbol_formula(low, high, high - low + settings.widening, settings.matcher.alphabet_size)
        for sequence in range(share.first_sequence, share.last_sequence):
            end = share.borders[share.sequences]
            if share.sequences and end + leads * samples > SYMBOLS_TOGETHER:
                lead = share.sequences
                outcome = match_symbols(share, settings, tokens)
                if outcome != DONE:
                    return outcome
                tokens += lead
                end = 0
            clipped[0] = 0
            for lead in range(sequence * leads, (sequence + 1) * leads):
                outside = symbolize_row(
                    loop, <const char*> view.buf + lead * view.strides[0], view.strides[1], view.itemsize, samples,
                    &formula, share.symbols + end
                )
                if outside < 0:
                    share.refused = record
                    return REFUSED
                clipped[0] += outside
                end += samples
            clipped += 1
            share.sequences += 1
            share.borders[share.sequences] = end
    return match_symbols(share, settings, tokens)
