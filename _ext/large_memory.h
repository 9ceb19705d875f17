/* Arrays of many megabytes that are read at random places: the system is asked for large pages where it has them to
 * give (Linux), which saves most page faults and address translations. Without them all stays the same, but slower. */
#ifndef ECGBYTE_LARGE_MEMORY_H
#define ECGBYTE_LARGE_MEMORY_H

#include <stddef.h>
#include <stdint.h>

#if defined(__linux__)
#include <sys/mman.h>
#endif

#if defined(__GNUC__) || defined(__clang__)
#define ecgbyte_prefetch(place) __builtin_prefetch((place), 1)
#else
#define ecgbyte_prefetch(place) ((void) (place))
#endif

static inline void ecgbyte_prefer_large_pages(void *start, int64_t bytes) {
#if defined(__linux__) && defined(MADV_HUGEPAGE)
    const uintptr_t large = (uintptr_t) 1 << 21;
    const uintptr_t first = ((uintptr_t) start + large - 1) & ~(large - 1);
    const uintptr_t last = ((uintptr_t) start + (uintptr_t) bytes) & ~(large - 1);
    if (start != NULL && bytes >= (int64_t) large && last > first)
        (void) madvise((void *) first, last - first, MADV_HUGEPAGE); /* a wish: a refusal changes nothing */
#else
    (void) start;
    (void) bytes;
#endif
}

#endif
