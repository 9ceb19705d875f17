"""The ranks of pairs of tokens, and how early something could happen to a pair; one look-up for both."""

from libc.stdint cimport uint16_t, uint32_t, uint64_t

from _ext.pair_table cimport NO_PAIR, pair_key

cdef enum:
    BORDER = 0xFFFF           # no token: ids are smaller

cdef struct PairRank:
    uint16_t rank             # of the merge of the pair, or the number of merges
    # How early the one token may be taken from the side of the other (early_merges.pxd): the lowest rank of a merge
    uint16_t from_left        # of a token that ends with the left one, and the right one
    uint16_t from_right       # of the left one, and a token that begins with the right one

cdef struct RankEntry:
    uint32_t key
    PairRank pair

cdef struct RankTable:
    const RankEntry* entries  # open addressing, linear probing; a free one holds what is true of all other pairs
    uint32_t mask             # capacity - 1
    int shift                 # 64 - log2(capacity)


cdef inline uint32_t hash_of(uint32_t key, int shift) noexcept nogil:
    return <uint32_t> ((<uint64_t> key * <uint64_t> 0x9E3779B97F4A7C15u) >> shift)


cdef inline uint32_t slot_of(const RankTable* table, uint32_t key) noexcept nogil:
    """The entry of a key, or the free one where it would go."""
    cdef uint32_t slot = hash_of(key, table.shift)
    # One branch for both ways out: which of them it is cannot be guessed.
    while (table.entries[slot].key != key) & (table.entries[slot].key != NO_PAIR):
        slot = (slot + 1) & table.mask
    return slot


cdef inline PairRank pair_rank(const RankTable* table, uint32_t left, uint32_t right) noexcept nogil:
    return table.entries[slot_of(table, pair_key(left, right))].pair
