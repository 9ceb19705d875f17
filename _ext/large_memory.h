/* Arrays of many megabytes that are read at random places: the system is asked for large pages where it has them to
 * give (Linux), which saves most page faults and address translations. Without them all stays the same, but slower. */
#ifndef ECGBYTE_LARGE_MEMORY_H
#define ECGBYTE_LARGE_MEMORY_H

#include <stddef.h>
#include <stdint.h>

#if defined(__linux__)
#include <malloc.h>
#include <sys/mman.h>
#include <unistd.h>
#endif

#if defined(__GNUC__) || defined(__clang__)
#define ecgbyte_prefetch(place) __builtin_prefetch((place), 1)
#else
#define ecgbyte_prefetch(place) ((void) (place))
#endif

/* Ask for large pages for an array that malloc or its kin gave, if it holds many. The wish covers the whole mapping that
 * lies behind a large array: realloc can move a mapping that is all of one kind without a copy. */
static inline void ecgbyte_prefer_large_pages(void *start, int64_t bytes) {
#if defined(__linux__) && defined(MADV_HUGEPAGE)
    if (start != NULL && bytes >= (int64_t) 1 << 22) {
        const uintptr_t page = (uintptr_t) sysconf(_SC_PAGESIZE);
        const uintptr_t first = (uintptr_t) start & ~(page - 1);
        const uintptr_t last = ((uintptr_t) start + malloc_usable_size(start) + page - 1) & ~(page - 1);
        (void) madvise((void *) first, last - first, MADV_HUGEPAGE); /* a wish: a refusal changes nothing */
    }
#else
    (void) start;
    (void) bytes;
#endif
}

#endif
