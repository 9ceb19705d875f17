/* Which vector instructions this machine has. One build runs everywhere: a loop that gains from wider instructions is
 * compiled once for each set below, by function attributes, and the best set is chosen when the module is imported.
 * ECGBYTE_INSTRUCTIONS=portable or avx2 in the environment lowers the choice (for tests and comparisons). */
#ifndef ECGBYTE_INSTRUCTION_SETS_H
#define ECGBYTE_INSTRUCTION_SETS_H

#include <stdlib.h>
#include <string.h>

/* In order: each set holds the ones before it. */
enum { ECGBYTE_PORTABLE = 0, ECGBYTE_AVX2 = 1, ECGBYTE_AVX512 = 2 };

#if defined(__x86_64__) && (defined(__GNUC__) || defined(__clang__))
#define ECGBYTE_X86_DISPATCH 1
#define ECGBYTE_TARGET_AVX2 __attribute__((target("avx2,bmi,bmi2,popcnt")))
#define ECGBYTE_TARGET_AVX512 \
    __attribute__((target("avx2,bmi,bmi2,popcnt,avx512f,avx512bw,avx512dq,avx512vl,avx512vbmi,avx512vbmi2")))
#else
#define ECGBYTE_X86_DISPATCH 0
#endif

/* The best set that the machine has, whatever the environment says. */
static int ecgbyte_machine_instruction_set(void) {
#if ECGBYTE_X86_DISPATCH
    __builtin_cpu_init();
    if (!(__builtin_cpu_supports("avx2") && __builtin_cpu_supports("bmi") && __builtin_cpu_supports("bmi2")
          && __builtin_cpu_supports("popcnt")))
        return ECGBYTE_PORTABLE;
    if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512dq")
        && __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512vbmi")
        && __builtin_cpu_supports("avx512vbmi2"))
        return ECGBYTE_AVX512;
    return ECGBYTE_AVX2;
#else
    return ECGBYTE_PORTABLE;
#endif
}

/* The set to use: the machine's, or the lower one that ECGBYTE_INSTRUCTIONS names. */
static int ecgbyte_chosen_instruction_set(void) {
    const char *wanted = getenv("ECGBYTE_INSTRUCTIONS");
    int machine = ecgbyte_machine_instruction_set();
    if (wanted && strcmp(wanted, "portable") == 0)
        return ECGBYTE_PORTABLE;
    if (wanted && strcmp(wanted, "avx2") == 0 && machine > ECGBYTE_AVX2)
        return ECGBYTE_AVX2;
    return machine;
}

#endif
