"""Learning merges: byte-pair encoding on symbol sequences.

The rule is that of Hugging Face tokenizers, rustbpe and gigabpe, which all give the same merges: every adjacent pair
counts (``aaaa`` holds three ``aa``), runs merge from left to right, the highest count wins, and ties fall to the
smallest (left id, right id). ``ecgbyte.bpe.reference.train_merges_reference`` says the same in twenty slow lines.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np
from numpy.typing import NDArray

from ecgbyte._ext import bpe_training as _kernel
from ecgbyte.bpe.sequences import as_rows
from ecgbyte.symbols import ALPHABET_SIZE, check_alphabet_size, check_num_threads

MAX_TOKENS: int = _kernel.MAX_TOKENS

# Below this many symbols a thread costs more to start than it saves.
_SYMBOLS_PER_THREAD = 1 << 20


def train_merges(
    sequences: Sequence[NDArray[np.uint8]] | NDArray[np.uint8],
    num_merges: int,
    *,
    alphabet_size: int = ALPHABET_SIZE,
    min_count: int = 1,
    num_threads: int = 1,
    progress: Callable[[int], object] | None = None,
) -> NDArray[np.int32]:
    """Learn byte-pair merges from symbol sequences.

    Parameters
    ----------
    sequences : list of uint8 [symbols], or uint8 [sequences, symbols]
        Symbols 0 .. `alphabet_size` - 1, any strides; may be read-only, memory-mapped, or empty. No merge crosses
        from one sequence to the next.
    num_merges : int
        How many merges to learn at most; `alphabet_size` + `num_merges` may not exceed 65,535.
    alphabet_size : int
        Number of symbols, 1 to 256.
    min_count : int
        A pair that stands fewer times than this is not merged; at least 1.
    num_threads : int
        Threads that copy and count the sequences before the first merge; the merges do not depend on it.
    progress : callable(int), optional
        Called now and then, between merges, with the number of merges learnt so far. An exception it raises ends
        training and is passed on.

    Returns
    -------
    int32 [merges, 2]
        The left and the right id of each merge; ids 0 .. `alphabet_size` - 1 are symbols, `alphabet_size` + k is
        merge k. Fewer than `num_merges` where no pair is left or none stands `min_count` times.

    Raises
    ------
    TypeError
        If `sequences` is neither of the two forms, or not uint8.
    ValueError
        If a symbol lies outside the alphabet (the message names sequence and position), or a number is out of its
        range.
    KeyboardInterrupt
        On Ctrl-C, between two merges.

    Notes
    -----
    Time is linear in the symbols for practical purposes: the first merges pass over the whole array and shorten it,
    the others visit only the places of their pair. Memory over the input: 1 byte a symbol during the first
    merges, then 2 bytes for each token that is left, up to 8 more for the places of the pairs in play, and up to 4
    while pairs are counted. At the peak 3.5 bytes a symbol on real ECGs, 6 on uniform noise (1e7 symbols).

    *Thread-safety*: safe; the interpreter lock is released during the work. The sequences must not be changed while
    it runs.
    """
    alphabet_size = check_alphabet_size(alphabet_size)
    num_threads = check_num_threads(num_threads)
    num_merges = _check_count("num_merges", num_merges, 0)
    min_count = _check_count("min_count", min_count, 1)
    if alphabet_size + num_merges > MAX_TOKENS:
        raise ValueError(
            f"num_merges: got {num_merges} with an alphabet of {alphabet_size}, expected at most "
            f"{MAX_TOKENS - alphabet_size} ({MAX_TOKENS} tokens in all)"
        )
    if progress is not None and not callable(progress):
        raise TypeError(f"progress: got {type(progress).__name__}, expected a callable or None")
    rows = as_rows(sequences, num_threads)
    merges = np.empty((num_merges, 2), dtype=np.int32)
    cells = 1 + sum(block.shape[0] * (block.shape[1] + 1) for block in rows)
    trainer = _kernel.MergeTrainer(cells, alphabet_size, min_count)
    trainer.begin(_count(trainer, rows, cells, alphabet_size, num_threads))
    learnt = trainer.train(merges, progress)
    return merges[:learnt].copy()


def _count(
    trainer: _kernel.MergeTrainer, rows: list[NDArray[np.uint8]], cells: int, alphabet_size: int, num_threads: int
) -> NDArray[np.int64]:
    """Copy the rows into the trainer and count their pairs, in one part of about equal size a thread."""
    firsts = np.cumsum([1] + [block.shape[0] * (block.shape[1] + 1) for block in rows])
    parts = max(1, min(num_threads, cells // _SYMBOLS_PER_THREAD))

    def place(part: int) -> None:
        chosen = range(
            int(np.searchsorted(firsts[:-1], cells * part // parts)),
            int(np.searchsorted(firsts[:-1], cells * (part + 1) // parts)),
        )
        for index in chosen:
            bad = trainer.place_rows(rows[index], int(firsts[index]))
            if bad is not None:
                sequence = sum(len(block) for block in rows[:index]) + bad[0]
                raise ValueError(
                    f"sequences: got symbol {rows[index][bad]} in sequence {sequence} at {bad[1]}, "
                    f"expected 0 to {alphabet_size - 1}"
                )

    def count(part: int) -> NDArray[np.int64]:
        counts = np.zeros((4, 256, 256), dtype=np.int64)
        trainer.count_pairs((cells - 1) * part // parts, (cells - 1) * (part + 1) // parts, counts)
        return counts.sum(axis=0)

    if parts == 1:
        place(0)
        return count(0)
    with ThreadPoolExecutor(parts) as pool:
        list(pool.map(place, range(parts)))
        return np.sum(list(pool.map(count, range(parts))), axis=0)


def _check_count(argument: str, value: int, least: int) -> int:
    if isinstance(value, bool) or not isinstance(value, int | np.integer):
        raise TypeError(f"{argument}: got {value!r}, expected an integer")
    if value < least:
        raise ValueError(f"{argument}: got {value}, expected at least {least}")
    return int(value)
