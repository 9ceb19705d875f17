"""Joining pieces that were encoded in merge order.

No merge crosses a border between two final tokens, so what becomes of the symbols on its two sides does not depend on
each other, and a row of tokens is the encoding of its symbols just when each two neighbours are the encoding of
theirs. So two encodings of overlapping symbols that share a token (the same id at the same place) may be spliced
there: all neighbours are then neighbours in one of the two.

The bridge between two pieces is the encoding of the last `AROUND` tokens of the one and the first of the other. It is
spliced into both. Where it shares no token with the right piece (constant or periodic symbols), all of that piece is
encoded again behind the tokens of the left; where it shares none with the left piece, more of it is taken, and at last
the whole sequence is encoded in one piece.
"""

from libc.stdint cimport int32_t, int64_t
from libc.string cimport memmove

from _ext.interrupts cimport NO_MEMORY
from _ext.merge_order cimport MergeScratch, MergeTables, match_merge_order
from _ext.pieces cimport Bridges, Piece, bridges_reserve

cdef enum:
    AROUND = 24

cdef struct Row:
    const int32_t* ids
    int64_t count
    int64_t start  # of the first token, in symbols from anywhere

cdef struct Splice:
    int64_t left   # tokens of the first row before the shared one; -1 where there is none
    int64_t right  # tokens of the second


cdef inline Splice shared_token(Row left, Row right, const int32_t* lengths) noexcept nogil:
    """The first token that two rows have at the same place."""
    cdef Splice found
    cdef int64_t left_place = left.start, right_place = right.start
    found.left = found.right = 0
    while found.left < left.count and found.right < right.count:
        if left_place == right_place and left.ids[found.left] == right.ids[found.right]:
            return found
        if left_place <= right_place:
            left_place += lengths[left.ids[found.left]]
            found.left += 1
        else:
            right_place += lengths[right.ids[found.right]]
            found.right += 1
    found.left = -1
    return found


cdef inline int64_t symbols_of(const int32_t* ids, int64_t count, const int32_t* lengths) noexcept nogil:
    cdef int64_t i, symbols = 0
    for i in range(count):
        symbols += lengths[ids[i]]
    return symbols


cdef inline int join_two(
    const MergeTables* tables,
    MergeScratch* scratch,
    const int32_t* lengths,
    Piece* before,  # IN and OUT: joined to the pieces before it
    Piece* piece,  # IN and OUT: encoded alone
    Bridges* bridges,  # OUT
) noexcept nogil:
    """Join a piece to the one before; 1 where that needs more of the sequence, a Failure where it cannot be."""
    # The tokens before are those that are kept of the piece before, or, if none are, its bridge.
    cdef bint from_bridge = before.last == before.first
    cdef int64_t available = before.bridge_tokens if from_bridge else before.last - before.first
    cdef bint all_before = False, all_behind = False
    cdef int64_t taken, behind, symbols_before, symbols_behind
    cdef Piece window
    cdef Row left, middle, right
    cdef Splice splice_left, splice_right
    cdef int outcome
    while True:
        taken = available if all_before else min(available, <int64_t> AROUND)
        behind = piece.tokens if all_behind else min(piece.tokens, <int64_t> AROUND)
        left.ids = (bridges.ids + before.bridge if from_bridge else before.ids + before.first) + available - taken
        symbols_before = symbols_of(left.ids, taken, lengths)
        symbols_behind = piece.length if all_behind else symbols_of(piece.ids, behind, lengths)
        if bridges_reserve(bridges, symbols_before + symbols_behind) != 0:
            return NO_MEMORY
        if from_bridge:  # it may have moved
            left.ids = bridges.ids + before.bridge + available - taken
        left.count = taken
        left.start = -symbols_before
        window.symbols = piece.symbols - symbols_before
        window.length = symbols_before + symbols_behind
        window.ids = bridges.ids + bridges.used
        outcome = match_merge_order(tables, scratch, &window, 1)
        if outcome != 0:
            return outcome
        middle.ids = window.ids
        middle.start = -symbols_before
        middle.count = window.tokens
        splice_left = shared_token(left, middle, lengths)
        if splice_left.left < 0:
            if all_before:
                return 1
            all_before = True
            continue
        # From here on the bridge begins with the token that it shares with the tokens before.
        right.ids = piece.ids
        right.count = piece.tokens
        right.start = 0
        middle.start += symbols_of(middle.ids, splice_left.right, lengths)
        middle.ids += splice_left.right
        middle.count -= splice_left.right
        if all_behind:
            splice_right.left = middle.count
            splice_right.right = piece.tokens
            break
        splice_right = shared_token(middle, right, lengths)
        if splice_right.left >= 0:
            break
        all_behind = True
    # The tokens before end with the one they share with the bridge; the piece begins with the one it shares with it.
    if from_bridge:
        before.bridge_tokens -= taken - (splice_left.left + 1)
    else:
        before.last -= taken - (splice_left.left + 1)
    piece.first = splice_right.right
    piece.bridge = bridges.used
    piece.bridge_tokens = splice_right.left - 1
    memmove(bridges.ids + bridges.used, middle.ids + 1, piece.bridge_tokens * sizeof(int32_t))
    bridges.used += piece.bridge_tokens
    return 0


cdef inline int encode_whole(
    const MergeTables* tables, MergeScratch* scratch, Piece* first, Piece* last, Bridges* bridges
) noexcept nogil:
    """Encode the pieces of one sequence anew as one; a Failure where it cannot be."""
    cdef int64_t length = last.symbols + last.length - first.symbols
    cdef Piece* piece = first
    cdef Piece whole
    cdef int outcome
    if bridges_reserve(bridges, length) != 0:
        return NO_MEMORY
    whole.symbols = first.symbols
    whole.length = length
    whole.ids = bridges.ids + bridges.used
    outcome = match_merge_order(tables, scratch, &whole, 1)
    if outcome != 0:
        return outcome
    while piece <= last:
        piece.first = piece.last = 0
        piece.bridge_tokens = 0
        piece += 1
    first.bridge = bridges.used
    first.bridge_tokens = whole.tokens
    bridges.used += first.bridge_tokens
    return 0


cdef inline int join_merge_order(
    const MergeTables* tables,
    MergeScratch* scratch,
    const int32_t* lengths,  # IN: [tokens of the vocabulary]
    Piece* pieces,  # IN and OUT: [count], encoded
    int64_t count,
    Bridges* bridges,  # OUT
) noexcept nogil:
    """Set what is kept of each piece, and the bridges; a Failure where it cannot be. O(symbols) at most."""
    cdef int64_t k = 0, first = 0, last
    cdef int outcome
    while k < count:
        pieces[k].first = 0
        pieces[k].last = pieces[k].tokens
        pieces[k].bridge = bridges.used
        pieces[k].bridge_tokens = 0
        if not pieces[k].goes_on:
            first = k
        else:
            outcome = join_two(tables, scratch, lengths, &pieces[k - 1], &pieces[k], bridges)
            if outcome < 0:
                return outcome
            if outcome > 0:
                last = k
                while not pieces[last].ends:
                    last += 1
                outcome = encode_whole(tables, scratch, &pieces[first], &pieces[last], bridges)
                if outcome != 0:
                    return outcome
                k = last
        k += 1
    return 0
