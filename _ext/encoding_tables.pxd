"""The tables of one vocabulary, and encoding sequences with them: cutting, encoding the pieces, joining them."""

from libc.stdint cimport int32_t, int64_t, uint8_t, uint16_t, uint32_t
from libc.stdlib cimport free, malloc
from libc.string cimport memcpy, memset

from _ext.interrupts cimport INTERRUPTED, NO_MEMORY, SYMBOLS_BETWEEN_LOOKS, interrupted
from _ext.longest_joining cimport join_longest
from _ext.longest_match cimport LANES, MatchTables, match_longest
from _ext.merge_joining cimport join_merge_order
from _ext.merge_order cimport MergeScratch, MergeTables, match_merge_order, scratch_close
from _ext.pieces cimport Bridges, Piece, bridges_close
from _ext.sequence_matcher cimport SequenceMatcher

cdef enum:
    LARGEST_PIECE = 1 << 15  # what is needed beside the symbols then stays in the caches
    LEAST_PIECE = 2048       # shorter ones cost more in joining than they gain
    # In one sequence, so that three places a symbol can be counted in 32 bits.
    MAX_SEQUENCE_SYMBOLS = 1 << 30
    COPIED_AT_ONCE = 1 << 13  # few enough to be still in the nearest cache when they are looked at

cdef struct EncoderTables:
    MatchTables match
    MergeTables order
    bint small_steps
    const int32_t* lengths


cdef inline int encode_pieces(
    const EncoderTables* tables, bint merge_order, MergeScratch* scratch, Piece* pieces, int64_t count
) noexcept nogil:
    """Encode pieces, each for itself; a Failure where that cannot be."""
    cdef int64_t first = 0, together, symbols
    if merge_order:
        return match_merge_order(&tables.order, scratch, pieces, count)
    while first < count:
        if first > 0 and interrupted():
            return INTERRUPTED
        together = symbols = 0
        while first + together < count and symbols < SYMBOLS_BETWEEN_LOOKS:
            symbols += pieces[first + together].length
            together += 1
        if tables.small_steps:
            match_longest(&tables.match, <const uint16_t*> tables.match.steps, pieces + first, together)
        else:
            match_longest(&tables.match, <const uint32_t*> tables.match.steps, pieces + first, together)
        first += together
    return 0


cdef inline uint8_t copy_symbols(const uint8_t* symbols, int64_t length, uint8_t* copy) noexcept nogil:
    """Copy symbols and return the highest of the copy, whatever another thread writes meanwhile. O(length)."""
    cdef int64_t start = 0, count, i
    cdef uint8_t highest = 0
    while start < length:
        count = min(length - start, <int64_t> COPIED_AT_ONCE)
        memcpy(copy + start, symbols + start, count)
        for i in range(start, start + count):
            highest = max(highest, copy[i])
        start += count
    return highest


cdef inline int join_pieces(
    const EncoderTables* tables, bint merge_order, MergeScratch* scratch, Piece* pieces, int64_t count,
    Bridges* bridges
) noexcept nogil:
    """Set what is kept of each piece, and the bridges; a Failure where that cannot be."""
    cdef uint8_t last_letter = <uint8_t> (tables.order.alphabet_size - 1)
    if merge_order:
        return join_merge_order(&tables.order, scratch, tables.lengths, pieces, count, bridges)
    if tables.small_steps:
        return join_longest(
            &tables.match, <const uint16_t*> tables.match.steps, tables.lengths, last_letter, pieces, count, bridges
        )
    return join_longest(
        &tables.match, <const uint32_t*> tables.match.steps, tables.lengths, last_letter, pieces, count, bridges
    )


cdef inline int64_t pieces_of(int64_t length, int64_t largest) noexcept nogil:
    """Into how many pieces a sequence is cut so that none is larger."""
    return (length + largest - 1) // largest


cdef inline int64_t cut(
    const uint8_t* symbols, int64_t length, int64_t largest, int64_t sequence, Piece* pieces
) noexcept nogil:
    """Cut a sequence into pieces of about equal length; return how many (0 for an empty one)."""
    cdef int64_t count = pieces_of(length, largest), k, start, end = 0
    for k in range(count):
        start = end
        # Without the product of a length and a count, which could be too large.
        end = length // count * (k + 1) + length % count * (k + 1) // count
        pieces[k].symbols = symbols + start
        pieces[k].length = end - start
        pieces[k].sequence = sequence
        pieces[k].goes_on = k > 0
        pieces[k].ends = k == count - 1
    return count


cdef inline int64_t fill_lanes(Piece* pieces, int64_t count, int64_t least) noexcept nogil:
    """Cut pieces further where they are fewer than lanes; return how many there are, at most LANES.

    There must be room for LANES pieces.
    """
    cdef int64_t k, parts, written = 0
    cdef Piece whole[LANES]
    if count >= LANES:
        return count
    memcpy(whole, pieces, count * sizeof(Piece))
    for k in range(count):
        parts = max(<int64_t> 1, min(LANES // count, whole[k].length // least))
        parts = cut(
            whole[k].symbols, whole[k].length, pieces_of(whole[k].length, parts), whole[k].sequence, pieces + written
        )
        pieces[written].goes_on = whole[k].goes_on
        written += parts
        pieces[written - 1].ends = whole[k].ends
    return written


cdef inline int64_t place_ids(Piece* pieces, int64_t count, int32_t* ids) noexcept nogil:
    """Give pieces room for their ids side by side; return how many symbols they have."""
    cdef int64_t k, symbols = 0
    for k in range(count):
        pieces[k].ids = ids + symbols
        symbols += pieces[k].length
    return symbols


cdef inline int64_t kept_tokens(const Piece* piece) noexcept nogil:
    return piece.bridge_tokens + piece.last - piece.first


cdef inline int64_t copy_kept(const Piece* piece, const Bridges* bridges, int32_t* ids) noexcept nogil:
    """Write the tokens of a piece that belong to its sequence; return how many."""
    if piece.bridge_tokens > 0:
        memcpy(ids, bridges.ids + piece.bridge, piece.bridge_tokens * sizeof(int32_t))
    memcpy(ids + piece.bridge_tokens, piece.ids + piece.first, (piece.last - piece.first) * sizeof(int32_t))
    return kept_tokens(piece)


cdef inline int64_t match_sequences(
    const SequenceMatcher* matcher,
    const uint8_t* symbols,
    const int64_t* borders,
    Py_ssize_t sequences,
    bint merge_order,
    int32_t* ids,
    int64_t* counts,
) noexcept nogil:
    """See sequence_matcher.pxd."""
    cdef const EncoderTables* tables = <const EncoderTables*> matcher.tables
    cdef int64_t sequence, k, count = 0, written = 0, tokens
    cdef int64_t total = borders[sequences] - borders[0]
    cdef int outcome = NO_MEMORY
    cdef Piece* pieces
    cdef int32_t* room
    cdef Bridges bridges
    cdef MergeScratch scratch
    memset(counts, 0, sequences * sizeof(int64_t))
    if total == 0:
        return 0
    for sequence in range(sequences):
        if borders[sequence + 1] - borders[sequence] > MAX_SEQUENCE_SYMBOLS:
            return NO_MEMORY
        count += pieces_of(borders[sequence + 1] - borders[sequence], LARGEST_PIECE)
    memset(&bridges, 0, sizeof(Bridges))
    memset(&scratch, 0, sizeof(MergeScratch))
    pieces = <Piece*> malloc((count + LANES) * sizeof(Piece))
    room = <int32_t*> malloc(total * sizeof(int32_t))
    if pieces != NULL and room != NULL:
        count = 0
        for sequence in range(sequences):
            count += cut(
                symbols + borders[sequence], borders[sequence + 1] - borders[sequence], LARGEST_PIECE, sequence,
                pieces + count
            )
        if not merge_order:
            count = fill_lanes(pieces, count, LEAST_PIECE)
        place_ids(pieces, count, room)
        outcome = encode_pieces(tables, merge_order, &scratch, pieces, count)
        if outcome == 0:
            outcome = join_pieces(tables, merge_order, &scratch, pieces, count, &bridges)
    if outcome == 0:
        for k in range(count):
            tokens = copy_kept(&pieces[k], &bridges, ids + written)
            counts[pieces[k].sequence] += tokens
            written += tokens
    scratch_close(&scratch)
    bridges_close(&bridges)
    free(pieces)
    free(room)
    return written if outcome == 0 else outcome
