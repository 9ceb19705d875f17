"""Ctrl-C in long work without the interpreter lock: looked for now and then, passed on when the lock is held again."""

from libc.stdint cimport int64_t

cdef extern from "Python.h" nogil:
    int check_signals "PyErr_CheckSignals"() noexcept

cdef enum Failure:
    NO_MEMORY = -1
    INTERRUPTED = -2   # the error is set; see `pass_on`

# Work between two looks: some tens of milliseconds, since a look may have to wait for the lock.
cdef enum:
    WORK_BETWEEN_LOOKS = 1 << 22      # symbols or places of merge order
    SYMBOLS_BETWEEN_LOOKS = 1 << 25   # by longest match, or copied


cdef inline bint interrupted() noexcept nogil:
    """Run the handlers of signals that came; whether one raised. Only the main thread ever sees one."""
    cdef int raised
    with gil:
        raised = check_signals()
    return raised != 0


cdef inline bint interrupted_after(int64_t* work, int64_t more, int64_t between=WORK_BETWEEN_LOOKS) noexcept nogil:
    """Count work, and look for signals when enough has been done."""
    work[0] += more
    if work[0] < between:
        return False
    work[0] = 0
    return interrupted()


cdef inline int pass_on() except -1:
    """Raise the error that `interrupted` found."""
    return -1
