# cython: language_level=3
# distutils: language = c++
"""Python's side of ``published_algorithm.h``: strings and lists in, lists out, as in the published extension."""

from libc.stdint cimport uint32_t
from libcpp.pair cimport pair
from libcpp.vector cimport vector


cdef extern from "published_algorithm.h" nogil:
    cppclass TrieNode:
        TrieNode()
    void add_token(TrieNode& root, const vector[uint32_t]& string, uint32_t token)
    vector[uint32_t] match_longest(const TrieNode& root, const vector[uint32_t]& text)
    vector[pair[uint32_t, uint32_t]] train_by_recounting(vector[uint32_t] text, size_t num_merges)


cdef vector[uint32_t] code_points(str text):
    cdef vector[uint32_t] points
    cdef Py_UCS4 character
    points.reserve(len(text))
    for character in text:
        points.push_back(<uint32_t> character)
    return points


def encode(str text, list merges):
    """Tokens of `text`; `merges` is a list of (the whole token as a list of bytes, its id)."""
    cdef TrieNode root
    cdef vector[uint32_t] string
    cdef list token_bytes
    for token_bytes, token in merges:
        string.clear()
        for byte in token_bytes:
            string.push_back(<uint32_t> byte)
        add_token(root, string, token)
    return match_longest(root, code_points(text))


def train(str text, size_t num_merges):
    """List of merges (left id, right id)."""
    return train_by_recounting(code_points(text), num_merges)
