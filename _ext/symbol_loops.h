/* Symbols of samples, a block at a time: estimated by one multiplication, and where an estimate comes too close to the
 * border between two symbols, computed again by the formula. symbol_block.h is the loop; here are its constants, and
 * its versions by type of sample and set of instructions.
 *
 * The formula, in float64 for every type of sample: floor(z) with z = letters * clip((x - low) / width, 0, 1), at most
 * letters - 1. The estimate: t = (x - low) * (letters / width) in `real` (float32 for float32 and int16, float64 for
 * float64), clamped to 0.5 .. letters - 0.5. The clamp gives all samples outside the range their right symbol, and
 * leaves only the borders 1 .. letters - 1: floor(t) is the symbol wherever no whole number is nearer to t than the
 * two computations can lie apart.
 *
 * How far that is. Let u be the unit roundoff of `real` (2^-24 or 2^-53), y = letters * (x - low) / width the exact
 * value, and e = |low - real(low)|, which is 0 in float64.
 *   x - real(low)         off by e, then by a factor 1 +- u (sums do not underflow)
 *   real(letters / width) off by a factor (1 +- u)(1 +- 2^-53)
 *   their product         off by a factor 1 +- u, or, where it is subnormal, by less than 2^-126
 * so |t - y| < 3.01 u |y| + 1.01 letters e / width + 2^-126, and |z - y| < 3.01 * 2^-53 |y|, where |y| <= letters;
 * the limit and the test against it round by u / 2 each at most. The sum is below margin = 8 u letters + 2 letters e /
 * width. Where |y| > letters or y < 0 the same factors leave t beyond the clamps, as long as the margin is below 1/4;
 * overflow to an infinity of the right sign is clamped alike. A wider margin (|low| large against the width), and
 * letters / width far from 1, where it may be no normal number, set a limit that every sample exceeds: then the formula
 * does it all. */
#ifndef ECGBYTE_SYMBOL_LOOPS_H
#define ECGBYTE_SYMBOL_LOOPS_H

#include <float.h>
#include <math.h>
#include <stddef.h>
#include <stdint.h>

#include "instruction_sets.h"

/* Samples that are computed again together: few, so that one ambiguous sample costs little. */
enum { ECGBYTE_SYMBOL_BLOCK = 128 };

/* bottom, top: 0.5 and letters - 0.5. limit: 0.5 - margin, or -1. first, last: the outermost values of the type within
 * the range; what lies outside of them counts as clipped. */
typedef struct {
    float low, scale, bottom, top, limit, first, last;
} EstimateInFloat;

typedef struct {
    double low, scale, bottom, top, limit, first, last;
} EstimateInDouble;

typedef struct {
    double low, width, letters;
    EstimateInFloat in_float;
    EstimateInDouble in_double;
} SymbolFormula;

static double ecgbyte_estimate_limit(double low, double rounded_low, double width, double letters, double unit) {
    double margin = letters * (8 * unit + 2 * fabs(low - rounded_low) / width);
    return letters / width > 0x1p-60 && letters / width < 0x1p60 && margin < 0.25 ? 0.5 - margin : -1.0;
}

/* low, high: finite, low < high. width: what the formula divides by, finite, above 0. letters: 1 to 256. */
static SymbolFormula ecgbyte_symbol_formula(double low, double high, double width, int letters) {
    /* In float32 the ends may become infinite; the limit is -1 then, and the comparisons with them stay right. */
    float low_f = (float)low, high_f = (float)high;
    SymbolFormula formula = {
        low,
        width,
        letters,
        {low_f, (float)(letters / width), 0.5f, (float)(letters - 0.5),
         (float)ecgbyte_estimate_limit(low, low_f, width, letters, 0x1p-24),
         low_f < low ? nextafterf(low_f, INFINITY) : low_f, high_f > high ? nextafterf(high_f, -INFINITY) : high_f},
        {low, letters / width, 0.5, letters - 0.5, ecgbyte_estimate_limit(low, low, width, letters, 0x1p-53), low, high},
    };
    return formula;
}

#define ECGBYTE_TARGET
#define ECGBYTE_OF_SET(name) name##_portable
#include "symbol_types.h"
#undef ECGBYTE_TARGET
#undef ECGBYTE_OF_SET

#if ECGBYTE_X86_DISPATCH
#define ECGBYTE_TARGET ECGBYTE_TARGET_AVX2
#define ECGBYTE_OF_SET(name) name##_avx2
#include "symbol_types.h"
#undef ECGBYTE_TARGET
#undef ECGBYTE_OF_SET

#define ECGBYTE_TARGET ECGBYTE_TARGET_AVX512
#define ECGBYTE_OF_SET(name) name##_avx512
#include "symbol_types.h"
#undef ECGBYTE_TARGET
#undef ECGBYTE_OF_SET
#endif

/* Types of samples, and the loop for each. */
enum { ECGBYTE_FLOAT = 0, ECGBYTE_DOUBLE = 1, ECGBYTE_INT16 = 2 };

typedef int64_t (*SymbolLoop)(const void *samples, ptrdiff_t length, const SymbolFormula *formula, uint8_t *symbols);

static SymbolLoop ecgbyte_symbol_loop(int instruction_set, int sample_type) {
#define ECGBYTE_LOOPS(set) {ecgbyte_symbolize_float_##set, ecgbyte_symbolize_double_##set, ecgbyte_symbolize_int16_##set}
    static const SymbolLoop loops[][3] = {
        ECGBYTE_LOOPS(portable),
#if ECGBYTE_X86_DISPATCH
        ECGBYTE_LOOPS(avx2), ECGBYTE_LOOPS(avx512),
#endif
    };
#undef ECGBYTE_LOOPS
    return loops[instruction_set][sample_type];
}

#endif
