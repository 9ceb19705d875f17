"""From symbol sequences, in memory, memory-mapped or streamed, to the cells of a training run and their pair counts."""

from __future__ import annotations

import mmap
from collections.abc import Iterable, Iterator, Mapping

import numpy as np
from numpy.typing import NDArray

from ecgbyte._ext.bpe_training import MergeTrainer
from ecgbyte.bpe.sequences import as_rows
from ecgbyte.sharing import map_shares

# Symbols placed between two returns of memory-mapped pages, and the least that is worth a turn of a thread.
_SYMBOLS_AT_ONCE = 1 << 22

Sequences = Iterable[NDArray[np.uint8]] | NDArray[np.uint8]


def place_sequences(sequences: Sequences, alphabet_size: int, min_count: int, num_threads: int) -> MergeTrainer:
    """Copy symbols into a new training run, read once, and count their pairs.

    Parameters
    ----------
    sequences : list of uint8 [symbols], uint8 [sequences, symbols], or an iterable of both
        An iterable is consumed once and none of its arrays is kept. Pages of read-only memory maps are given back to
        the system as soon as they are copied.
    alphabet_size, min_count, num_threads : int
        As for `ecgbyte.bpe.train_merges`, checked there.

    Returns
    -------
    MergeTrainer
        Ready to train.

    Raises
    ------
    TypeError, ValueError
        If `sequences` has none of the three forms, or a symbol lies outside the alphabet.

    Notes
    -----
    One byte a symbol and a border (two for an alphabet of 256). *Thread-safety*: safe.
    """
    placing = _Placing(alphabet_size, min_count)
    if isinstance(sequences, np.ndarray | list | tuple):
        placing.place_known(as_rows(sequences, 1), num_threads)
    else:
        placing.place_stream(sequences)
    placing.trainer.begin(placing.counts.sum(axis=0))
    return placing.trainer


class _Placing:
    """A training run that is being filled."""

    def __init__(self, alphabet_size: int, min_count: int) -> None:
        self.alphabet_size = alphabet_size
        self.min_count = min_count
        self.trainer = MergeTrainer(1, alphabet_size, min_count)
        self.counts = self._no_counts()
        self.arrays_placed = 0  # of a stream, as its errors name them
        self.sequences_placed = 0

    def place_known(self, arrays: list[NDArray[np.uint8]], num_threads: int) -> None:
        """Place arrays uint8 [sequences, symbols], with exactly the room they need, in threads where that pays."""
        cells = sum(map(_cells, arrays))
        self.trainer = MergeTrainer(cells + 1, self.alphabet_size, self.min_count)
        first = self.trainer.take_cells(cells)
        if num_threads == 1 or cells < 2 * _SYMBOLS_AT_ONCE:
            self._place_share(_located(arrays, first), self.counts)
            return
        shares = list(_shares(_located(arrays, first)))
        for counts in map_shares(lambda share: self._place_share(share, self._no_counts()), shares, num_threads):
            self.counts += counts

    def place_stream(self, sequences: Iterable[NDArray[np.uint8]]) -> None:
        """Place the arrays of an iterable one after another, and keep none of them."""
        if isinstance(sequences, str | bytes | bytearray | memoryview | Mapping) or not hasattr(sequences, "__iter__"):
            raise TypeError(
                f"sequences: got {type(sequences).__name__}, expected a list of uint8 arrays, uint8 [sequences, "
                "symbols], or an iterable of such arrays"
            )
        for array in sequences:
            self._place_next(array)
            del array  # so that it need not stand beside the next

    def _place_next(self, array: NDArray[np.uint8]) -> None:
        rows = _as_block(array, self.arrays_placed)
        first = self.trainer.take_cells(_cells(rows))
        for begin, block, cell in _located([rows], first):
            self._place(self.sequences_placed + begin, block, cell, self.counts)
        self.arrays_placed += 1
        self.sequences_placed += len(rows)

    def _place_share(
        self, share: Iterable[tuple[int, NDArray[np.uint8], int]], counts: NDArray[np.int64]
    ) -> NDArray[np.int64]:
        for begin, block, cell in share:
            self._place(begin, block, cell, counts)
        return counts

    def _place(self, begin: int, block: NDArray[np.uint8], cell: int, counts: NDArray[np.int64]) -> None:
        bad = self.trainer.place_rows(block, cell, counts)
        if bad is not None:
            raise ValueError(
                f"sequences: got symbol {block[bad]} in sequence {begin + bad[0]} at {bad[1]}, "
                f"expected 0 to {self.alphabet_size - 1}"
            )
        if block.size > mmap.PAGESIZE:
            _give_back_pages(block)

    def _no_counts(self) -> NDArray[np.int64]:
        return np.zeros((4, self.alphabet_size, self.alphabet_size), dtype=np.int64)


def _cells(rows: NDArray[np.uint8]) -> int:
    return rows.shape[0] * (rows.shape[1] + 1)


def _as_block(array: NDArray[np.uint8], index: int) -> NDArray[np.uint8]:
    """One array of an iterable as uint8 [sequences, symbols]."""
    if not isinstance(array, np.ndarray) or array.dtype != np.uint8:
        kind = f"dtype {array.dtype}" if isinstance(array, np.ndarray) else type(array).__name__
        raise TypeError(f"sequences[{index}]: got {kind}, expected a NumPy array of uint8")
    if array.ndim not in (1, 2):
        raise ValueError(f"sequences[{index}]: got shape {array.shape}, expected [symbols] or [sequences, symbols]")
    return array if array.ndim == 2 else array[np.newaxis]


def _located(arrays: Iterable[NDArray[np.uint8]], cell: int) -> Iterator[tuple[int, NDArray[np.uint8], int]]:
    """Cut arrays into blocks of rows: (index of the first sequence, the block, its first cell)."""
    begin = 0
    for rows in arrays:
        if rows.size <= _SYMBOLS_AT_ONCE:
            yield begin, rows, cell
            begin += len(rows)
            cell += _cells(rows)
            continue
        step = max(1, _SYMBOLS_AT_ONCE // (rows.shape[1] + 1))
        for top in range(0, len(rows), step):
            block = rows[top : top + step]
            yield begin + top, block, cell
            cell += _cells(block)
        begin += len(rows)


def _shares(
    blocks: Iterable[tuple[int, NDArray[np.uint8], int]],
) -> Iterator[list[tuple[int, NDArray[np.uint8], int]]]:
    """Gather blocks into shares of work that are worth a turn of a thread."""
    share: list[tuple[int, NDArray[np.uint8], int]] = []
    symbols = 0
    for located in blocks:
        share.append(located)
        symbols += located[1].size
        if symbols >= _SYMBOLS_AT_ONCE:
            yield share
            share, symbols = [], 0
    if share:
        yield share


def _give_back_pages(block: NDArray[np.uint8]) -> None:
    """Drop the pages of a block that lies in a read-only memory map: they are in the file and count as ours no more."""
    mapping: object = block
    while isinstance(mapping, np.ndarray | memoryview):
        mapping = mapping.base if isinstance(mapping, np.ndarray) else mapping.obj
    if not isinstance(mapping, mmap.mmap) or not hasattr(mmap, "MADV_DONTNEED") or not block.flags.c_contiguous:
        return
    with memoryview(mapping) as view:
        if not view.readonly:  # a private map may hold changes that the file does not
            return
        start = block.ctypes.data - np.frombuffer(view, dtype=np.uint8).ctypes.data
    begin = -(-start // mmap.PAGESIZE) * mmap.PAGESIZE
    length = (start + block.nbytes) // mmap.PAGESIZE * mmap.PAGESIZE - begin
    if length > 0:
        mapping.madvise(mmap.MADV_DONTNEED, begin, length)
