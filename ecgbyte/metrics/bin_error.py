"""How far decoded samples are off, in widths of the bins into which the tokenizer sorts amplitudes."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike

LARGEST_ERROR_SIGNATURE = "largest |signal - decoded| of samples inside the range, in bin widths|version:1"
OUTSIDE_RANGE_SIGNATURE = "samples below low or above high, in % of all|version:1"


class BinError:
    """The largest error inside the tokenizer's range and the share of samples outside it, gathered record by record.

    A sample inside the range is decoded to the middle of its bin, so it is off by half a bin at most; one outside is
    clipped, and how far it was outside is lost.

    *Thread-safety*: `add` changes it; one thread at a time.
    """

    def __init__(self, alphabet_size: int = 26) -> None:
        if alphabet_size < 1:
            raise ValueError(f"alphabet_size: got {alphabet_size}, expected 1 or more")
        self._alphabet_size = alphabet_size
        self._largest = math.nan
        self._outside = 0
        self._samples = 0

    def add(self, signal: ArrayLike, decoded: ArrayLike, low: float, high: float) -> None:
        """Take up one record.

        Parameters
        ----------
        signal, decoded : array-like
            float [leads, samples], mV.
        low, high : float
            The range of the record's encoding, mV, low below high.

        Raises
        ------
        ValueError
            If the shapes differ, a value is not finite, or the range is empty.
        """
        values, copy = np.asarray(signal, dtype=np.float64), np.asarray(decoded, dtype=np.float64)
        if values.shape != copy.shape:
            raise ValueError(f"decoded: got shape {copy.shape}, expected that of the signal, {values.shape}")
        if not (np.isfinite(values).all() and np.isfinite(copy).all()):
            raise ValueError("signal, decoded: got NaN or infinity, expected finite values")
        if not low < high:
            raise ValueError(f"low, high: got {low}, {high}, expected low below high")
        inside = (values >= low) & (values <= high)
        if inside.any():
            largest = float(np.abs(values - copy)[inside].max()) * self._alphabet_size / (high - low)
            self._largest = max(largest, 0.0 if math.isnan(self._largest) else self._largest)
        self._outside += int(values.size - inside.sum())
        self._samples += values.size

    @property
    def largest(self) -> float:
        """Largest error of samples inside the range, in bins; NaN where none is inside."""
        return self._largest

    @property
    def outside_percent(self) -> float:
        """Samples outside the range, in percent.

        Raises
        ------
        ValueError
            If there are no samples.
        """
        if not self._samples:
            raise ValueError("signal: got no samples, expected at least one")
        return 100 * self._outside / self._samples
