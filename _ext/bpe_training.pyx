"""Incremental training of byte-pair merges: the corpus is never counted again per merge.

Rule: every adjacent pair counts (aaaa holds three aa), runs merge from left to right, the highest count wins, ties
fall to the smallest (left id, right id). Sequences are borders. The state is in merge_state.pxd, the two ways to merge
in merge_passes.pxd (first, frequent pairs) and merge_lists.pxd (all others).
"""

from cpython.exc cimport PyErr_CheckSignals
from libc.stdint cimport int32_t, int64_t, uint8_t, uint16_t, uint32_t
from libc.stdlib cimport free, malloc, realloc

from _ext.merge_lists cimport merge_listed, rebuild
from _ext.merge_passes cimport compact_merge
from _ext.merge_state cimport (
    BORDER_8,
    BORDER_16,
    MergeState,
    hold_pair,
    settle_after,
    settle_before,
    state_close,
    state_open,
)
from _ext.pair_heap cimport heap_drop_top, heap_lower_top
from _ext.pair_table cimport PairEntry, pair_key, table_find, table_open

# Ids are 16 bit, and the last value marks borders.
MAX_TOKENS = 65_535

# Places are 32 bit: an array with more cells than this is merged by passes until it is shorter.
MAX_LISTED_CELLS = 0xFFFF_FFFF

# A pair that fills more of the array than this is merged by a pass, which shortens the array; one that fills less
# costs less by its list.
PASS_SHARE = 80

# Pairs down to this share of the best count are listed; the array is counted again when the best falls below it.
# Counts fall by this factor between two such counts, so their number grows with the logarithm of the corpus.
LIST_SHARE = 6

# Between two looks at signals and progress.
cdef enum:
    SLICE_WORK = 1 << 26
    SLICE_MERGES = 64


cdef int widen(MergeState* state) noexcept nogil:
    """Turn bytes into 16-bit cells. O(cells)."""
    cdef int64_t i
    cdef uint8_t* smaller = <uint8_t*> realloc(state.bytes, state.length)
    if smaller != NULL:
        state.bytes = smaller
    state.cells = <uint16_t*> malloc(state.length * sizeof(uint16_t))
    if state.cells == NULL:
        return -1
    for i in range(state.length):
        state.cells[i] = state.bytes[i]
        if state.bytes[i] == BORDER_8:
            state.cells[i] = BORDER_16
    free(state.bytes)
    state.bytes = NULL
    return 0


cdef int merge_by_pass(MergeState* state, uint32_t left, uint32_t right, uint32_t token) noexcept nogil:
    cdef uint32_t cell, border
    cdef int64_t doubles
    state.work += state.length
    if state.bytes != NULL:
        border = BORDER_8
        state.length = compact_merge(
            state.bytes, state.length, <uint8_t> left, <uint8_t> right, <uint8_t> token, state.before, state.after
        )
    else:
        border = BORDER_16
        state.length = compact_merge(
            state.cells, state.length, <uint16_t> left, <uint16_t> right, <uint16_t> token, state.before, state.after
        )
    state.widths[token] = 1
    state.before[border] = 0
    state.after[border] = 0
    doubles = state.before[token]
    for cell in range(token + 1):
        if settle_after(state, cell, left, right, token, border, doubles) != 0:
            return -1
    for cell in range(token + 1):
        if settle_before(state, cell, left, token, border) != 0:
            return -1
    return 0


cdef bint choose(MergeState* state) noexcept nogil:
    """Bring the best held pair to the top of the heap with its true count; False where none is held any more."""
    cdef PairEntry* entry
    while state.heap.size > 0:
        entry = table_find(&state.table, state.heap.entries[0].key)
        if entry.count < state.threshold:
            heap_drop_top(&state.heap)
        elif entry.count < state.heap.entries[0].count:
            heap_lower_top(&state.heap, entry.count)
        else:
            return True
    return False


cdef class MergeTrainer:
    """One training run: place the sequences, count, then merge in slices.

    Memory: 1 byte a symbol (the copy, with one border a sequence) during the first merges, which shorten the array;
    then 2 bytes for each cell that is left and at most 8 for each in position lists.

    *Thread-safety*: `place_rows` and `count_pairs` may run in several threads on parts that do not overlap; all else
    in one thread at a time. The interpreter lock is released during the work.
    """

    cdef MergeState state
    cdef int64_t cells
    cdef uint32_t alphabet_size
    cdef int64_t pass_share, list_share, max_listed_cells

    def __cinit__(
        self, int64_t cells, int alphabet_size, int64_t min_count,
        *, int64_t pass_share=PASS_SHARE, int64_t list_share=LIST_SHARE, int64_t max_listed_cells=MAX_LISTED_CELLS
    ):
        """Make room for `cells` cells: one a symbol, one border a sequence, and one border in front."""
        cdef int cell
        self.cells = cells
        self.alphabet_size = alphabet_size
        self.pass_share = pass_share
        self.list_share = list_share
        self.max_listed_cells = max_listed_cells
        if state_open(&self.state) != 0:
            raise MemoryError(f"no memory for training on {cells} symbols")
        self.state.length = cells
        self.state.min_count = min_count
        self.state.threshold = min_count
        for cell in range(alphabet_size):
            self.state.widths[cell] = 1
        self.state.widths[BORDER_16] = 1
        if alphabet_size <= BORDER_8:
            self.state.bytes = <uint8_t*> malloc(cells)
            if self.state.bytes != NULL:
                self.state.bytes[0] = BORDER_8
        else:
            self.state.cells = <uint16_t*> malloc(cells * sizeof(uint16_t))
            if self.state.cells != NULL:
                self.state.cells[0] = BORDER_16
        if self.state.bytes == NULL and self.state.cells == NULL:
            raise MemoryError(f"no memory for training on {cells} symbols")

    def __dealloc__(self):
        state_close(&self.state)

    def place_rows(self, const uint8_t[:, :] rows, int64_t first):
        """Copy rows of symbols into the array, each followed by a border.

        Parameters
        ----------
        rows : uint8 [sequences, symbols], any strides  # IN
        first : int
            The cell of the first symbol.

        Returns
        -------
        None, or (row, column) of the first symbol outside the alphabet
        """
        cdef Py_ssize_t row, column = 0
        cdef int64_t cell = first
        cdef uint8_t symbol, highest
        if first < 1 or first + rows.shape[0] * (rows.shape[1] + 1) > self.cells:
            raise ValueError("rows: more symbols than the trainer has room for")
        with nogil:
            for row in range(rows.shape[0]):
                highest = 0
                if self.state.bytes != NULL:
                    for column in range(rows.shape[1]):
                        symbol = rows[row, column]
                        highest = max(highest, symbol)
                        self.state.bytes[cell + column] = symbol
                    self.state.bytes[cell + rows.shape[1]] = BORDER_8
                else:
                    for column in range(rows.shape[1]):
                        symbol = rows[row, column]
                        highest = max(highest, symbol)
                        self.state.cells[cell + column] = symbol
                    self.state.cells[cell + rows.shape[1]] = BORDER_16
                cell += rows.shape[1] + 1
                if highest >= self.alphabet_size:
                    for column in range(rows.shape[1]):
                        if rows[row, column] >= self.alphabet_size:
                            break
                    with gil:
                        return row, column
        return None

    def count_pairs(self, int64_t first, int64_t last, int64_t[:, :, ::1] counts):
        """Add the pairs that begin in cells `first` .. `last` - 1 to `counts`; O(cells).

        Parameters
        ----------
        first, last : int
            0 <= first <= last < cells.
        counts : int64 [4, 256, 256]  # OUT
            Four tables to be summed, so that a run of one pair does not wait for its own last addition. Value 255 is
            the border. An alphabet of 256 leaves them alone: it is counted when training begins.
        """
        cdef int64_t i
        cdef uint8_t* cells = self.state.bytes
        if first < 0 or last >= self.cells or counts.shape[0] != 4 or counts.shape[1] != 256 or counts.shape[2] != 256:
            raise ValueError("first, last, counts: outside the trainer's cells, or not [4, 256, 256]")
        if cells == NULL:
            return
        with nogil:
            for i in range(first, last):
                counts[i & 3, cells[i], cells[i + 1]] += 1

    def begin(self, const int64_t[:, ::1] counts):
        """Hold the counted pairs.

        Parameters
        ----------
        counts : int64 [256, 256]  # IN
            The four tables of `count_pairs`, summed.
        """
        cdef uint32_t left, right
        cdef int64_t ignored
        if counts.shape[0] != 256 or counts.shape[1] != 256:
            raise ValueError("counts: expected [256, 256]")
        if self.state.bytes == NULL:
            if rebuild(
                &self.state, self.alphabet_size, self.cells <= self.max_listed_cells,
                self.list_share if self.cells <= self.max_listed_cells else self.cells,
            ) != 0:
                raise MemoryError(f"no memory for training on {self.cells} symbols")
            return
        if table_open(&self.state.table, 1024) != 0:
            raise MemoryError(f"no memory for training on {self.cells} symbols")
        for left in range(self.alphabet_size):
            for right in range(self.alphabet_size):
                if counts[left, right] > 0:
                    if hold_pair(&self.state, pair_key(left, right), counts[left, right], &ignored) != 0:
                        raise MemoryError(f"no memory for training on {self.cells} symbols")

    cdef int merge_next(self, int32_t* merge, uint32_t token) noexcept nogil:
        """Find and merge the next pair: 1 done, 0 none is left, -1 no memory."""
        cdef MergeState* state = &self.state
        cdef PairEntry* entry
        cdef PairEntry chosen
        cdef int64_t count
        cdef uint32_t left, right
        while True:
            if choose(state):
                count = state.heap.entries[0].count
                if state.listed:
                    # Two new positions a merged place; of an overlapping run only every other place is merged.
                    if state.pool_used + min(2 * count, state.length) <= state.pool_capacity:
                        break
                elif state.length > self.max_listed_cells:
                    if state.bytes == NULL or token < BORDER_8:
                        break
                elif count * self.pass_share >= state.length and (state.bytes == NULL or token < BORDER_8):
                    break
            elif state.threshold <= state.min_count:
                return 0
            if state.bytes != NULL and widen(state) != 0:
                return -1
            if state.length > self.max_listed_cells:
                if state.heap.size == 0 and rebuild(state, token, False, state.length) != 0:
                    return -1
            elif rebuild(state, token, True, self.list_share) != 0:
                return -1
            if state.finished:
                return 0
        chosen = table_find(&state.table, state.heap.entries[0].key)[0]
        left = chosen.key >> 16
        right = chosen.key & 0xFFFF
        heap_drop_top(&state.heap)
        if (merge_listed(state, chosen, left, right, token) if state.listed
                else merge_by_pass(state, left, right, token)) != 0:
            return -1
        entry = table_find(&state.table, chosen.key)
        entry.count = 0
        merge[0] = left
        merge[1] = right
        return 1

    def train(self, int32_t[:, ::1] merges, progress=None):
        """Learn merges until `merges` is full or no pair is left; return how many.

        Parameters
        ----------
        merges : int32 [merges, 2]  # OUT
            The two ids of each merge.
        progress : callable(int) or None
            Called with the number of merges so far, between merges, with the interpreter lock held.

        Notes
        -----
        O(symbols) for the first merges, then O(places merged), each a few times. Signals (Ctrl-C) are looked at
        between merges.
        """
        cdef Py_ssize_t done = 0, stop
        cdef int outcome = 1
        cdef int64_t work_before
        while outcome == 1 and done < merges.shape[0]:
            stop = min(merges.shape[0], done + SLICE_MERGES)
            work_before = self.state.work
            with nogil:
                while outcome == 1 and done < stop and self.state.work - work_before < SLICE_WORK:
                    outcome = self.merge_next(&merges[done, 0], self.alphabet_size + <uint32_t> done)
                    done += outcome == 1
            if outcome < 0:
                raise MemoryError(f"no memory for training on {self.cells} symbols, after {done} merges")
            PyErr_CheckSignals()
            if progress is not None:
                progress(done)
        return done
