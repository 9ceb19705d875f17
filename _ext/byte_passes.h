/* Merging by a pass over byte cells with wide instructions: whole blocks only, the caller merges the rest.
 *
 * Each block of 64 (32) cells becomes one word of bits: set where the pair begins. Where left and right are the same id,
 * every other bit of a run of such bits is a merge, counted from the start of the run; one bit of carry joins the blocks.
 * From that word follow the cells to drop (the right halves), the cells to rewrite (the left halves), and what stood
 * before and after. A block without a merge is only moved. Stores are as wide as loads and never reach beyond the block
 * that was just read, as the write position is never ahead of the read position. */
#ifndef ECGBYTE_BYTE_PASSES_H
#define ECGBYTE_BYTE_PASSES_H

#include <stdint.h>

#include "instruction_sets.h"

typedef struct {
    int64_t read;  /* cells read so far: the next cell to look at */
    int64_t write; /* cells written so far */
} ecgbyte_pass;

/* For each set of eight cells to keep, where they come from. */
static uint64_t ecgbyte_kept[256];

static void ecgbyte_fill_kept(void) {
    for (int set = 0; set < 256; set++) {
        int place = 0;
        ecgbyte_kept[set] = 0;
        for (int cell = 0; cell < 8; cell++)
            if (set >> cell & 1)
                ecgbyte_kept[set] |= (uint64_t) cell << (8 * place++);
    }
}

#if ECGBYTE_X86_DISPATCH
#include <immintrin.h>

/* Of each run of set bits the first, third, fifth ...; a run that starts at an even place carries through the sum. */
static inline uint64_t ecgbyte_every_other(uint64_t bits) {
    const uint64_t even = 0x5555555555555555u;
    uint64_t sum = bits + (bits & ~(bits << 1) & even);
    return (bits & ~sum & even) | (bits & sum & ~even);
}

/* Before and after cells wait here and are counted many at a time, in four tables so that equal values that follow one
 * another do not wait for each other. */
enum { ECGBYTE_WAITING = 2048 };

typedef struct {
    uint32_t counts[4][256];
    int64_t waiting;
    uint8_t cells[ECGBYTE_WAITING + 64];
} ecgbyte_tally;

static inline void ecgbyte_count_waiting(ecgbyte_tally *tally) {
    int64_t i = 0;
    for (; i + 3 < tally->waiting; i += 4) {
        tally->counts[0][tally->cells[i]]++;
        tally->counts[1][tally->cells[i + 1]]++;
        tally->counts[2][tally->cells[i + 2]]++;
        tally->counts[3][tally->cells[i + 3]]++;
    }
    for (; i < tally->waiting; i++)
        tally->counts[0][tally->cells[i]]++;
    tally->waiting = 0;
}

static inline void ecgbyte_add_tally(ecgbyte_tally *tally, int64_t *sums) {
    ecgbyte_count_waiting(tally);
    for (int cell = 0; cell < 256; cell++) {
        sums[cell] += (int64_t) tally->counts[0][cell] + tally->counts[1][cell] + tally->counts[2][cell]
                      + tally->counts[3][cell];
        for (int table = 0; table < 4; table++)
            tally->counts[table][cell] = 0;
    }
}

/* 32-bit tallies are emptied before this many cells. */
#define ECGBYTE_TALLY_CELLS ((int64_t) 1 << 31)

ECGBYTE_TARGET_AVX512
static ecgbyte_pass ecgbyte_pass_avx512(uint8_t *cells, int64_t length, uint8_t left, uint8_t right, uint8_t token,
                                        int64_t *before, int64_t *after) {
    const __m512i lefts = _mm512_set1_epi8((char) left), rights = _mm512_set1_epi8((char) right);
    const __m512i tokens = _mm512_set1_epi8((char) token);
    const int overlaps = left == right;
    ecgbyte_tally tally_before, tally_after;
    ecgbyte_pass at = {0, 0};
    __m512i earlier = _mm512_set1_epi8((char) 0xFF), one_back;
    uint64_t last = 0; /* the top two merge bits of the block before, at the bottom */
    uint8_t step[64];
    memset(&tally_before, 0, sizeof tally_before);
    memset(&tally_after, 0, sizeof tally_after);
    step[0] = 127;
    for (int i = 1; i < 64; i++)
        step[i] = (uint8_t) (i - 1);
    one_back = _mm512_loadu_si512(step);
    int64_t empty_at = ECGBYTE_TALLY_CELLS;
    while (at.read + 66 <= length) {
        const uint8_t *from = cells + at.read;
        __m512i block = _mm512_loadu_si512(from);
        uint64_t merges = _mm512_cmpeq_epi8_mask(block, lefts)
                          & _mm512_cmpeq_epi8_mask(_mm512_loadu_si512(from + 1), rights);
        uint64_t dropped = last >> 1;
        if (overlaps)
            merges = ecgbyte_every_other(merges & ~dropped);
        if ((merges | dropped) == 0) {
            if (at.write != at.read)
                _mm512_storeu_si512(cells + at.write, block);
            at.write += 64;
        } else {
            __m512i following = _mm512_loadu_si512(from + 2);
            __m512i preceding = _mm512_permutex2var_epi8(block, one_back, earlier);
            int merged = (int) _mm_popcnt_u64(merges);
            preceding = _mm512_mask_mov_epi8(preceding, merges << 2 | last, tokens);
            _mm512_storeu_si512(tally_before.cells + tally_before.waiting, _mm512_maskz_compress_epi8(merges, preceding));
            _mm512_storeu_si512(tally_after.cells + tally_after.waiting, _mm512_maskz_compress_epi8(merges, following));
            tally_before.waiting += merged;
            tally_after.waiting += merged;
            if (tally_before.waiting > ECGBYTE_WAITING) {
                ecgbyte_count_waiting(&tally_before);
                ecgbyte_count_waiting(&tally_after);
            }
            dropped |= merges << 1;
            _mm512_storeu_si512(
                cells + at.write,
                _mm512_maskz_compress_epi8(~dropped, _mm512_mask_mov_epi8(block, merges, tokens)));
            at.write += 64 - (int) _mm_popcnt_u64(dropped);
        }
        last = merges >> 62;
        earlier = block;
        at.read += 64;
        if (at.read >= empty_at) {
            ecgbyte_add_tally(&tally_before, before);
            ecgbyte_add_tally(&tally_after, after);
            empty_at += ECGBYTE_TALLY_CELLS;
        }
    }
    ecgbyte_add_tally(&tally_before, before);
    ecgbyte_add_tally(&tally_after, after);
    at.read += last >> 1; /* the right half of a merge whose left half was the last cell of the blocks */
    return at;
}

ECGBYTE_TARGET_AVX2
static ecgbyte_pass ecgbyte_pass_avx2(uint8_t *cells, int64_t length, uint8_t left, uint8_t right, uint8_t token,
                                      int64_t *before, int64_t *after) {
    const __m256i lefts = _mm256_set1_epi8((char) left), rights = _mm256_set1_epi8((char) right);
    const __m256i tokens = _mm256_set1_epi8((char) token);
    const __m256i bit_of_cell = _mm256_set1_epi64x((long long) 0x8040201008040201u);
    const __m256i byte_of_cell = _mm256_setr_epi64x(0, 0x0101010101010101, 0x0202020202020202, 0x0303030303030303);
    const int overlaps = left == right;
    ecgbyte_pass at = {0, 0};
    uint8_t cell_before = 0xFF;
    uint64_t last = 0;
    while (at.read + 34 <= length) {
        const uint8_t *from = cells + at.read;
        __m256i block = _mm256_loadu_si256((const __m256i *) from);
        uint64_t merges = (uint32_t) _mm256_movemask_epi8(_mm256_and_si256(
            _mm256_cmpeq_epi8(block, lefts),
            _mm256_cmpeq_epi8(_mm256_loadu_si256((const __m256i *) (from + 1)), rights)));
        uint64_t dropped = last >> 1;
        uint8_t final = from[31];
        if (overlaps)
            merges = ecgbyte_every_other(merges & ~dropped);
        if ((merges | dropped) == 0) {
            if (at.write != at.read)
                _mm256_storeu_si256((__m256i *) (cells + at.write), block);
            at.write += 32;
        } else {
            const uint64_t after_merge = merges << 2 | last;
            __m256i chosen = _mm256_shuffle_epi8(_mm256_set1_epi32((int) merges), byte_of_cell);
            __m128i half;
            uint32_t kept;
            for (uint64_t left_over = merges; left_over != 0; left_over &= left_over - 1) {
                const int place = (int) __builtin_ctzll(left_over);
                const uint8_t preceding = place ? from[place - 1] : cell_before;
                before[after_merge >> place & 1 ? token : preceding]++;
                after[from[place + 2]]++;
            }
            chosen = _mm256_cmpeq_epi8(_mm256_and_si256(chosen, bit_of_cell), bit_of_cell);
            block = _mm256_blendv_epi8(block, tokens, chosen);
            kept = ~(uint32_t) (dropped | merges << 1);
            half = _mm256_castsi256_si128(block);
            for (int eighth = 0; eighth < 4; eighth++) {
                const uint32_t set = kept >> (8 * eighth) & 0xFF;
                const __m128i order = _mm_loadl_epi64((const __m128i *) &ecgbyte_kept[set]);
                if (eighth == 2)
                    half = _mm256_extracti128_si256(block, 1);
                _mm_storel_epi64((__m128i *) (cells + at.write),
                                 _mm_shuffle_epi8(eighth & 1 ? _mm_srli_si128(half, 8) : half, order));
                at.write += (int) _mm_popcnt_u32(set);
            }
        }
        last = merges >> 30;
        cell_before = final;
        at.read += 32;
    }
    at.read += last >> 1;
    return at;
}
#endif

/* Merge the whole blocks at the front of `cells` [length], with the widest instructions of `set`. */
static inline ecgbyte_pass ecgbyte_pass_blocks(int set, uint8_t *cells, int64_t length, uint8_t left, uint8_t right,
                                               uint8_t token, int64_t *before, int64_t *after) {
    const ecgbyte_pass none = {0, 0};
#if ECGBYTE_X86_DISPATCH
    if (set == ECGBYTE_AVX512)
        return ecgbyte_pass_avx512(cells, length, left, right, token, before, after);
    if (set == ECGBYTE_AVX2)
        return ecgbyte_pass_avx2(cells, length, left, right, token, before, after);
#endif
    return none;
}

#endif
