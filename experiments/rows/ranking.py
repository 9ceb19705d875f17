"""Rows of the areas under ROC curves of the verify questions: for every run, over runs, and as differences."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from ecgbyte.data.questions.question import Question
from ecgbyte.metrics.quality import Measure
from ecgbyte.metrics.ranking import (
    MACRO_ROC_AREA_SIGNATURE,
    ROC_AREA_SIGNATURE,
    compare_macro_roc_areas,
    roc_areas,
)
from experiments.rows.groups import GENERATED
from experiments.rows.language import Runs, headline_places, inputs_of, rows_of_runs
from experiments.rows.schema import ResultRow, seed_columns
from experiments.steps.answers import scores_in_order

if TYPE_CHECKING:
    from experiments.rows.maker import RowMaker

PAIRED_SIGNATURE = f"paired difference of {MACRO_ROC_AREA_SIGNATURE}"


class VerifyQuestions(NamedTuple):
    """The questions answered by yes or no: which, what is right, what they ask for, and of whom."""

    questions: list[Question]
    positives: np.ndarray
    attributes: list[str]
    patients: list[str]


def verify_questions(questions: Sequence[Question], patients: Mapping[str, str]) -> VerifyQuestions:
    """The ``single-verify`` questions among `questions` that are answered by yes or no (ECG-QA has "not sure" too)."""
    asked = [
        question
        for question in questions
        if question.question_type == "single-verify" and question.answer in (("yes",), ("no",))
    ]
    attributes = [_attribute(question) for question in asked]
    positives = np.array([question.answer == ("yes",) for question in asked], dtype=bool)
    return VerifyQuestions(asked, positives, attributes, [patients[question.record_id] for question in asked])


def _attribute(question: Question) -> str:
    """What a question asks for; where it names nothing ("any rhythm ...?"), its template and type."""
    name = question.attributes[0] if question.attributes else f"{question.template_id} {question.attribute_type}"
    # Both sources know "static noise", of different records.
    return name if question.source == "generated" else f"{name} ({question.source})"


def has_scores(runs: Runs) -> bool:
    """Whether the method gives scores of yes and no at all; baselines without a model do not."""
    return all(answers.yes_scores for by_input in runs.values() for answers in by_input.values())


def ranking_rows(
    maker: RowMaker, method: str, runs: Runs, questions: Sequence[Question], patients: Mapping[str, str]
) -> list[ResultRow]:
    """ROC areas of the verify questions under every input, per attribute and on average, with differences.

    The average is of all questions and, where that is a part of them, of the headline's. Arguments as in
    `experiments.rows.language.language_rows`; a method that gives no scores of yes and no has no rows.
    """
    if not has_scores(runs):
        return []
    rows = _ranking_rows(maker, method, runs, verify_questions(questions, patients), "all")
    places = headline_places(questions)
    if len(places) < len(questions):
        asked = verify_questions([questions[place] for place in places], patients)
        rows += _ranking_rows(maker, method, runs, asked, GENERATED)
    return rows


def _ranking_rows(maker: RowMaker, method: str, runs: Runs, asked: VerifyQuestions, subset: str) -> list[ResultRow]:
    """The rows of some questions: single attributes beside the average where they are all of them."""
    inputs = inputs_of(method, runs)
    if not asked.questions:
        return []
    rest = (asked.positives, asked.attributes, asked.patients)
    by_input = {
        shown: [scores_in_order(by_shown[shown], asked.questions) for by_shown in runs.values()] for shown in inputs
    }
    rows = []
    for chosen, seeds in rows_of_runs(list(runs)):
        for shown, of_runs in by_input.items():
            scores = [of_runs[index] for index in chosen]
            columns: dict[str, Any] = {"method": method, "input": shown, **seed_columns(seeds)}
            areas = roc_areas(scores, *rest, **maker.resampling)
            named = []
            # Single attributes are told for the runs together.
            if len(seeds) == len(runs) and subset == "all":
                named = [(name, "roc-area", ROC_AREA_SIGNATURE, area) for name, area in areas.by_attribute.items()]
            if areas.macro is not None:
                named.append((subset, "roc-area-macro", MACRO_ROC_AREA_SIGNATURE, areas.macro))
            for name, metric, signature, area in named:
                measure = Measure(area.value, area.low, area.high, area.num_positive + area.num_negative, signature)
                rows.append(maker.measured("roc-areas", metric, measure, {**columns, "subset": name}))
            if shown != "ecg" and "ecg" in by_input:
                real = [by_input["ecg"][index] for index in chosen]
                paired = compare_macro_roc_areas(
                    real, scores, *rest, same_runs=True, num_permutations=None, **maker.resampling
                )
                if paired is not None:
                    measure = Measure(paired.value, paired.low, paired.high, len(asked.questions), PAIRED_SIGNATURE)
                    named_columns = {**columns, "subset": subset}
                    rows.append(maker.measured("controls", "roc-area-macro-difference", measure, named_columns))
    return rows
