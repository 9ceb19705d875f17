"""Rows of one training run that was decoded several times by draws: what published intervals are over."""

from __future__ import annotations

from collections.abc import Sequence

from experiments.rows.language import headline_places, language_rows
from experiments.rows.maker import RowMaker
from experiments.rows.runs import part_of
from experiments.rows.schema import ResultRow
from experiments.steps.answering import decoding_name
from experiments.steps.answers import open_answers
from experiments.steps.method_runs import MethodRun

_MEASURES = ("accuracy", "bleu-4", "bleu-4-sentence", "rouge-l", "meteor")


def decoding_rows(maker: RowMaker, runs: Sequence[MethodRun]) -> list[ResultRow]:
    """Short measures of every decoding, and of all of a run together, on the questions of the headline.

    The seeds of these rows are those of the draws.
    """
    rows: list[ResultRow] = []
    for run in runs:
        evaluation = run.study.profile.evaluation
        if not (run.method.decoded_again and evaluation.sampled_decodings and run.decodings_task.step.is_done):
            continue
        step, prepared = run.decodings_task.step, run.study.prepared
        places = headline_places(prepared.questions["test"])
        questions = [prepared.questions["test"][place] for place in places]
        answers = {
            seed: {run.method.own_input: part_of(open_answers(step.folder, decoding_name(seed)), places)}
            for seed in range(evaluation.sampled_decodings)
        }
        seconds = dict.fromkeys(answers, (float("nan"), float(step.details["seconds"]) / len(answers)))
        found = language_rows(maker, run.method.name, answers, questions, prepared.patients, seconds)
        variant = f"training seed {run.seed} decoded at temperature {evaluation.temperature:g}"
        rows += [
            row._replace(table="decodings", variant=variant)
            for row in found
            if row.subset == "all" and row.metric in _MEASURES
        ]
    return rows
