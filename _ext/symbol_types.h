/* The loop of symbol_block.h for each type of sample, with the instructions of ECGBYTE_TARGET. No include guard:
 * symbol_loops.h includes it once for each set. REAL is what estimates are computed in, COUNT an integer as wide. */
#define REAL float
#define COUNT int32_t
#define ESTIMATE in_float
#define FABS fabsf

#define SAMPLE float
#define LOOP ECGBYTE_OF_SET(ecgbyte_symbolize_float)
#include "symbol_block.h"
#undef LOOP
#undef SAMPLE

#define SAMPLE int16_t
#define LOOP ECGBYTE_OF_SET(ecgbyte_symbolize_int16)
#include "symbol_block.h"
#undef LOOP
#undef SAMPLE

#undef REAL
#undef COUNT
#undef ESTIMATE
#undef FABS

#define REAL double
#define COUNT int64_t
#define ESTIMATE in_double
#define FABS fabs

#define SAMPLE double
#define LOOP ECGBYTE_OF_SET(ecgbyte_symbolize_double)
#include "symbol_block.h"
#undef LOOP
#undef SAMPLE

#undef REAL
#undef COUNT
#undef ESTIMATE
#undef FABS
