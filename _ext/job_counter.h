/* A counter from which threads take numbers, each number once, without the interpreter lock. */
#ifndef ECGBYTE_JOB_COUNTER_H
#define ECGBYTE_JOB_COUNTER_H

#if defined(_MSC_VER)
#include <intrin.h>
static __inline long long ecgbyte_take_number(volatile long long *next) { return _InterlockedExchangeAdd64(next, 1); }
#else
static inline long long ecgbyte_take_number(volatile long long *next) {
    return __atomic_fetch_add(next, 1, __ATOMIC_RELAXED);
}
#endif

#endif
