"""Counting samples by amplitude, so that percentiles of any number of samples need a fixed amount of memory."""

from __future__ import annotations

from collections import Counter

import numpy as np

# Amplitudes up to this many mV, far beyond any heart, are counted in an array; the rare ones beyond in a dictionary.
_DENSE_MV = 32.0
_MOST_DENSE_BINS = 2**21


class AmplitudeHistogram:
    """Exact counts of samples in bins ``[k * resolution, (k + 1) * resolution)`` for every whole k.

    Parameters
    ----------
    resolution_mv : float
        Width of a bin, in mV; a power of two, since then dividing by it is exact.

    Notes
    -----
    Counts are whole numbers, so the order in which samples arrive makes no difference. *Thread-safety*: `add` changes
    the object, so one thread at a time.
    """

    def __init__(self, resolution_mv: float) -> None:
        self.resolution_mv = resolution_mv
        self.total = 0
        self._half = max(1, min(round(_DENSE_MV / resolution_mv), _MOST_DENSE_BINS // 2))
        self._dense = np.zeros(2 * self._half, dtype=np.int64)
        self._beyond: Counter[float] = Counter()

    @property
    def error_mv(self) -> float:
        """How far a percentile is at most from the exact one: half a bin."""
        return self.resolution_mv / 2

    def add(self, values: np.ndarray) -> None:
        """Count samples.

        Parameters
        ----------
        values : float64, any shape
            In mV, finite.
        """
        bins = np.floor(values.reshape(-1) / self.resolution_mv)
        inside = (bins >= -self._half) & (bins < self._half)
        dense = (bins[inside] + self._half).astype(np.int64)
        self._dense += np.bincount(dense, minlength=2 * self._half)
        if len(dense) < len(bins):
            numbers, counts = np.unique(bins[~inside], return_counts=True)
            self._beyond.update(dict(zip(numbers.tolist(), counts.tolist(), strict=True)))
        self.total += len(bins)

    def share_outside(self, low: float, high: float) -> float:
        """The share of the samples below `low` or above `high`, to within the samples of the bins of both."""
        if not self.total:
            return 0.0
        numbers = np.arange(-self._half, self._half)
        outside = (numbers < np.floor(low / self.resolution_mv)) | (numbers > np.floor(high / self.resolution_mv))
        beyond = sum(count for number, count in self._beyond.items() if not low <= number * self.resolution_mv <= high)
        return (int(self._dense[outside].sum()) + beyond) / self.total

    def percentile(self, percentile: float) -> float:
        """The percentile by linear interpolation between neighbouring samples, each at the middle of its bin.

        Parameters
        ----------
        percentile : float
            From 0 to 100.

        Returns
        -------
        float
            In mV, at most `error_mv` from ``numpy.percentile`` of the samples themselves.
        """
        beyond = sorted(self._beyond)
        below = [number for number in beyond if number < 0]
        above = [number for number in beyond if number >= 0]
        numbers = np.concatenate([below, np.arange(-self._half, self._half), above])
        counts = [*(self._beyond[n] for n in below), *self._dense.tolist(), *(self._beyond[n] for n in above)]
        ends = np.cumsum(np.array(counts, dtype=np.int64))
        position = percentile / 100 * (self.total - 1)
        rank = int(position)
        # ends[k] samples lie in bins up to k, so sample `rank`, counted from 0, lies in the first with a larger number.
        left, right = np.searchsorted(ends, [rank, min(rank + 1, self.total - 1)], side="right")
        low, high = (numbers[[left, right]] + 0.5) * self.resolution_mv
        return float(low + (position - rank) * (high - low))
