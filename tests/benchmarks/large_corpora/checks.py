"""Checks of merges learnt from a corpus too large for the recounting reference: an independent count in NumPy.

The corpus is read in blocks. In each the pairs are counted, the first learnt merge is made, the pairs are counted
again, and so on. Summed over the blocks, the pair that counts most (ties: the smallest) must be the one learnt.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from ecgbyte.bpe import MATCHING, Vocabulary

RECORDS_A_BLOCK, RECORDS_A_STEP = 256, 16


def make_merge(tokens: NDArray[np.uint8], pair: Sequence[int], token: int) -> NDArray[np.uint8]:
    """Replace `pair` by `token` from left to right: uint8 [fewer tokens]."""
    starts = np.flatnonzero((tokens[:-1] == pair[0]) & (tokens[1:] == pair[1]))
    if pair[0] == pair[1] and starts.size:
        # In a run of one token every second pair overlaps the one before it: keep those an even way into the run.
        first_of_run = np.concatenate([[True], np.diff(starts) != 1])
        run_starts = np.maximum.accumulate(np.where(first_of_run, starts, 0))
        starts = starts[(starts - run_starts) % 2 == 0]
    merged = tokens.copy()
    merged[starts] = token
    kept = np.ones(tokens.size, dtype=np.bool_)
    kept[starts + 1] = False
    return merged[kept]


def counts_at_each_merge(rows: NDArray[np.uint8], merges: NDArray[np.int32], alphabet_size: int) -> NDArray[np.int64]:
    """Pair counts before merge 0, 1, ...: int64 [merges, tokens, tokens], no pair across rows [sequences, symbols]."""
    border = alphabet_size + len(merges)
    if border > 255:
        raise ValueError(f"merges: got {border} tokens with the alphabet, expected at most 255")
    size = border + 1
    tokens = np.full((rows.shape[0], rows.shape[1] + 1), border, dtype=np.uint8)
    tokens[:, :-1] = rows
    tokens = tokens.reshape(-1)
    counts = np.empty((len(merges), size, size), dtype=np.int64)
    for k, pair in enumerate(merges.tolist()):
        pairs = tokens[:-1] * np.uint16(size) + tokens[1:]
        counts[k] = np.bincount(pairs, minlength=size * size).reshape(size, size)
        tokens = make_merge(tokens, pair, alphabet_size + k)
    return counts[:, :border, :border]


def _counts_of_block(corpus: Path, first: int, last: int, merges: NDArray[np.int32]) -> NDArray[np.int64]:
    mapped = np.load(corpus, mmap_mode="r")
    # A few records at a time stay in the cache.
    steps = [(top, min(top + RECORDS_A_STEP, last)) for top in range(first, last, RECORDS_A_STEP)]
    return np.sum([counts_at_each_merge(mapped[top:end], merges, 26) for top, end in steps], axis=0)


def check_first_merges(corpus: Path, records: int, merges: NDArray[np.int32], processes: int) -> None:
    """Raise AssertionError if one of the given first merges is not the most frequent pair when its turn comes.

    Parameters
    ----------
    corpus : path
        ``.npy`` file, uint8 [records, symbols].
    records : int
        The first so many were trained on.
    merges : int32 [merges, 2]
        The first merges learnt; three, say.
    processes : int
    """
    counts = np.zeros((len(merges), 26 + len(merges), 26 + len(merges)), dtype=np.int64)
    with ProcessPoolExecutor(processes) as pool:
        blocks = [
            pool.submit(_counts_of_block, corpus, first, min(first + RECORDS_A_BLOCK, records), merges)
            for first in range(0, records, RECORDS_A_BLOCK)
        ]
        for block in tqdm(blocks, desc="recount", unit=" blocks", file=sys.stderr):
            counts += block.result()
    for k, (pair, found) in enumerate(zip(merges.tolist(), counts, strict=True)):
        # The first maximum in row-major order is the smallest (left, right).
        best = divmod(int(found.argmax()), found.shape[1])
        assert tuple(pair) == best, f"merge {k} is {tuple(pair)}, but {best} stands {found[best]} times"


def check_round_trips(rows: Iterable[NDArray[np.uint8]], merges: NDArray[np.int32]) -> None:
    """Raise AssertionError if a record, encoded in either way and decoded, is not itself."""
    vocabulary = Vocabulary(merges)
    for number, symbols in enumerate(rows):
        for matching in MATCHING:
            decoded = vocabulary.decode(vocabulary.encode(symbols, matching))
            assert np.array_equal(decoded, symbols), f"record {number} changed by {matching} and back"
