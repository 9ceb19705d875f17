"""Joining pieces that were encoded by longest match.

Greedy matching that starts at the same token border twice takes the same tokens twice. So from the last border of the
piece before that does not depend on what followed it, matching goes on into the piece until one of its borders is also
a border of the tokens that the piece has got alone: from there on they are right. Often that is after a few tokens;
where it never comes (constant or periodic symbols), matching goes on to the end of the sequence, and the whole has
cost twice the work.
"""

from libc.stdint cimport int32_t, int64_t, uint8_t, uint32_t

from _ext.interrupts cimport INTERRUPTED, NO_MEMORY, SYMBOLS_BETWEEN_LOOKS, interrupted_after
from _ext.longest_match cimport ROOT, MatchTables, Walk, step_once, step_t, write_pops
from _ext.pieces cimport Bridges, Piece, bridges_reserve


cdef inline int64_t unsettled_symbols(const Piece* piece, const int32_t* lengths) noexcept nogil:
    """How many symbols the tokens cover that a piece has got only because it ends."""
    cdef int64_t k, symbols = 0
    for k in range(piece.settled, piece.tokens):
        symbols += lengths[piece.ids[k]]
    return symbols


cdef inline int join_longest(
    const MatchTables* tables,
    const step_t* steps,
    const int32_t* lengths,  # IN: [tokens of the vocabulary]
    uint8_t last_letter,
    Piece* pieces,  # IN and OUT: [count], encoded
    int64_t count,
    Bridges* bridges,  # OUT
) noexcept nogil:
    """Set what is kept of each piece, and the bridges; a Failure where it cannot be. O(symbols) at most.

    Symbols outside the alphabet (an array that another thread writes) are taken for its last letter.
    """
    cdef Piece* piece
    cdef int64_t k, read
    cdef int64_t border = 0  # of the bridge, in symbols from the beginning of the piece
    cdef int64_t other = 0   # of the piece alone
    cdef bint bridging = False
    cdef Walk walk
    cdef int32_t* written
    cdef int64_t work = 0
    for k in range(count):
        piece = &pieces[k]
        piece.first = 0
        piece.last = piece.tokens if piece.ends else piece.settled
        piece.bridge = bridges.used
        piece.bridge_tokens = 0
        if not piece.goes_on:
            bridging = False
            continue
        if not bridging:
            # The path that the piece before was on when it ended, from its last settled border.
            border = -unsettled_symbols(&pieces[k - 1], lengths)
            walk.node = ROOT
            read = border
        else:
            border -= pieces[k - 1].length
            read = 0
        if bridges_reserve(bridges, piece.length - border) != 0:
            return NO_MEMORY
        walk.out = written = bridges.ids + bridges.used
        other = 0
        bridging = True
        while True:
            # Both borders up to the first one that they share.
            while other < border and piece.first < piece.last:
                other += lengths[piece.ids[piece.first]]
                piece.first += 1
            if other == border:
                bridging = False
                break
            if read == piece.length:
                break
            walk = step_once(tables, steps, walk, min(piece.symbols[read], last_letter))
            read += 1
            while written < walk.out:
                border += lengths[written[0]]
                written += 1
        if bridging:
            piece.first = piece.last
            if piece.ends:
                while walk.node != ROOT:
                    walk.out += write_pops(tables, walk.node, walk.out)
                    walk.node = tables.failure[walk.node]
        piece.bridge_tokens = walk.out - (bridges.ids + piece.bridge)
        bridges.used += piece.bridge_tokens
        if interrupted_after(&work, read, SYMBOLS_BETWEEN_LOOKS):
            return INTERRUPTED
    return 0
