"""All language measures of a set of answers, or of several training runs, each with its interval and its definition."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from ecgbyte.metrics.comparisons import swap_p_values
from ecgbyte.metrics.resampled_scores import ResampledScores
from ecgbyte.metrics.training_runs import two_level_interval

_PERCENT = (0.0, 100.0)


@dataclass(frozen=True)
class Measure:
    """A value in percent, its 95 % (or other) interval, the samples it rests on and the signature that defines it."""

    value: float
    low: float
    high: float
    n: int
    signature: str


@dataclass(frozen=True)
class Comparison(Measure):
    """A difference between two methods, and the two-sided p of the hypothesis that there is none."""

    p_value: float


def measure_runs(
    runs: Sequence[ResampledScores], *, level: float = 0.95, bounds: Mapping[str, tuple[float, float]] | None = None
) -> dict[str, Measure]:
    """Mean over training runs of every metric, with intervals over runs and patients.

    Parameters
    ----------
    runs : sequence of ResampledScores
        One a training run, of the same questions and resamples. For a single run the interval is over patients alone.
    level : float
        Coverage of the intervals, between 0 and 1.
    bounds : mapping, optional
        The least and the greatest value of metrics that are not of 0 to 100.

    Raises
    ------
    ValueError
        If there is no run, runs differ in their samples or metrics, or `level` is out of its range.
    """
    measures, known = {}, bounds or {}
    num_patients = _check_runs(runs)
    for name, scores in runs[0].scores.metrics.items():
        drawn = np.mean([run.drawn[name] for run in runs], axis=0)
        values = np.array([run.values[name] for run in runs])
        found = two_level_interval(drawn, [values], [1.0], num_patients, level=level, bounds=known.get(name, _PERCENT))
        measures[name] = Measure(found.value, found.low, found.high, runs[0].num_samples, scores.signature)
    return measures


def compare_runs(
    runs_a: Sequence[ResampledScores],
    runs_b: Sequence[ResampledScores],
    *,
    same_runs: bool,
    num_permutations: int | None = 9999,
    level: float = 0.95,
    bounds: Mapping[str, tuple[float, float]] | None = None,
    seed: int,
) -> dict[str, Comparison]:
    """Differences a - b of every metric, with paired intervals over runs and patients and p-values.

    The p-value is that of swapping answers patient by patient, which assumes no distribution and takes the runs as they
    are; where there are several runs, the larger of it and the p-value of the t distribution over runs and patients.

    Parameters
    ----------
    runs_a, runs_b : sequences of ResampledScores
        One a training run, all of the same questions and resamples.
    same_runs : bool
        True where run i of a and of b is one trained model under two inputs: what makes a model good then cancels.
        False for two methods, which are trained apart, whatever their seeds; their numbers of runs may differ.
    num_permutations : int, optional
        As in `ecgbyte.metrics.comparisons.swap_p_values`. Where None there is no test, and p-values are NaN.
    level, bounds
        As in `measure_runs`; the bounds are those of the metrics, not of their differences.
    seed : int
        Seed of the swaps.

    Raises
    ------
    ValueError
        As `measure_runs`, and if with `same_runs` the numbers of runs differ.
    """
    _check_runs(runs_b)
    num_patients = _check_runs([*runs_a, *runs_b])
    if same_runs and len(runs_a) != len(runs_b):
        raise ValueError(f"runs_a, runs_b: got {len(runs_a)} and {len(runs_b)} runs, expected the same runs")
    metrics = runs_a[0].scores.metrics
    p_values = [math.nan] * len(metrics)
    if num_permutations is not None:
        sums_a, sums_b = (
            [np.mean(of_runs, axis=0) for of_runs in zip(*(run.by_patient for run in runs), strict=True)]
            for runs in (runs_a, runs_b)
        )
        _, measures = runs_a[0].scores.statistics()
        p_values = swap_p_values(sums_a, sums_b, measures, num_permutations=num_permutations, seed=seed)
    comparisons, known = {}, bounds or {}
    for (name, scores), swapped in zip(metrics.items(), p_values, strict=True):
        drawn_a, drawn_b = (np.mean([run.drawn[name] for run in runs], axis=0) for runs in (runs_a, runs_b))
        a, b = (np.array([run.values[name] for run in runs]) for runs in (runs_a, runs_b))
        groups, signs = ([a - b], [1.0]) if same_runs else ([a, b], [1.0, -1.0])
        low, high = known.get(name, _PERCENT)
        found = two_level_interval(
            drawn_a - drawn_b, groups, signs, num_patients, level=level, bounds=(low - high, high - low)
        )
        # A single run has no t test; without swaps there is no test at all.
        p_value = swapped if math.isnan(found.p_value) else max(swapped, found.p_value)
        comparisons[name] = Comparison(
            found.value,
            found.low,
            found.high,
            runs_a[0].num_samples,
            f"paired difference of {scores.signature}",
            math.nan if num_permutations is None else p_value,
        )
    return comparisons


def _check_runs(runs: Sequence[ResampledScores]) -> int:
    """The number of patients, after checking that the runs are about the same samples and measured alike."""
    if not runs:
        raise ValueError("runs: got no training run, expected at least one")
    first = runs[0]
    signatures = {name: scores.signature for name, scores in first.scores.metrics.items()}
    for index, run in enumerate(runs):
        if run.num_samples != first.num_samples or len(run.by_patient[0]) != len(first.by_patient[0]):
            raise ValueError(f"runs: run {index} is about other samples or patients than the first, expected the same")
        if {name: scores.signature for name, scores in run.scores.metrics.items()} != signatures:
            raise ValueError(f"runs: run {index} is measured in other ways than the first, expected the same metrics")
    return len(first.by_patient[0])
