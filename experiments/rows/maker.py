"""From answers and training reports to the rows of ``runs.csv``."""

from __future__ import annotations

import platform
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from importlib import metadata
from typing import Any

from ecgbyte.data.questions.question import Question
from ecgbyte.metrics.bertscore import BertScore
from ecgbyte.metrics.quality import Measure
from experiments.profiles.profile import Profile
from experiments.rows.comparisons import comparison_rows
from experiments.rows.language import Runs, language_rows, question_subsets
from experiments.rows.ranking import ranking_rows
from experiments.rows.schema import ResultRow, compact_json
from experiments.steps.token_measures import TOKENIZER_SIGNATURES


def versions() -> str:
    """The versions on which numbers depend, as JSON."""
    names = ("ecgbyte", "numpy", "scipy", "PyWavelets", "torch", "transformers", "peft", "accelerate", "sacrebleu")
    found = {name.lower(): metadata.version(name) for name in (*names, "rouge-score", "nltk")}
    return compact_json({**found, "python": platform.python_version()})


@dataclass(frozen=True)
class RowMaker:
    """Makes rows with what they all share.

    Attributes
    ----------
    profile : Profile
        The run.
    common : dict
        Columns that are the same in every row: profile, data set, versions, fingerprints, device, code.
    bertscore : BertScore or None
        The model of ``bertscore-f1``, from `ecgbyte.metrics.bertscore.open_bertscore`; None leaves the metric out.
    """

    profile: Profile
    common: Mapping[str, Any]
    bertscore: BertScore | None = None

    def row(self, **columns: Any) -> ResultRow:
        """One row."""
        return ResultRow(**{"split": "test", **self.common, **columns})

    @property
    def resampling(self) -> dict[str, int]:
        """How intervals are drawn."""
        return {"num_resamples": self.profile.evaluation.bootstrap_resamples, "seed": self.profile.seed}

    def language(
        self,
        method: str,
        answers_by_seed: Runs,
        questions: Sequence[Question],
        patients: Mapping[str, str],
        seconds_by_seed: Mapping[int, tuple[float, float]],
        subsets: Mapping[str, Sequence[int]] | None = None,
    ) -> list[ResultRow]:
        """Quality under every input and paired differences from the ECG: of each run, and of all where there are more.

        Parameters
        ----------
        method : str
            As in `experiments.profiles.methods`.
        answers_by_seed : mapping
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
        named = question_subsets(questions, subsets)
        return language_rows(self, method, answers_by_seed, questions, patients, seconds_by_seed, named)

    def ranking(
        self, method: str, answers_by_seed: Runs, questions: Sequence[Question], patients: Mapping[str, str]
    ) -> list[ResultRow]:
        """ROC areas of the verify questions under every input, per attribute and on average, with differences.

        Arguments as in `language`; a method that gives no scores of yes and no has no rows.
        """
        return ranking_rows(self, method, answers_by_seed, questions, patients)

    def comparisons(
        self,
        answers_by_method: Mapping[str, Runs],
        questions: Sequence[Question],
        patients: Mapping[str, str],
        *,
        against: str | None = None,
        subsets: Mapping[str, Sequence[int]] | None = None,
    ) -> list[ResultRow]:
        """Paired tests of every method against one and of planned pairs, with Holm's correction.

        On all questions and on `subsets`. The planned pairs are `experiments.rows.comparisons.PLANNED_PAIRS`.

        Parameters
        ----------
        answers_by_method : mapping
            From method to `answers_by_seed` of `language`; compared under their own input.
        questions, patients
            As in `language`.
        against : str, optional
            The method to compare with, and no other pairs. Where None, `experiments.rows.comparisons.best_two_stage`,
            if there is a two-stage method, and the planned pairs.
        subsets : mapping, optional
            Places of questions that are compared besides all.
        """
        named = {"all": range(len(questions)), **(subsets or {})}
        return comparison_rows(self, answers_by_method, questions, patients, against, named)

    def with_profile(self, profile: Profile) -> RowMaker:
        """The same for a profile with some settings changed."""
        columns = {
            "configuration": compact_json(profile.settings()),
            "configuration_fingerprint": profile.fingerprint(),
        }
        return replace(self, profile=profile, common={**self.common, **columns})

    def truncation(self, method: str, by_input: Mapping[str, Mapping[str, int]], *, seed: int) -> list[ResultRow]:
        """Share of test samples whose ECG was cut to fit, under every input."""
        return [
            self.row(
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

    def tokenizer(self, measures: Mapping[str, float], num_segments: int, *, method: str) -> list[ResultRow]:
        """Measures of the tokens of held-out segments."""
        return [
            self.row(
                table="tokenizer",
                method=method,
                seed=self.profile.seed,
                input="ecg",
                metric=metric,
                value=value,
                n=num_segments,
                signature=TOKENIZER_SIGNATURES[metric],
            )
            for metric, value in measures.items()
            if metric in TOKENIZER_SIGNATURES
        ]

    def measured(self, table: str, metric: str, measure: Measure, columns: Mapping[str, Any]) -> ResultRow:
        """One row of a measure with its interval."""
        return self.row(
            table=table,
            metric=metric,
            value=measure.value,
            ci_low=measure.low,
            ci_high=measure.high,
            n=measure.n,
            signature=measure.signature,
            **columns,
        )
