"""Rows of paired tests: every method against the best two-stage one, and the pairs that claims are about."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from ecgbyte.data.questions.question import Question
from ecgbyte.metrics.comparisons import HOLM_SIGNATURE, P_VALUE_SIGNATURE, holm
from ecgbyte.metrics.language import exact_match
from ecgbyte.metrics.quality import Comparison, Measure, compare_runs
from ecgbyte.metrics.ranking import compare_macro_roc_areas
from ecgbyte.metrics.resampled_scores import resample_scores
from experiments.profiles.methods import AS_PUBLISHED, ENCODERS, FROM_SCRATCH, METHODS
from experiments.rows.groups import AGAINST, GENERATED, RANDOM, family
from experiments.rows.language import Runs, inputs_of, score_answers
from experiments.rows.metrics import bounds_of_metrics
from experiments.rows.ranking import PAIRED_SIGNATURE, has_scores, verify_questions
from experiments.rows.schema import ResultRow, seed_columns
from experiments.steps.answers import Answers, scores_in_order

if TYPE_CHECKING:
    from experiments.rows.maker import RowMaker

Pair = tuple[str, str]
# What is compared beside the best two-stage method: the ECG with none, with the reader of counts and with the other
# recipes of one stage; pretraining with a random encoder and with none; and faults kept.
PLANNED_PAIRS: tuple[Pair, ...] = (
    *((method, other) for method in ("ecg-byte", "ecg-byte-plus") for other in ("text-only", "token-counts")),
    ("ecg-byte-plus", "ecg-byte"),
    ("ecg-byte", "ecg-byte-merge-order"),
    ("ecg-byte", "ecg-byte" + AS_PUBLISHED),
    *((encoder, encoder + RANDOM) for encoder in ENCODERS),
    *((encoder, encoder + FROM_SCRATCH) for encoder in ENCODERS),
    *(("ecg-byte", encoder + AS_PUBLISHED) for encoder in ENCODERS),
)


def comparison_rows(
    maker: RowMaker,
    answers_by_method: Mapping[str, Runs],
    questions: Sequence[Question],
    patients: Mapping[str, str],
    *,
    subsets: Mapping[str, Sequence[int]] | None = None,
) -> list[ResultRow]:
    """Paired tests of every method against `best_two_stage` and of `PLANNED_PAIRS`, with Holm's correction.

    Parameters
    ----------
    maker : RowMaker
    answers_by_method : mapping
        From method to its `Runs`; compared under their own input.
    questions, patients
        As in `experiments.rows.language.language_rows`.
    subsets : mapping, optional
        Places of questions that are compared besides all.
    """
    families = _families(answers_by_method, (subsets or {}).get(GENERATED))
    compared = {method for pairs in families for pair in pairs for method in pair}
    scores = {
        method: [score_answers(answers, questions, maker.scorer) for answers in own_answers(method, runs)]
        for method, runs in answers_by_method.items()
        if method in compared
    }
    rows = []
    for subset, places in {"all": range(len(questions)), **(subsets or {})}.items():
        if not len(places):
            continue
        chosen = [questions[place] for place in places]
        owners = [patients[question.record_id] for question in chosen]
        resampled = {
            method: [resample_scores(run.select(places), owners, **maker.resampling) for run in of_runs]
            for method, of_runs in scores.items()
        }
        for pairs in families:
            found: dict[Pair, dict[str, Comparison]] = {}
            for pair in pairs:
                one, other = (resampled[method] for method in pair)
                found[pair] = compare_runs(one, other, same_runs=False, bounds=bounds_of_metrics(), seed=maker.seed)
                area = _compare_areas(maker, answers_by_method, *pair, chosen, patients)
                if area is not None:
                    found[pair]["roc-area-macro"] = area
            rows += _rows(maker, found, answers_by_method, subset)
    return rows


def _families(answers_by_method: Mapping[str, Runs], headline: Sequence[int] | None) -> list[list[Pair]]:
    """What is compared: every method with the best two-stage one, where there is one, and the planned pairs beside it.

    Each is a family of its own for Holm's correction.
    """
    best = best_two_stage(answers_by_method, headline)
    planned = [pair for pair in PLANNED_PAIRS if set(pair) <= set(answers_by_method) and best not in pair]
    with_best = [(method, best) for method in answers_by_method if method != best] if best is not None else []
    return [with_best, planned]


def best_two_stage(answers_by_method: Mapping[str, Runs], places: Sequence[int] | None = None) -> str | None:
    """The two-stage method, faults of the published code off, whose answers are most often right.

    It is chosen on the questions that it is then tested on, which flatters it: what is found to be better than it is so
    all the more. Of equal ones the first of `experiments.profiles.methods.METHODS` is taken; None where there is no
    such method.

    Parameters
    ----------
    answers_by_method : mapping
        From method to its `Runs`.
    places : sequence of int, optional
        The questions that count; all where None.
    """
    accuracies = {}
    for name in METHODS:
        if name in answers_by_method and family(name) == "two-stage":
            shares = []
            for answers in own_answers(name, answers_by_method[name]):
                given = answers.generations
                given = given if places is None else [given[place] for place in places]
                shares.append(exact_match([item.reference for item in given], [item.answer for item in given]))
            accuracies[name] = np.mean(shares)
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
    found: Mapping[Pair, Mapping[str, Comparison]],
    answers_by_method: Mapping[str, Runs],
    subset: str,
) -> list[ResultRow]:
    rows = []
    metrics = dict.fromkeys(metric for compared in found.values() for metric in compared)
    for metric in metrics:
        compared = {pair: measures[metric] for pair, measures in found.items() if metric in measures}
        adjusted = holm({" against ".join(pair): comparison.p_value for pair, comparison in compared.items()})
        for (method, against), comparison in compared.items():
            runs = answers_by_method[method]
            columns: dict[str, Any] = {
                "method": method,
                "input": own_input(method, runs),
                "subset": subset,
                "variant": AGAINST + against,
                **seed_columns(list(runs)),
            }
            corrected = adjusted[f"{method} against {against}"]
            values = (
                ("difference", comparison),
                ("p-value", _p(comparison.p_value, comparison.n, P_VALUE_SIGNATURE)),
                ("p-holm", _p(corrected, comparison.n, HOLM_SIGNATURE)),
            )
            rows += [maker.measured("comparisons", f"{metric}-{name}", measure, columns) for name, measure in values]
    return rows


def _p(value: float, n: int, signature: str) -> Measure:
    return Measure(value, float("nan"), float("nan"), n, signature)
