"""The tables of one vocabulary, and encoding pieces with them."""

from libc.stdint cimport int32_t, int64_t, uint8_t, uint16_t, uint32_t
from libc.stdlib cimport free, malloc
from libc.string cimport memcpy, memset

from _ext.longest_joining cimport join_longest
from _ext.longest_match cimport LANES, MatchTables, match_longest
from _ext.merge_order cimport MergeScratch, MergeTables, match_merge_order, scratch_close, scratch_open
from _ext.pieces cimport Bridges, Piece, bridges_close
from _ext.sequence_matcher cimport SequenceMatcher

cdef enum:
    # Shorter pieces cost more in joining than they gain.
    LEAST_PIECE = 2048

cdef struct EncoderTables:
    MatchTables match
    MergeTables order
    bint small_steps
    const int32_t* lengths
    int64_t longest_token


cdef inline int encode_pieces(
    const EncoderTables* tables, bint merge_order, Piece* pieces, int64_t count
) noexcept nogil:
    """Encode pieces, each for itself; -1 where memory is missing."""
    cdef int64_t k, longest = 0
    cdef MergeScratch scratch
    if not merge_order:
        if tables.small_steps:
            match_longest(&tables.match, <const uint16_t*> tables.match.steps, pieces, count)
        else:
            match_longest(&tables.match, <const uint32_t*> tables.match.steps, pieces, count)
        return 0
    memset(&scratch, 0, sizeof(MergeScratch))
    for k in range(count):
        longest = max(longest, pieces[k].length)
    if scratch_open(&scratch, longest, tables.order.merges) != 0:
        scratch_close(&scratch)
        return -1
    for k in range(count):
        pieces[k].tokens = match_merge_order(&tables.order, &scratch, pieces[k].symbols, pieces[k].length, pieces[k].ids)
    scratch_close(&scratch)
    return 0


cdef inline int join_pieces(
    const EncoderTables* tables, bint merge_order, Piece* pieces, int64_t count, Bridges* bridges
) noexcept nogil:
    """Set what is kept of each piece, and the bridges; -1 where memory is missing."""
    cdef int64_t k
    if merge_order:
        for k in range(count):
            pieces[k].first = 0
            pieces[k].last = pieces[k].tokens
            pieces[k].bridge_tokens = 0
            pieces[k].bridge = 0
        return 0
    if tables.small_steps:
        return join_longest(
            &tables.match, <const uint16_t*> tables.match.steps, tables.lengths, pieces, count, bridges
        )
    return join_longest(&tables.match, <const uint32_t*> tables.match.steps, tables.lengths, pieces, count, bridges)


cdef inline int64_t pieces_of(int64_t length, int64_t largest) noexcept nogil:
    """Into how many pieces a sequence is cut so that none is larger."""
    return (length + largest - 1) // largest


cdef inline int64_t cut(
    const uint8_t* symbols, int64_t length, int64_t largest, int64_t sequence, int32_t* ids, Piece* pieces
) noexcept nogil:
    """Cut a sequence into pieces of about equal length; return how many (0 for an empty one)."""
    cdef int64_t count = pieces_of(length, largest), k, start, end = 0
    for k in range(count):
        start = end
        end = length * (k + 1) // count
        pieces[k].symbols = symbols + start
        pieces[k].length = end - start
        pieces[k].sequence = sequence
        pieces[k].goes_on = k > 0
        pieces[k].ends = k == count - 1
        pieces[k].ids = ids + start
    return count


cdef inline int64_t kept_tokens(const Piece* piece) noexcept nogil:
    return piece.bridge_tokens + piece.last - piece.first


cdef inline int64_t copy_kept(const Piece* piece, const Bridges* bridges, int32_t* ids) noexcept nogil:
    """Write the tokens of a piece that belong to its sequence; return how many."""
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
    # As many pieces as lanes where the sequences are few.
    cdef int64_t largest = max(<int64_t> LEAST_PIECE, (total + LANES - 1) // LANES)
    cdef int outcome = -1
    cdef Piece* pieces
    cdef int32_t* room
    cdef Bridges bridges
    memset(&bridges, 0, sizeof(Bridges))
    memset(counts, 0, sequences * sizeof(int64_t))
    if total == 0:
        return 0
    if merge_order:
        largest = total
    for sequence in range(sequences):
        count += pieces_of(borders[sequence + 1] - borders[sequence], largest)
    pieces = <Piece*> malloc(count * sizeof(Piece))
    room = <int32_t*> malloc(total * sizeof(int32_t))
    if pieces != NULL and room != NULL:
        count = 0
        for sequence in range(sequences):
            count += cut(
                symbols + borders[sequence], borders[sequence + 1] - borders[sequence], largest, sequence,
                room + (borders[sequence] - borders[0]), pieces + count
            )
        outcome = encode_pieces(tables, merge_order, pieces, count)
        if outcome == 0:
            outcome = join_pieces(tables, merge_order, pieces, count, &bridges)
    if outcome == 0:
        for k in range(count):
            tokens = copy_kept(&pieces[k], &bridges, ids + written)
            counts[pieces[k].sequence] += tokens
            written += tokens
    bridges_close(&bridges)
    free(pieces)
    free(room)
    return written if outcome == 0 else -1
