"""Each answer is scored once: what a pair of reference and answer adds to every metric is kept for all made of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from ecgbyte.metrics.bertscore import BertScore
from ecgbyte.metrics.intervals import OfSums
from ecgbyte.metrics.language_scores import LanguageScores, MetricScores
from experiments.rows.metrics import METRICS, Score


def answer_scores(bertscore: BertScore | None = None) -> dict[str, Score]:
    """The metrics of answers in `experiments.rows.metrics.METRICS`, each with the function that scores them.

    Parameters
    ----------
    bertscore : BertScore, optional
        The model of ``bertscore-f1``, from `ecgbyte.metrics.bertscore.open_bertscore`; None leaves the metric out.
    """
    scores: dict[str, Score] = {}
    for name, metric in METRICS.items():
        if metric.score is not None:
            scores[name] = metric.score
        elif name == "bertscore-f1" and bertscore is not None:
            scores[name] = _of_model(bertscore)
    return scores


def _of_model(bertscore: BertScore) -> Score:
    def score(references: Sequence[str], answers: Sequence[str]) -> MetricScores:
        return MetricScores(bertscore.scores(references, answers), None, bertscore.signature)

    return score


class AnswerScorer:
    """Scores answers, each pair of reference and answer once, however many runs, inputs and comparisons meet it.

    Parameters
    ----------
    scores : mapping, optional
        From metric to the function that scores pairs, one by one or many at once with the same result; `answer_scores`
        by default.

    Notes
    -----
    *Thread-safety*: one thread at a time.
    """

    def __init__(self, scores: Mapping[str, Score] | None = None) -> None:
        self._scores = answer_scores() if scores is None else dict(scores)
        self._places: dict[tuple[str, str], int] = {}
        # By metric, what every known pair adds, [pairs] or [pairs, statistics].
        self._values: dict[str, NDArray[np.float64]] = {}
        self._definitions: dict[str, tuple[OfSums | None, str]] = {}

    def score(self, references: Sequence[str], answers: Sequence[str]) -> LanguageScores:
        """What each answer adds to every metric; as `ecgbyte.metrics.language_scores.score_language`.

        Raises
        ------
        ValueError, TypeError
            If lengths differ, there are no samples, or a reference is empty.
        """
        pairs = list(zip(references, answers, strict=True))
        self._add([pair for pair in dict.fromkeys(pairs) if pair not in self._places])
        places = [self._places[pair] for pair in pairs]
        return LanguageScores(
            {name: MetricScores(values[places], *self._definitions[name]) for name, values in self._values.items()}
        )

    def _add(self, pairs: Sequence[tuple[str, str]]) -> None:
        if not pairs and self._places:
            return
        references, answers = [reference for reference, _ in pairs], [answer for _, answer in pairs]
        # All before any is kept, so that a score that fails leaves nothing half known.
        found = {name: score(references, answers) for name, score in self._scores.items()}
        for name, scores in found.items():
            known = self._values.get(name)
            self._values[name] = scores.values if known is None else np.concatenate([known, scores.values])
            self._definitions[name] = scores.of_sums, scores.signature
        self._places |= {pair: len(self._places) + place for place, pair in enumerate(pairs)}
