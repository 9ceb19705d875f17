"""The first merges of byte-pair encoding at once: those that double a run of one symbol.

Where a pair (x, x) has a lower rank than any other pair with an x, its merge meets runs of x as the sequence has them,
and turns one of n symbols into n // 2 tokens and, at its right end, n % 2 symbols. The same then holds for the token,
and so on, as long as (t, t) comes before any other pair with a t: after `levels` doublings a run is
n >> levels of the last token, and then one token for each binary digit of the rest, the larger ones first. Merges of
other pairs take place as if the doublings had come before, since they touch none of the tokens that a doubling takes.

Digitized signals have long runs: 30,000 symbols of real ECGs leave 6,000 tokens.
"""

from libc.stdint cimport int32_t, int64_t, uint8_t, uint16_t

from _ext.merge_ranks cimport PairRank

cdef enum:
    MAX_LEVELS = 7
    # Of all symbols together, so that the square table of their pairs is small.
    MAX_RUN_TOKENS = 512

cdef struct RunTables:
    const uint8_t* levels     # [alphabet] doublings of each symbol, at most MAX_LEVELS
    const uint16_t* first     # [alphabet] the number of its run token of level 0; the others follow
    const uint16_t* ids       # [run tokens]
    const PairRank* pairs     # [run tokens, run tokens]
    int32_t count             # run tokens
    # [1 << MAX_LEVELS, MAX_LEVELS + 1] the binary digits of each number that are set, the larger ones first, and
    # how many they are in the last place.
    const uint16_t* digits
    bint doubled              # some symbol has doublings


cdef inline int64_t find_runs(
    const uint8_t* symbols,  # IN: [length]
    int64_t length,
    int32_t* ends,  # OUT: room for [length]
) noexcept nogil:
    """Where each run of equal symbols ends; return how many there are. O(length), without a branch a symbol."""
    cdef int64_t i, runs = 0
    for i in range(1, length):
        ends[runs] = <int32_t> i
        runs += symbols[i] != symbols[i - 1]
    ends[runs] = <int32_t> length
    return runs + 1


cdef inline int64_t merge_runs(
    const RunTables* tables,
    const uint8_t* symbols,  # IN
    uint8_t last_letter,  # of the alphabet; what lies behind it is taken for it
    const int32_t* ends,  # IN: [runs]
    int64_t runs,
    uint16_t* tokens,  # OUT: numbers of run tokens; room for one a symbol and MAX_LEVELS more
) noexcept nogil:
    """Write the tokens of all runs; return how many. O(symbols)."""
    cdef int64_t run, start = 0, length, written = 0, i
    cdef uint16_t first, largest
    cdef const uint16_t* digits
    cdef uint8_t symbol, levels
    for run in range(runs):
        symbol = min(symbols[start], last_letter)
        length = ends[run] - start
        start = ends[run]
        levels = tables.levels[symbol]
        first = tables.first[symbol]
        largest = first + levels
        for i in range(length >> levels):
            tokens[written + i] = largest
        written += length >> levels
        digits = tables.digits + (length & ((1 << levels) - 1)) * (MAX_LEVELS + 1)
        for i in range(MAX_LEVELS):
            tokens[written + i] = first + digits[i]
        written += digits[MAX_LEVELS]
    return written
