"""Intervals of one measure at a time, straight from its values: what the resampled scores are compared with."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ecgbyte.metrics.intervals import OfSums, as_statistics, percentile_interval, resampled_counts, sums_by_patient
from ecgbyte.metrics.training_runs import UNBOUNDED, TwoLevel, two_level_interval


def patient_bootstrap(
    values: ArrayLike,
    patients: Sequence[str],
    *,
    of_sums: OfSums | None = None,
    num_resamples: int = 1000,
    level: float = 0.95,
    seed: int,
) -> tuple[float, float]:
    """The interval of a mean of `values` [samples], or of a measure `of_sums` of [samples, statistics], over patients.

    NaN, NaN for a single patient, whose resamples are all the same.
    """
    statistics, measure = as_statistics("values", values, of_sums)
    by_patient = sums_by_patient(statistics, patients)
    blocks = resampled_counts(len(by_patient), num_resamples=num_resamples, seed=seed)
    low, high = percentile_interval(np.concatenate([measure(counts @ by_patient) for counts in blocks]), level)
    return (low, high) if len(by_patient) > 1 else (float("nan"), float("nan"))


def paired_patient_bootstrap(
    values_a: ArrayLike,
    values_b: ArrayLike,
    patients: Sequence[str],
    *,
    num_resamples: int = 1000,
    level: float = 0.95,
    seed: int,
) -> tuple[float, float, float]:
    """The difference of two means over the same samples, and its interval: both see the same resamples."""
    difference = np.asarray(values_a, dtype=np.float64) - np.asarray(values_b, dtype=np.float64)
    interval = patient_bootstrap(difference, patients, num_resamples=num_resamples, level=level, seed=seed)
    return float(difference.mean()), *interval


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
    """The mean over training runs of a measure, with its interval over runs and patients."""
    by_patient, measure = _sums_of_runs(runs, patients, of_sums)
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
    """The difference of two means over training runs, with its interval over runs and patients."""
    by_patient, measure = _sums_of_runs([*runs_a, *runs_b], patients, of_sums)
    values = np.concatenate([measure(sums.sum(axis=0, keepdims=True)) for sums in by_patient])
    drawn, first = _resample(by_patient, measure, num_resamples, seed), len(runs_a)
    resampled = drawn[:first].mean(axis=0) - drawn[first:].mean(axis=0)
    of_a, of_b = values[:first], values[first:]
    groups, signs = ([of_a - of_b], [1.0]) if same_runs else ([of_a, of_b], [1.0, -1.0])
    return two_level_interval(resampled, groups, signs, len(by_patient[0]), level=level, bounds=bounds)


def _sums_of_runs(
    runs: Sequence[ArrayLike], patients: Sequence[str], of_sums: OfSums | None
) -> tuple[list[NDArray[np.float64]], OfSums]:
    converted = [as_statistics(f"runs[{index}]", run, of_sums) for index, run in enumerate(runs)]
    return [sums_by_patient(values, patients) for values, _ in converted], converted[0][1]


def _resample(
    by_patient: Sequence[NDArray[np.float64]], measure: OfSums, num_resamples: int, seed: int
) -> NDArray[np.float64]:
    """The measure of every run, [runs, resamples]; all runs meet the same resampled patients."""
    blocks = []
    for counts in resampled_counts(len(by_patient[0]), num_resamples=num_resamples, seed=seed):
        blocks.append(np.stack([measure(counts @ sums) for sums in by_patient]))
    return np.concatenate(blocks, axis=1)
