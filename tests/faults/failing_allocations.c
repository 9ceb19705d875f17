/* Memory that runs out in the kernels alone: preloaded (LD_PRELOAD), this lets the n-th allocation that comes from the
 * project's extension modules fail, and knows which of theirs were not freed. Python's own allocations go on. For Linux
 * with the GNU C library. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

extern void *__libc_malloc(size_t);
extern void *__libc_calloc(size_t, size_t);
extern void *__libc_realloc(void *, size_t);
extern void __libc_free(void *);

enum { PLACES = 1 << 16 };

static atomic_int watching, busy;
static atomic_long before_failure, failed;
static int all_behind;
static void *held[PLACES]; /* open addressing; DELETED where one was */
static long count;
static char deleted;
#define DELETED ((void *) &deleted)

static void lock(void) {
    while (atomic_exchange(&busy, 1)) sched_yield();
}

static void unlock(void) {
    atomic_store(&busy, 0);
}

static size_t place_of(void *memory) {
    return (size_t) ((uintptr_t) memory / 16 * 0x9E3779B97F4A7C15u >> 32) % PLACES;
}

static void hold(void *memory) {
    if (memory == NULL) return;
    lock();
    size_t place = place_of(memory);
    while (held[place] != NULL && held[place] != DELETED) place = (place + 1) % PLACES;
    held[place] = memory;
    count++;
    unlock();
}

static void let_go(void *memory) {
    if (memory == NULL) return;
    lock();
    size_t place = place_of(memory);
    for (long tried = 0; held[place] != NULL && tried < PLACES; tried++, place = (place + 1) % PLACES) {
        if (held[place] == memory) {
            held[place] = DELETED;
            count--;
            break;
        }
    }
    unlock();
}

static int of_a_kernel(void *caller) {
    Dl_info info;
    return dladdr(caller, &info) && info.dli_fname != NULL && strstr(info.dli_fname, "/_ext/") != NULL;
}

static int fails(void) {
    const long left = atomic_fetch_sub(&before_failure, 1);
    if (left == 1 || (all_behind && left < 1)) {
        atomic_fetch_add(&failed, 1);
        errno = ENOMEM;
        return 1;
    }
    return 0;
}

void *malloc(size_t size) {
    if (!atomic_load(&watching) || !of_a_kernel(__builtin_return_address(0))) return __libc_malloc(size);
    if (fails()) return NULL;
    void *memory = __libc_malloc(size);
    hold(memory);
    return memory;
}

void *calloc(size_t number, size_t size) {
    if (!atomic_load(&watching) || !of_a_kernel(__builtin_return_address(0))) return __libc_calloc(number, size);
    if (fails()) return NULL;
    void *memory = __libc_calloc(number, size);
    hold(memory);
    return memory;
}

void *realloc(void *old, size_t size) {
    if (!atomic_load(&watching) || !of_a_kernel(__builtin_return_address(0))) return __libc_realloc(old, size);
    if (fails()) return NULL;
    let_go(old); /* before another thread may get it */
    void *memory = __libc_realloc(old, size);
    hold(memory == NULL ? old : memory);
    return memory;
}

void free(void *memory) {
    if (atomic_load(&watching)) let_go(memory);
    __libc_free(memory);
}

/* From now on the n-th allocation of the kernels fails (0: none does), or all from it on. */
void watch_allocations(long n, int from_there_on) {
    atomic_store(&watching, 0);
    memset(held, 0, sizeof held);
    count = 0;
    all_behind = from_there_on && n > 0;
    atomic_store(&failed, 0);
    atomic_store(&before_failure, n > 0 ? n : INT64_MAX);
    atomic_store(&watching, 1);
}

/* How many failed; nothing fails any more. */
long stop_failing(void) {
    all_behind = 0;
    atomic_store(&before_failure, INT64_MAX);
    return atomic_load(&failed);
}

/* How many allocations of the kernels since then were not freed. */
long allocations_held(void) {
    atomic_store(&watching, 0);
    return count;
}
