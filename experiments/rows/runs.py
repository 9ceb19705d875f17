"""From finished runs to rows: quality, cost, tokenizers and transfer."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from ecgbyte.data.questions.question import Question
from experiments.profiles.methods import METHODS
from experiments.profiles.profile import Profile
from experiments.rows.comparisons import comparison_rows
from experiments.rows.costs import CostRows
from experiments.rows.groups import SEVERAL_FINDINGS
from experiments.rows.language import (
    Runs,
    ceiling_rows,
    headline_places,
    language_rows,
    text_subsets,
    truncation_rows,
)
from experiments.rows.maker import RowMaker
from experiments.rows.ranking import ranking_rows
from experiments.rows.schema import ResultRow
from experiments.steps.answers import Answers, open_answers
from experiments.steps.method_runs import MethodRun
from experiments.steps.prepared import Prepared
from experiments.steps.study import Study
from experiments.steps.token_measures import TOKENIZER_SIGNATURES
from experiments.steps.transfer import TransferRun

# What an ablation and a transfer are measured by; the rest is in the answers.
SHORT = ("accuracy", "bleu-4", "rouge-l", "empty-answers", "roc-area-macro")


def tokenizer_rows(maker: RowMaker, study: Study, transfers: Sequence[TransferRun]) -> list[ResultRow]:
    """Measures of the tokenizers of all methods that read tokens, on their own and on other data sets.

    Of methods that share a tokenizer the first one, as they are listed, stands for all.
    """
    rows = []
    told = set()
    for name in (name for name in METHODS if name in study.profile.methods):
        method = METHODS[name]
        if method.sees_tokens:
            measured = study.tokenizer_of(method).measured.step
            if measured.is_done and measured.fingerprint not in told:
                told.add(measured.fingerprint)
                segments = len(study.prepared.splits["test"]) * study.prepared.segments.signals.shape[1]
                rows += token_rows(maker, measured.details, segments, method=name)
    met = set()
    for run in transfers:
        task = run.measure_task
        if task is None or not task.step.is_done or task.step.fingerprint in met:
            continue
        met.add(task.step.fingerprint)
        own = study.profile.data.dataset
        segments = len(run.entries) * run.data.segments_per_record
        found = token_rows(maker, task.step.details, segments, method=run.run.method.name)
        rows += [
            row._replace(dataset=run.dataset, trained_on=own, data_fingerprint=run.data_fingerprint) for row in found
        ]
    return rows


def token_rows(maker: RowMaker, measures: Mapping[str, float], num_segments: int, *, method: str) -> list[ResultRow]:
    """Measures of the tokens of held-out segments; the share of clipped records with its interval over records."""
    rows = []
    for metric, value in measures.items():
        if metric not in TOKENIZER_SIGNATURES:
            continue
        counted = {"clipped-records": "records", "clipped-leads": "leads"}.get(metric)
        n = num_segments if counted is None else int(measures[counted])
        # Leads of one record are not independent of one another, so their share has no such interval.
        low, high = wilson_interval(value, n) if metric == "clipped-records" else (math.nan, math.nan)
        rows.append(
            maker.row(
                table="tokenizer",
                method=method,
                seed=maker.seed,
                input="ecg",
                metric=metric,
                value=value,
                ci_low=low,
                ci_high=high,
                n=n,
                signature=TOKENIZER_SIGNATURES[metric],
            )
        )
    return rows


def wilson_interval(percent: float, n: int) -> tuple[float, float]:
    """Wilson's 95 % interval of a share of `n` independent cases, in percent (J. Am. Stat. Assoc. 22, 1927)."""
    share, z = percent / 100, 1.959963984540054
    centre, spread = share + z * z / (2 * n), z * math.sqrt(share * (1 - share) / n + z * z / (4 * n * n))
    low, high = ((centre + sign * spread) / (1 + z * z / n) for sign in (-1, 1))
    # Rounding may leave an end that should be that of the range beyond the value.
    return 100 * max(0.0, min(low, share)), 100 * min(1.0, max(high, share))


def quality_rows(
    maker: RowMaker, runs: Sequence[MethodRun], answers: Mapping[str, Runs], prepared: Prepared
) -> list[ResultRow]:
    """Quality and ranking of every method under every input, truncation, and the comparisons between methods."""
    questions, patients = prepared.questions["test"], prepared.patients
    subsets = chosen_subsets(answers, questions, seed=maker.seed)
    rows = []
    for name, of_runs in answers.items():
        seconds = {run.seed: run_seconds(run) for run in runs if run.method.name == name}
        rows += language_rows(maker, name, of_runs, questions, patients, seconds, subsets)
        rows += ranking_rows(maker, name, of_runs, questions, patients)
    for run in runs:
        if run.method.is_trained:
            counts = run.answer_task.step.details["truncation"]
            rows += truncation_rows(maker, run.method.name, counts, seed=run.seed)
    rows += ceiling_rows(maker, questions, patients, subsets)
    return rows + comparison_rows(maker, answers, questions, patients, subsets=subsets)


def chosen_subsets(
    answers: Mapping[str, Runs], questions: Sequence[Question], *, seed: int
) -> dict[str, Sequence[int]]:
    """Questions with several findings, and those whose text does not give the answer away, chosen in two ways, all of
    the headline; each source where there are several.
    """
    asked = headline_places(questions)
    subsets = text_subsets(questions, answers, seed=seed, places=asked)
    subsets[SEVERAL_FINDINGS] = [place for place in asked if len(questions[place].answer) > 1]
    sources = {question.source for question in questions}
    if len(sources) > 1:
        for source in sorted(sources):
            subsets[source] = [place for place, question in enumerate(questions) if question.source == source]
    return subsets


def run_seconds(run: MethodRun) -> tuple[float, float]:
    """Seconds of all training stages and of answering."""
    answering = float(run.answer_task.step.details["seconds"])
    if not run.method.is_trained:
        return 0.0, answering
    training = sum(task.step.details["report"]["seconds"] for task in [*run.pretraining_tasks(), run.train_task])
    return float(training), answering


def cost_rows(maker: RowMaker, profile: Profile, runs: Sequence[MethodRun]) -> list[ResultRow]:
    """What every stage of every run took, and the timed steps of each method's first run."""
    costs = CostRows(maker, profile)
    rows = []
    for run in runs:
        if run.method.is_trained:
            rows += costs.of_run(run)
    return rows + costs.time_to_validation_loss(runs)


def transfer_rows(maker: RowMaker, runs: Sequence[TransferRun]) -> list[ResultRow]:
    """Short measures of every transfer that ended, beside the same questions of the data set that was trained on."""
    rows: list[ResultRow] = []
    for dataset in dict.fromkeys(run.dataset for run in runs):
        for name in dict.fromkeys(run.run.method.name for run in runs):
            ended = [
                run
                for run in runs
                if run.dataset == dataset and run.run.method.name == name and run.answer_task.step.is_done
            ]
            if ended:
                rows += _transfer_rows(maker, ended)
        ended = [run for run in runs if run.dataset == dataset and run.answer_task.step.is_done]
        if ended:
            rows += _transfer_ceilings(maker, ended[0])
    return rows


def _transfer_ceilings(maker: RowMaker, run: TransferRun) -> list[ResultRow]:
    """What perfect answers have on the questions of a transfer, there and at home; the same for all methods."""
    trained_on = run.run.study.profile.data.dataset
    there = ceiling_rows(maker, run.questions.target, run.patients)
    home = ceiling_rows(maker, run.questions.own, run.run.study.prepared.patients)
    moved = [row._replace(dataset=run.dataset, data_fingerprint=run.data_fingerprint) for row in there]
    kept = [row for row in [*moved, *home] if row.subset == "all" and row.metric in SHORT]
    return [row._replace(trained_on=trained_on) for row in kept]


def _transfer_rows(maker: RowMaker, ended: Sequence[TransferRun]) -> list[ResultRow]:
    first = ended[0]
    name, trained_on = first.run.method.name, first.run.study.profile.data.dataset
    seconds = {run.run.seed: run_seconds(run.run) for run in ended}
    asked = first.questions
    answers = {
        run.run.seed: {shown: open_answers(run.answer_task.step.folder, shown) for shown in run.inputs} for run in ended
    }
    found = language_rows(maker, name, answers, asked.target, first.patients, seconds)
    found += ranking_rows(maker, name, answers, asked.target, first.patients)
    moved = [
        row._replace(dataset=first.dataset, trained_on=trained_on, data_fingerprint=first.data_fingerprint)
        for row in found
    ]
    # The same kinds of questions about the data set that the model was trained on.
    prepared = first.run.study.prepared
    places = {question.sample_id: place for place, question in enumerate(prepared.questions["test"])}
    chosen = [places[question.sample_id] for question in asked.own]
    own = {
        run.run.seed: {
            shown: part_of(answer, chosen) for shown, answer in open_run(run.run).items() if shown in first.inputs
        }
        for run in ended
    }
    stayed = language_rows(maker, name, own, asked.own, prepared.patients, seconds)
    stayed += ranking_rows(maker, name, own, asked.own, prepared.patients)
    kept = [row for row in [*moved, *stayed] if row.subset == "all" and row.metric in SHORT]
    return [row._replace(table="transfer", trained_on=trained_on) for row in kept]


def part_of(answers: Answers, places: Sequence[int]) -> Answers:
    """The answers to some of the questions."""
    generations = [answers.generations[place] for place in places]
    names = {generation.sample_id for generation in generations}
    return Answers(generations, {name: score for name, score in answers.yes_scores.items() if name in names})


def open_run(run: MethodRun) -> dict[str, Answers]:
    """A finished run's answers by input."""
    return {shown: open_answers(run.answer_task.step.folder, shown) for shown in run.inputs}
