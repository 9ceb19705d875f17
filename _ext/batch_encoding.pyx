"""Encoding many sequences where they lie, by any number of threads.

The sequences are cut into pieces and the pieces shared out in jobs. Each thread takes jobs as long as there are any,
copies their symbols, encodes their pieces in a room of its own, and keeps the ids, which are far fewer than symbols, in
a block for each job.
Then pieces of one sequence are joined, and the threads copy the kept ids to where they belong.
"""

import numpy as np

from cpython.buffer cimport PyBUF_FORMAT, PyBUF_STRIDES, PyBuffer_Release, PyObject_GetBuffer
from cpython.pycapsule cimport PyCapsule_GetPointer
from libc.stdint cimport int32_t, int64_t, uint8_t
from libc.stdlib cimport calloc, free, malloc
from libc.string cimport memcpy, memset

from _ext.encoding_tables cimport (
    LARGEST_PIECE,
    LEAST_PIECE,
    EncoderTables,
    copy_kept,
    copy_symbols,
    cut,
    encode_pieces,
    fill_lanes,
    join_pieces,
    kept_tokens,
    pieces_of,
    place_ids,
)
from _ext.encoding_tables cimport MAX_SEQUENCE_SYMBOLS as _MAX_SEQUENCE_SYMBOLS
from _ext.interrupts cimport INTERRUPTED, NO_MEMORY, SYMBOLS_BETWEEN_LOOKS, interrupted_after, pass_on
from _ext.longest_match cimport LANES
from _ext.merge_order cimport MergeScratch, scratch_close
from _ext.pieces cimport Bridges, Piece, bridges_close
from _ext.sequence_matcher cimport SequenceMatcher

cdef extern from "job_counter.h":
    long long take_number "ecgbyte_take_number"(volatile long long* next) noexcept nogil

MAX_SEQUENCE_SYMBOLS = _MAX_SEQUENCE_SYMBOLS

cdef enum:
    # Symbols of a job: at most so many that the ids of its pieces stay in the caches, at least so many that taking it
    # costs nothing. In between, a job of several threads is a share of what is left, so that the last ones are small
    # and all threads end together.
    JOB_SYMBOLS = 200_000
    LEAST_JOB_SYMBOLS = 32_768
    SHARE_OF_THE_REST = 4
    LAST_PIECES = 8_192  # symbols
    # So that no product with the sizes above is too large.
    MAX_THREADS = 1 << 20

cdef struct Sequence:
    const uint8_t* symbols
    int64_t length

cdef struct Job:
    int64_t first_piece
    int64_t pieces
    int64_t symbols
    int64_t place       # of its first id among all
    int64_t bad_piece   # the first with a symbol outside the alphabet, or -1
    int32_t* ids        # a block of the job's own
    bint done


cdef inline bint is_symbols(const Py_buffer* buffer) noexcept:
    return buffer.format[0] == c"B" and buffer.format[1] == 0


cdef class BatchEncoding:
    """One batch on its way: `encode` and `copy` may each be called by many threads at once, `join` between them.

    Parameters
    ----------
    tables : EncodingTables
    sequences : list or tuple of uint8 [symbols], or uint8 [sequences, symbols]  # IN
        Should not change before `copy` has returned: the ids may then be of neither content. An array in which
        neighbours of a sequence are not neighbours in memory is copied, the others are read where they lie.
    merge_order : bool
    num_threads : int
        How many will call `encode`.
    largest_piece, job_symbols : int
        The ids depend on none of these numbers.
    alone : bool
        The only sequence was given by itself, as errors say then.

    Raises
    ------
    TypeError
        If a sequence is no NumPy array of uint8; names it.
    ValueError
        If it is not one-dimensional, or one array not two-dimensional; or longer than MAX_SEQUENCE_SYMBOLS.

    Notes
    -----
    Memory: for each thread 5 bytes a symbol of a job, and for merge order 26 bytes a symbol of some pieces (1 MB); 4
    bytes a token. Where a sequence cannot be cut (see merge_joining.pxd), 30 bytes for each of its symbols.
    """

    cdef object tables
    cdef Py_buffer* buffers  # of the sequences, or of contiguous copies
    cdef Py_ssize_t held     # buffers
    cdef bint in_rows        # the sequences are the rows of one buffer
    cdef const EncoderTables* encoder
    cdef int alphabet_size
    cdef bint merge_order
    cdef bint alone
    cdef int64_t num_threads
    cdef Py_ssize_t sequences
    cdef int64_t symbols     # in all
    cdef Piece* pieces
    cdef int64_t count
    cdef Job* jobs
    cdef readonly Py_ssize_t num_jobs
    cdef long long next_job
    cdef int64_t tokens      # in all; -1 before `join`
    cdef Bridges bridges

    def __init__(self, tables, sequences, bint merge_order, int64_t num_threads=1, int64_t largest_piece=LARGEST_PIECE,
                 int64_t job_symbols=JOB_SYMBOLS, bint alone=False):
        cdef const SequenceMatcher* matcher = <const SequenceMatcher*> PyCapsule_GetPointer(
            tables.matcher, "ecgbyte.SequenceMatcher"
        )
        if not 1 <= num_threads <= MAX_THREADS or largest_piece < 1 or job_symbols < 1:
            raise ValueError(
                f"num_threads, largest_piece, job_symbols: expected at least 1, and at most {MAX_THREADS} threads"
            )
        if self.buffers != NULL:
            raise RuntimeError("a BatchEncoding is begun once")
        self.tokens = -1
        self.tables = tables
        self.encoder = <const EncoderTables*> matcher.tables
        self.alphabet_size = matcher.alphabet_size
        self.merge_order = merge_order
        self.alone = alone
        self.num_threads = num_threads
        if isinstance(sequences, np.ndarray):
            self._hold_rows(sequences)
        else:
            self._hold_list(sequences)
        self._cut(largest_piece)
        self._make_jobs(min(largest_piece, <int64_t> LEAST_PIECE), job_symbols)

    def __dealloc__(self):
        cdef Py_ssize_t k
        for k in range(self.held):
            PyBuffer_Release(&self.buffers[k])
        if self.jobs != NULL:
            for k in range(self.num_jobs):
                free(self.jobs[k].ids)
        free(self.buffers)
        free(self.pieces)
        free(self.jobs)
        bridges_close(&self.bridges)

    cdef Py_buffer* _hold(self, sequence) except NULL:
        cdef Py_buffer* buffer = &self.buffers[self.held]
        PyObject_GetBuffer(sequence, buffer, PyBUF_STRIDES | PyBUF_FORMAT)
        self.held += 1
        return buffer

    cdef Py_buffer* _hold_contiguous(self, sequence) except NULL:
        """Hold an array of which the last axis is contiguous, or a copy that has it so."""
        cdef Py_buffer* buffer = self._hold(sequence)
        cdef int last = buffer.ndim - 1
        if last >= 0 and buffer.shape[last] > MAX_SEQUENCE_SYMBOLS:
            raise ValueError(
                f"sequences: got one of {buffer.shape[last]} symbols, expected at most {MAX_SEQUENCE_SYMBOLS}"
            )
        if last >= 0 and buffer.shape[last] > 1 and buffer.strides[last] != 1:
            self.held -= 1
            PyBuffer_Release(buffer)
            buffer = self._hold(np.ascontiguousarray(sequence))
        return buffer

    cdef _hold_rows(self, rows):
        cdef Py_buffer* buffer
        self._allot_buffers(1)
        buffer = self._hold_contiguous(rows)
        if not is_symbols(buffer):
            raise TypeError(f"sequences: got dtype {rows.dtype}, expected uint8")
        if buffer.ndim != 2:
            raise ValueError(
                f"sequences: got shape {rows.shape}, expected [sequences, symbols] or a list of arrays"
            )
        self.sequences = buffer.shape[0]
        self.symbols = buffer.shape[0] * buffer.shape[1]
        self.in_rows = True

    cdef _hold_list(self, sequences):
        cdef Py_ssize_t k
        cdef Py_buffer* buffer
        array_type = np.ndarray
        self.sequences = len(sequences)
        self._allot_buffers(self.sequences)
        for k in range(self.sequences):
            sequence = sequences[k]
            if not isinstance(sequence, array_type):
                raise TypeError(
                    f"sequences[{k}]: got {type(sequence).__name__}, expected a NumPy array of uint8"
                )
            buffer = self._hold_contiguous(sequence)
            if not is_symbols(buffer):
                raise TypeError(f"sequences[{k}]: got dtype {sequence.dtype}, expected a NumPy array of uint8")
            if buffer.ndim != 1:
                raise ValueError(f"sequences[{k}]: got shape {sequence.shape}, expected [symbols]")
            self.symbols += buffer.shape[0]

    cdef _cut(self, int64_t largest_piece):
        """Cut every sequence into pieces."""
        cdef Py_ssize_t k
        cdef int64_t count = 0, rest = self.symbols
        cdef Sequence sequence
        for k in range(self.sequences):
            sequence = self._sequence(k)
            count += pieces_of(sequence.length, self._piece_where(rest, largest_piece))
            rest -= sequence.length
        self.pieces = <Piece*> malloc((count + LANES) * sizeof(Piece))
        if self.pieces == NULL:
            raise MemoryError(f"no memory for {count} pieces of sequences")
        rest = self.symbols
        for k in range(self.sequences):
            sequence = self._sequence(k)
            self.count += cut(
                sequence.symbols, sequence.length, self._piece_where(rest, largest_piece), k, self.pieces + self.count
            )
            rest -= sequence.length

    cdef Sequence _sequence(self, Py_ssize_t k) noexcept:
        cdef Sequence sequence
        cdef const Py_buffer* buffer = &self.buffers[0 if self.in_rows else k]
        sequence.symbols = <const uint8_t*> buffer.buf + (k * buffer.strides[0] if self.in_rows else 0)
        sequence.length = buffer.shape[1 if self.in_rows else 0]
        return sequence

    cdef int64_t _piece_where(self, int64_t rest, int64_t largest_piece) noexcept:
        """Smaller pieces near the end, so that a small job still has one for each lane (merge order has no lanes)."""
        if self.num_threads > 1 and not self.merge_order and rest <= self.num_threads * JOB_SYMBOLS:
            return min(largest_piece, LAST_PIECES)
        return largest_piece

    cdef _allot_buffers(self, Py_ssize_t count):
        self.buffers = <Py_buffer*> malloc((count + 1) * sizeof(Py_buffer))
        if self.buffers == NULL:
            raise MemoryError(f"no memory for {count} sequences")

    cdef _make_jobs(self, int64_t least_piece, int64_t job_symbols):
        """Share the pieces out; those of the last job may be cut further."""
        cdef int64_t k, first = 0, symbols = 0, count = 0, rest = self.symbols, wanted = job_symbols
        self.jobs = <Job*> calloc(self.count + 1, sizeof(Job))
        if self.jobs == NULL:
            raise MemoryError(f"no memory for {self.count} jobs")
        for k in range(self.count):
            if symbols == 0 and self.num_threads > 1:
                wanted = rest // (SHARE_OF_THE_REST * self.num_threads)
                wanted = min(job_symbols, max(<int64_t> LEAST_JOB_SYMBOLS, wanted))
            symbols += self.pieces[k].length
            rest -= self.pieces[k].length
            if symbols >= 2 * job_symbols or (
                symbols >= wanted and (self.merge_order or (k + 1 - first) % LANES == 0)
            ):
                self.jobs[count].first_piece = first
                self.jobs[count].pieces = k + 1 - first
                self.jobs[count].symbols = symbols
                count += 1
                first = k + 1
                symbols = 0
        if first < self.count:
            if not self.merge_order:
                self.count = first + fill_lanes(self.pieces + first, self.count - first, least_piece)
            self.jobs[count].first_piece = first
            self.jobs[count].pieces = self.count - first
            self.jobs[count].symbols = symbols
            count += 1
        self.num_jobs = count

    def encode(self):
        """Take jobs until none is left, and encode their pieces."""
        cdef MergeScratch scratch
        cdef int32_t* room
        cdef uint8_t* copied
        cdef int64_t symbols = 1, work = 0, k
        cdef int outcome = 0
        for k in range(self.num_jobs):
            symbols = max(symbols, self.jobs[k].symbols)
        memset(&scratch, 0, sizeof(MergeScratch))
        with nogil:
            room = <int32_t*> malloc(symbols * sizeof(int32_t))
            copied = <uint8_t*> malloc(symbols)
            if room == NULL or copied == NULL:
                outcome = NO_MEMORY
            while outcome == 0:
                k = take_number(&self.next_job)
                if k >= self.num_jobs:
                    break
                outcome = self._encode_job(&self.jobs[k], copied, room, &scratch)
                if outcome == 0 and interrupted_after(&work, self.jobs[k].symbols, SYMBOLS_BETWEEN_LOOKS):
                    outcome = INTERRUPTED
            free(room)
            free(copied)
            scratch_close(&scratch)
        if outcome == INTERRUPTED:
            self.next_job = self.num_jobs  # the other threads take no more
            pass_on()
        if outcome != 0:
            raise MemoryError(f"no memory for encoding {symbols} symbols")

    cdef int _encode_job(self, Job* job, uint8_t* copied, int32_t* room, MergeScratch* scratch) noexcept nogil:
        cdef Piece* pieces = self.pieces + job.first_piece
        cdef Piece* piece
        cdef int64_t k, tokens = 0
        cdef ptrdiff_t moved = 0
        cdef int outcome
        job.bad_piece = -1
        # What is checked is what is encoded, whatever another thread writes meanwhile.
        for k in range(job.pieces):
            if copy_symbols(pieces[k].symbols, pieces[k].length, copied + moved) >= self.alphabet_size:
                job.bad_piece = job.first_piece + k
                job.done = True
                return 0
            moved += pieces[k].length
        moved = 0
        for k in range(job.pieces):
            pieces[k].given = pieces[k].symbols
            pieces[k].symbols = copied + moved
            moved += pieces[k].length
        place_ids(pieces, job.pieces, room)
        outcome = encode_pieces(self.encoder, self.merge_order, scratch, pieces, job.pieces)
        if outcome != 0:
            return outcome
        for k in range(job.pieces):
            pieces[k].symbols = pieces[k].given
        for k in range(job.pieces):
            tokens += pieces[k].tokens
        job.ids = <int32_t*> malloc(tokens * sizeof(int32_t))
        if job.ids == NULL:
            return NO_MEMORY
        tokens = 0
        for k in range(job.pieces):
            piece = &pieces[k]
            memcpy(job.ids + tokens, piece.ids, piece.tokens * sizeof(int32_t))
            piece.ids = job.ids + tokens
            tokens += piece.tokens
        job.done = True
        return 0

    def join(self):
        """Join the pieces, when all jobs are encoded.

        Returns
        -------
        int64 [sequences + 1]
            At which id each sequence begins, and the end.

        Raises
        ------
        ValueError
            If a symbol lies outside the alphabet; names the first.
        RuntimeError
            If a job is not encoded yet.
        """
        cdef int64_t k, token = 0
        cdef int outcome
        cdef MergeScratch scratch
        cdef Job* job
        if self.tokens >= 0:
            raise RuntimeError("a BatchEncoding is joined once")
        for k in range(self.num_jobs):
            if not self.jobs[k].done:
                raise RuntimeError("a BatchEncoding is joined when encode has returned in all threads")
            if self.jobs[k].bad_piece >= 0:
                self._refuse(&self.pieces[self.jobs[k].bad_piece])
        memset(&scratch, 0, sizeof(MergeScratch))
        with nogil:
            outcome = join_pieces(self.encoder, self.merge_order, &scratch, self.pieces, self.count, &self.bridges)
            scratch_close(&scratch)
        if outcome == INTERRUPTED:
            pass_on()
        if outcome != 0:
            raise MemoryError("no memory for joining the pieces of a sequence")
        splits_array = np.zeros(self.sequences + 1, dtype=np.int64)
        cdef int64_t[::1] splits = splits_array
        for k in range(self.count):
            splits[self.pieces[k].sequence + 1] += kept_tokens(&self.pieces[k])
        for k in range(self.sequences):
            splits[k + 1] += splits[k]
        for k in range(self.num_jobs):
            job = &self.jobs[k]
            job.place = token
            for piece in range(job.first_piece, job.first_piece + job.pieces):
                token += kept_tokens(&self.pieces[piece])
        self.next_job = 0
        self.tokens = token
        return splits_array

    cdef _refuse(self, Piece* piece):
        cdef int64_t place = 0, i
        cdef Piece* before = piece
        while before.goes_on:
            before -= 1
            place += before.length
        for i in range(piece.length):
            if piece.symbols[i] >= self.alphabet_size and self.alone:
                raise ValueError(
                    f"symbols: got {piece.symbols[i]} at {place + i}, expected 0 to {self.alphabet_size - 1}"
                )
            if piece.symbols[i] >= self.alphabet_size:
                raise ValueError(
                    f"sequences: got symbol {piece.symbols[i]} in sequence {piece.sequence} at {place + i}, "
                    f"expected 0 to {self.alphabet_size - 1}"
                )
        raise ValueError("symbols: changed while they were read" if self.alone else
                         f"sequences: sequence {piece.sequence} was changed while it was read")

    def copy(self, int32_t[::1] ids):
        """Take jobs until none is left, and copy their ids.

        Parameters
        ----------
        ids : int32 [tokens of all sequences]  # OUT
        """
        cdef int64_t k, piece, place
        cdef int32_t* first
        cdef Job* job
        if ids.shape[0] != self.tokens:
            raise ValueError(f"ids: got {ids.shape[0]}, expected {self.tokens}")
        if self.tokens == 0:
            return
        first = &ids[0]  # a piece of which nothing is kept may have its place behind the last id
        with nogil:
            while True:
                k = take_number(&self.next_job)
                if k >= self.num_jobs:
                    break
                job = &self.jobs[k]
                place = job.place
                for piece in range(job.first_piece, job.first_piece + job.pieces):
                    place += copy_kept(&self.pieces[piece], &self.bridges, first + place)
