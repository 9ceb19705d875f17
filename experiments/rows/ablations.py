"""From finished ablations to rows: short measures of every run with one thing changed, and paired differences."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ecgbyte.data.questions.question import Question
from ecgbyte.metrics.quality import compare_runs
from ecgbyte.metrics.resampled_scores import resample_scores
from experiments.profiles.ablations import unchanged
from experiments.profiles.methods import Method
from experiments.rows.comparisons import best_two_stage, own_answers, own_input
from experiments.rows.costs import CostRows
from experiments.rows.language import Runs, headline_places, language_rows, score_answers, truncation_rows
from experiments.rows.maker import RowMaker
from experiments.rows.metrics import FROM_BEST, bounds_of_metrics
from experiments.rows.ranking import ranking_rows
from experiments.rows.runs import SHORT, open_run, part_of, run_seconds, token_rows
from experiments.rows.schema import ResultRow, seed_columns
from experiments.steps.answers import Answers
from experiments.steps.method_runs import MethodRun

# The measures of answers whose differences are told.
_PAIRED = ("accuracy", "bleu-4")


@dataclass(frozen=True)
class _Ablation:
    """The runs of one change that ended: their method, what they were asked, and their answers."""

    runs: Sequence[MethodRun]
    questions: Sequence[Question]
    answers: Runs
    maker: RowMaker

    @classmethod
    def of(cls, maker: RowMaker, runs: Sequence[MethodRun]) -> _Ablation:
        """That of one finished run or more; the configuration of its rows is that of the changed run."""
        asked = runs[0].study.prepared.questions["test"]
        places = headline_places(asked)
        answers = {run.seed: {shown: part_of(given, places) for shown, given in open_run(run).items()} for run in runs}
        return cls(runs, [asked[place] for place in places], answers, maker.with_profile(runs[0].study.profile))

    @property
    def method(self) -> Method:
        return self.runs[0].method

    @property
    def patients(self) -> Mapping[str, str]:
        return self.runs[0].study.prepared.patients


def ablation_rows(
    maker: RowMaker,
    runs: Sequence[tuple[str, MethodRun]],
    answers_by_method: Mapping[str, Runs],
    questions: Sequence[Question],
) -> list[ResultRow]:
    """Short measures of every ablation that ended, with its tokens and its training time, and paired differences.

    Parameters
    ----------
    maker : RowMaker
    runs : sequence of (str, MethodRun)
        Each with what was changed in it.
    answers_by_method : mapping
        From method to its answers where nothing is changed.
    questions : sequence of Question
        Those that these answer, in their order.
    """
    by_variant: dict[str, list[MethodRun]] = {}
    for variant, run in runs:
        if run.answer_task.step.is_done:
            by_variant.setdefault(variant, []).append(run)
    ended = {variant: _Ablation.of(maker, of_variant) for variant, of_variant in by_variant.items()}
    rows = []
    for variant, ablation in ended.items():
        base = ended.get(unchanged(variant, ended))
        found = _measures(ablation)
        if base is not None and base is not ablation:
            found += _minus_base(ablation, base)
        found += _minus_best(ablation, answers_by_method, questions)
        rows += [row._replace(table="ablations", variant=variant) for row in found]
    return rows


def _measures(ablation: _Ablation) -> list[ResultRow]:
    maker, method = ablation.maker, ablation.method
    seconds = {run.seed: run_seconds(run) for run in ablation.runs}
    found = language_rows(maker, method.name, ablation.answers, ablation.questions, ablation.patients, seconds)
    found += ranking_rows(maker, method.name, ablation.answers, ablation.questions, ablation.patients)
    found = [row for row in found if row.subset == "all" and row.metric in SHORT]
    study = ablation.runs[0].study
    costs = CostRows(maker, study.profile)
    for run in ablation.runs:
        found += truncation_rows(maker, method.name, run.answer_task.step.details["truncation"], seed=run.seed)
        found += [row for row in costs.of_stage(run) if row.metric in ("train-seconds", "positions")]
    if method.sees_tokens:
        measured = study.tokenizer_of(method).measured.step
        found += [
            row
            for row in token_rows(maker, measured.details, len(ablation.questions), method=method.name)
            if row.metric in ("tokens-per-record", "compression", "reconstruction-rmse")
        ]
    return found


def _minus_base(ablation: _Ablation, base: _Ablation) -> list[ResultRow]:
    """Differences from the runs without the change; none where those were asked other questions."""
    if ablation.questions != base.questions:
        return []
    names = {metric: f"{metric}-difference" for metric in _PAIRED}
    return _differences(ablation, own_answers(base.method.name, base.answers), names)


def _minus_best(
    ablation: _Ablation, answers_by_method: Mapping[str, Runs], questions: Sequence[Question]
) -> list[ResultRow]:
    """The difference of accuracy from the best two-stage method with nothing changed.

    None of that method itself, and none where it was asked other questions.
    """
    places = headline_places(questions)
    best = best_two_stage(answers_by_method, places)
    if best in (None, ablation.method.name) or ablation.questions != [questions[place] for place in places]:
        return []
    others = [part_of(given, places) for given in own_answers(str(best), answers_by_method[str(best)])]
    return _differences(ablation, others, {"accuracy": FROM_BEST})


def _differences(ablation: _Ablation, others: Sequence[Answers], names: Mapping[str, str]) -> list[ResultRow]:
    """Paired differences, over all runs of both, of the metrics that `names` renames."""
    maker, patients = ablation.maker, [ablation.patients[question.record_id] for question in ablation.questions]
    one, other = (
        [
            resample_scores(score_answers(given, ablation.questions, maker.scorer), patients, **maker.resampling)
            for given in of_runs
        ]
        for of_runs in (own_answers(ablation.method.name, ablation.answers), others)
    )
    compared = compare_runs(
        one, other, same_runs=False, num_permutations=None, bounds=bounds_of_metrics(), seed=maker.seed
    )
    columns = {
        "method": ablation.method.name,
        "input": own_input(ablation.method.name, ablation.answers),
        **seed_columns(list(ablation.answers)),
    }
    return [maker.measured("ablations", name, compared[metric], columns) for metric, name in names.items()]
