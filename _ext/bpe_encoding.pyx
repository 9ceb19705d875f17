"""Encoding symbols as tokens, in two ways, and decoding; on tables that are built once for a vocabulary.

The kernels are in longest_match.pxd and merge_order.pxd, what goes round them in encoding_tables.pxd;
batch_encoding.pyx encodes many sequences with the tables that are built here.
"""

import numpy as np

from ecgbyte._ext.match_ranks import build_merge_arrays, build_runs
from ecgbyte._ext.match_trie import MAX_TRIE_ENTRIES, build_trie, complete_steps
from ecgbyte._ext.rank_table import build_rank_table

from cpython.buffer cimport PyBUF_SIMPLE, PyBUF_WRITABLE, PyBuffer_Release, PyObject_GetBuffer
from cpython.pycapsule cimport PyCapsule_New
from libc.stdint cimport int32_t, int64_t, uint8_t, uint16_t, uint32_t
from libc.stdlib cimport free, malloc
from libc.string cimport memcpy

from _ext.encoding_tables cimport MAX_SEQUENCE_SYMBOLS as _MAX_SEQUENCE_SYMBOLS
from _ext.encoding_tables cimport EncoderTables, copy_symbols, match_sequences
from _ext.interrupts cimport INTERRUPTED, pass_on
from _ext.merge_ranks cimport PairRank
from _ext.sequence_matcher cimport SequenceMatcher

# Ids are 16 bit, and the last value marks borders.
MAX_TOKENS = 65_535

# A merge doubles a token at most, so 65,509 of them could ask for 2**65509 symbols. Training makes tokens as long as
# the corpus is periodic: a flat lead of 10 s at 500 Hz is 5,000 symbols, a flat hour at 250 Hz 900,000.
MAX_TOKEN_SYMBOLS = 1 << 20

# All token strings together are kept in memory, one byte a symbol; 3,500 merges of real ECGs take 0.2 million.
MAX_VOCABULARY_SYMBOLS = 1 << 26

MAX_SEQUENCE_SYMBOLS = _MAX_SEQUENCE_SYMBOLS

# What `EncodingTables.encode_sequence` copies at most; longer sequences are for BatchEncoding.
MAX_COPIED_SYMBOLS = 1 << 18


def token_lengths(const int32_t[:, :] merges, int alphabet_size):
    """Check the merges and return how many symbols each token has.

    Parameters
    ----------
    merges : int32 [merges, 2]  # IN
    alphabet_size : int

    Returns
    -------
    int32 [tokens]

    Raises
    ------
    ValueError
        If a merge names an id that is not made before it, or its token would be too long; names the merge.
    """
    cdef Py_ssize_t k
    cdef int side
    cdef int64_t length, total = alphabet_size
    cdef int64_t id
    lengths_array = np.ones(alphabet_size + merges.shape[0], dtype=np.int32)
    cdef int32_t[::1] lengths = lengths_array
    for k in range(merges.shape[0]):
        length = 0
        for side in range(2):
            id = merges[k, side]
            if id < 0 or id >= alphabet_size + k:
                raise ValueError(
                    f"merges: merge {k} joins ids {merges[k, 0]} and {merges[k, 1]}, expected ids 0 to "
                    f"{alphabet_size + k - 1}, those made before it"
                )
            length += lengths[id]
        total += length
        if length > MAX_TOKEN_SYMBOLS:
            raise ValueError(
                f"merges: merge {k} makes a token of {length} symbols, expected at most {MAX_TOKEN_SYMBOLS}"
            )
        if total > MAX_VOCABULARY_SYMBOLS:
            raise ValueError(
                f"merges: the tokens up to merge {k} have {total} symbols together, expected at most "
                f"{MAX_VOCABULARY_SYMBOLS}"
            )
        lengths[alphabet_size + k] = <int32_t> length
    return lengths_array


cdef inline int64_t copy_checked(
    const uint8_t* symbols, int64_t length, int alphabet_size, uint8_t* copy
) noexcept nogil:
    """Copy symbols; return the index of the first in the copy that is not in the alphabet, or -1. O(symbols)."""
    cdef int64_t i
    if copy_symbols(symbols, length, copy) < alphabet_size:
        return -1
    for i in range(length):
        if copy[i] >= alphabet_size:
            return i
    return -1


cdef class EncodingTables:
    """All tables of one vocabulary: token strings, the trie with its links, the ranks of the merges.

    Memory: trie nodes x (stride x 2 or 4 + 12) bytes, 8 bytes a pop, 10 bytes for each of about 5 places a merge
    (merge_ranks.pxd), 6 bytes for each pair of run tokens (merge_runs.pxd), and the token strings.

    *Thread-safety*: nothing changes after construction; every method may run in many threads at once. The
    interpreter lock is released during encoding and decoding.
    """

    cdef readonly object lengths        # int32 [tokens]
    cdef readonly object strings        # uint8 [symbols of all tokens]
    cdef readonly object string_starts  # int64 [tokens + 1]
    cdef readonly Py_ssize_t nodes
    cdef readonly int alphabet_size
    cdef readonly Py_ssize_t size
    cdef list kept                      # the arrays that the pointers below lead into
    cdef const int32_t* length_of
    cdef const uint8_t* string_of
    cdef const int64_t* start_of
    cdef EncoderTables tables
    cdef SequenceMatcher sequence_matcher
    cdef readonly object matcher        # capsule of &sequence_matcher, valid while this object lives

    def __init__(self, const int32_t[:, :] merges, int alphabet_size, int64_t max_trie_entries=MAX_TRIE_ENTRIES):
        """Build the tables for merges [merges, 2]; O(symbols of all tokens)."""
        self.alphabet_size = alphabet_size
        self.size = alphabet_size + merges.shape[0]
        if self.size > MAX_TOKENS:
            raise ValueError(f"merges: got {self.size} tokens with the alphabet, expected at most {MAX_TOKENS}")
        self.kept = []
        self._build_strings(merges)
        self._build_trie(merges, max_trie_entries)
        self._build_ranks(merges)
        self.sequence_matcher.match = match_sequences
        self.sequence_matcher.lengths = self.length_of
        self.sequence_matcher.alphabet_size = alphabet_size
        self.sequence_matcher.size = <int32_t> self.size
        self.sequence_matcher.tables = &self.tables
        self.matcher = PyCapsule_New(&self.sequence_matcher, "ecgbyte.SequenceMatcher", NULL)

    cdef _build_strings(self, const int32_t[:, :] merges):
        cdef int32_t[::1] lengths
        cdef int64_t[::1] starts
        cdef uint8_t[::1] strings
        cdef Py_ssize_t k
        cdef int64_t id, place
        cdef int side
        self.lengths = token_lengths(merges, self.alphabet_size)
        self.string_starts = np.concatenate([[0], np.cumsum(self.lengths, dtype=np.int64)])
        self.strings = np.empty(self.string_starts[self.size], dtype=np.uint8)
        lengths = self.lengths
        starts = self.string_starts
        strings = self.strings
        for k in range(self.alphabet_size):
            strings[k] = <uint8_t> k
        for k in range(merges.shape[0]):
            place = starts[self.alphabet_size + k]
            for side in range(2):
                id = merges[k, side]
                memcpy(&strings[place], &strings[starts[id]], lengths[id])
                place += lengths[id]
        self.length_of = &lengths[0]
        self.tables.lengths = &lengths[0]
        self.start_of = &starts[0]
        self.string_of = &strings[0]
        for array in (self.lengths, self.strings, self.string_starts):
            array.flags.writeable = False

    cdef _build_trie(self, const int32_t[:, :] merges, int64_t max_trie_entries):
        cdef const uint32_t[::1] failure
        cdef const int32_t[::1] tail, count, pop_before, pop_token
        cdef const uint8_t[::1] rows
        children, links, pops = build_trie(merges, self.strings, self.string_starts, self.lengths, max_trie_entries)
        steps = complete_steps(children, links, pops)
        self.nodes = steps.shape[0]
        self.tables.small_steps = steps.itemsize == 2
        self.tables.match.row_bits = steps.shape[1].bit_length() - 1
        self.kept += [steps, *links, *pops]
        rows = steps.reshape(-1).view(np.uint8)
        failure, tail, count = links
        pop_before, pop_token = pops
        self.tables.match.steps = <const void*> &rows[0]
        self.tables.match.failure = &failure[0]
        self.tables.match.tail = &tail[0]
        self.tables.match.count = &count[0]
        self.tables.match.pop_before = &pop_before[0]
        self.tables.match.pop_token = &pop_token[0]

    cdef _build_ranks(self, const int32_t[:, :] merges):
        cdef const uint32_t[::1] keys
        cdef const uint8_t[::1] listed, pairs, is_left, is_right, levels
        cdef const uint16_t[::1] lefts, rights, first, ids, digits
        cdef const int32_t[::1] widths
        table = build_rank_table(merges, self.alphabet_size)
        keys, listed, multiplier, bits = table
        self.tables.order.ranks.keys = &keys[0]
        self.tables.order.ranks.pairs = <const PairRank*> &listed[0]
        self.tables.order.ranks.multiplier = multiplier
        self.tables.order.ranks.bits = bits
        runs = build_runs(merges, self.alphabet_size, table)
        levels, first, ids, pairs, digits = runs
        arrays = build_merge_arrays(merges, self.alphabet_size, ids)
        lefts, rights, is_left, is_right, widths = arrays
        self.kept += [keys, listed, *runs, *arrays]
        self.tables.order.runs.levels = &levels[0]
        self.tables.order.runs.first = &first[0]
        self.tables.order.runs.ids = &ids[0]
        self.tables.order.runs.pairs = <const PairRank*> &pairs[0]
        self.tables.order.runs.count = <int32_t> ids.shape[0]
        self.tables.order.runs.digits = &digits[0]
        self.tables.order.runs.doubled = ids.shape[0] > self.alphabet_size
        self.tables.order.lefts = &lefts[0]
        self.tables.order.rights = &rights[0]
        self.tables.order.is_left = &is_left[0]
        self.tables.order.is_right = &is_right[0]
        self.tables.order.widths = &widths[0]
        self.tables.order.alphabet_size = self.alphabet_size
        self.tables.order.merges = <int32_t> merges.shape[0]

    def encode(
        self,
        const uint8_t[::1] symbols,
        const int64_t[::1] borders,
        bint merge_order,
        int32_t[::1] ids,
        int64_t[::1] counts,
    ):
        """Encode sequences that lie side by side; return the number of tokens in all.

        Parameters
        ----------
        symbols : uint8 [symbols]  # IN
            All below the alphabet size.
        borders : int64 [sequences + 1]  # IN
            Where each sequence begins in `symbols`, and the end; not falling.
        merge_order : bool
            True: merge order; False: longest match.
        ids : int32 [symbols of these sequences]  # OUT
            The tokens of all sequences without gaps; there may be room left at the end.
        counts : int64 [sequences]  # OUT
            Number of tokens of each sequence.

        Notes
        -----
        O(symbols). Memory: 4 bytes a symbol, and for merge order 26 bytes a symbol of some pieces (32,768 symbols, or
        more where a sequence cannot be cut).
        """
        cdef Py_ssize_t sequence, sequences = borders.shape[0] - 1
        cdef int64_t written, longest = 0
        if sequences < 0 or counts.shape[0] != sequences:
            raise ValueError("borders, counts: expected [sequences + 1] and [sequences]")
        for sequence in range(sequences):
            if borders[sequence] < 0 or borders[sequence + 1] < borders[sequence]:
                raise ValueError("borders: expected rising offsets")
            longest = max(longest, borders[sequence + 1] - borders[sequence])
        if sequences and (borders[sequences] > symbols.shape[0] or borders[sequences] - borders[0] > ids.shape[0]):
            raise ValueError("borders: beyond the symbols, or ids too small")
        if longest > MAX_SEQUENCE_SYMBOLS:
            raise ValueError(f"sequences: got one of {longest} symbols, expected at most {MAX_SEQUENCE_SYMBOLS}")
        if longest == 0:
            counts[:] = 0
            return 0
        with nogil:
            written = self.sequence_matcher.match(
                &self.sequence_matcher, &symbols[0], &borders[0], sequences, merge_order, &ids[0], &counts[0]
            )
        if written == INTERRUPTED:
            pass_on()
        if written < 0:
            raise MemoryError(f"no memory for encoding {longest} symbols")
        return written

    def encode_sequence(self, symbols, bint merge_order):
        """Encode one sequence that is not long.

        Parameters
        ----------
        symbols : uint8 [symbols], contiguous  # IN
            At most MAX_COPIED_SYMBOLS. They are copied first: what is checked is what is encoded, whatever another
            thread writes meanwhile.
        merge_order : bool

        Returns
        -------
        int32 [tokens]

        Raises
        ------
        ValueError
            If a symbol lies outside the alphabet (names the first), or there are too many.

        Notes
        -----
        O(symbols). Memory: 9 bytes a symbol, and for merge order 26 bytes a symbol of some pieces, as in `encode`.
        """
        cdef Py_buffer buffer, ids_buffer
        cdef uint8_t* copy
        cdef int64_t[2] borders
        cdef int64_t count = 0, i, bad = -1
        cdef int32_t* ids
        PyObject_GetBuffer(symbols, &buffer, PyBUF_SIMPLE)
        try:
            if buffer.len > MAX_COPIED_SYMBOLS:
                raise ValueError(f"symbols: got {buffer.len}, expected at most {MAX_COPIED_SYMBOLS}")
            borders[0] = 0
            borders[1] = buffer.len
            with nogil:
                ids = <int32_t*> malloc((buffer.len + 1) * sizeof(int32_t))
                copy = <uint8_t*> malloc(buffer.len + 1)
                if ids != NULL and copy != NULL:
                    bad = copy_checked(<const uint8_t*> buffer.buf, buffer.len, self.alphabet_size, copy)
                    if bad < 0:
                        count = match_sequences(&self.sequence_matcher, copy, borders, 1, merge_order, ids, &i)
            try:
                if bad >= 0:
                    raise ValueError(f"symbols: got {copy[bad]} at {bad}, expected 0 to {self.alphabet_size - 1}")
                if count == INTERRUPTED:
                    pass_on()
                if ids == NULL or copy == NULL or count < 0:
                    raise MemoryError(f"no memory for encoding {buffer.len} symbols")
                encoded = np.empty(count, dtype=np.int32)
                PyObject_GetBuffer(encoded, &ids_buffer, PyBUF_SIMPLE | PyBUF_WRITABLE)
                memcpy(ids_buffer.buf, ids, count * sizeof(int32_t))
                PyBuffer_Release(&ids_buffer)
            finally:
                free(ids)
                free(copy)
        finally:
            PyBuffer_Release(&buffer)
        return encoded

    def starts(self, const int64_t[::1] ids):
        """Where each token starts, in symbols: int64 [tokens + 1], the end included.

        Raises
        ------
        ValueError
            If an id is not in the vocabulary.
        """
        cdef Py_ssize_t i, bad = -1
        cdef int64_t place = 0
        starts_array = np.empty(ids.shape[0] + 1, dtype=np.int64)
        cdef int64_t[::1] starts = starts_array
        with nogil:
            for i in range(ids.shape[0]):
                if ids[i] < 0 or ids[i] >= self.size:
                    bad = i
                    break
                starts[i] = place
                place += self.length_of[ids[i]]
        if bad >= 0:
            raise ValueError(f"ids: got {ids[bad]} at {bad}, expected 0 to {self.size - 1}")
        starts[ids.shape[0]] = place
        return starts_array

    def decode(self, const int64_t[::1] ids):
        """The symbols of the tokens: uint8 [symbols]; O(symbols).

        Raises
        ------
        ValueError
            If an id is not in the vocabulary.
        """
        cdef Py_ssize_t i
        cdef const int64_t[::1] starts = self.starts(ids)
        symbols_array = np.empty(starts[ids.shape[0]], dtype=np.uint8)
        cdef uint8_t[::1] symbols = symbols_array
        if symbols.shape[0]:
            with nogil:
                for i in range(ids.shape[0]):
                    memcpy(&symbols[starts[i]], self.string_of + self.start_of[ids[i]], self.length_of[ids[i]])
        return symbols_array
