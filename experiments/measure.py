"""From answers and training reports to the rows of ``runs.csv``."""

from __future__ import annotations

import math
import platform
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib import metadata
from typing import Any

from ecgbyte.data.questions import Question
from ecgbyte.metrics.quality import Measure, compare_language, measure_language
from ecgbyte.metrics.ranking import (
    MACRO_ROC_AREA_SIGNATURE,
    ROC_AREA_SIGNATURE,
    paired_macro_roc_area,
    roc_areas,
)
from experiments.answers import Answers, scores_in_order
from experiments.learning import median_interval
from experiments.profile import Profile
from experiments.results_rows import ResultRow, compact_json
from experiments.tokenizing import TOKENIZER_SIGNATURES

_COST_SIGNATURES = {
    "train-seconds": "wall clock of the stage, checkpoints aside|version:1",
    "steps": "optimiser steps|version:1",
    "samples-seen": "questions (stage 1 of merl: segments) times epochs|version:1",
    "distinct-records": "different records|version:1",
    "final-loss": "mean training loss of the last 20 steps|version:1",
    "positions": "positions of the language model's input, padding left out|version:1",
    "padded-positions": "positions of the language model's input, padding included|version:1",
}
_STEP_SIGNATURE = (
    "median of timed steps, in turns with the other padding; the interval is smallest to largest|version:1"
)


def _own_input(method: str) -> str:
    return "text-only" if method == "text-only" else "ecg"


def versions() -> str:
    """The versions on which numbers depend, as JSON."""
    names = ("ecgbyte", "numpy", "scipy", "PyWavelets", "torch", "transformers", "peft", "accelerate", "sacrebleu")
    found = {name.lower(): metadata.version(name) for name in (*names, "rouge-score")}
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
    """

    profile: Profile
    common: Mapping[str, Any]

    def row(self, **columns: Any) -> ResultRow:
        """One row."""
        return ResultRow(**{"split": "test", **self.common, **columns})

    def language(
        self,
        method: str,
        by_input: Mapping[str, Answers],
        questions: Sequence[Question],
        patients: Mapping[str, str],
        seconds: tuple[float, float],
    ) -> list[ResultRow]:
        """Quality under every input, for all questions and for each type, and paired differences from the ECG."""
        resampling = {"num_resamples": self.profile.evaluation.bootstrap_resamples, "seed": self.profile.seed}
        subsets = {"all": range(len(questions))}
        for kind in self.profile.questions.question_types:
            subsets[kind] = [place for place, question in enumerate(questions) if question.question_type == kind]
        rows = []
        for subset, places in subsets.items():
            if not places:
                continue
            asked = [questions[place] for place in places]
            references = [question.reference for question in asked]
            owners = [patients[question.record_id] for question in asked]
            texts = {
                shown: [answers.generations[place].answer for place in places] for shown, answers in by_input.items()
            }
            for shown, given in texts.items():
                times = {"train_seconds": seconds[0], "evaluate_seconds": seconds[1]}
                shared = {"method": method, "input": shown, "subset": subset, **times}
                for metric, measure in measure_language(references, given, owners, **resampling).items():
                    rows.append(self._measured("language-quality", metric, measure, shared))
                if shown != "ecg" and "ecg" in texts:
                    compared = compare_language(references, texts["ecg"], given, owners, **resampling)
                    for metric, measure in compared.items():
                        rows.append(self._measured("controls", f"{metric}-difference", measure, shared))
        return rows

    def ranking(
        self,
        method: str,
        by_input: Mapping[str, Answers],
        questions: Sequence[Question],
        patients: Mapping[str, str],
    ) -> list[ResultRow]:
        """ROC areas of the verify questions under every input, per attribute and on average, with differences."""
        asked = [question for question in questions if question.question_type == "single-verify"]
        if not asked:
            return []
        positives = [question.answer == ("yes",) for question in asked]
        # A question that names no attribute ("any rhythm ...?") goes by its template and type.
        attributes = [
            question.attributes[0] if question.attributes else f"{question.template_id} {question.attribute_type}"
            for question in asked
        ]
        owners = [patients[question.record_id] for question in asked]
        resampling = {"num_resamples": self.profile.evaluation.bootstrap_resamples, "seed": self.profile.seed}
        rows = []
        scores = {shown: scores_in_order(answers, asked) for shown, answers in by_input.items()}
        for shown, values in scores.items():
            areas = roc_areas(values, positives, attributes, owners, **resampling)
            named = [(name, "roc-area", ROC_AREA_SIGNATURE, area) for name, area in areas.by_attribute.items()]
            if areas.macro is not None:
                named.append(("all", "roc-area-macro", MACRO_ROC_AREA_SIGNATURE, areas.macro))
            for subset, metric, signature, area in named:
                measure = Measure(area.value, area.low, area.high, area.num_positive + area.num_negative, signature)
                rows.append(
                    self._measured("roc-areas", metric, measure, {"method": method, "input": shown, "subset": subset})
                )
            if shown != "ecg" and "ecg" in scores:
                paired = paired_macro_roc_area(scores["ecg"], values, positives, attributes, owners, **resampling)
                if paired is not None:
                    measure = Measure(*paired, len(asked), f"paired difference of {MACRO_ROC_AREA_SIGNATURE}")
                    shared = {"method": method, "input": shown}
                    rows.append(self._measured("controls", "roc-area-macro-difference", measure, shared))
        return rows

    def cost(self, method: str, stage: str, report: Mapping[str, Any], padding: str) -> list[ResultRow]:
        """What a training stage took, from its report."""
        values = {
            "train-seconds": report["seconds"],
            "steps": report["steps"],
            "samples-seen": report["samples_seen"],
            "distinct-records": report["distinct_records"],
            "final-loss": sum(report["losses"][-20:]) / len(report["losses"][-20:]),
        }
        if report["padded_positions"]:
            values |= {"positions": report["positions"], "padded-positions": report["padded_positions"]}
        return self._cost_rows(method, stage, padding, values, report["samples_seen"], report["device"])

    def preparation(self, method: str, stage: str, seconds: float, records: int) -> list[ResultRow]:
        """What a stage without training steps took, such as tokenizing."""
        values = {"train-seconds": seconds, "samples-seen": 0, "distinct-records": records}
        return self._cost_rows(method, stage, "", values, records, "cpu")

    def timed_cost(self, method: str, stage: str, padding: str, timed: Mapping[str, Any]) -> list[ResultRow]:
        """Time of samples at a padding, from timed steps, and the positions that the whole training would take so."""
        middle, low, high = median_interval([1000 * value for value in timed["seconds"]])
        values = {"positions": timed["positions"], "padded-positions": timed["padded_positions"]}
        rows = self._cost_rows(method, stage, padding, values, len(timed["seconds"]), str(self.common["device"]))
        rows.append(
            self.row(
                table="efficiency",
                method=method,
                input=_own_input(method),
                metric="timed-seconds-per-1000-samples",
                value=middle,
                ci_low=low,
                ci_high=high,
                n=len(timed["seconds"]),
                split="train",
                stage=stage,
                padding=padding,
                signature=_STEP_SIGNATURE,
            )
        )
        return rows

    def _cost_rows(
        self, method: str, stage: str, padding: str, values: Mapping[str, float], n: int, device: str
    ) -> list[ResultRow]:
        return [
            self.row(
                table="efficiency",
                method=method,
                input=_own_input(method),
                metric=metric,
                value=float(value),
                n=n,
                split="train",
                stage=stage,
                padding=padding,
                signature=_COST_SIGNATURES[metric],
                train_seconds=float(values.get("train-seconds", math.nan)),
                device=device,
            )
            for metric, value in values.items()
        ]

    def truncation(self, method: str, by_input: Mapping[str, Mapping[str, int]]) -> list[ResultRow]:
        """Share of test samples whose ECG was cut to fit, under every input."""
        return [
            self.row(
                table="language-quality",
                method=method,
                input=shown,
                metric="truncated-inputs",
                value=100 * counts["truncated_samples"] / counts["samples"],
                n=counts["samples"],
                signature="samples whose ECG lost tokens at its end to fit the model's input|version:1",
            )
            for shown, counts in by_input.items()
        ]

    def tokenizer(self, measures: Mapping[str, float], num_segments: int) -> list[ResultRow]:
        """Measures of the tokens of held-out segments."""
        return [
            self.row(
                table="tokenizer",
                method="ecg-byte",
                input="ecg",
                metric=metric,
                value=value,
                n=num_segments,
                signature=TOKENIZER_SIGNATURES[metric],
            )
            for metric, value in measures.items()
        ]

    def _measured(self, table: str, metric: str, measure: Measure, columns: Mapping[str, Any]) -> ResultRow:
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
