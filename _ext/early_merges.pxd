"""Merges that may be done at once, whatever their rank, in passes from left to right.

A pair (b, c) of rank r between tokens a and d will be merged for certain if neither b nor c is taken by a neighbour
before. From the left that takes a merge (T, b) of a rank below r, where T is a or a token that ends with a (its right
half, or the right half of that, and so on); from the right a merge (c, T), T being d or beginning with d. The lowest
such ranks are known for each pair of tokens (`from_left` of (a, b), `from_right` of (c, d)), so comparing tells. A
merge that is certain can be done early: the pairs that its token makes have higher ranks than its own, so nothing
meets it before its time. Of equal ranks (runs) the left one comes first, so the left bound must be above r and the
right one at least r. Being lower than the two neighbouring pairs alone would not do: z and a may become za, and
(za, b) come before.

One pass does without branches what would cost several visits to the queues of merge_order.pxd, and three passes do
nearly all the merges of noise. What is left is for the queues.
"""

from libc.stdint cimport int32_t, int64_t, uint16_t

from _ext.merge_ranks cimport BORDER, PairRank, RankTable, pair_rank
from _ext.merge_runs cimport RunTables

cdef enum:
    MOST_PASSES = 6
    LEAST_GAIN = 6      # a pass that shortens the tokens by less than one in so many is the last


cdef struct PassState:
    PairRank before     # of the token before and this one
    PairRank here       # of this token and the next
    bint taken          # this token went into the one before
    int64_t written


cdef inline PassState pass_token(
    PassState state, uint16_t token, PairRank after, int32_t alphabet_size, uint16_t* written
) noexcept nogil:
    """Write a token, merged with the next or alone, or nothing where it was taken. No branch."""
    cdef bint merges = (state.here.rank < state.before.from_left) & (state.here.rank <= after.from_right)
    # Not a conditional expression: compilers make a branch of that, which is seldom guessed right.
    written[state.written] = token ^ ((token ^ <uint16_t> (alphabet_size + state.here.rank)) & <uint16_t> -<int> merges)
    state.written += not state.taken
    state.taken = merges
    state.before = state.here
    state.here = after
    return state


cdef inline PassState begin_pass(PairRank outside) noexcept nogil:
    cdef PassState state
    state.before = outside
    state.here = outside
    state.taken = False
    state.written = 0
    return state


cdef inline int64_t merge_run_tokens(
    const RankTable* ranks,
    const RunTables* runs,
    const uint16_t* numbers,  # IN: [count] of run tokens, one behind them may be read
    int64_t count,
    int32_t alphabet_size,
    uint16_t* tokens,  # OUT: ids; room for [count]
) noexcept nogil:
    """The first pass, from the numbers of run tokens to ids; return how many tokens are left."""
    cdef PairRank outside = ranks.pairs[0]
    cdef PassState state = begin_pass(outside)
    cdef const PairRank* row
    cdef int64_t i
    if count > 1:
        state.here = runs.pairs[numbers[0] * runs.count + numbers[1]]
    for i in range(count - 2):
        row = runs.pairs + numbers[i + 1] * runs.count
        state = pass_token(state, runs.ids[numbers[i]], row[numbers[i + 2]], alphabet_size, tokens)
    for i in range(max(count - 2, <int64_t> 0), count):
        state = pass_token(state, runs.ids[numbers[i]], outside, alphabet_size, tokens)
    return state.written


cdef inline int64_t merge_once(
    const RankTable* ranks,
    uint16_t* tokens,  # IN and OUT: [count + 1], the last is free
    int64_t count,
    int32_t alphabet_size,
) noexcept nogil:
    """One pass over ids, in place; return how many tokens are left."""
    cdef PairRank outside = ranks.pairs[0]
    cdef PassState state = begin_pass(outside)
    cdef int64_t i
    tokens[count] = BORDER
    state.here = pair_rank(ranks, tokens[0], tokens[1])
    for i in range(count - 1):
        state = pass_token(
            state, tokens[i], pair_rank(ranks, tokens[i + 1], tokens[i + 2]), alphabet_size, tokens
        )
    return pass_token(state, tokens[count - 1], outside, alphabet_size, tokens).written


cdef inline int64_t merge_early(
    const RankTable* ranks,
    const RunTables* runs,
    const uint16_t* numbers,  # IN: [count] of run tokens
    int64_t count,
    int32_t alphabet_size,
    uint16_t* tokens,  # OUT: ids; room for [count + 1]
) noexcept nogil:
    """Do merges that are certain, as long as passes are worth it; return how many tokens are left. O(count)."""
    cdef int64_t before = count
    cdef int _
    count = merge_run_tokens(ranks, runs, numbers, count, alphabet_size, tokens)
    for _ in range(1, MOST_PASSES):
        if before - count < before // LEAST_GAIN or count == 1:
            break
        before = count
        count = merge_once(ranks, tokens, count, alphabet_size)
    return count
