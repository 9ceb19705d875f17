"""How often each amplitude occurs in each fold: what the range of a tokenizer is taken from, without another reading.

Shards keep signals in whole steps (`ecgbyte.prepared.signal_steps`), so counting the steps loses nothing: percentiles
are those of the stored samples to the last bit, whatever the order in which blocks are counted and put together.
Against the signals before they were stored, each sample is off by half a step at most, and so is each percentile.
"""

from __future__ import annotations

import io
from collections import defaultdict
from collections.abc import Collection

import numpy as np

from ecgbyte.prepared.signal_steps import FINEST_MV
from ecgbyte.signals.amplitude_range import AmplitudeRange

_OFFSET = 1 << 15


class FoldAmplitudes:
    """Counts of samples by amplitude, for each fold.

    *Thread-safety*: `add` and `merge` change the object, so one thread at a time.
    """

    def __init__(self) -> None:
        # Of the finest steps in an array; of coarser ones, which are rare, by their place in finest steps.
        self._dense: dict[int, np.ndarray] = {}
        self._beyond: dict[int, dict[int, int]] = defaultdict(dict)

    def add(self, fold: int | None, steps: np.ndarray, scale: float) -> None:
        """Count samples.

        Parameters
        ----------
        fold : int or None
        steps : int16, any shape
        scale : float
            One step in mV, a power of two of `FINEST_MV` at least.
        """
        key = fold or 0
        counts = np.bincount(steps.reshape(-1).astype(np.int32) + _OFFSET, minlength=2 * _OFFSET)
        if scale == FINEST_MV:
            self._dense[key] = self._dense.get(key, 0) + counts
            return
        factor = round(scale / FINEST_MV)
        beyond = self._beyond[key]
        for place in np.flatnonzero(counts).tolist():
            step = (place - _OFFSET) * factor
            beyond[step] = beyond.get(step, 0) + int(counts[place])

    def merge(self, other: FoldAmplitudes) -> None:
        """Count what another object has counted; the order of merging makes no difference."""
        for fold, counts in other._dense.items():
            self._dense[fold] = self._dense.get(fold, 0) + counts
        for fold, beyond in other._beyond.items():
            own = self._beyond[fold]
            for step, count in beyond.items():
                own[step] = own.get(step, 0) + count

    def counts(self, fold: int | None) -> tuple[np.ndarray, np.ndarray]:
        """The amplitudes of a fold in ascending steps of `FINEST_MV`, int64, and how often each occurs, int64."""
        return self._counts([fold or 0])

    def _counts(self, folds: Collection[int]) -> tuple[np.ndarray, np.ndarray]:
        dense = sum((self._dense[fold] for fold in folds if fold in self._dense), np.zeros(2 * _OFFSET, np.int64))
        places = np.flatnonzero(dense)
        found = dict(zip((places - _OFFSET).tolist(), dense[places].tolist(), strict=True))
        for fold in folds:
            for step, count in self._beyond.get(fold, {}).items():
                found[step] = found.get(step, 0) + count
        steps = np.array(sorted(found), dtype=np.int64)
        return steps, np.array([found[step] for step in steps.tolist()], dtype=np.int64)

    @property
    def folds(self) -> list[int]:
        """The folds of which something was counted; 0 stands for none."""
        return sorted({*self._dense, *self._beyond})

    def amplitude_range(
        self,
        folds: Collection[int] | None = None,
        *,
        low_percentile: float = 1.0,
        high_percentile: float = 99.0,
        widen_mv: float = 0.5,
    ) -> AmplitudeRange:
        """Percentiles over all samples of some folds, widened on both sides.

        They are those of `numpy.percentile` over the stored samples; `error_mv` says how far they may be from those of
        the signals before they were stored.

        Parameters
        ----------
        folds : collection of int, optional
            All where not given.
        low_percentile, high_percentile : float
            From 0 to 100, in ascending order.
        widen_mv : float

        Raises
        ------
        ValueError
            If the folds hold no sample.
        """
        steps, counts = self._counts(self.folds if folds is None else folds)
        if not len(steps):
            raise ValueError(f"folds: no sample in {sorted(folds or ())}, there are {self.folds}")
        ends = np.cumsum(counts)
        total = int(ends[-1])
        low, high = (
            _percentile(steps, ends, percentile) * FINEST_MV for percentile in (low_percentile, high_percentile)
        )
        return AmplitudeRange(low - widen_mv, high + widen_mv, error_mv=FINEST_MV / 2, num_values=total)

    def share_outside(self, low: float, high: float, folds: Collection[int] | None = None) -> float:
        """The share of the samples below `low` or above `high`, in mV."""
        steps, counts = self._counts(self.folds if folds is None else folds)
        values = steps * FINEST_MV
        return float(counts[(values < low) | (values > high)].sum() / max(1, int(counts.sum())))

    def as_bytes(self) -> bytes:
        """A Parquet file with the columns fold (0: none), step (of 2**-10 mV) and count, sorted."""
        import pyarrow as pa
        from pyarrow import parquet

        columns: list[list[np.ndarray]] = [[], [], []]
        for fold in self.folds:
            steps, counts = self.counts(fold)
            columns[0].append(np.full(len(steps), fold, dtype=np.int8))
            columns[1].append(steps)
            columns[2].append(counts)
        kinds = [("fold", np.int8), ("step", np.int64), ("count", np.int64)]
        arrays = {
            name: np.concatenate(parts) if parts else np.empty(0, dtype=kind)
            for (name, kind), parts in zip(kinds, columns, strict=True)
        }
        stream = io.BytesIO()
        parquet.write_table(pa.table(arrays), stream, compression="zstd")
        return stream.getvalue()

    @classmethod
    def from_bytes(cls, content: bytes) -> FoldAmplitudes:
        """The inverse of `as_bytes`."""
        from pyarrow import parquet

        table = parquet.read_table(io.BytesIO(content))
        folds, steps, counts = (table.column(name).to_numpy() for name in ("fold", "step", "count"))
        amplitudes = cls()
        for fold in np.unique(folds).tolist():
            chosen = folds == fold
            inside = chosen & (steps >= -_OFFSET) & (steps < _OFFSET)
            dense = np.zeros(2 * _OFFSET, dtype=np.int64)
            dense[steps[inside] + _OFFSET] = counts[inside]
            amplitudes._dense[fold] = dense
            far = chosen & ~inside
            if far.any():
                amplitudes._beyond[fold] = dict(zip(steps[far].tolist(), counts[far].tolist(), strict=True))
        return amplitudes


def _percentile(steps: np.ndarray, ends: np.ndarray, percentile: float) -> float:
    """By linear interpolation between neighbouring samples, in steps."""
    position = percentile / 100 * (int(ends[-1]) - 1)
    rank = int(position)
    # ends[k] samples have step k or less, so sample `rank`, counted from 0, is the first with a larger number.
    left, right = np.searchsorted(ends, [rank, min(rank + 1, int(ends[-1]) - 1)], side="right")
    low, high = float(steps[left]), float(steps[right])
    return low + (position - rank) * (high - low)
