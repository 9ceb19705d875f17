"""A heap of (count, pair) that hands out the highest count first, ties to the smallest pair; no Python.

Counts only fall after a pair is created, so each pair is pushed once, with the count it had then. Whoever takes the
top compares it with the true count and sinks it where it is stale (`heap_lower_top`): the first top that is not stale
is the best pair of all.
"""

from libc.stdint cimport int64_t, uint32_t
from libc.stdlib cimport free, realloc

cdef struct HeapEntry:
    int64_t count
    uint32_t key

cdef struct PairHeap:
    HeapEntry* entries
    int64_t size
    int64_t capacity


cdef inline bint comes_first(HeapEntry a, HeapEntry b) noexcept nogil:
    return a.count > b.count or (a.count == b.count and a.key < b.key)


cdef inline void heap_close(PairHeap* heap) noexcept nogil:
    free(heap.entries)
    heap.entries = NULL
    heap.size = 0
    heap.capacity = 0


cdef inline int heap_push(PairHeap* heap, int64_t count, uint32_t key) noexcept nogil:
    """Add an entry; O(log size). -1 where memory is missing."""
    cdef HeapEntry entry
    cdef HeapEntry* entries
    cdef int64_t i, parent
    if heap.size == heap.capacity:
        entries = <HeapEntry*> realloc(heap.entries, (2 * heap.capacity + 64) * sizeof(HeapEntry))
        if entries == NULL:
            return -1
        heap.entries = entries
        heap.capacity = 2 * heap.capacity + 64
    entry.count = count
    entry.key = key
    i = heap.size
    heap.size += 1
    while i > 0:
        parent = (i - 1) // 2
        if not comes_first(entry, heap.entries[parent]):
            break
        heap.entries[i] = heap.entries[parent]
        i = parent
    heap.entries[i] = entry
    return 0


cdef inline void sink_from_top(PairHeap* heap, HeapEntry entry) noexcept nogil:
    """Put `entry` where the top was and let it sink to its place; O(log size)."""
    cdef int64_t i = 0, child
    while True:
        child = 2 * i + 1
        if child >= heap.size:
            break
        if child + 1 < heap.size and comes_first(heap.entries[child + 1], heap.entries[child]):
            child += 1
        if not comes_first(heap.entries[child], entry):
            break
        heap.entries[i] = heap.entries[child]
        i = child
    heap.entries[i] = entry


cdef inline void heap_lower_top(PairHeap* heap, int64_t count) noexcept nogil:
    """Give the top entry its true, lower count."""
    cdef HeapEntry entry = heap.entries[0]
    entry.count = count
    sink_from_top(heap, entry)


cdef inline void heap_drop_top(PairHeap* heap) noexcept nogil:
    heap.size -= 1
    if heap.size > 0:
        sink_from_top(heap, heap.entries[heap.size])
