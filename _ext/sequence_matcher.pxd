"""How compiled code outside this package's encoder encodes sequences: one read-only struct for a vocabulary.

`EncodingTables.matcher` is a capsule of the name below, which holds a `SequenceMatcher*`. It leads into the
EncodingTables object, so it is valid while that object lives, and may be used by any number of threads.
"""

from libc.stdint cimport int32_t, int64_t, uint8_t

cdef struct SequenceMatcher

# Encodes `sequences` sequences that lie side by side; sequence k is symbols[borders[k]] .. symbols[borders[k + 1] - 1].
# Writes the ids of all without gaps and how many each has; returns how many there are in all, -1 where memory is
# missing or a sequence is longer than 2**30 symbols, or -2 on Ctrl-C, with the Python error set (in the main thread
# only; it takes the interpreter lock now and then to look). O(symbols).
ctypedef int64_t (*MatchSequences)(
    const SequenceMatcher* matcher,
    const uint8_t* symbols,  # IN: all below the alphabet size
    const int64_t* borders,  # IN: [sequences + 1], not falling; the first may be above 0
    Py_ssize_t sequences,
    bint merge_order,  # True: merge order; False: longest match
    int32_t* ids,  # OUT: room for one id a symbol
    int64_t* counts,  # OUT: [sequences]
) noexcept nogil

cdef struct SequenceMatcher:
    MatchSequences match
    const int32_t* lengths  # [size] symbols of each token
    int32_t alphabet_size
    int32_t size            # tokens
    const void* tables      # of the encoder; not for others
