"""Rows of paired tests: every method against one other, with Holm's correction over the methods."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from ecgbyte.data.questions import Question
from ecgbyte.metrics.comparisons import HOLM_SIGNATURE, P_VALUE_SIGNATURE, holm
from ecgbyte.metrics.language import exact_match
from ecgbyte.metrics.quality import Comparison, Measure, compare_runs
from ecgbyte.metrics.ranking import compare_macro_roc_areas
from ecgbyte.metrics.resampled_scores import resample_scores
from experiments.answers import Answers, scores_in_order
from experiments.language_rows import Runs, inputs_of, score_answers
from experiments.methods import METHODS
from experiments.ranking_rows import PAIRED_SIGNATURE, has_scores, verify_questions
from experiments.results_rows import ResultRow

if TYPE_CHECKING:
    from experiments.measure import RowMaker


def comparison_rows(
    maker: RowMaker,
    answers_by_method: Mapping[str, Runs],
    questions: Sequence[Question],
    patients: Mapping[str, str],
    against: str | None,
    subsets: Mapping[str, Sequence[int]],
) -> list[ResultRow]:
    """What `RowMaker.comparisons` gives."""
    if against is None:
        against = best_two_stage(answers_by_method)
        if against is None:
            return []
    if against not in answers_by_method:
        raise ValueError(f"against: got {against!r}, expected one of {', '.join(map(repr, answers_by_method))}")
    own = {method: own_answers(method, runs) for method, runs in answers_by_method.items()}
    scores = {
        method: [score_answers(answers, questions, maker.bertscore) for answers in of_runs]
        for method, of_runs in own.items()
    }
    rows = []
    for subset, places in subsets.items():
        if not len(places):
            continue
        chosen = [questions[place] for place in places]
        owners = [patients[question.record_id] for question in chosen]
        of_method = {
            method: [resample_scores(run.select(places), owners, **maker.resampling) for run in of_runs]
            for method, of_runs in scores.items()
        }
        found: dict[str, dict[str, Comparison]] = {}
        for method in answers_by_method:
            if method != against:
                found[method] = compare_runs(
                    of_method[method], of_method[against], same_runs=False, seed=maker.profile.seed
                )
                area = _compare_areas(maker, answers_by_method, method, against, chosen, patients)
                if area is not None:
                    found[method]["roc-area-macro"] = area
        rows += _rows(maker, found, answers_by_method, against, subset)
    return rows


def best_two_stage(answers_by_method: Mapping[str, Runs]) -> str | None:
    """The two-stage method, faults of the published code off, whose answers to all questions are most often right.

    It is chosen on the questions that it is then tested on, which flatters it: what is found to be better than it is so
    all the more. Of equal ones the first of `experiments.methods.METHODS` is taken; None where there is no such method.
    """
    accuracies = {}
    for name, method in METHODS.items():
        if name in answers_by_method and method.family == "two-stage" and not method.as_published:
            runs = [answers.generations for answers in own_answers(name, answers_by_method[name])]
            accuracies[name] = np.mean(
                [exact_match([g.reference for g in run], [g.answer for g in run]) for run in runs]
            )
    return max(accuracies, key=lambda name: accuracies[name]) if accuracies else None


def own_answers(method: str, runs: Runs) -> list[Answers]:
    """The answers of every run under the method's own input: the ECG, or what it reads in place of it."""
    shown = own_input(method, runs)
    return [by_input[shown] for by_input in runs.values()]


def own_input(method: str, runs: Runs) -> str:
    """``"ecg"`` where the method is shown the ECG, else the one input that it has.

    Raises
    ------
    ValueError
        If it has several inputs, none of them the ECG.
    """
    inputs = inputs_of(method, runs)
    if "ecg" in inputs:
        return "ecg"
    if len(inputs) > 1:
        raise ValueError(f"answers_by_method: got the inputs {inputs} for {method!r}, expected 'ecg' among them")
    return inputs[0]


def _compare_areas(
    maker: RowMaker,
    answers_by_method: Mapping[str, Runs],
    method: str,
    against: str,
    questions: Sequence[Question],
    patients: Mapping[str, str],
) -> Comparison | None:
    asked = verify_questions(questions, patients)
    both = [answers_by_method[name] for name in (method, against)]
    if not asked.questions or not all(map(has_scores, both)):
        return None
    one, other = (
        [scores_in_order(answers, asked.questions) for answers in own_answers(name, runs)]
        for name, runs in zip((method, against), both, strict=True)
    )
    compared = compare_macro_roc_areas(
        one, other, asked.positives, asked.attributes, asked.patients, same_runs=False, **maker.resampling
    )
    if compared is None:
        return None
    return Comparison(
        compared.value, compared.low, compared.high, len(asked.questions), PAIRED_SIGNATURE, compared.p_value
    )


def _rows(
    maker: RowMaker,
    found: Mapping[str, Mapping[str, Comparison]],
    answers_by_method: Mapping[str, Runs],
    against: str,
    subset: str,
) -> list[ResultRow]:
    rows = []
    metrics = dict.fromkeys(metric for compared in found.values() for metric in compared)
    for metric in metrics:
        compared = {method: measures[metric] for method, measures in found.items() if metric in measures}
        adjusted = holm({method: comparison.p_value for method, comparison in compared.items()})
        for method, comparison in compared.items():
            runs = answers_by_method[method]
            columns: dict[str, Any] = {
                "method": method,
                "input": own_input(method, runs),
                "subset": subset,
                "variant": f"against {against}",
                "seed": next(iter(runs)),
                "seeds": len(runs),
            }
            values = (
                ("difference", comparison),
                ("p-value", _p(comparison.p_value, comparison.n, P_VALUE_SIGNATURE)),
                ("p-holm", _p(adjusted[method], comparison.n, HOLM_SIGNATURE)),
            )
            rows += [maker.measured("comparisons", f"{metric}-{name}", measure, columns) for name, measure in values]
    return rows


def _p(value: float, n: int, signature: str) -> Measure:
    return Measure(value, float("nan"), float("nan"), n, signature)
