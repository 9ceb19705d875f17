"""All language measures of a set of answers, or of several training runs, each with its interval and its definition."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ecgbyte.metrics.comparisons import swap_p_value
from ecgbyte.metrics.intervals import as_statistics, sums_by_patient
from ecgbyte.metrics.language_scores import LANGUAGE_METRICS, LanguageScores, score_language
from ecgbyte.metrics.training_runs import paired_two_level_bootstrap, two_level_bootstrap

if TYPE_CHECKING:
    from ecgbyte.metrics.bertscore import BertScore

__all__ = [
    "LANGUAGE_METRICS",
    "Comparison",
    "Measure",
    "compare_language",
    "compare_methods",
    "compare_scores",
    "measure_language",
    "measure_language_over_seeds",
    "measure_scores",
]
_PERCENT, _PERCENT_DIFFERENCE = (0.0, 100.0), (-100.0, 100.0)


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


def measure_scores(
    runs: Sequence[LanguageScores],
    patients: Sequence[str],
    *,
    num_resamples: int = 1000,
    level: float = 0.95,
    seed: int,
) -> dict[str, Measure]:
    """Mean over training runs of every metric, with intervals over runs and patients.

    Parameters
    ----------
    runs : sequence of LanguageScores
        One a training run, of the same questions. For a single run the interval is over patients alone.
    patients : sequence of str
        [samples], whose ECG each question is about.
    num_resamples, level, seed
        As in `ecgbyte.metrics.training_runs.two_level_bootstrap`.

    Raises
    ------
    ValueError, TypeError
        As `two_level_bootstrap`.
    """
    measures = {}
    for name, (_, of_sums, signature) in _first("runs", runs).metrics.items():
        values = [run.metrics[name].values for run in runs]
        found = two_level_bootstrap(
            values, patients, of_sums=of_sums, num_resamples=num_resamples, level=level, seed=seed, bounds=_PERCENT
        )
        measures[name] = Measure(found.value, found.low, found.high, len(patients), signature)
    return measures


def compare_scores(
    runs_a: Sequence[LanguageScores],
    runs_b: Sequence[LanguageScores],
    patients: Sequence[str],
    *,
    same_runs: bool,
    num_resamples: int = 1000,
    num_permutations: int | None = 9999,
    level: float = 0.95,
    seed: int,
) -> dict[str, Comparison]:
    """Differences a - b of every metric, with paired intervals over runs and patients and p-values.

    The p-value is that of swapping answers patient by patient, which assumes no distribution and takes the runs as they
    are; where there are several runs, the larger of it and the p-value of the t distribution over runs and patients.

    Parameters
    ----------
    runs_a, runs_b : sequences of LanguageScores
        One a training run, all of the same questions.
    patients : sequence of str
        [samples], whose ECG each question is about.
    same_runs : bool
        As in `ecgbyte.metrics.training_runs.paired_two_level_bootstrap`.
    num_resamples, level, seed
        As in `two_level_bootstrap`.
    num_permutations : int, optional
        As in `ecgbyte.metrics.comparisons.swap_p_value`. Where None there is no test, and p-values are NaN.

    Raises
    ------
    ValueError, TypeError
        As `paired_two_level_bootstrap`.
    """
    comparisons = {}
    of_b = _first("runs_b", runs_b).metrics
    for name, (_, of_sums, signature) in _first("runs_a", runs_a).metrics.items():
        if name not in of_b or of_b[name].signature != signature:
            raise ValueError(f"runs_b: {name!r} is not measured as in runs_a, {signature!r}")
        values_a = [run.metrics[name].values for run in runs_a]
        values_b = [run.metrics[name].values for run in runs_b]
        found = paired_two_level_bootstrap(
            values_a,
            values_b,
            patients,
            same_runs=same_runs,
            of_sums=of_sums,
            num_resamples=num_resamples,
            level=level,
            seed=seed,
            bounds=_PERCENT_DIFFERENCE,
        )
        p_value = math.nan
        if num_permutations is not None:
            statistics_a, measure = as_statistics("runs_a", np.mean(values_a, axis=0), of_sums)
            statistics_b, _ = as_statistics("runs_b", np.mean(values_b, axis=0), of_sums)
            sums_a, sums_b = sums_by_patient(statistics_a, patients), sums_by_patient(statistics_b, patients)
            p_value = swap_p_value(sums_a, sums_b, measure, num_permutations=num_permutations, seed=seed)
            if not math.isnan(found.p_value):
                p_value = max(p_value, found.p_value)
        comparisons[name] = Comparison(
            found.value, found.low, found.high, len(patients), f"paired difference of {signature}", p_value
        )
    return comparisons


def measure_language(
    references: Sequence[str],
    answers: Sequence[str],
    patients: Sequence[str],
    *,
    bertscore: BertScore | None = None,
    num_resamples: int = 1000,
    level: float = 0.95,
    seed: int,
) -> dict[str, Measure]:
    """Measure one set of answers: `score_language`, then `measure_scores`."""
    scores = score_language(references, answers, bertscore=bertscore)
    return measure_scores([scores], patients, num_resamples=num_resamples, level=level, seed=seed)


def compare_language(
    references: Sequence[str],
    answers_a: Sequence[str],
    answers_b: Sequence[str],
    patients: Sequence[str],
    *,
    bertscore: BertScore | None = None,
    num_resamples: int = 1000,
    level: float = 0.95,
    seed: int,
) -> dict[str, Comparison]:
    """Differences a - b of two sets of answers to the same questions: `score_language`, then `compare_scores`."""
    return compare_methods(
        references,
        {0: answers_a},
        {0: answers_b},
        patients,
        bertscore=bertscore,
        num_resamples=num_resamples,
        level=level,
        seed=seed,
    )


def measure_language_over_seeds(
    references: Sequence[str],
    answers_by_seed: Mapping[int, Sequence[str]],
    patients: Sequence[str],
    *,
    bertscore: BertScore | None = None,
    num_resamples: int = 1000,
    level: float = 0.95,
    seed: int,
) -> dict[str, Measure]:
    """Measure the answers of several training runs: `score_language` for each, then `measure_scores`.

    Parameters
    ----------
    references, patients : sequences of str
        [samples].
    answers_by_seed : mapping of int to sequence of str
        From the seed of a training run to its answers [samples].
    bertscore
        As in `score_language`.
    num_resamples, level, seed
        As in `measure_scores`; this seed is that of the resampling.
    """
    runs = [score_language(references, answers, bertscore=bertscore) for answers in answers_by_seed.values()]
    return measure_scores(runs, patients, num_resamples=num_resamples, level=level, seed=seed)


def compare_methods(
    references: Sequence[str],
    answers_by_seed_a: Mapping[int, Sequence[str]],
    answers_by_seed_b: Mapping[int, Sequence[str]],
    patients: Sequence[str],
    *,
    bertscore: BertScore | None = None,
    num_resamples: int = 1000,
    num_permutations: int | None = 9999,
    level: float = 0.95,
    seed: int,
) -> dict[str, Comparison]:
    """Compare two methods that were trained apart: `score_language` for each run, then `compare_scores`."""
    runs_a, runs_b = (
        [score_language(references, answers, bertscore=bertscore) for answers in by_seed.values()]
        for by_seed in (answers_by_seed_a, answers_by_seed_b)
    )
    return compare_scores(
        runs_a,
        runs_b,
        patients,
        same_runs=False,
        num_resamples=num_resamples,
        num_permutations=num_permutations,
        level=level,
        seed=seed,
    )


def _first(name: str, runs: Sequence[LanguageScores]) -> LanguageScores:
    if not runs:
        raise ValueError(f"{name}: got no training run, expected at least one")
    return runs[0]
