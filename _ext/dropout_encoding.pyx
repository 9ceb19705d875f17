"""Encoding with dropout: merges, or longest matches, that are skipped at random, the same ones for the same seed.

Whether something is skipped is told by a hash of the seed of its sequence, of the place where it begins and of what it
is (the rank of the merge, or the length of the match). So it depends neither on what was drawn before nor on threads.

Merge order: a heap of (rank, place), the lowest first, over a list of the tokens in their order. A merge can only make
pairs with the token it makes, and those have higher ranks, so no place is visited twice: a merge that is skipped stays
skipped. O(symbols * log symbols). Longest match: at each place the path of the trie that the symbols follow, with the
tokens that end on it. O(symbols * longest token).
"""

from cpython.pycapsule cimport PyCapsule_GetPointer
from libc.stdint cimport int32_t, int64_t, uint8_t, uint16_t, uint32_t, uint64_t
from libc.stdlib cimport free, malloc

from _ext.encoding_tables cimport EncoderTables
from _ext.interrupts cimport INTERRUPTED, NO_MEMORY, interrupted_after, pass_on
from _ext.longest_match cimport ROOT, MatchTables, step_t
from _ext.merge_order cimport MergeTables
from _ext.merge_ranks cimport pair_rank
from _ext.sequence_matcher cimport SequenceMatcher

cdef enum:
    NO_TOKEN = -1
    HEAP_WORK = 32  # what taking an entry from a large heap costs beside reading a symbol

cdef struct Room:
    int32_t* tokens     # [symbols] the token that begins at a symbol, or NO_TOKEN
    int32_t* before     # [symbols] where the token before begins, or -1
    int32_t* after      # [symbols] where the token after begins, or the number of symbols
    uint64_t* heap      # [3 * symbols] rank << 32 | place
    int64_t waiting     # in the heap
    int32_t* found      # [2 * symbols] lengths and ids of the tokens that fit at a place
    int64_t work        # since the last look for signals


cdef inline uint64_t mixed(uint64_t value) noexcept nogil:
    """SplitMix64 (Steele et al. 2014, https://doi.org/10.1145/2714064.2660195)."""
    value += <uint64_t> 0x9E3779B97F4A7C15ull
    value = (value ^ (value >> 30)) * <uint64_t> 0xBF58476D1CE4E5B9ull
    value = (value ^ (value >> 27)) * <uint64_t> 0x94D049BB133111EBull
    return value ^ (value >> 31)


cdef inline bint is_skipped(uint64_t seed, int64_t place, int64_t what, uint64_t threshold) noexcept nogil:
    return mixed(mixed(mixed(seed) ^ <uint64_t> place) ^ <uint64_t> what) < threshold


cdef inline void push(Room* room, uint64_t entry) noexcept nogil:
    cdef int64_t child = room.waiting, parent
    room.waiting += 1
    while child > 0:
        parent = (child - 1) >> 1
        if room.heap[parent] <= entry:
            break
        room.heap[child] = room.heap[parent]
        child = parent
    room.heap[child] = entry


cdef inline uint64_t pop(Room* room) noexcept nogil:
    cdef uint64_t first = room.heap[0], last
    cdef int64_t parent = 0, child
    room.waiting -= 1
    last = room.heap[room.waiting]
    while True:
        child = 2 * parent + 1
        if child >= room.waiting:
            break
        if child + 1 < room.waiting and room.heap[child + 1] < room.heap[child]:
            child += 1
        if last <= room.heap[child]:
            break
        room.heap[parent] = room.heap[child]
        parent = child
    room.heap[parent] = last
    return first


cdef inline void wait_for_pair(const MergeTables* tables, Room* room, int64_t place, int64_t symbols) noexcept nogil:
    """Put the pair that begins at a place into the heap, if a merge makes it one token."""
    cdef int64_t other = room.after[place]
    cdef uint32_t rank
    if other < symbols:
        rank = pair_rank(&tables.ranks, room.tokens[place], room.tokens[other]).rank
        if rank < <uint32_t> tables.merges:
            push(room, <uint64_t> rank << 32 | <uint64_t> place)


cdef inline int64_t merge_some(
    const MergeTables* tables, Room* room, const uint8_t* symbols, int64_t length, uint64_t seed, uint64_t threshold,
    int32_t* ids
) noexcept nogil:
    cdef int64_t place, other, written = 0
    cdef uint64_t entry
    cdef uint32_t rank
    room.waiting = 0
    for place in range(length):
        room.tokens[place] = symbols[place]
        room.before[place] = <int32_t> (place - 1)
        room.after[place] = <int32_t> (place + 1)
    for place in range(length):
        if interrupted_after(&room.work, 1):
            return INTERRUPTED
        wait_for_pair(tables, room, place, length)
    while room.waiting > 0:
        if interrupted_after(&room.work, HEAP_WORK):
            return INTERRUPTED
        entry = pop(room)
        rank = <uint32_t> (entry >> 32)
        place = <int64_t> (entry & 0xFFFFFFFFu)
        if room.tokens[place] == NO_TOKEN:
            continue
        other = room.after[place]
        if other >= length or pair_rank(&tables.ranks, room.tokens[place], room.tokens[other]).rank != rank:
            continue
        if is_skipped(seed, place, rank, threshold):
            continue
        room.tokens[place] = tables.alphabet_size + <int32_t> rank
        room.tokens[other] = NO_TOKEN
        room.after[place] = room.after[other]
        if room.after[other] < length:
            room.before[room.after[other]] = <int32_t> place
        wait_for_pair(tables, room, place, length)
        if room.before[place] >= 0:
            wait_for_pair(tables, room, room.before[place], length)
    place = 0
    while place < length:
        ids[written] = room.tokens[place]
        written += 1
        place = room.after[place]
    return written


cdef inline int64_t match_some(
    const MatchTables* tables, const step_t* steps, Room* room, const uint8_t* symbols, int64_t length, uint64_t seed,
    uint64_t threshold, int32_t* ids
) noexcept nogil:
    cdef int64_t place = 0, end, count, written = 0
    cdef uint32_t node, step
    while place < length:
        node = ROOT
        count = 0
        end = place
        while end < length:
            step = steps[(<int64_t> node << tables.row_bits) + symbols[end]]
            # An odd step, or none, leaves the path: the symbols that follow make no longer token.
            if step == 0 or step & 1:
                break
            node = step >> 1
            end += 1
            # Where a token ends, nothing is held back.
            if tables.failure[node] == ROOT:
                room.found[2 * count] = <int32_t> (end - place)
                room.found[2 * count + 1] = tables.pop_token[tables.tail[node]]
                count += 1
        count -= 1
        while count > 0 and is_skipped(seed, place, room.found[2 * count], threshold):
            count -= 1
        ids[written] = room.found[2 * count + 1]
        written += 1
        place += room.found[2 * count]
        if interrupted_after(&room.work, room.found[2 * count]):
            return INTERRUPTED
    return written


def encode_with_dropout(
    tables,
    const uint8_t[::1] symbols,
    const int64_t[::1] borders,
    bint merge_order,
    const uint64_t[::1] seeds,
    uint64_t threshold,
    int32_t[::1] ids,
    int64_t[::1] counts,
):
    """Encode sequences that lie side by side; return the number of tokens in all.

    Parameters
    ----------
    tables : EncodingTables
    symbols : uint8 [symbols]  # IN
        All below the alphabet size; they must not change meanwhile, so give an array of your own.
    borders : int64 [sequences + 1]  # IN
        Where each sequence begins in `symbols`, and the end; not falling.
    merge_order : bool
        True: merge order; False: longest match.
    seeds : uint64 [sequences]  # IN
        Of what is skipped in each sequence.
    threshold : int
        The probability of skipping, times 2 ** 64.
    ids : int32 [symbols]  # OUT
        The tokens of all sequences without gaps.
    counts : int64 [sequences]  # OUT
        Number of tokens of each sequence.

    Notes
    -----
    Memory: 44 bytes for each symbol of the longest sequence. The interpreter lock is released.
    """
    cdef const SequenceMatcher* matcher = <const SequenceMatcher*> PyCapsule_GetPointer(
        tables.matcher, "ecgbyte.SequenceMatcher"
    )
    cdef const EncoderTables* encoder = <const EncoderTables*> matcher.tables
    cdef Py_ssize_t sequence, sequences = borders.shape[0] - 1
    cdef int64_t written = 0, longest = 0, start, length, i, bad = -1
    cdef int outcome = 0
    cdef Room room
    if sequences < 0 or counts.shape[0] != sequences or seeds.shape[0] != sequences:
        raise ValueError("borders, seeds, counts: expected [sequences + 1], [sequences] and [sequences]")
    for sequence in range(sequences):
        if borders[sequence] < 0 or borders[sequence + 1] < borders[sequence]:
            raise ValueError("borders: expected rising offsets")
        longest = max(longest, borders[sequence + 1] - borders[sequence])
    if sequences and (borders[sequences] > symbols.shape[0] or borders[sequences] - borders[0] > ids.shape[0]):
        raise ValueError("borders: beyond the symbols, or ids too small")
    if longest > 1 << 30:
        raise ValueError(f"sequences: got one of {longest} symbols, expected at most {1 << 30}")
    with nogil:
        for i in range(symbols.shape[0]):
            if symbols[i] >= matcher.alphabet_size:
                bad = i
                break
    if bad >= 0:
        raise ValueError(f"symbols: got {symbols[bad]} at {bad}, expected 0 to {matcher.alphabet_size - 1}")
    if longest == 0:
        counts[:] = 0
        return 0
    with nogil:
        room.tokens = <int32_t*> malloc(longest * sizeof(int32_t))
        room.before = <int32_t*> malloc(longest * sizeof(int32_t))
        room.after = <int32_t*> malloc(longest * sizeof(int32_t))
        # At most one entry a place at the start, and two for each merge.
        room.heap = <uint64_t*> malloc(3 * longest * sizeof(uint64_t))
        room.work = 0
        room.found = <int32_t*> malloc(2 * longest * sizeof(int32_t))
        if (
            room.tokens == NULL or room.before == NULL or room.after == NULL or room.heap == NULL
            or room.found == NULL
        ):
            outcome = NO_MEMORY
        else:
            for sequence in range(sequences):
                start = borders[sequence]
                length = borders[sequence + 1] - start
                if length == 0:
                    counts[sequence] = 0
                elif merge_order:
                    counts[sequence] = merge_some(
                        &encoder.order, &room, &symbols[start], length, seeds[sequence], threshold, &ids[written]
                    )
                elif encoder.small_steps:
                    counts[sequence] = match_some(
                        &encoder.match, <const uint16_t*> encoder.match.steps, &room, &symbols[start], length,
                        seeds[sequence], threshold, &ids[written]
                    )
                else:
                    counts[sequence] = match_some(
                        &encoder.match, <const uint32_t*> encoder.match.steps, &room, &symbols[start], length,
                        seeds[sequence], threshold, &ids[written]
                    )
                if counts[sequence] < 0:
                    outcome = INTERRUPTED
                    break
                written += counts[sequence]
        free(room.tokens)
        free(room.before)
        free(room.after)
        free(room.heap)
        free(room.found)
    if outcome == INTERRUPTED:
        pass_on()
    if outcome != 0:
        raise MemoryError(f"no memory for encoding {longest} symbols")
    return written
