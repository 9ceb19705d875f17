/* Symbols of `length` samples without gaps; returns how many lie outside of low .. high, or -1 where one is not finite
 * (the symbols mean nothing then). Written so that each inner loop becomes vector code; why it is exact is said in
 * symbol_loops.h. No include guard: symbol_types.h includes it once for each type of sample. */
ECGBYTE_TARGET static int64_t LOOP(const void *samples, ptrdiff_t length, const SymbolFormula *formula,
                                   uint8_t *symbols) {
    const REAL low = formula->ESTIMATE.low, scale = formula->ESTIMATE.scale, limit = formula->ESTIMATE.limit;
    const REAL bottom = formula->ESTIMATE.bottom, top = formula->ESTIMATE.top;
    const REAL first = formula->ESTIMATE.first, last = formula->ESTIMATE.last;
    int64_t clipped = 0;
    for (ptrdiff_t start = 0; start < length; start += ECGBYTE_SYMBOL_BLOCK) {
        const SAMPLE *x = (const SAMPLE *)samples + start;
        uint8_t *symbol = symbols + start;
        const int count = length - start < ECGBYTE_SYMBOL_BLOCK ? (int)(length - start) : ECGBYTE_SYMBOL_BLOCK;
        COUNT ambiguous = 0, outside = 0;
        for (int i = 0; i < count; i++) {
            REAL value = (REAL)x[i], t = (value - low) * scale;
            t = t > bottom ? t : bottom; /* NaN as well */
            t = t < top ? t : top;
            int32_t whole = (int32_t)t;
            ambiguous += FABS(t - (REAL)whole - (REAL)0.5) > limit;
            outside += !(value >= first) | !(value <= last); /* NaN and the infinities as well */
            symbol[i] = (uint8_t)whole;
        }
        if (ambiguous) {
            const double at = formula->low, width = formula->width, letters = formula->letters;
            const int32_t highest = (int32_t)letters - 1;
            for (int i = 0; i < count; i++) {
                double place = ((double)x[i] - at) / width;
                place = place > 0.0 ? place : 0.0;
                place = place < 1.0 ? place : 1.0;
                int32_t whole = (int32_t)(letters * place);
                symbol[i] = (uint8_t)(whole < highest ? whole : highest);
            }
        }
        if (outside) {
            COUNT not_finite = 0;
            for (int i = 0; i < count; i++)
                not_finite += !((REAL)x[i] - (REAL)x[i] == (REAL)0);
            if (not_finite)
                return -1;
            clipped += outside;
        }
    }
    return clipped;
}
