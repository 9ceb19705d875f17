"""Byte-pair encoding proper: merges in the order they were learnt, with a queue of positions for each rank.

A merge can only make pairs with the token it makes, and those have higher ranks, so the ranks are visited once, in
rising order, skipping the empty ones by a bitmap. A pair of which the younger token has id m comes to be only while m
is being made, from left to right, so each queue is filled in the order of the positions and needs no sorting. Tokens
stand in an array of cells as in training (merge_lists.pxd): the id in the first and the last cell of each token.

Each position enters at most one queue at the start and each merge adds at most two places, so the work is
O(symbols), and O(ranks / 64) for the bitmap of each sequence.
"""

from libc.stdint cimport int32_t, int64_t, uint8_t, uint16_t, uint32_t, uint64_t
from libc.stdlib cimport calloc, free, malloc
from libc.string cimport memset

from _ext.pair_table cimport pair_key

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
    NO_RANK = 0xFFFF          # no merge has this rank: ids are 16 bit and the alphabet takes one at least
    BORDER = 0xFFFF
    NO_PLACE = 0xFFFFFFFFu

cdef struct RankEntry:
    uint32_t key
    uint16_t rank             # NO_RANK for a free entry

cdef struct MergeTables:
    const RankEntry* entries  # open addressing, linear probing
    uint32_t mask             # capacity - 1
    int shift                 # 64 - log2(capacity)
    const uint16_t* first     # [alphabet, alphabet] ranks of the pairs of symbols, or NO_RANK
    const uint16_t* lefts     # [merges]
    const uint16_t* rights    # [merges]
    const int32_t* lengths    # [tokens]
    int32_t alphabet_size
    int32_t merges

cdef struct Place:
    uint32_t position
    uint32_t following        # the next place in the queue of the same rank

cdef struct MergeScratch:
    uint16_t* cells           # [symbols + 2], a border at each end
    Place* places             # [3 * symbols]
    uint32_t* heads           # [merges]
    uint32_t* tails           # [merges]
    uint64_t* waiting         # [merges / 64 + 1] bit k: the queue of rank k is not empty


cdef inline int scratch_open(MergeScratch* scratch, int64_t symbols, int64_t merges) noexcept nogil:
    scratch.cells = <uint16_t*> malloc((symbols + 2) * sizeof(uint16_t))
    scratch.places = <Place*> malloc((3 * symbols + 1) * sizeof(Place))
    scratch.heads = <uint32_t*> malloc((merges + 1) * sizeof(uint32_t))
    scratch.tails = <uint32_t*> malloc((merges + 1) * sizeof(uint32_t))
    scratch.waiting = <uint64_t*> calloc(merges // 64 + 1, sizeof(uint64_t))
    if (scratch.cells == NULL or scratch.places == NULL or scratch.heads == NULL or scratch.tails == NULL
            or scratch.waiting == NULL):
        return -1
    return 0


cdef inline void scratch_close(MergeScratch* scratch) noexcept nogil:
    free(scratch.cells)
    free(scratch.places)
    free(scratch.heads)
    free(scratch.tails)
    free(scratch.waiting)


cdef inline uint32_t hash_of(uint32_t key, int shift) noexcept nogil:
    return <uint32_t> ((<uint64_t> key * <uint64_t> 0x9E3779B97F4A7C15u) >> shift)


cdef inline uint32_t rank_of(const MergeTables* tables, uint32_t left, uint32_t right) noexcept nogil:
    """The rank of the merge of a pair, or NO_RANK."""
    cdef uint32_t key = pair_key(left, right)
    cdef uint32_t slot = hash_of(key, tables.shift)
    while tables.entries[slot].rank != NO_RANK and tables.entries[slot].key != key:
        slot = (slot + 1) & tables.mask
    return tables.entries[slot].rank


cdef inline void wait_for(MergeScratch* scratch, uint32_t rank, uint32_t position, uint32_t place) noexcept nogil:
    """Put a position at the end of the queue of a rank."""
    cdef uint64_t bit = <uint64_t> 1 << (rank & 63)
    scratch.places[place].position = position
    scratch.places[place].following = NO_PLACE
    if scratch.waiting[rank >> 6] & bit:
        scratch.places[scratch.tails[rank]].following = place
    else:
        scratch.waiting[rank >> 6] |= bit
        scratch.heads[rank] = place
    scratch.tails[rank] = place


cdef inline int64_t match_merge_order(
    const MergeTables* tables,
    MergeScratch* scratch,
    const uint8_t* symbols,  # IN: [length], all below the alphabet size
    int64_t length,
    int32_t* ids,  # OUT: room for [length]
) noexcept nogil:
    """Encode one sequence; return the number of tokens. O(length)."""
    cdef uint16_t* cells = scratch.cells
    cdef int64_t i, written = 0
    cdef uint32_t rank, other, position, place, used = 0, word
    cdef uint32_t left, right, token, cell_before, cell_after
    cdef uint32_t left_length, width
    cdef uint32_t words = <uint32_t> (tables.merges // 64 + 1)

    cells[0] = BORDER
    cells[length + 1] = BORDER
    for i in range(length):
        cells[i + 1] = symbols[i]
    for i in range(length - 1):
        rank = tables.first[symbols[i] * tables.alphabet_size + symbols[i + 1]]
        if rank != NO_RANK:
            wait_for(scratch, rank, <uint32_t> (i + 1), used)
            used += 1

    for word in range(words):
        while scratch.waiting[word] != 0:
            rank = (word << 6) + lowest_bit(scratch.waiting[word])
            scratch.waiting[word] &= scratch.waiting[word] - 1
            left = tables.lefts[rank]
            right = tables.rights[rank]
            token = tables.alphabet_size + rank
            left_length = tables.lengths[left]
            width = tables.lengths[token]
            place = scratch.heads[rank]
            while place != NO_PLACE:
                position = scratch.places[place].position
                place = scratch.places[place].following
                if cells[position] != left or cells[position + left_length] != right:
                    continue
                cell_before = cells[position - 1]
                cell_after = cells[position + width]
                cells[position] = <uint16_t> token
                cells[position + left_length] = BORDER
                cells[position + width - 1] = <uint16_t> token
                if cell_before != BORDER:
                    other = rank_of(tables, cell_before, token)
                    if other != NO_RANK:
                        wait_for(scratch, other, position - tables.lengths[cell_before], used)
                        used += 1
                if cell_after != BORDER:
                    other = rank_of(tables, token, cell_after)
                    if other != NO_RANK:
                        wait_for(scratch, other, position, used)
                        used += 1

    i = 1
    while i <= length:
        ids[written] = cells[i]
        written += 1
        i += tables.lengths[cells[i]]
    return written
