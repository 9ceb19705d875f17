"""Rows of answers measured against references: for every run, over runs, and as differences from the real ECG."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from ecgbyte.data.questions.question import Question
from ecgbyte.metrics.language_scores import LanguageScores
from ecgbyte.metrics.quality import compare_runs, measure_runs
from ecgbyte.metrics.resampled_scores import resample_scores
from ecgbyte.metrics.text_shortcuts import answer_balanced, ecg_needed
from experiments.profiles.methods import METHODS
from experiments.rows.answer_scores import AnswerScorer
from experiments.rows.groups import GENERATED, PERFECT
from experiments.rows.metrics import bounds_of_metrics
from experiments.rows.schema import ResultRow, seed_columns
from experiments.steps.answers import Answers

if TYPE_CHECKING:
    from experiments.rows.maker import RowMaker

Runs = Mapping[int, Mapping[str, Answers]]
"""A method's answers by the seed of the training run, then by input."""


def language_rows(
    maker: RowMaker,
    method: str,
    runs: Runs,
    questions: Sequence[Question],
    patients: Mapping[str, str],
    seconds_by_seed: Mapping[int, tuple[float, float]],
    subsets: Mapping[str, Sequence[int]] | None = None,
) -> list[ResultRow]:
    """Quality under every input and paired differences from the ECG: of each run, and of all where there are more.

    Parameters
    ----------
    maker : RowMaker
    method : str
        As in `experiments.profiles.methods`.
    runs : mapping
        From the seed of a training run to its answers by input; every run has the same inputs.
    questions : sequence of Question
        Those that were answered, in their order.
    patients : mapping
        From record id to patient id.
    seconds_by_seed : mapping
        From the seed to the seconds of training and of answering.
    subsets : mapping, optional
        Places of questions that are measured besides all and each type, such as ``"ecg-needed"``.
    """
    inputs = inputs_of(method, runs)
    by_input = {
        shown: [score_answers(by_shown[shown], questions, maker.scorer) for by_shown in runs.values()]
        for shown in inputs
    }
    rows = []
    for subset, places in question_subsets(questions, subsets).items():
        if not len(places):
            continue
        owners = [patients[questions[place].record_id] for place in places]
        scores = {
            shown: [resample_scores(run.select(places), owners, **maker.resampling) for run in of_runs]
            for shown, of_runs in by_input.items()
        }
        for chosen, seeds in rows_of_runs(list(runs)):
            # The parts of the questions are told for the runs together, but for the headline's.
            if subset not in ("all", GENERATED) and len(seeds) < len(runs):
                continue
            seconds = np.mean([seconds_by_seed[seed] for seed in seeds], axis=0).tolist()
            for shown, of_runs in scores.items():
                columns: dict[str, Any] = {
                    "method": method,
                    "input": shown,
                    "subset": subset,
                    **seed_columns(seeds),
                    "train_seconds": seconds[0],
                    "evaluate_seconds": seconds[1],
                }
                measured = [of_runs[index] for index in chosen]
                for metric, measure in measure_runs(measured, bounds=bounds_of_metrics()).items():
                    rows.append(maker.measured("language-quality", metric, measure, columns))
                if shown != "ecg" and "ecg" in scores:
                    real = [scores["ecg"][index] for index in chosen]
                    compared = compare_runs(
                        real,
                        measured,
                        same_runs=True,
                        num_permutations=None,
                        bounds=bounds_of_metrics(),
                        seed=maker.seed,
                    )
                    for metric, difference in compared.items():
                        rows.append(maker.measured("controls", f"{metric}-difference", difference, columns))
    return rows


def ceiling_rows(
    maker: RowMaker,
    questions: Sequence[Question],
    patients: Mapping[str, str],
    subsets: Mapping[str, Sequence[int]] | None = None,
) -> list[ResultRow]:
    """What perfect answers have in every metric of answers, many of which do not reach 100 for short answers.

    Arguments as in `language_rows`.
    """
    references = [question.reference for question in questions]
    scores = maker.scorer.score(references, references)
    rows = []
    for subset, places in question_subsets(questions, subsets).items():
        if not len(places):
            continue
        owners = [patients[questions[place].record_id] for place in places]
        resampled = resample_scores(scores.select(places), owners, **maker.resampling)
        columns: dict[str, Any] = {"method": PERFECT, "input": "text-only", "subset": subset, **seed_columns([0])}
        for metric, measure in measure_runs([resampled], bounds=bounds_of_metrics()).items():
            rows.append(maker.measured("ceilings", metric, measure, columns))
    return rows


def truncation_rows(
    maker: RowMaker, method: str, by_input: Mapping[str, Mapping[str, int]], *, seed: int
) -> list[ResultRow]:
    """Share of test samples whose ECG was cut to fit, under every input."""
    return [
        maker.row(
            table="language-quality",
            method=method,
            seed=seed,
            input=shown,
            metric="truncated-inputs",
            value=100 * counts["truncated_samples"] / counts["samples"],
            n=counts["samples"],
            signature="samples whose ECG lost tokens at its end to fit the model's input|version:1",
        )
        for shown, counts in by_input.items()
    ]


def rows_of_runs(seeds: Sequence[int]) -> list[tuple[list[int], list[int]]]:
    """For which runs there are rows: each by itself and, where there are several, all together.

    Returns
    -------
    list of (places, seeds)
        The runs' places among `seeds`, and their seeds.
    """
    alone = [([place], [seed]) for place, seed in enumerate(seeds)]
    return alone if len(seeds) == 1 else [*alone, (list(range(len(seeds))), list(seeds))]


def inputs_of(method: str, runs: Runs) -> list[str]:
    """The inputs under which a method answered, the same in every run.

    Raises
    ------
    ValueError
        If there is no run or no input, or runs differ in their inputs.
    """
    inputs = [sorted(by_input) for by_input in runs.values()]
    if not inputs or not inputs[0] or any(names != inputs[0] for names in inputs):
        raise ValueError(f"answers_by_seed: got the inputs {inputs} for {method!r}, expected the same for every seed")
    return list(next(iter(runs.values())))


def score_answers(answers: Answers, questions: Sequence[Question], scorer: AnswerScorer) -> LanguageScores:
    """Score one set of answers.

    Raises
    ------
    ValueError
        If the answers are not those to `questions`, in their order.
    """
    answered = [generation.sample_id for generation in answers.generations]
    if answered != [question.sample_id for question in questions]:
        raise ValueError(
            f"answers: got {len(answered)} answers to other questions than the {len(questions)} asked, or in another "
            "order; expected one for each, in their order"
        )
    references = [question.reference for question in questions]
    texts = [generation.answer for generation in answers.generations]
    return scorer.score(references, texts)


def headline_places(questions: Sequence[Question]) -> list[int]:
    """Places of the questions of the headline: the generated ones where others stand beside them, or all.

    Whole reports are measured as language, in a part of their own. ECG-QA's questions are asked beside the generated
    ones because they were published; what they ask for, noise of several kinds, a denoised segment of some seconds does
    not hold.
    """
    several = GENERATED in {question.source for question in questions}
    return [place for place, question in enumerate(questions) if not several or question.source == GENERATED]


def question_subsets(
    questions: Sequence[Question], more: Mapping[str, Sequence[int]] | None = None
) -> dict[str, Sequence[int]]:
    """Places of all questions, of each type among the headline's, and of the subsets given besides.

    Raises
    ------
    ValueError
        If a subset given besides has the name of one of the others.
    """
    subsets: dict[str, Sequence[int]] = {"all": range(len(questions))}
    asked = headline_places(questions)
    for kind in sorted({questions[place].question_type for place in asked}):
        subsets[kind] = [place for place in asked if questions[place].question_type == kind]
    for name, places in (more or {}).items():
        if name in subsets:
            raise ValueError(f"subsets: got {name!r}, which is made from the question types; expected another name")
        subsets[name] = places
    return subsets


def text_subsets(
    questions: Sequence[Question],
    answers_by_method: Mapping[str, Runs],
    *,
    seed: int,
    places: Sequence[int] | None = None,
) -> dict[str, Sequence[int]]:
    """The questions whose answer their text does not give away, as `ecgbyte.metrics.text_shortcuts` defines them.

    Parameters
    ----------
    questions, answers_by_method
        As in `language_rows`.
    seed : int
        Of the draw.
    places : sequence of int, optional
        Those to choose from; all where None.

    Returns
    -------
    dict
        Places by ``"answer-balanced"`` and, where methods that see no ECG answered, ``"ecg-needed"``: what none of
        their runs got right. Methods that see the ECG have no part in it.
    """
    places = range(len(questions)) if places is None else places
    asked = [questions[place] for place in places]
    references = [question.reference for question in asked]
    texts, names = [question.question for question in asked], [question.sample_id for question in asked]
    chosen = {"answer-balanced": answer_balanced(texts, references, names, seed=seed).tolist()}
    blind = [
        [answers.generations[place].answer for place in places]
        for method, runs in answers_by_method.items()
        if not METHODS[method].sees_ecg
        for by_input in runs.values()
        for answers in by_input.values()
    ]
    if blind:
        chosen["ecg-needed"] = ecg_needed(references, blind)[0].tolist()
    return {name: [places[index] for index in indices] for name, indices in chosen.items()}
