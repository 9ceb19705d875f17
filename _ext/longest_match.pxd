"""Greedy longest match in linear time, several pieces at once.

LinMaxMatch (Song et al., Fast WordPiece Tokenization, EMNLP 2021, https://aclanthology.org/2021.emnlp-main.160,
section 3): plain matching walks the trie of all token strings as far as it can, takes the last token string it passed,
and starts again behind it, which reads symbols again wherever a path ends in no token. Here each node knows what such
a restart would come to: the tokens that greedy matching takes from the string of the node until what is left is again
a path of the trie (`pops`), and the node of that path (`failure`). So no symbol is read twice.

The pops of a node extend those of its parent, so they are kept as chains that share their beginnings: `tail` is the
last pop, `pop_before` leads to the one before it. The chains have at most two links for each symbol of each token
string.

Most often one token is given up and the walk goes on at once, so the trie is completed into an automaton: the step of
such a symbol leads to the node behind the failure link and carries the mark that one token is written, which costs no
branch. Only where there is more to do (`NO_STEP`) are pops and failure links looked up.

A step waits for the row of its node, so `LANES` pieces are walked side by side, each a step in turn. A lane without a
piece shadows a busy one: it does the same steps and writes the same ids to the same places.
"""

from libc.stdint cimport int32_t, int64_t, uint8_t, uint16_t, uint32_t

from _ext.pieces cimport Piece

cdef enum:
    ROOT = 0
    NO_STEP = 0  # no step leads to the root
    LANES = 8

ctypedef fused step_t:
    uint16_t
    uint32_t

cdef struct MatchTables:
    # step_t [nodes, 2 ** row_bits]: for each symbol twice the node it leads to, plus 1 where one token is given up
    # before, or NO_STEP; in the last place of a row that one token.
    const void* steps
    int row_bits
    const uint32_t* failure    # [nodes]
    const int32_t* tail        # [nodes] index of the last pop
    const int32_t* count       # [nodes] how many pops
    const int32_t* pop_before  # [pops]
    const int32_t* pop_token   # [pops]


cdef struct Walk:
    uint32_t node  # the path from the last token border to here
    int32_t* out   # where the next id goes


cdef inline int64_t write_pops(const MatchTables* tables, int64_t node, int32_t* ids) noexcept nogil:
    """Write the tokens that `node` gives up, in order; return how many."""
    cdef int32_t count = tables.count[node]
    cdef int32_t pop = tables.tail[node]
    cdef int32_t i
    for i in range(count - 1, -1, -1):
        ids[i] = tables.pop_token[pop]
        pop = tables.pop_before[pop]
    return count


cdef inline Walk step_slowly(const MatchTables* tables, const step_t* steps, Walk walk, uint8_t symbol) noexcept nogil:
    """One step by the failure links, which end at the latest at the root, where each symbol has a step."""
    cdef uint32_t step = NO_STEP
    while step == NO_STEP:
        walk.out += write_pops(tables, walk.node, walk.out)
        walk.node = tables.failure[walk.node]
        step = steps[(<int64_t> walk.node << tables.row_bits) + symbol]
    walk.out[0] = steps[((<int64_t> walk.node + 1) << tables.row_bits) - 1]
    walk.out += step & 1
    walk.node = step >> 1
    return walk


cdef inline Walk step_once(const MatchTables* tables, const step_t* steps, Walk walk, uint8_t symbol) noexcept nogil:
    cdef const step_t* row = steps + (<int64_t> walk.node << tables.row_bits)
    cdef uint32_t step = row[symbol]
    if step == NO_STEP:
        return step_slowly(tables, steps, walk, symbol)
    walk.out[0] = row[(1 << tables.row_bits) - 1]
    walk.out += step & 1
    walk.node = step >> 1
    return walk


cdef inline void end_piece(const MatchTables* tables, Piece* piece, Walk walk) noexcept nogil:
    """Give up all that is held at the end of a piece."""
    piece.settled = walk.out - piece.ids
    while walk.node != ROOT:
        walk.out += write_pops(tables, walk.node, walk.out)
        walk.node = tables.failure[walk.node]
    piece.tokens = walk.out - piece.ids


cdef inline void match_longest(
    const MatchTables* tables,
    const step_t* steps,
    Piece* pieces,  # IN and OUT: [count], each of at least one symbol
    int64_t count,
) noexcept nogil:
    """Encode pieces, each for itself. O(symbols)."""
    cdef const uint8_t* symbols[LANES]
    cdef Walk walks[LANES]
    cdef int64_t left[LANES]
    cdef Piece* piece[LANES]  # NULL: the lane shadows another one
    cdef int64_t taken = 0, i, together
    cdef int lane, busy

    for lane in range(LANES):
        left[lane] = 0
        piece[lane] = NULL
    while True:
        busy = -1
        for lane in range(LANES):
            if piece[lane] != NULL and left[lane] == 0:
                end_piece(tables, piece[lane], walks[lane])
                piece[lane] = NULL
            if piece[lane] == NULL and taken < count:
                piece[lane] = &pieces[taken]
                symbols[lane] = pieces[taken].symbols
                left[lane] = pieces[taken].length
                walks[lane].out = pieces[taken].ids
                walks[lane].node = ROOT
                taken += 1
            if piece[lane] != NULL and (busy < 0 or left[lane] < left[busy]):
                busy = lane
        if busy < 0:
            return
        together = left[busy]
        for lane in range(LANES):
            if piece[lane] == NULL:
                symbols[lane] = symbols[busy]
                walks[lane] = walks[busy]
            left[lane] -= together
        for i in range(together):
            for lane in range(LANES):
                walks[lane] = step_once(tables, steps, walks[lane], symbols[lane][i])
        for lane in range(LANES):
            symbols[lane] += together
