"""Whether the training runs had converged, by a check that was declared beforehand; verdicts lean on nothing else."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from ecgbyte.data.questions.question import Question
from ecgbyte.metrics.roc_area import roc_area
from experiments.rows.language import Runs, headline_places
from experiments.rows.ranking import verify_questions
from experiments.rows.schema import ResultRow
from experiments.steps.answers import Answers, scores_in_order

if TYPE_CHECKING:
    from experiments.profiles.methods import Method
    from experiments.rows.maker import RowMaker
    from experiments.steps.method_runs import MethodRun

LINEAR_READER = "token-counts"
# In points of the validation score, and of ROC area: what counts as none.
FLAT, BELOW = 1.0, 0.02
# Questions of these kinds have opposites: normal and abnormal, an axis and its opposite.
_WITH_OPPOSITES = ("normal", "axis")
# So many questions of either answer, since the area of fewer may lie below 0.5 by chance.
_FEWEST = 5

SIGNATURES = {
    "flat-at-end": "mean validation score of the last tenth of the steps minus that of the tenth before it, points"
    "|version:1",
    "polarity-lowest": "lowest ROC area of what questions of the kinds normal and axis ask for, of those with "
    f"{_FEWEST} questions of either answer|version:1",
    "token-counts-gap": f"mean ROC area minus that of {LINEAR_READER}, both over the headline's questions|version:1",
    "converged": f"flat-at-end at most {FLAT:g}; where the ECG is seen polarity-lowest above 0.5; where tokens are "
    f"read token-counts-gap at least -{BELOW:g}|version:1",
}


def convergence_rows(
    maker: RowMaker, runs: Sequence[MethodRun], answers: Mapping[str, Runs], questions: Sequence[Question]
) -> list[ResultRow]:
    """The checks of every training run that had validation; a run without is not known to have converged.

    Flat at the end: all methods. Questions and their opposites both told apart the right way round: methods that see
    the ECG. Not below the linear reader of the same tokens: methods that read tokens.

    Parameters
    ----------
    maker : RowMaker
    runs : sequence of MethodRun
        Those that are finished.
    answers : mapping
        Their answers, by method and seed.
    questions : sequence of Question
        Of the test split.
    """
    asked = [questions[place] for place in headline_places(questions)]
    linear = [_mean_area(by_input["ecg"], asked) for by_input in answers.get(LINEAR_READER, {}).values()]
    rows = []
    for run in runs:
        if not run.method.is_trained:
            continue
        report = run.train_task.step.details["report"]
        found = {"flat-at-end": change_at_end(report)}
        if run.method.sees_ecg:
            own = answers[run.method.name][run.seed][run.method.own_input]
            found["polarity-lowest"] = _lowest_area(own, asked)
            if run.method.sees_tokens and linear:
                area = _mean_area(own, asked)
                found["token-counts-gap"] = None if area is None or linear[0] is None else area - linear[0]
        known = {name: value for name, value in found.items() if value is not None}
        if "flat-at-end" in known:
            known["converged"] = float(has_converged(run.method, known))
        rows += [
            maker.row(
                table="convergence",
                method=run.method.name,
                seed=run.seed,
                input=run.method.own_input,
                metric=name,
                value=value,
                n=len(asked),
                signature=SIGNATURES[name],
            )
            for name, value in known.items()
        ]
    return rows


def has_converged(method: Method, measures: Mapping[str, float]) -> bool:
    """Whether a run had converged, from what was measured of it. What was not measured speaks neither way."""
    return (
        measures["flat-at-end"] <= FLAT
        and (not method.sees_ecg or measures.get("polarity-lowest", 1.0) > 0.5)
        and (not method.sees_tokens or measures.get("token-counts-gap", 0.0) >= -BELOW)
    )


def change_at_end(report: Mapping[str, Any]) -> float | None:
    """By how much the validation score rose over the last tenth of a training; None where it was not measured.

    The mean of the measurements in the last tenth of the steps, less that of the tenth before, or where none fell into
    that less the last one before.
    """
    points = [(point["step"], point["score"]) for point in report["validation"] if "score" in point]
    last = [score for step, score in points if step > 0.9 * report["steps"]]
    earlier = [(step, score) for step, score in points if step <= 0.9 * report["steps"]]
    before = [score for step, score in earlier if step > 0.8 * report["steps"]] or [score for _, score in earlier[-1:]]
    return float(np.mean(last) - np.mean(before)) if last and before else None


def _areas(answers: Answers, questions: Sequence[Question], fewest: int = 1) -> dict[str, float]:
    """The ROC area of each thing that is asked for, where `fewest` questions at least have either answer."""
    asked = verify_questions(questions, {question.record_id: "" for question in questions})
    if not asked.questions or not answers.yes_scores:
        return {}
    scores = scores_in_order(answers, asked.questions)
    found = {}
    for name in dict.fromkeys(asked.attributes):
        places = [place for place, attribute in enumerate(asked.attributes) if attribute == name]
        positives = asked.positives[places]
        if min(positives.sum(), len(positives) - positives.sum()) >= fewest:
            found[name] = roc_area(scores[places], positives)
    return found


def _mean_area(answers: Answers, questions: Sequence[Question]) -> float | None:
    areas = _areas(answers, questions)
    return float(np.mean(list(areas.values()))) if areas else None


def _lowest_area(answers: Answers, questions: Sequence[Question]) -> float | None:
    kinds = [question for question in questions if question.attribute_type in _WITH_OPPOSITES]
    return min(_areas(answers, kinds, _FEWEST).values(), default=None)
