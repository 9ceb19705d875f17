"""Intervals by bootstrap over patients.

Answers about one patient's ECGs are not independent, so whole patients are drawn with replacement (cluster bootstrap:
Field and Welsh, J. R. Stat. Soc. B 69, 2007). A measure is computed from sums over samples, so a resample costs one
row of a matrix product. Intervals are percentile intervals.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator, Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

OfSums = Callable[[NDArray[np.float64]], NDArray[np.float64]]
# Draws held in memory at once.
_CHUNK = 1 << 22


def patient_indices(patients: Sequence[str], num_samples: int) -> NDArray[np.int64]:
    """Number the patients in sorted order: int64 [samples], 0 to patients - 1.

    Raises
    ------
    ValueError
        If there is not one patient per sample, or a patient has no name.
    TypeError
        If a patient is not a string.
    """
    if len(patients) != num_samples:
        raise ValueError(f"patients: got {len(patients)} for {num_samples} samples, expected one each")
    for index, patient in enumerate(patients):
        if not isinstance(patient, str):
            raise TypeError(f"patients[{index}]: got {type(patient).__name__}, expected str")
        if not patient:
            raise ValueError(f"patients[{index}]: got an empty string, expected a patient id")
    number = {patient: index for index, patient in enumerate(sorted(set(patients)))}
    return np.array([number[patient] for patient in patients], dtype=np.int64)


def sums_by_patient(statistics: NDArray[np.float64], patients: Sequence[str]) -> NDArray[np.float64]:
    """Sum samples of one patient: float64 [samples, statistics] -> [patients, statistics], patients in sorted order.

    Raises
    ------
    ValueError, TypeError
        As `patient_indices`.
    """
    owner = patient_indices(patients, len(statistics))
    order = np.argsort(owner, kind="stable")
    starts = np.flatnonzero(np.diff(owner[order], prepend=-1))
    return np.add.reduceat(statistics[order], starts, axis=0)


def resampled_counts(num_patients: int, *, num_resamples: int, seed: int) -> Iterator[NDArray[np.float64]]:
    """How often each patient is drawn in each resample, in blocks.

    Yields
    ------
    numpy.ndarray
        float64 [resamples of this block, patients]; every row sums to `num_patients`.
    """
    _check_settings(num_resamples, 0.5)
    if num_resamples * num_patients <= _CHUNK:
        # Every measure of one set of answers, and every method, meets the same resamples.
        yield _kept_counts(num_patients, num_resamples, seed)
    else:
        yield from _draw_counts(num_patients, num_resamples, seed)


@functools.lru_cache(maxsize=4)
def _kept_counts(num_patients: int, num_resamples: int, seed: int) -> NDArray[np.float64]:
    (counts,) = _draw_counts(num_patients, num_resamples, seed)
    counts.flags.writeable = False
    return counts


def _draw_counts(num_patients: int, num_resamples: int, seed: int) -> Iterator[NDArray[np.float64]]:
    rng = np.random.default_rng(seed)
    block = max(1, _CHUNK // num_patients)
    for start in range(0, num_resamples, block):
        rows = min(block, num_resamples - start)
        drawn = rng.integers(num_patients, size=(rows, num_patients))
        drawn += np.arange(rows)[:, None] * num_patients
        yield np.bincount(drawn.ravel(), minlength=rows * num_patients).reshape(rows, num_patients).astype(np.float64)


def percentile_interval(resampled: NDArray[np.float64], level: float) -> tuple[float, float]:
    """The middle `level` of resampled measures.

    A resample in which the measure does not exist is NaN and left out; where that is more than one in twenty, there is
    no interval and both ends are NaN.
    """
    _check_settings(1, level)
    defined = resampled[~np.isnan(resampled)]
    if len(defined) < 0.95 * len(resampled) or not len(defined):
        return float("nan"), float("nan")
    low, high = np.quantile(defined, [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)


def as_statistics(name: str, values: ArrayLike, of_sums: OfSums | None) -> tuple[NDArray[np.float64], OfSums]:
    """Values as statistics float64 [samples, statistics] whose sums give the measure, and what takes the sums.

    Parameters
    ----------
    name : str
        What messages call the values.
    values : array-like
        [samples], whose mean is measured, or [samples, statistics] together with `of_sums`.
    of_sums : callable, optional
        Takes sums float64 [resamples, statistics], returns the measure float64 [resamples]; for BLEU
        `ecgbyte.metrics.language.bleu_from_statistics`.

    Raises
    ------
    ValueError
        If the shape does not fit, there are no samples, or a value is not finite.
    """
    array = np.asarray(values, dtype=np.float64)
    expected = 1 if of_sums is None else 2
    if array.ndim != expected:
        shape = "[samples]" if of_sums is None else "[samples, statistics] with of_sums"
        raise ValueError(f"{name}: got shape {array.shape}, expected {shape}")
    if not len(array):
        raise ValueError(f"{name}: got no samples, expected at least one")
    if not np.isfinite(array).all():
        raise ValueError(f"{name}: got NaN or infinity in sample {int(np.argwhere(~np.isfinite(array))[0, 0])}")
    if of_sums is not None:
        return array, of_sums
    return np.column_stack([array, np.ones(len(array))]), _mean_of_sums


def _mean_of_sums(sums: NDArray[np.float64]) -> NDArray[np.float64]:
    return sums[:, 0] / sums[:, 1]


def _check_settings(num_resamples: int, level: float) -> None:
    if num_resamples < 1:
        raise ValueError(f"num_resamples: got {num_resamples}, expected 1 or more")
    if not 0 < level < 1:
        raise ValueError(f"level: got {level}, expected a number between 0 and 1")
