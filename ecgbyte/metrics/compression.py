"""How much the tokens save, and what decoding gives back.

Bits per sample can be compared across vocabularies, which tokens per record cannot.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

COMPRESSION_SIGNATURE = "symbols / tokens|one symbol per sample and lead|pooled over records|version:1"
BITS_BOUND_SIGNATURE = "tokens * log2(vocabulary size) / samples|pooled over records and leads|version:1"
BITS_ENTROPY_SIGNATURE = "tokens * unigram entropy of the ids / samples|pooled over records and leads|version:1"
RMSE_SIGNATURE = "root mean square of signal - decoded, mV|pooled over records and leads|version:1"
PRD_SIGNATURE = "100 * sqrt(sum (signal - decoded)^2 / sum signal^2)|mean kept|pooled over records and leads|version:1"


@dataclass(frozen=True)
class TokenMeasures:
    """Measures of the tokens of a set of records.

    Attributes
    ----------
    num_records, num_tokens, num_samples : int
        What was counted; a sample is one value of one lead, so one symbol.
    compression : float
        Symbols per token.
    tokens_per_record : float
        Mean.
    bits_bound : float
        Bits per sample when every token costs log2(vocabulary size): an upper bound.
    bits_entropy : float
        Bits per sample when a token costs what its own frequency in these records allows (unigram entropy).
    """

    num_records: int
    num_tokens: int
    num_samples: int
    compression: float
    tokens_per_record: float
    bits_bound: float
    bits_entropy: float


def unigram_entropy(ids: ArrayLike) -> float:
    """Entropy of the empirical distribution of token ids, in bits per token.

    Parameters
    ----------
    ids : array-like
        Integers [tokens], 0 or more.

    Raises
    ------
    ValueError
        If there are no ids, or one is negative or no integer.
    """
    array = _check_ids("ids", ids)
    if not len(array):
        raise ValueError("ids: got no tokens, expected at least one")
    counts = np.bincount(array)
    shares = counts[counts > 0] / len(array)
    return float(max(0.0, -(shares * np.log2(shares)).sum()))


def measure_tokens(ids_by_record: Sequence[ArrayLike], num_samples: int, vocabulary_size: int) -> TokenMeasures:
    """Compression and bits per sample of encoded records.

    Parameters
    ----------
    ids_by_record : sequence of array-like
        Token ids int [tokens] of each record.
    num_samples : int
        Samples of all records and leads together (12 leads of 2,500 samples count 30,000).
    vocabulary_size : int
        Ids are 0 to `vocabulary_size` - 1.

    Raises
    ------
    ValueError
        If there are no records or tokens, an id is out of range, or there are more tokens than samples.
    """
    arrays = [_check_ids(f"ids_by_record[{index}]", ids) for index, ids in enumerate(ids_by_record)]
    ids = np.concatenate(arrays) if arrays else np.empty(0, dtype=np.int64)
    if not len(ids):
        raise ValueError(f"ids_by_record: got {len(arrays)} records without tokens, expected at least one token")
    if ids.max() >= vocabulary_size:
        raise ValueError(f"ids_by_record: got id {ids.max()}, expected ids below vocabulary_size {vocabulary_size}")
    if num_samples < len(ids):
        raise ValueError(f"num_samples: got {num_samples} for {len(ids)} tokens; a token covers at least one sample")
    tokens_per_sample = len(ids) / num_samples
    return TokenMeasures(
        num_records=len(arrays),
        num_tokens=len(ids),
        num_samples=num_samples,
        compression=num_samples / len(ids),
        tokens_per_record=len(ids) / len(arrays),
        bits_bound=tokens_per_sample * math.log2(vocabulary_size),
        bits_entropy=tokens_per_sample * unigram_entropy(ids),
    )


def root_mean_square_error(signals: Sequence[ArrayLike], decoded: Sequence[ArrayLike]) -> float:
    """Root mean square of signal - decoded over all samples of all records, in the signals' unit (mV).

    Parameters
    ----------
    signals, decoded : sequences of array-like
        float [leads, samples] each; record i of one and of the other have the same shape.

    Raises
    ------
    ValueError
        If the records do not match, are empty, or hold values that are not finite.
    """
    squares, _, count = _squared_sums(signals, decoded)
    return math.sqrt(squares / count)


def percentage_root_difference(signals: Sequence[ArrayLike], decoded: Sequence[ArrayLike]) -> float:
    """PRD: 100 * sqrt(sum of squared errors / sum of squared samples), in percent, the mean kept in the signal.

    Raises
    ------
    ValueError
        As `root_mean_square_error`, and if all samples are 0.
    """
    squares, energy, _ = _squared_sums(signals, decoded)
    if energy == 0:
        raise ValueError("signals: got only zeros, for which a relative error is not defined")
    return 100 * math.sqrt(squares / energy)


def _squared_sums(signals: Sequence[ArrayLike], decoded: Sequence[ArrayLike]) -> tuple[float, float, int]:
    if len(signals) != len(decoded):
        raise ValueError(f"signals, decoded: got {len(signals)} and {len(decoded)} records, expected the same records")
    squares, energy, count = 0.0, 0.0, 0
    for index, (one, other) in enumerate(zip(signals, decoded, strict=True)):
        signal, copy = np.asarray(one, dtype=np.float64), np.asarray(other, dtype=np.float64)
        if signal.shape != copy.shape:
            raise ValueError(f"decoded[{index}]: got shape {copy.shape}, expected that of the signal, {signal.shape}")
        if not (np.isfinite(signal).all() and np.isfinite(copy).all()):
            raise ValueError(f"signals[{index}], decoded[{index}]: got NaN or infinity, expected finite values")
        squares += float(np.square(signal - copy).sum())
        energy += float(np.square(signal).sum())
        count += signal.size
    if not count:
        raise ValueError("signals: got no samples, expected at least one")
    return squares, energy, count


def _check_ids(name: str, ids: ArrayLike) -> NDArray[np.int64]:
    array = np.asarray(ids)
    if array.ndim != 1 or (array.size and not np.issubdtype(array.dtype, np.integer)):
        raise ValueError(f"{name}: got {array.dtype} of shape {array.shape}, expected integers [tokens]")
    array = array.astype(np.int64)
    if len(array) and array.min() < 0:
        raise ValueError(f"{name}: got id {array.min()}, expected 0 or more")
    return array
