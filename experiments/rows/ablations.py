"""From finished ablations to rows: short measures of every run with one thing changed, and paired differences."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from ecgbyte.data.questions.question import Question
from ecgbyte.metrics.quality import compare_runs
from ecgbyte.metrics.resampled_scores import ResampledScores, resample_scores
from experiments.profiles.ablations import unchanged
from experiments.profiles.methods import Method
from experiments.rows.comparisons import best_two_stage, own_answers, own_input
from experiments.rows.costs import CostRows
from experiments.rows.language import Runs, headline_places, language_rows, score_answers, truncation_rows
from experiments.rows.maker import Resampling, RowMaker
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
    shared: Resampling  # draws of patients that all that is compared shares

    @classmethod
    def of(cls, maker: RowMaker, runs: Sequence[MethodRun]) -> _Ablation:
        """That of one finished run or more; the configuration of its rows is that of the changed run."""
        asked = runs[0].study.prepared.questions["test"]
        places = headline_places(asked)
        answers = {run.seed: {shown: part_of(given, places) for shown, given in open_run(run).items()} for run in runs}
        own = maker.with_profile(runs[0].study.profile)
        return cls(runs, [asked[place] for place in places], answers, own, maker.resampling)

    @property
    def method(self) -> Method:
        return self.runs[0].method

    @property
    def patients(self) -> Mapping[str, str]:
        return self.runs[0].study.prepared.patients

    @cached_property
    def resampled(self) -> list[ResampledScores]:
        """The scores of each run's own answers, for paired differences."""
        return self.resample(own_answers(self.method.name, self.answers))

    def resample(self, answers: Sequence[Answers]) -> list[ResampledScores]:
        """The scores of answers to the same questions, one a run."""
        patients = [self.patients[question.record_id] for question in self.questions]
        scores = [score_answers(given, self.questions, self.maker.scorer) for given in answers]
        return [resample_scores(of_run, patients, **self.shared) for of_run in scores]


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
    places = headline_places(questions)
    asked = [questions[place] for place in places]
    best = best_two_stage(answers_by_method, places)
    best_scores: list[ResampledScores] = []
    rows = []
    for variant, ablation in ended.items():
        found = _measures(ablation)
        base = ended.get(unchanged(variant, ended))
        if base is not None and base is not ablation and ablation.questions == base.questions:
            found += _differences(ablation, base.resampled, {metric: f"{metric}-difference" for metric in _PAIRED})
        if best is not None and best != ablation.method.name and ablation.questions == asked:
            if not best_scores:
                given = own_answers(best, answers_by_method[best])
                best_scores = ablation.resample([part_of(answers, places) for answers in given])
            found += _differences(ablation, best_scores, {"accuracy": FROM_BEST})
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


def _differences(ablation: _Ablation, others: Sequence[ResampledScores], names: Mapping[str, str]) -> list[ResultRow]:
    """Paired differences, over all runs of both, of the metrics that `names` renames."""
    compared = compare_runs(
        ablation.resampled,
        others,
        same_runs=False,
        num_permutations=None,
        bounds=bounds_of_metrics(),
        seed=ablation.maker.seed,
    )
    columns = {
        "method": ablation.method.name,
        "input": own_input(ablation.method.name, ablation.answers),
        **seed_columns(list(ablation.answers)),
    }
    return [ablation.maker.measured("ablations", name, compared[metric], columns) for metric, name in names.items()]
