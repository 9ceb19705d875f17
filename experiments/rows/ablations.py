"""From finished ablations to rows: short measures of every run with one thing changed."""

from __future__ import annotations

from collections.abc import Sequence

from experiments.rows.costs import CostRows
from experiments.rows.language import headline_places, language_rows, truncation_rows
from experiments.rows.maker import RowMaker
from experiments.rows.ranking import ranking_rows
from experiments.rows.runs import SHORT, open_run, part_of, run_seconds, token_rows
from experiments.rows.schema import ResultRow
from experiments.steps.method_runs import MethodRun


def ablation_rows(maker: RowMaker, runs: Sequence[tuple[str, MethodRun]]) -> list[ResultRow]:
    """Short measures of every ablation that ended, with its tokens and its training time."""
    rows = []
    for variant, method in dict.fromkeys((variant, run.method) for variant, run in runs):
        of_variant = [run for name, run in runs if (name, run.method) == (variant, method)]
        ended = [run for run in of_variant if run.answer_task.step.is_done]
        if not ended:
            continue
        prepared = ended[0].study.prepared
        places, patients = headline_places(prepared.questions["test"]), prepared.patients
        questions = [prepared.questions["test"][place] for place in places]
        answers = {
            run.seed: {shown: part_of(answer, places) for shown, answer in open_run(run).items()} for run in ended
        }
        seconds = {run.seed: run_seconds(run) for run in ended}
        own = ended[0].study.profile
        # The configuration of the row is that of the changed run.
        changed = maker.with_profile(own)
        found = language_rows(changed, method.name, answers, questions, patients, seconds)
        found += ranking_rows(changed, method.name, answers, questions, patients)
        found = [row for row in found if row.subset == "all" and row.metric in SHORT]
        costs = CostRows(changed, own)
        for run in ended:
            found += truncation_rows(changed, method.name, run.answer_task.step.details["truncation"], seed=run.seed)
            found += [row for row in costs.of_stage(run) if row.metric in ("train-seconds", "positions")]
        if method.sees_tokens:
            measured = ended[0].study.tokenizer_of(method).measured.step
            found += [
                row
                for row in token_rows(changed, measured.details, len(questions), method=method.name)
                if row.metric in ("tokens-per-record", "compression", "reconstruction-rmse")
            ]
        rows += [row._replace(table="ablations", variant=variant) for row in found]
    return rows
