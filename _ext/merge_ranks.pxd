"""The ranks of pairs of tokens, and how early something could happen to a pair; one look-up for both."""

from libc.stdint cimport uint16_t, uint32_t, uint64_t

from _ext.pair_table cimport pair_key

cdef enum:
    BORDER = 0xFFFF           # no token: ids are smaller

cdef struct PairRank:
    uint16_t rank             # of the merge of the pair, or the number of merges
    # How early the one token may be taken from the side of the other (early_merges.pxd): the lowest rank of a merge
    uint16_t from_left        # of a token that ends with the left one, and the right one
    uint16_t from_right       # of the left one, and a token that begins with the right one

cdef struct RankTable:
    # Cuckoo hashing: a pair stands in one of two places, so that a look-up takes no branch. Place 0 stays without a key
    # and holds what is true of all pairs that are not listed.
    const uint32_t* keys      # [2 ** bits]
    const PairRank* pairs     # [2 ** bits]
    uint64_t multiplier
    int bits


cdef inline uint64_t hash_of(uint32_t key, uint64_t multiplier) noexcept nogil:
    """The bits of both places. Key 0 must not give place 0 twice."""
    return (<uint64_t> key + 1) * multiplier


cdef inline uint32_t first_place(uint64_t product, int bits) noexcept nogil:
    return <uint32_t> (product >> (64 - bits))


cdef inline uint32_t second_place(uint64_t product, int bits) noexcept nogil:
    return <uint32_t> ((product << bits) >> (64 - bits))


cdef inline PairRank pair_rank(const RankTable* table, uint32_t left, uint32_t right) noexcept nogil:
    cdef uint32_t key = pair_key(left, right)
    cdef uint64_t product = hash_of(key, table.multiplier)
    cdef uint32_t first = first_place(product, table.bits), second = second_place(product, table.bits)
    return table.pairs[
        (first & -<uint32_t> (table.keys[first] == key)) | (second & -<uint32_t> (table.keys[second] == key))
    ]
