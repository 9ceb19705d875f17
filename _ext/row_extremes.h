/* The smallest and the largest sample of a row, in lanes that the compiler turns into vector minima and maxima (a single
 * running minimum it may not reorder). A NaN is passed over. */
#ifndef ECGBYTE_ROW_EXTREMES_H
#define ECGBYTE_ROW_EXTREMES_H

#include <stddef.h>

enum { ECGBYTE_EXTREME_LANES = 32 };

/* Lowers *lowest and raises *highest to the extremes of `length` samples without gaps. */
#define ECGBYTE_ROW_EXTREMES(name, sample)                                                              \
    static void name(const sample *samples, ptrdiff_t length, double *lowest, double *highest) {        \
        sample low[ECGBYTE_EXTREME_LANES], high[ECGBYTE_EXTREME_LANES];                                 \
        ptrdiff_t start = 0;                                                                            \
        for (int lane = 0; lane < ECGBYTE_EXTREME_LANES; lane++) {                                      \
            low[lane] = (sample)*lowest;                                                                \
            high[lane] = (sample)*highest;                                                              \
        }                                                                                               \
        for (; start + ECGBYTE_EXTREME_LANES <= length; start += ECGBYTE_EXTREME_LANES)                 \
            for (int lane = 0; lane < ECGBYTE_EXTREME_LANES; lane++) {                                  \
                sample x = samples[start + lane];                                                       \
                low[lane] = x < low[lane] ? x : low[lane];                                              \
                high[lane] = x > high[lane] ? x : high[lane];                                           \
            }                                                                                           \
        for (; start < length; start++) {                                                               \
            sample x = samples[start];                                                                  \
            low[0] = x < low[0] ? x : low[0];                                                           \
            high[0] = x > high[0] ? x : high[0];                                                        \
        }                                                                                               \
        for (int lane = 0; lane < ECGBYTE_EXTREME_LANES; lane++) {                                      \
            *lowest = low[lane] < *lowest ? low[lane] : *lowest;                                        \
            *highest = high[lane] > *highest ? high[lane] : *highest;                                   \
        }                                                                                               \
    }

ECGBYTE_ROW_EXTREMES(ecgbyte_extremes_float, float)
ECGBYTE_ROW_EXTREMES(ecgbyte_extremes_double, double)

#undef ECGBYTE_ROW_EXTREMES

#endif
