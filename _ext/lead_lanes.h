/* Signals with the samples of 12 leads side by side, so that one loop filters all leads of an ECG at once.
 *
 * A row is one moment: LEAD_LANES float64. The loops of the preprocessing steps are written once, in *_loops.h, in terms
 * of the macros below, and compiled here for each set of instructions. They multiply and add in the order in which they
 * are written, so every set gives the same bits. Where the compiler has no vector types, a vector is one double. */
#ifndef ECGBYTE_LEAD_LANES_H
#define ECGBYTE_LEAD_LANES_H

#include <math.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "instruction_sets.h"

#define LEAD_LANES 12

#if defined(__GNUC__) || defined(__clang__)
#define LANES_INLINE static inline __attribute__((always_inline))
typedef double lanes_of_2 __attribute__((vector_size(16), aligned(8), may_alias));
#else
#define LANES_INLINE static inline
typedef double lanes_of_2;
#endif

#define LANES_TARGET
#define LANES_LOOP(name) name##_portable
#define lanes_vector lanes_of_2
#include LANES_LOOPS
#undef LANES_TARGET
#undef LANES_LOOP
#undef lanes_vector

#if ECGBYTE_X86_DISPATCH
typedef double lanes_of_4 __attribute__((vector_size(32), aligned(8), may_alias));
#define lanes_vector lanes_of_4
#define LANES_TARGET ECGBYTE_TARGET_AVX2
#define LANES_LOOP(name) name##_avx2
#include LANES_LOOPS
#undef LANES_TARGET
#undef LANES_LOOP
/* 12 leads are no whole number of 8 lanes; what the set adds here is twice as many registers. */
#define LANES_TARGET ECGBYTE_TARGET_AVX512
#define LANES_LOOP(name) name##_avx512
#include LANES_LOOPS
#undef LANES_TARGET
#undef LANES_LOOP
#undef lanes_vector
/* Calls the loop `name` compiled for `set`, one of instruction_sets.h. */
#define LANES_CALL(set, name, ...) \
    ((set) == ECGBYTE_AVX512 ? name##_avx512(__VA_ARGS__) \
     : (set) == ECGBYTE_AVX2 ? name##_avx2(__VA_ARGS__) : name##_portable(__VA_ARGS__))
#else
#define LANES_CALL(set, name, ...) ((void) (set), name##_portable(__VA_ARGS__))
#endif

#endif
