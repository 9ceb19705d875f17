/* A cascade of second-order sections, forwards and then backwards; compiled through lead_lanes.h.
 *
 * The signal is thought to go on at both ends by its own point reflection, and the cascade starts at rest on the first
 * value that it sees: both exactly as in scipy.signal.sosfiltfilt, in the same order of operations. What lies before the
 * first sample is reflected as it is needed, and what lies behind the last is kept from the forward to the backward
 * pass; neither is copied together with the signal, and the backward pass ends at the first sample. */
#ifndef SECTIONS_BLOCK
#define SECTIONS_BLOCK 64 /* rows, 6 KB */
#endif

/* One or two sections over the rows of one block; the delays stay in registers. */
LANES_TARGET LANES_INLINE void LANES_LOOP(sections_over_block)(
    double *rows, ptrdiff_t count, ptrdiff_t step, const double *sections, double *delays, const int both)
{
    enum { VECTORS = LEAD_LANES * sizeof(double) / sizeof(lanes_vector) };
    lanes_vector *kept = (lanes_vector *) delays, delay[4][VECTORS];
    double b0 = sections[0], b1 = sections[1], b2 = sections[2], a1 = sections[4], a2 = sections[5];
    double d0 = 0, d1 = 0, d2 = 0, c1 = 0, c2 = 0;
    if (both)
        d0 = sections[6], d1 = sections[7], d2 = sections[8], c1 = sections[10], c2 = sections[11];
    for (int k = 0; k < (both ? 4 : 2); k++)
        for (int v = 0; v < VECTORS; v++)
            delay[k][v] = kept[k * VECTORS + v];
    for (ptrdiff_t i = 0; i < count; i++, rows += step) {
        lanes_vector *row = (lanes_vector *) rows;
        for (int v = 0; v < VECTORS; v++) {
            lanes_vector x = row[v], y = b0 * x + delay[0][v];
            delay[0][v] = b1 * x - a1 * y + delay[1][v];
            delay[1][v] = b2 * x - a2 * y;
            if (both) {
                x = y;
                y = d0 * x + delay[2][v];
                delay[2][v] = d1 * x - c1 * y + delay[3][v];
                delay[3][v] = d2 * x - c2 * y;
            }
            row[v] = y;
        }
    }
    for (int k = 0; k < (both ? 4 : 2); k++)
        for (int v = 0; v < VECTORS; v++)
            kept[k * VECTORS + v] = delay[k][v];
}

/* All sections over `count` rows, each `step` doubles from the one before, in blocks that stay in the nearest cache. */
LANES_TARGET static void LANES_LOOP(sections_over_rows)(
    double *rows, ptrdiff_t count, ptrdiff_t step, const double *sections, ptrdiff_t num_sections, double *delays)
{
    while (count > 0) {
        ptrdiff_t block = count < SECTIONS_BLOCK ? count : SECTIONS_BLOCK, s = 0;
        for (; s + 1 < num_sections; s += 2)
            LANES_LOOP(sections_over_block)(rows, block, step, sections + 6 * s, delays + 2 * LEAD_LANES * s, 1);
        if (s < num_sections)
            LANES_LOOP(sections_over_block)(rows, block, step, sections + 6 * s, delays + 2 * LEAD_LANES * s, 0);
        rows += block * step;
        count -= block;
    }
}

/* Set every delay to where it comes to rest on a constant input of `level` [lanes]. */
LANES_TARGET static void LANES_LOOP(rest_on)(
    const double *level, const double *resting, ptrdiff_t num_sections, double *delays)
{
    for (ptrdiff_t k = 0; k < 2 * num_sections; k++)
        for (int lane = 0; lane < LEAD_LANES; lane++)
            delays[k * LEAD_LANES + lane] = resting[k] * level[lane];
}

LANES_TARGET static void LANES_LOOP(zero_phase)(
    double *rows, /* IN and OUT: [samples, lanes] */
    ptrdiff_t samples,
    ptrdiff_t extension, /* rows thought beyond each end; 0 to samples - 1 */
    const double *sections, /* IN: [sections, 6], as SciPy orders them */
    const double *resting, /* IN: [sections, 2], scipy.signal.sosfilt_zi */
    ptrdiff_t num_sections,
    double *delays, /* scratch: [sections, 2, lanes] */
    double *tail) /* scratch: [extension, lanes] */
{
    enum { ROW = LEAD_LANES };
    double twice_first[ROW], block[SECTIONS_BLOCK * ROW];
    const double *last = rows + (samples - 1) * ROW;
    for (int lane = 0; lane < ROW; lane++) {
        twice_first[lane] = 2 * rows[lane];
        block[lane] = twice_first[lane] - rows[extension * ROW + lane];
    }
    for (ptrdiff_t k = 0; k < extension; k++)
        for (int lane = 0; lane < ROW; lane++)
            tail[k * ROW + lane] = 2 * last[lane] - last[lane - (k + 1) * ROW];
    LANES_LOOP(rest_on)(block, resting, num_sections, delays);
    for (ptrdiff_t ahead = extension; ahead > 0; ahead -= SECTIONS_BLOCK) {
        ptrdiff_t count = ahead < SECTIONS_BLOCK ? ahead : SECTIONS_BLOCK;
        for (ptrdiff_t k = 0; k < count; k++)
            for (int lane = 0; lane < ROW; lane++)
                block[k * ROW + lane] = twice_first[lane] - rows[(ahead - k) * ROW + lane];
        LANES_LOOP(sections_over_rows)(block, count, ROW, sections, num_sections, delays);
    }
    LANES_LOOP(sections_over_rows)(rows, samples, ROW, sections, num_sections, delays);
    LANES_LOOP(sections_over_rows)(tail, extension, ROW, sections, num_sections, delays);
    LANES_LOOP(rest_on)(extension ? tail + (extension - 1) * ROW : last, resting, num_sections, delays);
    LANES_LOOP(sections_over_rows)(tail + (extension - 1) * ROW, extension, -ROW, sections, num_sections, delays);
    LANES_LOOP(sections_over_rows)(rows + (samples - 1) * ROW, samples, -ROW, sections, num_sections, delays);
}
