"""Intervals of a mean over training runs: they say how it would vary with other runs and with other patients.

Runs and patients are crossed: every run answers the same questions. The variance of the mean over S runs is taken as

    V = V_patients + V_runs,  V_patients = variance of the mean over runs when patients are resampled, times P / (P - 1)
                              V_runs     = variance between the runs' values, over S

and the interval is ``value +- t * sqrt(V)``, with degrees of freedom by Satterthwaite (Biometrics Bulletin 2, 1946):
P - 1 for the first part, S - 1 for the second. Resampling three runs with replacement instead would be too narrow: it
misses a third of their variance, and takes a normal quantile where three runs call for one near 4.3. What is particular
to a run and a patient together is in both parts, so V is slightly too large rather than too small, as it is for the
bootstrap of crossed factors (Owen, Ann. Appl. Stat. 1, 2007).

With one run nothing is known about other runs, and the interval is the percentile interval over patients alone.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ecgbyte.metrics.intervals import (
    OfSums,
    as_statistics,
    percentile_interval,
    resampled_counts,
    sums_by_patient,
)

UNBOUNDED = (-math.inf, math.inf)


@dataclass(frozen=True)
class TwoLevel:
    """A mean over training runs with its interval over runs and patients.

    Attributes
    ----------
    value : float
    low, high : float
        NaN, NaN for a single patient.
    p_value : float
        Two-sided p of the hypothesis that the value is 0, by the t distribution of the interval. NaN where there is one
        run only, whose interval is not made from a t distribution, or one patient.
    """

    value: float
    low: float
    high: float
    p_value: float


def two_level_bootstrap(
    runs: Sequence[ArrayLike],
    patients: Sequence[str],
    *,
    of_sums: OfSums | None = None,
    num_resamples: int = 1000,
    level: float = 0.95,
    seed: int,
    bounds: tuple[float, float] = UNBOUNDED,
) -> TwoLevel:
    """Mean over training runs of a mean, or of a measure made from sums, with its interval over runs and patients.

    Parameters
    ----------
    runs : sequence of array-like
        For each training run [samples], or [samples, statistics] together with `of_sums`; sample i of every run is the
        same question.
    patients, of_sums, num_resamples, level, seed
        As in `ecgbyte.metrics.intervals.patient_bootstrap`, whose interval this is for a single run.
    bounds : (float, float)
        The smallest and largest value that the measure can take; the interval ends there.

    Raises
    ------
    ValueError, TypeError
        As `patient_bootstrap`, and if there is no run or runs differ in their shapes.

    Notes
    -----
    Thread-safety: no shared state that changes; may run in several threads at once.
    """
    statistics, measure = _runs_as_statistics("runs", runs, of_sums)
    by_patient = [sums_by_patient(values, patients) for values in statistics]
    values = np.concatenate([measure(sums.sum(axis=0, keepdims=True)) for sums in by_patient])
    resampled = _resample(by_patient, measure, num_resamples, seed).mean(axis=0)
    return two_level_interval(resampled, [values], [1.0], len(by_patient[0]), level=level, bounds=bounds)


def paired_two_level_bootstrap(
    runs_a: Sequence[ArrayLike],
    runs_b: Sequence[ArrayLike],
    patients: Sequence[str],
    *,
    same_runs: bool,
    of_sums: OfSums | None = None,
    num_resamples: int = 1000,
    level: float = 0.95,
    seed: int,
    bounds: tuple[float, float] = UNBOUNDED,
) -> TwoLevel:
    """Difference a - b of two means over training runs, with its interval over runs and patients.

    Parameters
    ----------
    runs_a, runs_b : sequences of array-like
        As `runs` of `two_level_bootstrap`.
    same_runs : bool
        True where run i of a and of b is one trained model under two inputs: what makes a model good then cancels.
        False for two methods, which are trained apart, whatever their seeds; their numbers of runs may differ.
    patients, of_sums, num_resamples, level, seed, bounds
        As in `two_level_bootstrap`; the bounds are those of the difference.

    Raises
    ------
    ValueError, TypeError
        As `two_level_bootstrap`, and if a and b are not about the same samples, or with `same_runs` differ in number.
    """
    a, measure = _runs_as_statistics("runs_a", runs_a, of_sums)
    b, _ = _runs_as_statistics("runs_b", runs_b, of_sums)
    if a[0].shape != b[0].shape:
        raise ValueError(f"runs_a, runs_b: got {len(a[0])} and {len(b[0])} samples, expected the same samples")
    if same_runs and len(a) != len(b):
        raise ValueError(f"runs_a, runs_b: got {len(a)} and {len(b)} runs, expected the same runs")
    by_patient = [sums_by_patient(values, patients) for values in (*a, *b)]
    values = np.concatenate([measure(sums.sum(axis=0, keepdims=True)) for sums in by_patient])
    drawn = _resample(by_patient, measure, num_resamples, seed)
    resampled = drawn[: len(a)].mean(axis=0) - drawn[len(a) :].mean(axis=0)
    of_a, of_b = values[: len(a)], values[len(a) :]
    groups, signs = ([of_a - of_b], [1.0]) if same_runs else ([of_a, of_b], [1.0, -1.0])
    return two_level_interval(resampled, groups, signs, len(by_patient[0]), level=level, bounds=bounds)


def two_level_interval(
    resampled: NDArray[np.float64],
    groups: Sequence[NDArray[np.float64]],
    signs: Sequence[float],
    num_patients: int,
    *,
    level: float = 0.95,
    bounds: tuple[float, float] = UNBOUNDED,
) -> TwoLevel:
    """The interval of the module's head, from resampled values.

    Parameters
    ----------
    resampled : numpy.ndarray
        float64 [resamples], the value (already the mean over runs) when patients are resampled. NaN where it does not
        exist; such resamples are left out, and where they are more than one in twenty there is no interval.
    groups : sequence of numpy.ndarray
        float64 [runs] for each group of runs that are trained apart: the measure of each run on all samples.
    signs : sequence of float
        The value is the sum of the groups' means, each times its sign.
    num_patients : int
    level, bounds
        As in `two_level_bootstrap`.

    Raises
    ------
    ValueError
        If `level` is out of its range.
    """
    value = float(sum(sign * float(np.mean(group)) for sign, group in zip(signs, groups, strict=True)))
    low, high = percentile_interval(resampled, level)
    if num_patients == 1 or math.isnan(low):
        return TwoLevel(value, math.nan, math.nan, math.nan)
    repeated = [group for group in groups if len(group) > 1]
    if not repeated:
        return TwoLevel(value, *_within(bounds, low, high), math.nan)
    # Loaded here: reading and tokenizing need no statistics.
    from scipy.special import stdtr, stdtrit

    # Resampled patients vary by (P - 1) / P of the variance of newly drawn ones.
    parts = [(float(np.var(resampled[~np.isnan(resampled)])) * num_patients / (num_patients - 1), num_patients - 1)]
    parts += [(float(np.var(group, ddof=1)) / len(group), len(group) - 1) for group in repeated]
    variance = sum(part for part, _ in parts)
    # Equal values give a variance of rounding errors alone.
    if variance <= (1e-9 * max(1.0, abs(value))) ** 2:
        return TwoLevel(value, *_within(bounds, value, value), 1.0 if abs(value) < 1e-9 else 0.0)
    freedom = variance**2 / sum(part**2 / degrees for part, degrees in parts)
    half = float(stdtrit(freedom, (1 + level) / 2)) * math.sqrt(variance)
    p_value = 2 * float(stdtr(freedom, -abs(value) / math.sqrt(variance)))
    return TwoLevel(value, *_within(bounds, value - half, value + half), p_value)


def _within(bounds: tuple[float, float], low: float, high: float) -> tuple[float, float]:
    return max(low, bounds[0]), min(high, bounds[1])


def _runs_as_statistics(
    name: str, runs: Sequence[ArrayLike], of_sums: OfSums | None
) -> tuple[list[NDArray[np.float64]], OfSums]:
    if not len(runs):
        raise ValueError(f"{name}: got no training run, expected at least one")
    converted = [as_statistics(f"{name}[{index}]", run, of_sums) for index, run in enumerate(runs)]
    statistics = [values for values, _ in converted]
    for index, values in enumerate(statistics):
        if values.shape != statistics[0].shape:
            raise ValueError(
                f"{name}[{index}]: got {len(values)} samples where run 0 has {len(statistics[0])}, expected the same"
            )
    return statistics, converted[0][1]


def _resample(
    by_patient: Sequence[NDArray[np.float64]], measure: OfSums, num_resamples: int, seed: int
) -> NDArray[np.float64]:
    """The measure of every run, [runs, resamples]; all runs meet the same resampled patients."""
    width = by_patient[0].shape[1]
    together = np.hstack(by_patient)
    blocks = []
    for counts in resampled_counts(len(together), num_resamples=num_resamples, seed=seed):
        sums = counts @ together
        blocks.append(np.stack([measure(sums[:, start : start + width]) for start in range(0, sums.shape[1], width)]))
    return np.concatenate(blocks, axis=1)
