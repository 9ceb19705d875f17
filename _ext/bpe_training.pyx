"""Incremental training of byte-pair merges: the corpus is never counted again per merge.

Rule: every adjacent pair counts (aaaa holds three aa), runs merge from left to right, the highest count wins, ties
fall to the smallest (left id, right id). Sequences are borders. The state is in merge_state.pxd, the two ways to merge
in merge_passes.pxd (first, frequent pairs) and merge_lists.pxd (all others).
"""

from cpython.exc cimport PyErr_CheckSignals
from libc.stdint cimport int32_t, int64_t, uint8_t, uint32_t

from _ext.corpus_cells cimport PLACED_AT_ONCE, make_room, place_border, place_part, widen
from _ext.merge_lists cimport merge_listed
from _ext.merge_lists_building cimport rebuild
from _ext.merge_passes cimport ecgbyte_fill_kept, merge_by_pass
from _ext.merge_state cimport BORDER_8, BORDER_16, MergeState, choose, hold_pair, state_close, state_open
from _ext.pair_heap cimport heap_drop_top
from _ext.pair_table cimport PairEntry, pair_key, table_find, table_open

cdef extern from "instruction_sets.h":
    int ecgbyte_machine_instruction_set()
    int ecgbyte_chosen_instruction_set()

# Ids are 16 bit, and the last value marks borders.
MAX_TOKENS = 65_535

# Places are 32 bit: an array with more cells than this is merged by passes until it is shorter.
MAX_LISTED_CELLS = 0xFFFF_FFFF

# A pair that fills more of the array than this is merged by a pass, which shortens the array; one that fills less
# costs less by its list. With wide instructions a pass over bytes is so fast that lists wait until the ids outgrow a
# byte: there is one less building of lists then, and of shorter ones.
PASS_SHARE = 80
WIDE_PASS_SHARE = 1_000_000

# Pairs down to this share of the best count are listed; the array is counted again when the best falls below it.
# Counts fall by this factor between two such counts, so their number grows with the logarithm of the corpus.
LIST_SHARE = 6

# The sets of instruction_sets.h: what the machine has, and what is used (no more than that).
MACHINE_SET = ecgbyte_machine_instruction_set()
CHOSEN_SET = ecgbyte_chosen_instruction_set()
ecgbyte_fill_kept()

# Between two looks at signals and progress.
cdef enum:
    SLICE_WORK = 1 << 26
    SLICE_MERGES = 64

# A square of pair counts with this many entries is cheap whatever the array; one with as many as there are symbols is
# worth its memory (4 bytes a symbol, when the symbols themselves have shrunk).
cdef enum:
    SMALL_SQUARE = 1 << 16

# Room that is added at least, in cells.
cdef enum:
    FIRST_ROOM = 1 << 20


cdef class MergeTrainer:
    """One training run: take cells, place and count the sequences, begin, then merge in slices.

    Memory: 1 byte a symbol (the copy, with one border a sequence) during the first merges, which shorten the array;
    then 2 bytes for each cell that is left, 4 for each place in a list, and while pairs are counted 4 for each pair of
    ids, at most 4 a symbol.

    *Thread-safety*: `place_rows` may run in several threads on cells that do not overlap, with counts of their own; all
    else in one thread at a time. The interpreter lock is released during the work.
    """

    cdef MergeState state
    cdef int64_t capacity
    cdef uint32_t alphabet_size
    cdef bint begun
    cdef int instruction_set
    cdef int64_t pass_share, list_share, max_listed_cells, max_square

    def __cinit__(
        self, int64_t cells, int alphabet_size, int64_t min_count,
        *, pass_share=None, int64_t list_share=LIST_SHARE, int64_t max_listed_cells=MAX_LISTED_CELLS,
        int64_t max_square=-1, int instruction_set=CHOSEN_SET
    ):
        """Make room for `cells` cells: one a symbol, one border a sequence, and one border in front.

        Cells beyond that may be taken too (`take_cells`); the room then grows by a quarter at a time.
        """
        cdef int cell
        self.capacity = max(cells, 1)
        self.alphabet_size = alphabet_size
        self.instruction_set = min(instruction_set, MACHINE_SET)
        if pass_share is not None:
            self.pass_share = pass_share
        elif self.instruction_set == 0 or alphabet_size > BORDER_8:
            self.pass_share = PASS_SHARE
        else:
            self.pass_share = WIDE_PASS_SHARE
        self.list_share = list_share
        self.max_listed_cells = max_listed_cells
        self.max_square = max_square
        if state_open(&self.state) != 0:
            raise MemoryError(f"no memory for training on {cells} symbols")
        self.state.length = 1
        self.state.min_count = min_count
        self.state.threshold = min_count
        for cell in range(alphabet_size):
            self.state.widths[cell] = 1
        self.state.widths[BORDER_16] = 1
        if make_room(&self.state, self.capacity, alphabet_size <= BORDER_8) != 0:
            raise MemoryError(f"no memory for training on {cells} symbols")
        place_border(&self.state, 0)

    def __dealloc__(self):
        state_close(&self.state)

    def take_cells(self, int64_t cells):
        """Take `cells` more cells at the end, for `place_rows` to fill; return the first of them.

        Where more room is needed, the system moves large arrays by their page tables (Linux) without a second copy;
        elsewhere both copies stand for a moment.
        """
        cdef int64_t first = self.state.length, capacity
        if self.begun or cells < 0:
            raise ValueError(f"cells: got {cells}, expected at least 0, before training has begun")
        if first + cells > self.capacity:
            capacity = max(first + cells, self.capacity + self.capacity // 4 + FIRST_ROOM)
            if make_room(&self.state, capacity, self.state.bytes != NULL) != 0:
                raise MemoryError(f"no memory for training on {first + cells} symbols")
            self.capacity = capacity
        self.state.length = first + cells
        return first

    def place_rows(self, const uint8_t[:, :] rows, int64_t first, int64_t[:, :, ::1] counts):
        """Copy rows of symbols into cells taken before, each followed by a border, and count their pairs.

        Parameters
        ----------
        rows : uint8 [sequences, symbols], any strides  # IN
        first : int
            The cell of the first symbol.
        counts : int64 [4, alphabet, alphabet]  # OUT
            Added to: four tables to be summed for `begin`.

        Returns
        -------
        None, or (row, column) of the first symbol outside the alphabet

        Notes
        -----
        O(symbols). Signals (Ctrl-C) are looked at now and then.
        """
        cdef Py_ssize_t row, column = 0, width = rows.shape[1]
        cdef int64_t cell = first, bad = -1, length, work = 0
        if self.begun or first < 1 or first + rows.shape[0] * (width + 1) > self.state.length:
            raise ValueError("rows: more symbols than cells were taken, or training has begun")
        if counts.shape[0] != 4 or counts.shape[1] != self.alphabet_size or counts.shape[2] != self.alphabet_size:
            raise ValueError("counts: expected [4, alphabet, alphabet]")
        with nogil:
            for row in range(rows.shape[0]):
                column = 0
                while column < width:
                    length = min(width - column, PLACED_AT_ONCE)
                    bad = place_part(
                        &self.state, cell, &rows[row, column], rows.strides[1], length, self.alphabet_size,
                        &counts[0, 0, 0], column > 0
                    )
                    if bad >= 0:
                        break
                    column += length
                    cell += length
                    work += length
                    if work >= SLICE_WORK:
                        work = 0
                        with gil:
                            PyErr_CheckSignals()
                if bad >= 0:
                    break
                place_border(&self.state, cell)
                cell += 1
        return None if bad < 0 else (row, column + bad)

    def begin(self, const int64_t[:, ::1] counts):
        """Hold the counted pairs; all cells that were taken must be filled.

        Parameters
        ----------
        counts : int64 [alphabet, alphabet]  # IN
            The tables of `place_rows`, summed.
        """
        cdef uint32_t left, right
        cdef int64_t ignored
        if self.begun or counts.shape[0] != self.alphabet_size or counts.shape[1] != self.alphabet_size:
            raise ValueError("counts: expected [alphabet, alphabet], once")
        self.begun = True
        if self.max_square < 0:
            self.max_square = self.state.length + SMALL_SQUARE
        if table_open(&self.state.table, 1024) != 0:
            raise MemoryError(f"no memory for training on {self.state.length} symbols")
        for left in range(self.alphabet_size):
            for right in range(self.alphabet_size):
                if counts[left, right] > 0:
                    if hold_pair(&self.state, pair_key(left, right), counts[left, right], &ignored) != 0:
                        raise MemoryError(f"no memory for training on {self.state.length} symbols")

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
                if state.heap.size == 0 and rebuild(state, token, False, state.length, 0) != 0:
                    return -1
            elif rebuild(state, token, True, self.list_share, self.max_square) != 0:
                return -1
            if state.finished:
                return 0
        chosen = table_find(&state.table, state.heap.entries[0].key)[0]
        left = chosen.key >> 16
        right = chosen.key & 0xFFFF
        heap_drop_top(&state.heap)
        if (merge_listed(state, chosen, left, right, token) if state.listed
                else merge_by_pass(state, self.instruction_set, left, right, token)) != 0:
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
        if not self.begun:
            raise ValueError("merges: training has not begun, the pairs are not counted")
        while outcome == 1 and done < merges.shape[0]:
            stop = min(merges.shape[0], done + SLICE_MERGES)
            work_before = self.state.work
            with nogil:
                while outcome == 1 and done < stop and self.state.work - work_before < SLICE_WORK:
                    outcome = self.merge_next(&merges[done, 0], self.alphabet_size + <uint32_t> done)
                    done += outcome == 1
            if outcome < 0:
                raise MemoryError(f"no memory for training on {self.state.length} cells, after {done} merges")
            PyErr_CheckSignals()
            if progress is not None:
                progress(done)
        return done
