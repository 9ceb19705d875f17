"""From answers to measures in one call: scores, resampled scores, and intervals over runs and patients."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ecgbyte.metrics.bertscore import BertScore
from ecgbyte.metrics.language_scores import score_language
from ecgbyte.metrics.quality import Comparison, Measure, compare_runs, measure_runs
from ecgbyte.metrics.resampled_scores import ResampledScores, resample_scores

Runs = Mapping[int, Sequence[str]]


def _resampled(
    references: Sequence[str],
    runs: Runs,
    patients: Sequence[str],
    bertscore: BertScore | None,
    num_resamples: int,
    seed: int,
) -> list[ResampledScores]:
    scores = [score_language(references, answers, bertscore=bertscore) for answers in runs.values()]
    return [resample_scores(each, patients, num_resamples=num_resamples, seed=seed) for each in scores]


def measure_answers(
    references: Sequence[str],
    runs: Runs,
    patients: Sequence[str],
    *,
    bertscore: BertScore | None = None,
    num_resamples: int = 1000,
    seed: int = 0,
) -> dict[str, Measure]:
    """Measures of the answers of several training runs, by their seeds."""
    return measure_runs(_resampled(references, runs, patients, bertscore, num_resamples, seed))


def compare_answers(
    references: Sequence[str],
    runs_a: Runs,
    runs_b: Runs,
    patients: Sequence[str],
    *,
    num_resamples: int = 1000,
    seed: int = 0,
) -> dict[str, Comparison]:
    """Differences of two methods that were trained apart."""
    a, b = (_resampled(references, runs, patients, None, num_resamples, seed) for runs in (runs_a, runs_b))
    return compare_runs(a, b, same_runs=False, seed=seed)
