"""Greedy longest match in linear time: a trie of all token strings with failure links (LinMaxMatch).

Song et al., Fast WordPiece Tokenization, EMNLP 2021 (https://aclanthology.org/2021.emnlp-main.160), section 3. Plain
matching walks the trie as far as it can, takes the last token string it passed, and starts again behind it, which
reads symbols again and again where long paths end in no token. Here each node knows what such a restart would come
to: the tokens that greedy matching takes from the string of the node until what is left is again a path of the trie
(`pops`), and the node of that path (`failure`). So no symbol is read twice.

The pops of a node extend those of its parent, so they are kept as chains that share their beginnings: `tail` is the
last pop, `pop_before` leads to the one before it. The chains have at most two links for each symbol of each token
string.
"""

from libc.stdint cimport int32_t, int64_t, uint8_t, uint16_t, uint32_t

cdef enum:
    ROOT = 0

ctypedef fused node_t:
    uint16_t
    uint32_t

cdef struct MatchTables:
    void* children        # node_t [nodes, stride]: the node a symbol leads to, or ROOT for none
    int stride            # a power of two, at least the alphabet
    const uint32_t* failure    # [nodes]
    const int32_t* tail        # [nodes] index of the last pop
    const int32_t* count       # [nodes] how many pops
    const int32_t* pop_before  # [pops]
    const int32_t* pop_token   # [pops]


cdef inline int64_t write_pops(const MatchTables* tables, int64_t node, int32_t* ids) noexcept nogil:
    """Write the tokens that `node` gives up, in order; return how many."""
    cdef int32_t count = tables.count[node]
    cdef int32_t pop = tables.tail[node]
    cdef int32_t i
    for i in range(count - 1, -1, -1):
        ids[i] = tables.pop_token[pop]
        pop = tables.pop_before[pop]
    return count


cdef inline int64_t match_longest(
    const MatchTables* tables,
    const node_t* children,  # IN: [nodes, stride]
    const uint8_t* symbols,  # IN: [length], all below the alphabet size
    int64_t length,
    int32_t* ids,  # OUT: room for [length]
) noexcept nogil:
    """Encode one sequence; return the number of tokens. O(length)."""
    cdef int64_t i, written = 0
    cdef int64_t node = ROOT, child
    cdef int stride = tables.stride
    for i in range(length):
        child = children[node * stride + symbols[i]]
        while child == ROOT:  # ends at the latest at the root, where every symbol has a child
            written += write_pops(tables, node, ids + written)
            node = tables.failure[node]
            child = children[node * stride + symbols[i]]
        node = child
    while node != ROOT:
        written += write_pops(tables, node, ids + written)
        node = tables.failure[node]
    return written
