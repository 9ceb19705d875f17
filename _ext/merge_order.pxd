"""Byte-pair encoding proper: merges in the order they were learnt, with a queue of positions for each rank.

The doublings of runs come first, in one pass (merge_runs.pxd), and then merges that are certain (early_merges.pxd), so
that few are left for the queues. A merge can only make pairs with the token it makes, and those have higher ranks, so
the ranks are visited once, in rising order, skipping the empty ones by a bitmap. In which order the places of one rank
come does not matter, since two of them share no token, except in a run of one token that is merged with itself: it is
merged as a whole, from its beginning, so that the left pairs come first. Tokens stand in an array of
cells as in training (merge_lists.pxd): the id in the first and the last cell of each token.

Each position enters at most one queue at the start and each merge adds at most two places, so the work is
O(symbols), and O(ranks / 64) for the bitmap of each piece.
"""

from libc.stdint cimport int32_t, int64_t, uint8_t, uint16_t, uint32_t, uint64_t
from libc.stdlib cimport calloc, free, malloc

from _ext.early_merges cimport merge_early
from _ext.interrupts cimport INTERRUPTED, NO_MEMORY, WORK_BETWEEN_LOOKS, interrupted, interrupted_after
from _ext.merge_ranks cimport BORDER, RankTable, pair_rank
from _ext.merge_runs cimport MAX_LEVELS, RunTables, find_runs, merge_runs
from _ext.pieces cimport Piece

cdef extern from *:
    """
    #if defined(_MSC_VER)
    #include <intrin.h>
    static __inline int ecgbyte_lowest_bit(unsigned long long word) {
        unsigned long place;
        if (_BitScanForward(&place, (unsigned long) word)) return (int) place;
        _BitScanForward(&place, (unsigned long) (word >> 32));
        return (int) place + 32;
    }
    #else
    static inline int ecgbyte_lowest_bit(unsigned long long word) { return __builtin_ctzll(word); }
    #endif
    """
    int lowest_bit "ecgbyte_lowest_bit" (uint64_t word) noexcept nogil

cdef enum:
    NO_PLACE = 0xFFFFFFFFu
    GROUP_CELLS = 1 << 15     # of pieces that share the queues; what they need stays in the caches

cdef struct MergeTables:
    RunTables runs
    RankTable ranks
    const uint16_t* lefts     # [merges]
    const uint16_t* rights    # [merges]
    const uint8_t* is_left    # [tokens] some merge has it on its left side
    const uint8_t* is_right   # [tokens]
    const int32_t* widths     # [tokens] in cells: one for the tokens of runs
    int32_t alphabet_size
    int32_t merges

cdef struct Place:
    uint32_t position
    uint32_t before           # the place that entered the queue of the same rank before, or NO_PLACE

cdef struct MergeScratch:
    uint16_t* cells           # [symbols + 2 + MAX_LEVELS], a border at each end
    Place* places             # [3 * symbols + 1]
    uint32_t* newest          # [merges + 1] the last place of each queue; that of no rank is never looked at
    uint64_t* waiting         # [merges / 64 + 1] bit k: the queue of rank k is not empty
    uint32_t used             # places
    int64_t filled            # cells
    int64_t work              # since the last look for signals
    int64_t capacity          # symbols


cdef inline int scratch_reserve(MergeScratch* scratch, int64_t symbols, int64_t merges) noexcept nogil:
    """Make room for a piece of so many symbols; -1 where memory is missing. A scratch begins as zeros."""
    cdef int64_t i
    if scratch.newest == NULL:
        scratch.newest = <uint32_t*> malloc((merges + 1) * sizeof(uint32_t))
        scratch.waiting = <uint64_t*> calloc(merges // 64 + 1, sizeof(uint64_t))
        if scratch.newest == NULL or scratch.waiting == NULL:
            return -1
        for i in range(merges + 1):
            scratch.newest[i] = NO_PLACE
    if symbols <= scratch.capacity:
        return 0
    free(scratch.cells)
    free(scratch.places)
    scratch.cells = <uint16_t*> malloc((symbols + 2 + MAX_LEVELS) * sizeof(uint16_t))
    scratch.places = <Place*> malloc((3 * symbols + 1) * sizeof(Place))
    scratch.capacity = symbols
    if scratch.cells == NULL or scratch.places == NULL:
        scratch.capacity = 0
        return -1
    return 0


cdef inline void scratch_close(MergeScratch* scratch) noexcept nogil:
    free(scratch.cells)
    free(scratch.places)
    free(scratch.newest)
    free(scratch.waiting)


cdef inline void wait_for(MergeScratch* scratch, uint32_t rank, uint32_t none, int64_t position) noexcept nogil:
    """Put a position in the queue of a rank; nothing for the rank `none`. No branch."""
    cdef Place* place = &scratch.places[scratch.used]
    cdef uint32_t some = rank != none
    place.position = <uint32_t> position
    place.before = scratch.newest[rank]
    scratch.newest[rank] = scratch.used
    scratch.waiting[rank >> 6] |= <uint64_t> some << (rank & 63)
    scratch.used += some


cdef inline void merge_at(
    const MergeTables* tables, MergeScratch* scratch, uint32_t token, int32_t left_width, int64_t position
) noexcept nogil:
    """Merge the pair that stands at a position, and queue the pairs of its token."""
    cdef uint16_t* cells = scratch.cells
    cdef int32_t width = tables.widths[token]
    cdef uint16_t before = cells[position - 1], after = cells[position + width]
    cdef uint32_t rank
    cells[position] = <uint16_t> token
    cells[position + left_width] = BORDER
    cells[position + width - 1] = <uint16_t> token
    if tables.is_right[token] and before != BORDER:
        rank = pair_rank(&tables.ranks, before, token).rank
        wait_for(scratch, rank, tables.merges, position - tables.widths[before])
    if tables.is_left[token] and after != BORDER:
        rank = pair_rank(&tables.ranks, token, after).rank
        wait_for(scratch, rank, tables.merges, position)


cdef inline int merge_rank(const MergeTables* tables, MergeScratch* scratch, uint32_t rank) noexcept nogil:
    """Merge one pair wherever it stands; INTERRUPTED on Ctrl-C. O(places in its queue, and the runs that it merges)."""
    cdef const uint16_t* cells = scratch.cells
    cdef uint32_t left = tables.lefts[rank], right = tables.rights[rank], token = tables.alphabet_size + rank
    cdef int32_t left_width = tables.widths[left], width = tables.widths[token]
    cdef uint32_t place = scratch.newest[rank]
    cdef int64_t position, looked = WORK_BETWEEN_LOOKS
    scratch.newest[rank] = NO_PLACE
    while place != NO_PLACE:
        looked -= 1
        if looked == 0:
            if interrupted():
                return INTERRUPTED
            looked = WORK_BETWEEN_LOOKS
        position = scratch.places[place].position
        place = scratch.places[place].before
        if cells[position] != left or cells[position + left_width] != right:
            continue
        if left != right:
            merge_at(tables, scratch, token, left_width, position)
            continue
        while cells[position - 1] == left:
            position -= left_width
        while cells[position] == left and cells[position + left_width] == left:
            merge_at(tables, scratch, token, left_width, position)
            position += width
    if interrupted_after(&scratch.work, WORK_BETWEEN_LOOKS - looked):
        return INTERRUPTED
    return 0


cdef inline int place_piece(const MergeTables* tables, MergeScratch* scratch, Piece* piece) noexcept nogil:
    """Do the early merges of a piece, write its cells and another border, and queue what is left. O(symbols).

    Symbols outside the alphabet (an array that another thread writes) are taken for its last letter. INTERRUPTED on
    Ctrl-C.
    """
    cdef uint16_t* cells = scratch.cells + scratch.filled
    cdef const RunTables* runs = &tables.runs
    # The room of the ids is free until the end.
    cdef uint16_t* tokens = <uint16_t*> piece.ids
    cdef int64_t i, end, count = piece.length, cell = 0
    cdef int32_t width
    cdef uint8_t last_letter = <uint8_t> (tables.alphabet_size - 1)
    if runs.doubled:
        count = find_runs(piece.symbols, piece.length, piece.ids)
        count = merge_runs(runs, piece.symbols, last_letter, piece.ids, count, cells)
    else:
        for i in range(count):
            cells[i] = min(piece.symbols[i], last_letter)
    if interrupted_after(&scratch.work, piece.length):
        return INTERRUPTED
    count = merge_early(&tables.ranks, runs, cells, count, tables.alphabet_size, tokens)
    tokens[count] = BORDER
    i = 0
    while i < count:
        end = min(count, i + WORK_BETWEEN_LOOKS)
        if interrupted_after(&scratch.work, end - i):
            return INTERRUPTED
        while i < end:
            width = tables.widths[tokens[i]]
            cells[cell] = cells[cell + width - 1] = tokens[i]
            wait_for(
                scratch, pair_rank(&tables.ranks, tokens[i], tokens[i + 1]).rank, tables.merges, scratch.filled + cell
            )
            cell += width
            i += 1
    cells[cell] = BORDER
    piece.first = scratch.filled
    scratch.filled += cell + 1
    return 0


cdef inline void write_tokens(const MergeTables* tables, const MergeScratch* scratch, Piece* piece) noexcept nogil:
    """Write the ids that stand in the cells of a piece."""
    cdef const uint16_t* cell = scratch.cells + piece.first
    piece.tokens = 0
    while cell[0] != BORDER:
        piece.ids[piece.tokens] = cell[0]
        piece.tokens += 1
        cell += tables.widths[cell[0]]


cdef inline int match_merge_order(
    const MergeTables* tables,
    MergeScratch* scratch,
    Piece* pieces,  # IN and OUT: [count]
    int64_t count,
) noexcept nogil:
    """Encode pieces, each for itself; NO_MEMORY, or INTERRUPTED on Ctrl-C. O(symbols).

    Several pieces share the queues, so that there is more than a place or two in most of them.
    """
    cdef int64_t taken = 0, first, word, k
    cdef uint32_t rank
    for k in range(count):
        if scratch_reserve(scratch, max(pieces[k].length, <int64_t> GROUP_CELLS), tables.merges) != 0:
            return NO_MEMORY
    while taken < count:
        first = taken
        scratch.used = 0
        scratch.cells[0] = BORDER
        scratch.filled = 1
        while taken < count and (taken == first or scratch.filled + pieces[taken].length <= scratch.capacity):
            if place_piece(tables, scratch, &pieces[taken]) != 0:
                return INTERRUPTED
            taken += 1
        for word in range(tables.merges // 64 + 1):
            while scratch.waiting[word] != 0:
                rank = <uint32_t> ((word << 6) + lowest_bit(scratch.waiting[word]))
                scratch.waiting[word] &= scratch.waiting[word] - 1
                if merge_rank(tables, scratch, rank) != 0:
                    return INTERRUPTED
        for k in range(first, taken):
            write_tokens(tables, scratch, &pieces[k])
    return 0
