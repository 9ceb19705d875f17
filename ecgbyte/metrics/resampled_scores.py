"""Every language measure of one run's answers when patients are resampled, computed once for all that is made of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ecgbyte.metrics.intervals import resampled_counts, sums_by_patient
from ecgbyte.metrics.language_scores import LanguageScores


@dataclass(frozen=True)
class ResampledScores:
    """Measures of one run on all samples and on resampled patients.

    Attributes
    ----------
    values : dict of str to float
        Each metric on all samples.
    drawn : dict of str to numpy.ndarray
        Each metric float64 [resamples]; runs with the same patients, number of resamples and seed meet the same
        resamples.
    by_patient : list of numpy.ndarray
        For each metric its statistics summed over a patient's samples, float64 [patients, statistics].
    scores : LanguageScores
        What they were made from.
    num_samples : int
    """

    values: dict[str, float]
    drawn: dict[str, NDArray[np.float64]]
    by_patient: list[NDArray[np.float64]]
    scores: LanguageScores
    num_samples: int


def resample_scores(
    scores: LanguageScores, patients: Sequence[str], *, num_resamples: int = 1000, seed: int
) -> ResampledScores:
    """Measure all samples, and resampled patients.

    Parameters
    ----------
    scores : LanguageScores
        Of one run.
    patients : sequence of str
        [samples], whose ECG each question is about.
    num_resamples : int
        How many times patients are drawn.
    seed : int
        Same seed, same resamples.

    Raises
    ------
    ValueError, TypeError
        As `ecgbyte.metrics.intervals.patient_indices`, or if `num_resamples` is not positive.
    """
    statistics, measures = scores.statistics()
    together = sums_by_patient(np.hstack(statistics), patients)
    ends = np.cumsum([part.shape[1] for part in statistics])
    parts = [slice(end - part.shape[1], end) for part, end in zip(statistics, ends, strict=True)]
    total = together.sum(axis=0, keepdims=True)
    sums = np.concatenate(
        [counts @ together for counts in resampled_counts(len(together), num_resamples=num_resamples, seed=seed)]
    )
    each = list(zip(scores.metrics, parts, measures, strict=True))
    return ResampledScores(
        {name: float(measure(total[:, part])[0]) for name, part, measure in each},
        {name: measure(sums[:, part]) for name, part, measure in each},
        [together[:, part] for part in parts],
        scores,
        len(patients),
    )
