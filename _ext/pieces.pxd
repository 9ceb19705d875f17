"""A piece of a sequence: what the encoders work on.

Several pieces are encoded at once, and by several threads. So that one long sequence gains from both, it is cut into
pieces; each is encoded as if it stood alone, and then joined to the one before it (longest_joining.pxd,
merge_joining.pxd): some tokens at its beginning give way to those of a bridge from the piece before.
"""

from libc.stdint cimport int32_t, int64_t, uint8_t
from libc.stdlib cimport free, realloc

cdef struct Piece:
    const uint8_t* symbols
    const uint8_t* given  # where the symbols lie, while `symbols` leads to a copy (batch_encoding.pyx)
    int64_t length        # symbols, at least 1
    int64_t sequence      # the sequence that it belongs to; the pieces of a sequence follow each other
    bint goes_on          # it is not the first piece of its sequence
    bint ends             # it is the last piece of its sequence
    int32_t* ids          # OUT: room for one id a symbol
    int64_t tokens        # OUT: how many stand there
    int64_t settled       # OUT, longest match: how many of them do not depend on what comes behind the piece
    int64_t first         # OUT: the tokens first .. last - 1 are kept
    int64_t last
    int64_t bridge        # OUT: where in Bridges.ids the tokens begin that come before them
    int64_t bridge_tokens

cdef struct Bridges:
    int32_t* ids
    int64_t used
    int64_t capacity


cdef inline int bridges_reserve(Bridges* bridges, int64_t tokens) noexcept nogil:
    """Make room for more tokens; -1 where memory is missing."""
    cdef int64_t capacity = 2 * bridges.capacity
    cdef int32_t* ids
    if bridges.used + tokens <= bridges.capacity:
        return 0
    capacity = max(capacity, bridges.used + tokens)
    ids = <int32_t*> realloc(bridges.ids, capacity * sizeof(int32_t))
    if ids == NULL:
        return -1
    bridges.ids = ids
    bridges.capacity = capacity
    return 0


cdef inline void bridges_close(Bridges* bridges) noexcept nogil:
    free(bridges.ids)
