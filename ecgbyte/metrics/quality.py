"""All language measures of one set of answers, each with its interval and its definition."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ecgbyte.metrics.intervals import OfSums, paired_patient_bootstrap, patient_bootstrap
from ecgbyte.metrics.language import (
    EXACT_MATCH_SIGNATURE,
    bleu_from_statistics,
    bleu_statistics,
    corpus_bleu4,
    exact_match_scores,
    rouge_scores,
    rouge_signature,
)

LANGUAGE_METRICS = ("bleu-4", "rouge-1", "rouge-2", "rouge-l", "accuracy", "empty-answers")
EMPTY_ANSWERS_SIGNATURE = "answers without a character other than white space|mean:samples|version:1"


@dataclass(frozen=True)
class Measure:
    """A value in percent, its 95 % (or other) interval, the samples it rests on and the signature that defines it."""

    value: float
    low: float
    high: float
    n: int
    signature: str


def measure_language(
    references: Sequence[str],
    answers: Sequence[str],
    patients: Sequence[str],
    *,
    num_resamples: int = 1000,
    level: float = 0.95,
    seed: int,
) -> dict[str, Measure]:
    """Measure answers by each of `LANGUAGE_METRICS`, with bootstrap intervals over patients.

    Parameters
    ----------
    references, answers, patients : sequences of str
        [samples]: the right answer, the given one (may be empty, counts), and whose ECG it is.
    num_resamples, level, seed
        As in `ecgbyte.metrics.intervals.patient_bootstrap`.

    Raises
    ------
    ValueError, TypeError
        If lengths differ, there are no samples, or a reference is empty.
    """
    measures = {}
    for name, (values, of_sums, signature) in _samples(references, answers).items():
        low, high = patient_bootstrap(
            values, patients, of_sums=of_sums, num_resamples=num_resamples, level=level, seed=seed
        )
        value = values.mean() if of_sums is None else of_sums(values.sum(axis=0, keepdims=True))[0]
        measures[name] = Measure(float(value), low, high, len(references), signature)
    return measures


def compare_language(
    references: Sequence[str],
    answers_a: Sequence[str],
    answers_b: Sequence[str],
    patients: Sequence[str],
    *,
    num_resamples: int = 1000,
    level: float = 0.95,
    seed: int,
) -> dict[str, Measure]:
    """Differences a - b of the measures of two sets of answers to the same questions, with paired intervals.

    Parameters
    ----------
    references, answers_a, answers_b, patients : sequences of str
        [samples], in the same order of questions.
    num_resamples, level, seed
        As in `ecgbyte.metrics.intervals.patient_bootstrap`.

    Raises
    ------
    ValueError, TypeError
        As `measure_language`.
    """
    samples_a, samples_b = _samples(references, answers_a), _samples(references, answers_b)
    differences = {}
    for name, (values_a, of_sums, signature) in samples_a.items():
        value, low, high = paired_patient_bootstrap(
            values_a,
            samples_b[name][0],
            patients,
            of_sums=of_sums,
            num_resamples=num_resamples,
            level=level,
            seed=seed,
        )
        differences[name] = Measure(value, low, high, len(references), f"paired difference of {signature}")
    return differences


def _samples(
    references: Sequence[str], answers: Sequence[str]
) -> dict[str, tuple[NDArray[np.float64], OfSums | None, str]]:
    """Per metric: values [samples] (or statistics [samples, statistics]), the measure of their sums, the signature."""
    _, bleu_signature = corpus_bleu4(references, answers)
    samples: dict[str, tuple[NDArray[np.float64], OfSums | None, str]] = {
        "bleu-4": (bleu_statistics(references, answers).astype(np.float64), bleu_from_statistics, bleu_signature)
    }
    for name, values in rouge_scores(references, answers).items():
        samples[name] = (values, None, rouge_signature())
    samples["accuracy"] = (exact_match_scores(references, answers), None, EXACT_MATCH_SIGNATURE)
    empty = np.array([100.0 * (not answer.strip()) for answer in answers])
    samples["empty-answers"] = (empty, None, EMPTY_ANSWERS_SIGNATURE)
    return samples
