"""How much the tokens save, and what decoding gives back.

Bits per sample can be compared across vocabularies, which tokens per record cannot.
"""

from __future__ import annotations

import math
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


def entropy_of_counts(counts: ArrayLike) -> float:
    """Entropy of how often each token occurs, in bits per token.

    Parameters
    ----------
    counts : array-like
        Integers [vocabulary], 0 or more, not all 0.

    Raises
    ------
    ValueError
        If a count is negative or no integer, or all are 0.
    """
    array = whole_numbers("counts", counts)
    if not array.any():
        raise ValueError("counts: got no tokens, expected at least one")
    shares = array[array > 0] / array.sum()
    return float(max(0.0, -(shares * np.log2(shares)).sum()))


def measure_counts(counts: ArrayLike, num_records: int, num_samples: int) -> TokenMeasures:
    """Compression and bits per sample from how often each token occurs, so that records need not be kept.

    Parameters
    ----------
    counts : array-like
        Integers [vocabulary], such as `ecgbyte.metrics.token_usage.TokenUsage.counts`.
    num_records : int
        Records that were counted, 1 or more.
    num_samples : int
        Samples of all records and leads together (12 leads of 2,500 samples count 30,000).

    Raises
    ------
    ValueError
        If there are no records or tokens, or there are more tokens than samples.
    """
    array = whole_numbers("counts", counts)
    num_tokens = int(array.sum())
    if num_records < 1:
        raise ValueError(f"num_records: got {num_records}, expected 1 or more")
    if num_samples < num_tokens:
        raise ValueError(f"num_samples: got {num_samples} for {num_tokens} tokens; a token covers at least one sample")
    entropy = entropy_of_counts(array)
    tokens_per_sample = num_tokens / num_samples
    return TokenMeasures(
        num_records=num_records,
        num_tokens=num_tokens,
        num_samples=num_samples,
        compression=num_samples / num_tokens,
        tokens_per_record=num_tokens / num_records,
        bits_bound=tokens_per_sample * math.log2(len(array)),
        bits_entropy=tokens_per_sample * entropy,
    )


class ReconstructionError:
    """What decoding gives back, gathered record by record, so that no record need be kept.

    *Thread-safety*: `add` changes it; one thread at a time.
    """

    def __init__(self) -> None:
        self._squares = 0.0
        self._energy = 0.0
        self._records = 0
        self._samples = 0

    def add(self, signal: ArrayLike, decoded: ArrayLike) -> None:
        """Take up one record, float [leads, samples] in mV, and what its tokens decode to.

        Raises
        ------
        ValueError
            If the shapes differ, or a value is not finite.
        """
        values, copy = np.asarray(signal, dtype=np.float64), np.asarray(decoded, dtype=np.float64)
        place = self._records
        if values.shape != copy.shape:
            raise ValueError(f"decoded[{place}]: got shape {copy.shape}, expected that of the signal, {values.shape}")
        if not (np.isfinite(values).all() and np.isfinite(copy).all()):
            raise ValueError(f"signals[{place}], decoded[{place}]: got NaN or infinity, expected finite values")
        self._squares += float(np.square(values - copy).sum())
        self._energy += float(np.square(values).sum())
        self._samples += values.size
        self._records += 1

    @property
    def root_mean_square(self) -> float:
        """Root mean square of signal - decoded over all samples of all records, in the signals' unit (mV)."""
        self._check_samples()
        return math.sqrt(self._squares / self._samples)

    @property
    def percentage(self) -> float:
        """PRD: 100 * sqrt(sum of squared errors / sum of squared samples), in percent, the mean kept in the signal.

        Raises
        ------
        ValueError
            If all samples are 0, or there are none.
        """
        self._check_samples()
        if self._energy == 0:
            raise ValueError("signals: got only zeros, for which a relative error is not defined")
        return 100 * math.sqrt(self._squares / self._energy)

    def _check_samples(self) -> None:
        if not self._samples:
            raise ValueError("signals: got no samples, expected at least one")


def whole_numbers(name: str, ids: ArrayLike) -> NDArray[np.int64]:
    """Return `ids` as int64 [values]; an error names `name` where they are no integers of 0 or more."""
    array = np.asarray(ids)
    if array.ndim != 1 or (array.size and not np.issubdtype(array.dtype, np.integer)):
        raise ValueError(f"{name}: got {array.dtype} of shape {array.shape}, expected integers in one row")
    array = array.astype(np.int64)
    if len(array) and array.min() < 0:
        raise ValueError(f"{name}: got {array.min()}, expected 0 or more")
    return array
