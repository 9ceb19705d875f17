/* Wavelet decomposition, soft thresholds, and recomposition; compiled through lead_lanes.h.
 *
 * As PyWavelets does it in mode "symmetric": the signal is mirrored at its ends, each end value twice, and band k of n
 * samples has (n + taps - 1) / 2 coefficients. */
#ifndef WAVELET_TAPS
#define WAVELET_TAPS 12
#define WAVELET_LEVELS 60

/* Where sample `index` of a mirrored signal lies; it is at most `samples` outside. */
static inline ptrdiff_t mirrored(ptrdiff_t index, ptrdiff_t samples)
{
    return index < 0 ? -1 - index : index < samples ? index : 2 * samples - 1 - index;
}
#endif

/* The low and the high band of `samples` rows, (samples + WAVELET_TAPS - 1) / 2 rows each. */
LANES_TARGET static void LANES_LOOP(analyse)(
    const double *rows, ptrdiff_t samples, const double *low_taps, const double *high_taps, double *low, double *high)
{
    enum { VECTORS = LEAD_LANES * sizeof(double) / sizeof(lanes_vector) };
    for (ptrdiff_t i = 0; i < (samples + WAVELET_TAPS - 1) / 2; i++) {
        lanes_vector low_sum[VECTORS] = {0}, high_sum[VECTORS] = {0};
        ptrdiff_t outside = 2 * i + 2 - samples; /* so many taps lie beyond the end; PyWavelets adds the nearest first */
        for (int k = 0; k < WAVELET_TAPS; k++) {
            ptrdiff_t tap = k < outside ? outside - 1 - k : k;
            const lanes_vector *row = (const lanes_vector *) (rows + mirrored(2 * i + 1 - tap, samples) * LEAD_LANES);
            for (int v = 0; v < VECTORS; v++) {
                low_sum[v] += low_taps[tap] * row[v];
                high_sum[v] += high_taps[tap] * row[v];
            }
        }
        for (int v = 0; v < VECTORS; v++) {
            ((lanes_vector *) (low + i * LEAD_LANES))[v] = low_sum[v];
            ((lanes_vector *) (high + i * LEAD_LANES))[v] = high_sum[v];
        }
    }
}

/* `samples` rows from their two bands, the reverse of analyse. */
LANES_TARGET static void LANES_LOOP(synthesise)(
    const double *low, const double *high, const double *low_taps, const double *high_taps,
    ptrdiff_t samples, double *rows)
{
    enum { VECTORS = LEAD_LANES * sizeof(double) / sizeof(lanes_vector) };
    for (ptrdiff_t i = 0; i < samples; i++) {
        lanes_vector low_sum[VECTORS] = {0}, high_sum[VECTORS] = {0};
        for (ptrdiff_t tap = i % 2; tap < WAVELET_TAPS; tap += 2) {
            ptrdiff_t place = (i / 2 + WAVELET_TAPS / 2 - 1 - tap / 2) * LEAD_LANES;
            for (int v = 0; v < VECTORS; v++) {
                low_sum[v] += low_taps[tap] * ((const lanes_vector *) (low + place))[v];
                high_sum[v] += high_taps[tap] * ((const lanes_vector *) (high + place))[v];
            }
        }
        for (int v = 0; v < VECTORS; v++)
            ((lanes_vector *) (rows + i * LEAD_LANES))[v] = low_sum[v] + high_sum[v];
    }
}

/* The median of the absolute values of each lane; NaN where a value is NaN.
 *
 * Doubles from 0 up are ordered as their bits are, so 63 halvings of the bits find the value that half of the others
 * do not exceed, for all lanes at once, in the same time for any values. */
LANES_TARGET static void LANES_LOOP(absolute_medians)(const double *rows, ptrdiff_t count, double *medians)
{
    ptrdiff_t below = (count + 1) / 2; /* the lower of two medians is the smallest value that so many do not exceed */
    uint64_t least[LEAD_LANES], most[LEAD_LANES], middle[LEAD_LANES];
    double bound[LEAD_LANES], larger[LEAD_LANES], found[LEAD_LANES];
    for (int lane = 0; lane < LEAD_LANES; lane++) {
        least[lane] = 0;
        most[lane] = UINT64_C(0x7ff0000000000000); /* infinity */
        found[lane] = 0;
    }
    for (int halving = 0; halving < 63; halving++) {
        for (int lane = 0; lane < LEAD_LANES; lane++) {
            middle[lane] = least[lane] + (most[lane] - least[lane]) / 2;
            memcpy(&bound[lane], &middle[lane], sizeof(double));
            found[lane] = 0;
        }
        for (ptrdiff_t i = 0; i < count; i++)
            for (int lane = 0; lane < LEAD_LANES; lane++)
                found[lane] += fabs(rows[i * LEAD_LANES + lane]) <= bound[lane] ? 1.0 : 0.0;
        for (int lane = 0; lane < LEAD_LANES; lane++) {
            least[lane] = found[lane] >= below ? least[lane] : middle[lane] + 1;
            most[lane] = found[lane] >= below ? middle[lane] : most[lane];
        }
    }
    for (int lane = 0; lane < LEAD_LANES; lane++) {
        memcpy(&bound[lane], &most[lane], sizeof(double));
        larger[lane] = INFINITY;
        found[lane] = 0;
    }
    for (ptrdiff_t i = 0; i < count; i++)
        for (int lane = 0; lane < LEAD_LANES; lane++) {
            double value = fabs(rows[i * LEAD_LANES + lane]);
            found[lane] += value <= bound[lane] ? 1.0 : 0.0;
            larger[lane] = value > bound[lane] && value < larger[lane] ? value : larger[lane];
        }
    for (int lane = 0; lane < LEAD_LANES; lane++) {
        double upper = found[lane] > count / 2 ? bound[lane] : larger[lane];
        medians[lane] = count % 2 ? bound[lane] : (bound[lane] + upper) / 2;
    }
    for (ptrdiff_t i = 0; i < count; i++)
        for (int lane = 0; lane < LEAD_LANES; lane++)
            medians[lane] = rows[i * LEAD_LANES + lane] != rows[i * LEAD_LANES + lane] ? NAN : medians[lane];
}

/* Move every value towards 0 by its lane's threshold, and to 0 what is nearer than that. */
LANES_TARGET static void LANES_LOOP(shrink)(double *rows, ptrdiff_t count, const double *thresholds)
{
    for (ptrdiff_t i = 0; i < count; i++)
        for (int lane = 0; lane < LEAD_LANES; lane++) {
            double value = rows[i * LEAD_LANES + lane], left = fabs(value) - thresholds[lane];
            rows[i * LEAD_LANES + lane] = copysign(left < 0 ? 0 : left, value);
        }
}

LANES_TARGET static void LANES_LOOP(wavelet_denoise)(
    double *rows, /* IN and OUT: [samples, lanes] */
    ptrdiff_t samples,
    int level, /* 1 or more; every band but the last is of WAVELET_TAPS rows or more */
    const double *taps, /* IN: [4, WAVELET_TAPS]: low and high of the analysis, low and high of the synthesis */
    double deviation, /* a threshold is the median divided by this */
    double *bands) /* scratch: the bands of all levels, low and high in turn, [rows, lanes] */
{
    double *low[WAVELET_LEVELS + 1], *high[WAVELET_LEVELS + 1], thresholds[LEAD_LANES];
    ptrdiff_t lengths[WAVELET_LEVELS + 1];
    low[0] = rows;
    lengths[0] = samples;
    for (int k = 1; k <= level; k++) {
        lengths[k] = (lengths[k - 1] + WAVELET_TAPS - 1) / 2;
        low[k] = bands;
        high[k] = bands + lengths[k] * LEAD_LANES;
        bands += 2 * lengths[k] * LEAD_LANES;
        LANES_LOOP(analyse)(low[k - 1], lengths[k - 1], taps, taps + WAVELET_TAPS, low[k], high[k]);
    }
    LANES_LOOP(absolute_medians)(high[level], lengths[level], thresholds);
    for (int lane = 0; lane < LEAD_LANES; lane++)
        thresholds[lane] /= deviation;
    for (int k = level; k > 0; k--) {
        LANES_LOOP(shrink)(high[k], lengths[k], thresholds);
        LANES_LOOP(synthesise)(
            low[k], high[k], taps + 2 * WAVELET_TAPS, taps + 3 * WAVELET_TAPS, lengths[k - 1], low[k - 1]);
    }
}
