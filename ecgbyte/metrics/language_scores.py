"""What each answer of one set adds to every language measure, computed once for all the measures made from it."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ecgbyte.metrics.intervals import OfSums, as_statistics
from ecgbyte.metrics.language import (
    EXACT_MATCH_SIGNATURE,
    ROUGE_METRICS,
    bleu_from_statistics,
    bleu_statistics,
    check_pairs,
    corpus_bleu4_signature,
    exact_match_scores,
    rouge_scores,
    rouge_signature,
)
from ecgbyte.metrics.nltk_measures import (
    meteor_scores,
    meteor_signature,
    sentence_bleu4_scores,
    sentence_bleu4_signature,
)

if TYPE_CHECKING:
    from ecgbyte.metrics.bertscore import BertScore

LANGUAGE_METRICS = (
    "bleu-4",
    "bleu-4-sentence",
    "rouge-1",
    "rouge-2",
    "rouge-l",
    "meteor",
    "bertscore-f1",
    "accuracy",
    "empty-answers",
)
EMPTY_ANSWERS_SIGNATURE = "answers without a character other than white space|mean:samples|version:1"


class MetricScores(NamedTuple):
    """What each sample adds to a metric.

    Attributes
    ----------
    values : numpy.ndarray
        float64 [samples], whose mean is the metric, or [samples, statistics].
    of_sums : callable or None
        From sums of statistics to the metric; None for a mean.
    signature : str
        Defines the metric.
    """

    values: NDArray[np.float64]
    of_sums: OfSums | None
    signature: str


@dataclass(frozen=True)
class LanguageScores:
    """What each answer of one set adds to every metric; measures of any part of the answers are made from it.

    Attributes
    ----------
    metrics : dict of str to MetricScores
        In the order of `LANGUAGE_METRICS`.
    """

    metrics: dict[str, MetricScores]

    def statistics(self) -> tuple[list[NDArray[np.float64]], list[OfSums]]:
        """For every metric statistics float64 [samples, statistics], and what takes their sums."""
        pairs = [as_statistics(name, scores.values, scores.of_sums) for name, scores in self.metrics.items()]
        return [statistics for statistics, _ in pairs], [measure for _, measure in pairs]

    def select(self, places: Sequence[int]) -> LanguageScores:
        """The scores of some of the answers."""
        chosen = np.asarray(places, dtype=np.int64)
        return LanguageScores(
            {name: scores._replace(values=scores.values[chosen]) for name, scores in self.metrics.items()}
        )


def score_language(
    references: Sequence[str],
    answers: Sequence[str],
    *,
    bertscore: BertScore | None = None,
    wordnet: bool | None = None,
) -> LanguageScores:
    """Score each answer by each of `LANGUAGE_METRICS`.

    Parameters
    ----------
    references, answers : sequences of str
        [samples]: the right answer, and the given one (may be empty, counts).
    bertscore : BertScore, optional
        The model of ``bertscore-f1``; without one that metric is left out.
    wordnet : bool, optional
        As in `ecgbyte.metrics.nltk_measures.meteor_scores`.

    Raises
    ------
    ValueError, TypeError
        If lengths differ, there are no samples, or a reference is empty.
    ModuleNotFoundError
        If a package of the ``metrics`` extra is not installed.
    """
    metrics = {}
    for name in LANGUAGE_METRICS:
        if name == "meteor":
            metrics[name] = _meteor(references, answers, wordnet=wordnet)
        elif name != "bertscore-f1":
            metrics[name] = ANSWER_SCORES[name](references, answers)
        elif bertscore is not None:
            metrics[name] = MetricScores(bertscore.scores(references, answers), None, bertscore.signature)
    return LanguageScores(metrics)


def _bleu4(references: Sequence[str], answers: Sequence[str]) -> MetricScores:
    statistics = bleu_statistics(references, answers).astype(np.float64)
    return MetricScores(statistics, bleu_from_statistics, corpus_bleu4_signature())


def _sentence_bleu4(references: Sequence[str], answers: Sequence[str]) -> MetricScores:
    return MetricScores(sentence_bleu4_scores(references, answers), None, sentence_bleu4_signature())


def _rouge(name: str, references: Sequence[str], answers: Sequence[str]) -> MetricScores:
    return MetricScores(rouge_scores(references, answers)[name], None, rouge_signature())


def _meteor(references: Sequence[str], answers: Sequence[str], *, wordnet: bool | None = None) -> MetricScores:
    scores = meteor_scores(references, answers, wordnet=wordnet)
    return MetricScores(scores, None, meteor_signature(wordnet=wordnet))


def _accuracy(references: Sequence[str], answers: Sequence[str]) -> MetricScores:
    return MetricScores(exact_match_scores(references, answers), None, EXACT_MATCH_SIGNATURE)


def _empty_answers(references: Sequence[str], answers: Sequence[str]) -> MetricScores:
    check_pairs(references, answers)
    empty = np.array([100.0 * (not answer.strip()) for answer in answers])
    return MetricScores(empty, None, EMPTY_ANSWERS_SIGNATURE)


ANSWER_SCORES: dict[str, Callable[[Sequence[str], Sequence[str]], MetricScores]] = {
    "bleu-4": _bleu4,
    "bleu-4-sentence": _sentence_bleu4,
    **{name: functools.partial(_rouge, name) for name in ROUGE_METRICS},
    "meteor": _meteor,
    "accuracy": _accuracy,
    "empty-answers": _empty_answers,
}
"""What scores answers by each metric of `LANGUAGE_METRICS` that needs no model."""
