"""Building the trie of all token strings, with the links of longest_match.pxd, once for a vocabulary."""

import numpy as np

from libc.stdint cimport int32_t, int64_t, uint8_t, uint16_t, uint32_t

from _ext.longest_match cimport NO_STEP, step_t

# A node of the trie is a row of 4-byte entries, one a letter and one more, rounded up to a power of two: this many take
# 256 MB and hold two million nodes of 26 letters. 3,500 merges of real ECGs make some ten thousand nodes.
MAX_TRIE_ENTRIES = 1 << 26


def build_trie(
    const int32_t[:, :] merges,
    const uint8_t[::1] strings,
    const int64_t[::1] starts,
    const int32_t[::1] lengths,
    int64_t max_trie_entries=MAX_TRIE_ENTRIES,
):
    """Build the trie and its links.

    Parameters
    ----------
    merges : int32 [merges, 2]  # IN
    strings, starts, lengths : uint8 [symbols], int64 [tokens + 1], int32 [tokens]  # IN
        The token strings side by side, where each begins, and how long each is.
    max_trie_entries : int
        The trie may have this many entries, all nodes together.

    Returns
    -------
    children : uint32 [nodes, stride]
        The node that each symbol leads to, 0 (the root) for none; numbered breadth first, so that the rows near the
        root lie together. The stride is a power of two above the alphabet size.
    links : tuple of uint32 [nodes], int32 [nodes], int32 [nodes]
        Failure, tail and count of the pops of each node.
    pops : tuple of int32 [pops], int32 [pops]
        The pop before each pop, and its token.

    Raises
    ------
    ValueError
        If the trie would be too large; names the merge.

    Notes
    -----
    O(symbols of all tokens + nodes * stride).
    """
    cdef int alphabet_size = <int> (lengths.shape[0] - merges.shape[0])
    cdef int stride = 1
    cdef Py_ssize_t tokens = lengths.shape[0], capacity = 1024, nodes = 1, token
    cdef int64_t id, i, node, child
    cdef int symbol
    while stride <= alphabet_size:
        stride *= 2
    children_array = np.zeros((capacity, stride), dtype=np.uint32)
    cdef uint32_t[:, ::1] children = children_array
    cdef int64_t[::1] node_of = np.zeros(tokens, dtype=np.int64)
    for token in range(tokens):
        # The string of a merge begins with that of its left half, whose node is known.
        node = 0
        i = starts[token]
        if token >= alphabet_size:
            id = merges[token - alphabet_size, 0]
            node = node_of[id]
            i += lengths[id]
        while i < starts[token + 1]:
            symbol = strings[i]
            child = children[node, symbol]
            if child == 0:
                if (nodes + 1) * stride > max_trie_entries:
                    raise ValueError(
                        f"merges: the token strings up to merge {token - alphabet_size} need more than {nodes} trie "
                        f"nodes, expected at most {max_trie_entries} entries of {stride} a node"
                    )
                if nodes == capacity:
                    capacity *= 2
                    children_array = np.concatenate([children_array, np.zeros_like(children_array)])
                    children = children_array
                child = nodes
                children[node, symbol] = <uint32_t> child
                nodes += 1
            node = child
            i += 1
        node_of[token] = node
    ordered = number_breadth_first(children, node_of, nodes)
    return (ordered, *link_nodes(ordered, node_of))


cdef number_breadth_first(const uint32_t[:, ::1] children, int64_t[::1] node_of, Py_ssize_t nodes):
    """Copy the rows in breadth-first order, uint32 [nodes, stride], and renumber `node_of` [tokens] in place."""
    cdef Py_ssize_t taken = 0, given = 1, symbol, token
    cdef uint32_t child
    cdef uint32_t[::1] old = np.zeros(nodes, dtype=np.uint32)
    cdef uint32_t[::1] new = np.zeros(nodes, dtype=np.uint32)
    ordered_array = np.zeros((nodes, children.shape[1]), dtype=np.uint32)
    cdef uint32_t[:, ::1] ordered = ordered_array
    while taken < given:
        for symbol in range(children.shape[1]):
            child = children[old[taken], symbol]
            if child != 0:
                old[given] = child
                new[child] = <uint32_t> given
                ordered[taken, symbol] = <uint32_t> given
                given += 1
        taken += 1
    for token in range(node_of.shape[0]):
        node_of[token] = new[node_of[token]]
    return ordered_array


cdef link_nodes(const uint32_t[:, ::1] children, const int64_t[::1] node_of):
    """Failure links and pops of each node, parents first; see longest_match.pxd."""
    cdef Py_ssize_t nodes = children.shape[0], node, child, state, symbol, token
    cdef Py_ssize_t pops = 0, capacity = 2 * nodes + 16
    cdef int32_t i, count, pop
    failure_array = np.zeros(nodes, dtype=np.uint32)
    tail_array = np.full(nodes, -1, dtype=np.int32)
    count_array = np.zeros(nodes, dtype=np.int32)
    pops_array = np.empty((2, capacity), dtype=np.int32)
    cdef uint32_t[::1] failure = failure_array
    cdef int32_t[::1] tail = tail_array
    cdef int32_t[::1] counts = count_array
    cdef int32_t[:, ::1] chain = pops_array  # [before and token, pops]
    cdef int32_t[::1] token_at = np.full(nodes, -1, dtype=np.int32)
    for token in range(node_of.shape[0] - 1, -1, -1):  # the smallest id of equal token strings stays
        token_at[node_of[token]] = <int32_t> token
    for node in range(nodes):
        for symbol in range(children.shape[1]):
            child = children[node, symbol]
            if child == 0:
                continue
            if token_at[child] >= 0:
                if pops == capacity:
                    pops_array = np.concatenate([pops_array, np.empty_like(pops_array)], axis=1)
                    capacity *= 2
                    chain = pops_array
                chain[0, pops] = -1
                chain[1, pops] = token_at[child]
                tail[child] = <int32_t> pops
                counts[child] = 1
                pops += 1
                continue
            # No token ends here: what the parent gives up, then what is given up on the way to a node that can go on
            # with this symbol.
            tail[child] = tail[node]
            counts[child] = counts[node]
            state = failure[node]
            while children[state, symbol] == 0:
                count = counts[state]
                while pops + count > capacity:
                    pops_array = np.concatenate([pops_array, np.empty_like(pops_array)], axis=1)
                    capacity *= 2
                    chain = pops_array
                pop = tail[state]
                for i in range(count - 1, -1, -1):
                    chain[0, pops + i] = <int32_t> (pops + i - 1) if i > 0 else tail[child]
                    chain[1, pops + i] = chain[1, pop]
                    pop = chain[0, pop]
                tail[child] = <int32_t> (pops + count - 1)
                counts[child] += count
                pops += count
                state = failure[state]
            failure[child] = children[state, symbol]
    return (failure_array, tail_array, count_array), (pops_array[0, :pops].copy(), pops_array[1, :pops].copy())


# The largest number of nodes that 16-bit steps can lead to: a step is twice the node, plus 1.
MAX_SMALL_NODES = 1 << 15


def complete_steps(const uint32_t[:, ::1] children, links, pops):
    """The automaton of longest_match.pxd.

    Parameters
    ----------
    children, links, pops
        From `build_trie`.

    Returns
    -------
    uint16 or uint32 [nodes, stride]
        16 bit up to 2**15 nodes (MAX_SMALL_NODES).

    Notes
    -----
    O(nodes * stride).
    """
    cdef Py_ssize_t nodes = children.shape[0]
    if nodes <= MAX_SMALL_NODES:
        steps_array = np.zeros((nodes, children.shape[1]), dtype=np.uint16)
        fill_steps[uint16_t](steps_array, children, *links, pops[1])
    else:
        steps_array = np.zeros((nodes, children.shape[1]), dtype=np.uint32)
        fill_steps[uint32_t](steps_array, children, *links, pops[1])
    return steps_array


cdef fill_steps(
    step_t[:, ::1] steps,
    const uint32_t[:, ::1] children,
    const uint32_t[::1] failure,
    const int32_t[::1] tail,
    const int32_t[::1] count,
    const int32_t[::1] pop_token,
):
    cdef Py_ssize_t node, symbol
    cdef uint32_t child
    for node in range(children.shape[0]):
        for symbol in range(children.shape[1]):
            child = children[node, symbol]
            if child != 0:
                steps[node, symbol] = <step_t> (2 * child)
            elif count[node] == 1 and children[failure[node], symbol] != 0:
                steps[node, symbol] = <step_t> (2 * children[failure[node], symbol] + 1)
            else:
                steps[node, symbol] = NO_STEP
        if count[node] == 1:
            steps[node, children.shape[1] - 1] = <step_t> pop_token[tail[node]]
