"""How many of the findings of an answer are right, where a question has several: F1 of sets, beside exact match."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ecgbyte.metrics.language import check_pairs, normalize_answer
from ecgbyte.metrics.language_scores import MetricScores

FINDING_F1_SIGNATURE = (
    "f1 of the sets of comma-separated findings, 0 to 100|norm:NFC,casefold,spaces|mean:samples|empty:0|version:1"
)


def finding_f1(references: Sequence[str], answers: Sequence[str]) -> MetricScores:
    """F1 of the findings that an answer names against those of the reference, for each answer.

    Findings are separated and compared as in `ecgbyte.metrics.language.normalize_answer`; one that is named twice
    counts once. For a reference of one finding and an answer of one it is exact match.

    Returns
    -------
    MetricScores
        ``values`` float64 [samples], 0 to 100, whose mean is the metric.

    Raises
    ------
    ValueError, TypeError
        As `ecgbyte.metrics.language.corpus_bleu4`.

    Examples
    --------
    >>> finding_f1(["LVH, left axis deviation"], ["left axis deviation"]).values.round(1).tolist()
    [66.7]
    """
    check_pairs(references, answers)
    values = np.array([_f1(reference, answer) for reference, answer in zip(references, answers, strict=True)])
    return MetricScores(values, None, FINDING_F1_SIGNATURE)


def _f1(reference: str, answer: str) -> float:
    right, given = set(normalize_answer(reference)), set(normalize_answer(answer))
    return 200.0 * len(right & given) / (len(right) + len(given))
