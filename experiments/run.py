"""One run of a profile: every method with every training seed, then its rows."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import torch

from ecgbyte.files import fingerprint
from ecgbyte.metrics.bertscore import open_bertscore
from ecgbyte.metrics.token_usage import TokenUsage
from experiments.plan import Group, Plan, execute, unfinished
from experiments.profiles.ablations import unchanged
from experiments.profiles.methods import METHODS, REFERENCE_METHOD
from experiments.profiles.profile import Profile
from experiments.report.outcome import MethodAnswers, Outcome
from experiments.rows.ablations import ablation_rows
from experiments.rows.answer_scores import AnswerScorer, answer_scores
from experiments.rows.convergence import convergence_rows
from experiments.rows.decodings import decoding_rows
from experiments.rows.groups import AGAINST, PERFECT, family
from experiments.rows.learning_rates import learning_rate_rows
from experiments.rows.losses import losses_of
from experiments.rows.maker import RowMaker, versions
from experiments.rows.metrics import FROM_BEST
from experiments.rows.runs import cost_rows, open_run, quality_rows, tokenizer_rows, transfer_rows
from experiments.rows.schema import ResultRow
from experiments.steps.method_runs import MethodRun
from experiments.steps.segments import REJECTED_FILE
from experiments.steps.study import Study
from experiments.steps.token_usage import TOKENS_FILE, UsageOf, read_token_usage
from experiments.steps.work_folder import Failure, WorkFolder


def open_study(
    profile: Profile,
    work_folder: Path,
    roots: Mapping[str, Path],
    questions_root: Path | None = None,
    *,
    tracking: str | None = None,
) -> Study:
    """A profile's data in a work folder; see `Study` for the arguments."""
    # One, whatever the machine and the environment say: sums of several threads round otherwise, so the bits of a step
    # would depend on what stands in no step's settings. Several processes use the other cores (`experiments.jobs`).
    torch.set_num_threads(1)
    return Study(profile, WorkFolder(work_folder), roots, questions_root, tracking=tracking)


def run_profile(
    study: Study,
    *,
    finished_only: bool = False,
    do: Callable[[Sequence[Group], WorkFolder], list[Failure]] = execute,
) -> Outcome:
    """Do every step that is not done yet and gather the rows.

    Parameters
    ----------
    study : Study
    finished_only : bool
        Gather the rows of the runs that are finished, and record the others as failures; nothing runs but the
        preparation of the data, where that was not done.
    do : callable
        Does the tasks of groups and returns the failures, as `experiments.plan.execute` does.

    Raises
    ------
    ValueError, OSError
        If the data cannot be prepared. What fails later is recorded, and the other runs go on.
    """
    # Without data nothing can go on.
    for task in study.data_tasks:
        study.work.run(task)
    prepared = study.prepared
    plan = Plan(study)
    groups = plan.groups()
    failures = unfinished(groups) if finished_only else do(groups, study.work)
    profile = study.profile
    tokenizer = study.tokenizer(METHODS[REFERENCE_METHOD].matching)
    ended = [run for run in plan.methods if run.answer_task.step.is_done]
    common = {
        "profile": profile.name,
        "scale": profile.scale,
        "dataset": profile.data.dataset,
        "versions": versions(),
        "device": _device(ended),
        "data_fingerprint": study.records.fingerprint,
        "tokenizer_fingerprint": tokenizer.fingerprint,
    }
    scorer = AnswerScorer(answer_scores(open_bertscore(profile.evaluation.bertscore)))
    maker = RowMaker(common, scorer).with_profile(profile)
    answers: dict[str, MethodAnswers] = {}
    for run in ended:
        answers.setdefault(run.method.name, {})[run.seed] = open_run(run)
    rows = [
        *tokenizer_rows(maker, study, plan.transfers),
        *quality_rows(maker, ended, answers, prepared),
        *convergence_rows(maker, ended, answers, prepared.questions["test"]),
        *learning_rate_rows(maker, ended),
        *decoding_rows(maker, ended),
        *cost_rows(maker, profile, ended),
        *ablation_rows(maker, plan.ablations, answers, prepared.questions["test"]),
        *transfer_rows(maker, plan.transfers),
    ]
    attention = [run.attention_task.step for run in ended if run.method.draws_attention]
    drawn = [step.folder for step in attention if step.is_done]
    return Outcome(
        rows=with_code(rows, plan),
        audit=prepared.audit,
        answers=answers,
        questions=prepared.questions["test"],
        patients=dict(prepared.patients),
        losses=losses_of(ended),
        tokenizer=tokenizer,
        segments=prepared.segments,
        rejected=study.segments_task.step.folder / REJECTED_FILE,
        example_record=prepared.record_ids("test")[0],
        attention=drawn[0] if drawn else None,
        token_usages=_token_usages(plan),
        details=_details(study, ended),
        failures=failures,
    )


def _device(ended: Iterable[MethodRun]) -> str:
    """Where the models were trained, which may be another machine than the one that gathers the rows."""
    reports = [run.train_task.step.details["report"] for run in ended if run.method.is_trained]
    devices = {str(report["device"]).partition(":")[0] for report in reports}
    return ", ".join(sorted(devices)) or ("cuda" if torch.cuda.is_available() else "cpu")


def with_code(rows: Iterable[ResultRow], plan: Plan) -> list[ResultRow]:
    """Rows with what identifies the code of the runs that each is of: all of the steps that its answers come from."""
    methods = {run.method.name: run.code for run in plan.methods}
    variants = {variant: run.code for variant, run in plan.ablations}
    transfers = {run.run.method.name: run.code for run in plan.transfers}
    two_stage = sorted(name for name in methods if family(name) == "two-stage")
    questions = plan.study.questions_task.step.code

    def code(row: ResultRow) -> str:
        if row.table == "ablations":
            own = variants[row.variant]
            if row.metric == FROM_BEST:
                # Which of them is the best depends on all.
                return fingerprint(own, *(methods[name] for name in two_stage))
            compared = row.metric.endswith("-difference")
            return fingerprint(own, variants[unchanged(row.variant, variants)]) if compared else own
        if row.table == "transfer":
            return transfers[row.method]
        if row.variant.startswith(AGAINST):
            return fingerprint(methods[row.method], methods[row.variant.removeprefix(AGAINST)])
        # What perfect answers would come to depends on the questions alone.
        return questions if row.method == PERFECT else methods[row.method]

    return [row._replace(code_version=code(row)) for row in rows]


def _token_usages(plan: Plan) -> dict[UsageOf, TokenUsage]:
    study = plan.study
    steps = [study.tokenizer_tasks(matching).measured.step for matching in plan.matchings]
    steps += [run.measure_task.step for run in plan.transfers if run.measure_task is not None]
    usages: dict[UsageOf, TokenUsage] = {}
    for step in steps:
        if step.is_done:
            usages |= read_token_usage(step.folder / TOKENS_FILE)
    return usages


def _details(study: Study, runs: list[MethodRun]) -> dict[str, Any]:
    details: dict[str, Any] = {
        "data": study.segments_task.step.details,
        "tokenizer": study.tokenizer_tasks(METHODS[REFERENCE_METHOD].matching).trained.step.details,
    }
    for run in runs:
        if not run.method.is_trained:
            continue
        trained, answered = run.train_task.step.details, run.answer_task.step.details
        details[f"{run.method.name}, seed {run.seed}"] = {
            "trained_parameters": trained["trained_parameters"],
            "train_truncation": trained["report"]["truncation"],
            "test_truncation": answered["truncation"],
            "stage_1": {
                task.step.name: {name: value for name, value in task.step.details.items() if name != "report"}
                for task in run.pretraining_tasks()
            },
        }
    return details
