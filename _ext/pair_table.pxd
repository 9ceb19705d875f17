"""A hash table from pairs of token ids to counts and position lists; C structs and inline functions, no Python.

Open addressing with linear probing over a power-of-two number of entries, at most half of them taken; nothing is ever
deleted, only the whole table freed. A pair is one 32-bit key, left id above right id, so that the order of the keys is
the order in which ties fall.
"""

from libc.stdint cimport int64_t, uint16_t, uint32_t, uint64_t
from libc.stdlib cimport calloc, free

# Token ids are 16 bit and the last one marks borders, so no pair of tokens has this key.
cdef enum:
    NO_PAIR = 0xFFFFFFFFu

cdef struct PairEntry:
    int64_t count     # adjacent occurrences now
    int64_t start     # where its positions begin in the pool
    int64_t length    # how many positions are listed there, stale ones included
    uint32_t key      # the pair, or NO_PAIR for a free entry

cdef struct PairTable:
    PairEntry* entries
    int64_t capacity  # power of two
    int64_t used
    int shift         # 64 - log2(capacity)


cdef inline uint32_t pair_key(uint32_t left, uint32_t right) noexcept nogil:
    return (left << 16) | right


cdef inline int table_open(PairTable* table, int64_t expected) noexcept nogil:
    """Make an empty table with room for `expected` pairs before it grows; -1 where memory is missing."""
    cdef int64_t i
    table.capacity = 64
    table.shift = 64 - 6
    while table.capacity < 2 * expected:
        table.capacity *= 2
        table.shift -= 1
    table.used = 0
    table.entries = <PairEntry*> calloc(table.capacity, sizeof(PairEntry))
    if table.entries == NULL:
        return -1
    for i in range(table.capacity):
        table.entries[i].key = NO_PAIR
    return 0


cdef inline void table_close(PairTable* table) noexcept nogil:
    free(table.entries)
    table.entries = NULL
    table.capacity = 0
    table.used = 0


cdef inline int64_t table_slot(const PairTable* table, uint32_t key) noexcept nogil:
    """Where `key` stands, or the free entry where it would go."""
    cdef int64_t slot = <int64_t> ((<uint64_t> key * <uint64_t> 0x9E3779B97F4A7C15u) >> table.shift)
    while table.entries[slot].key != key and table.entries[slot].key != NO_PAIR:
        slot = (slot + 1) & (table.capacity - 1)
    return slot


cdef inline PairEntry* table_find(const PairTable* table, uint32_t key) noexcept nogil:
    """The entry of `key`, or NULL."""
    cdef PairEntry* entry = &table.entries[table_slot(table, key)]
    return entry if entry.key == key else NULL


cdef inline int table_grow(PairTable* table) noexcept nogil:
    cdef PairTable larger
    cdef int64_t i
    if table_open(&larger, table.capacity) != 0:
        return -1
    for i in range(table.capacity):
        if table.entries[i].key != NO_PAIR:
            larger.entries[table_slot(&larger, table.entries[i].key)] = table.entries[i]
    larger.used = table.used
    free(table.entries)
    table[0] = larger
    return 0


cdef inline PairEntry* table_add(PairTable* table, uint32_t key) noexcept nogil:
    """The entry of `key`, made with count 0 where it is new; NULL where memory is missing. May move the entries."""
    cdef PairEntry* entry = &table.entries[table_slot(table, key)]
    if entry.key == key:
        return entry
    if 2 * (table.used + 1) > table.capacity:
        if table_grow(table) != 0:
            return NULL
        entry = &table.entries[table_slot(table, key)]
    entry.key = key
    entry.count = 0
    entry.start = 0
    entry.length = 0
    table.used += 1
    return entry
