"""BPE-dropout: tokens cut otherwise each time, so that a model meets the same ECG in many spellings.

After Provilkov et al. 2020 (https://arxiv.org/abs/1910.13267): in merge order, merges are skipped at random. Here the
draw is made once for each merge at each place, by a hash of the seed, so that a merge which was skipped stays skipped
and nothing depends on the order of the work. For the longest match the like: a token that fits is passed over at random
for the next shorter one, down to the letter.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ecgbyte._ext.dropout_encoding import encode_with_dropout as _kernel
from ecgbyte.bpe.sequences import check_form
from ecgbyte.bpe.vocabulary import MATCHING, MAX_SEQUENCE_SYMBOLS, Vocabulary
from ecgbyte.checks import check_num_threads, check_option
from ecgbyte.sharing import map_shares

# About a millisecond of work.
_SYMBOLS_PER_SHARE = 1 << 15


def check_dropout(dropout: float) -> float:
    """Return `dropout` if it is a probability below 1.

    Raises
    ------
    ValueError
        If it is not.
    """
    if not (isinstance(dropout, int | float) and math.isfinite(dropout) and 0 <= dropout < 1):
        raise ValueError(f"dropout: expected a number of 0 at least and below 1, got {dropout!r}")
    return float(dropout)


def derived_seeds(seeds: ArrayLike, parts: int) -> NDArray[np.uint64]:
    """Return seeds for the parts of things that have a seed each.

    Parameters
    ----------
    seeds : integers [things]
        Of 0 at least, below 2**63.
    parts : int
        Of each thing.

    Returns
    -------
    uint64 [things, parts]
    """
    given = np.asarray(seeds, dtype=np.int64).astype(np.uint64)
    return _mixed(_mixed(given)[:, None] ^ np.arange(parts, dtype=np.uint64))


def encode_batch_with_dropout(
    vocabulary: Vocabulary,
    sequences: Sequence[NDArray[np.uint8]] | NDArray[np.uint8],
    seeds: ArrayLike,
    *,
    dropout: float,
    matching: str = "longest",
    num_threads: int = 1,
) -> tuple[NDArray[np.int32], NDArray[np.int64]]:
    """Encode many sequences as `Vocabulary.encode_batch` does, with dropout.

    Parameters
    ----------
    vocabulary : Vocabulary
    sequences : list of uint8 [symbols], or uint8 [sequences, symbols]
    seeds : uint64 [sequences]
        Of each sequence: it and the symbols decide the tokens, whatever stands beside them.
    dropout : float
        The probability with which a merge, or a match, is skipped; 0 gives what `Vocabulary.encode_batch` gives.
    matching : {"longest", "merge-order"}
    num_threads : int
        The result does not depend on it.

    Returns
    -------
    ids : int32 [tokens of all sequences]
    splits : int64 [sequences + 1]
        As `Vocabulary.encode_batch` gives them; they decode to exactly the symbols.

    Raises
    ------
    TypeError, ValueError
        As `Vocabulary.encode_batch`, and if there is not one seed for each sequence.

    Notes
    -----
    *Thread-safety*: safe; the interpreter lock is released during the work. Merge order takes O(symbols * log symbols)
    of a sequence, the longest match O(symbols * longest token).
    """
    merge_order = check_option("matching", matching, MATCHING) == "merge-order"
    threshold = int(check_dropout(dropout) * 2**64)
    num_threads = check_num_threads(num_threads)
    check_form(sequences)
    given = np.ascontiguousarray(seeds, dtype=np.uint64)
    if given.shape != (len(sequences),):
        raise ValueError(f"seeds: expected one for each of {len(sequences)} sequences, got shape {given.shape}")
    lengths = np.array([len(sequence) for sequence in sequences], dtype=np.int64)
    if lengths.size and lengths.max() > MAX_SEQUENCE_SYMBOLS:
        raise ValueError(f"sequences: got one of {lengths.max()} symbols, expected at most {MAX_SEQUENCE_SYMBOLS}")
    borders = np.zeros(len(lengths) + 1, dtype=np.int64)
    np.cumsum(lengths, out=borders[1:])
    symbols = np.concatenate([np.empty(0, np.uint8), *sequences])
    counts = np.zeros(len(lengths), dtype=np.int64)
    outside = np.flatnonzero(symbols >= vocabulary.alphabet_size)
    if len(outside):
        sequence = int(np.searchsorted(borders, outside[0], side="right")) - 1
        raise ValueError(
            f"sequences: got symbol {symbols[outside[0]]} in sequence {sequence} at {outside[0] - borders[sequence]}, "
            f"expected 0 to {vocabulary.alphabet_size - 1}"
        )

    def encode(share: tuple[int, int]) -> NDArray[np.int32]:
        first, last = share
        ids = np.empty(int(borders[last] - borders[first]), dtype=np.int32)
        written = _kernel(
            vocabulary._tables,
            symbols[borders[first] : borders[last]],
            borders[first : last + 1] - borders[first],
            merge_order,
            given[first:last],
            threshold,
            ids,
            counts[first:last],
        )
        return ids[:written]

    # A new share begins where enough symbols have come together.
    firsts = np.flatnonzero(np.diff(borders[:-1] // _SYMBOLS_PER_SHARE, prepend=-1)).tolist()
    shares = list(itertools.pairwise([*firsts, len(lengths)]))
    parts = map_shares(encode, shares, num_threads)
    splits = np.zeros(len(lengths) + 1, dtype=np.int64)
    np.cumsum(counts, out=splits[1:])
    return np.concatenate([np.empty(0, np.int32), *parts]), splits


def _mixed(values: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """SplitMix64 of each value, as the kernel has it."""
    with np.errstate(over="ignore"):
        values = values + np.uint64(0x9E3779B97F4A7C15)
        values = (values ^ (values >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        values = (values ^ (values >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return values ^ (values >> np.uint64(31))
