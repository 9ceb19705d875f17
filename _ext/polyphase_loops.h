/* Resampling by a ratio of whole numbers with one filter per phase; compiled through lead_lanes.h. */

LANES_TARGET static void LANES_LOOP(polyphase)(
    const double *rows, /* IN: [rows, lanes], all that the first and the last new row reach */
    const double *phases, /* IN: [up, taps], the taps of each phase, from the oldest row to the newest */
    ptrdiff_t up, ptrdiff_t down, ptrdiff_t taps,
    ptrdiff_t start, /* where the first new row lies, in 1 / up of an old row, the reach of the filter added */
    ptrdiff_t count,
    double *resampled) /* OUT: [count, lanes] */
{
    enum { VECTORS = LEAD_LANES * sizeof(double) / sizeof(lanes_vector) };
    ptrdiff_t newest = start / up, phase = start % up;
    for (ptrdiff_t i = 0; i < count; i++) {
        const double *taken = rows + (newest - taps + 1) * LEAD_LANES, *weights = phases + phase * taps;
        lanes_vector sum[VECTORS] = {0};
        for (ptrdiff_t tap = 0; tap < taps; tap++, taken += LEAD_LANES)
            for (int v = 0; v < VECTORS; v++)
                sum[v] += weights[tap] * ((const lanes_vector *) taken)[v];
        for (int v = 0; v < VECTORS; v++)
            ((lanes_vector *) (resampled + i * LEAD_LANES))[v] = sum[v];
        newest += (phase + down) / up;
        phase = (phase + down) % up;
    }
}
