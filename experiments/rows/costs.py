"""Rows of what training took: time, data, operations, memory, waiting; by stage and by layout."""

from __future__ import annotations

import dataclasses
import math
import statistics
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from ecgbyte.training.settings import TrainingReport
from ecgbyte.training.validation import seconds_to_validation_loss
from experiments.profiles.methods import METHODS, REFERENCE_METHOD
from experiments.profiles.profile import Profile
from experiments.rows.schema import ResultRow

if TYPE_CHECKING:
    from experiments.rows.maker import RowMaker
    from experiments.steps.method_runs import MethodRun

_SIGNATURES = {
    "train-seconds": "wall clock of the stage, checkpoints aside|version:1",
    "steps": "optimiser steps|version:1",
    "samples-seen": "questions (stage 1: segments) times epochs|version:1",
    "distinct-records": "different records|version:1",
    "final-loss": "mean training loss of the last 20 steps|version:1",
    "positions": "positions of the language model's input, padding left out|version:1",
    "padded-positions": "positions of the language model's input, padding included|version:1",
    "training-flops": "floating-point operations of all steps, forward and backward|version:1",
    "peak-memory": "the most that the process or the device held while training|version:1",
    "data-wait-seconds": "seconds in which nothing was computed because a batch was being prepared|version:1",
}
_STEP_SIGNATURE = (
    "median of timed steps, in turns with the other layouts; the interval is smallest to largest|version:2"
)
_LOSS_SIGNATURE = "mean over the answer tokens of the validation questions, nats|version:1"
_TO_LOSS_SIGNATURES = {
    name: f"{counted} until the validation loss was first at or below that named in variant, linear between "
    "evaluations|version:1"
    for name, counted in (
        ("seconds-to-validation-loss", "training seconds of all stages"),
        ("samples-to-validation-loss", "samples (stage 1: segments, times epochs) of all stages"),
    )
}
ALL_STAGES = "all stages"


class CostRows:
    """Makes the rows of table ``efficiency``.

    Parameters
    ----------
    maker : RowMaker
        Makes rows with what they all share.
    profile : Profile
        How the methods were trained.
    """

    def __init__(self, maker: RowMaker, profile: Profile) -> None:
        self.maker = maker
        self.profile = profile
        together = profile.training.questions_per_segment > 1
        self._own_layout = "shared" if together else "none"

    def of_run(self, run: MethodRun) -> list[ResultRow]:
        """All stages of a run, and its timed steps where they were timed."""
        rows = [*self._preparation(run), *self.of_stage(run)]
        if run.timing_task.step.is_done:
            for layout, timed in run.timing_task.step.details["timed_steps"].items():
                rows += self._timed(run, layout, timed)
        return rows

    def layout(self, run: MethodRun) -> str:
        """How the questions lie in the language model's input while the method is trained."""
        fixed = run.terms.fixed_length
        return self._own_layout if fixed is None else str(fixed)

    def of_stage(self, run: MethodRun) -> list[ResultRow]:
        """The training of the language model."""
        details = run.train_task.step.details
        return self._report(run, run.method.stage, self.layout(run), details["report"], details)

    def _preparation(self, run: MethodRun) -> list[ResultRow]:
        """What comes before: the tokenizer, or stage 1 and the features."""
        records = len(run.study.prepared.splits["train"])
        rows = []
        pretraining = run.pretraining_tasks()
        for task in pretraining:
            name = task.step.name.removeprefix("pretrain-")
            stage = "stage-1" if len(pretraining) == 1 else f"stage-1 ({name})"
            rows += self._report(run, stage, "", task.step.details["report"], task.step.details)
        for measured in run.reading.measured:
            seconds = sum(task.step.details[measured.key] for task in measured.tasks)
            rows += self._without_steps(run, measured.stage, seconds, records)
        return rows

    def _report(
        self, run: MethodRun, stage: str, layout: str, report: Mapping[str, Any], details: Mapping[str, Any]
    ) -> list[ResultRow]:
        values = {
            "train-seconds": report["seconds"],
            "steps": report["steps"],
            "samples-seen": report["samples_seen"],
            "distinct-records": report["distinct_records"],
            "final-loss": statistics.fmean(report["losses"][-20:]),
        }
        if report["padded_positions"]:
            values |= {"positions": report["positions"], "padded-positions": report["padded_positions"]}
        values["data-wait-seconds"] = report["data_wait_seconds"]
        values["peak-memory"] = report["peak_memory_bytes"] / 1e6
        values["training-flops"] = details["training_flops"] / 1e9
        return self._rows(run, stage, layout, values, report["samples_seen"], report["device"])

    def _without_steps(self, run: MethodRun, stage: str, seconds: float, records: int) -> list[ResultRow]:
        values = {"train-seconds": seconds, "samples-seen": 0, "distinct-records": records}
        return self._rows(run, stage, "", values, records, "cpu")

    def _timed(self, run: MethodRun, layout: str, timed: Mapping[str, Any]) -> list[ResultRow]:
        """Time of samples in a layout, from timed steps, and what the whole training would take so."""
        values = {
            "positions": timed["positions"],
            "padded-positions": timed["padded_positions"],
            "training-flops": timed["flops"] / 1e9,
            "peak-memory": timed["peak_memory_bytes"] / 1e6,
        }
        # What training itself did is measured whole.
        if layout == self.layout(run):
            values = {}
        rounds = [1000 * value for value in timed["seconds"]]
        rows = self._rows(run, run.method.stage, layout, values, len(rounds), str(self.maker.common["device"]))
        timed_row = self._row(
            run,
            "timed-seconds-per-1000-samples",
            statistics.median(rounds),
            stage=run.method.stage,
            padding=layout,
            n=len(rounds),
            signature=_STEP_SIGNATURE,
            ci_low=min(rounds),
            ci_high=max(rounds),
        )
        return [*rows, timed_row]

    def _rows(
        self, run: MethodRun, stage: str, layout: str, values: Mapping[str, float], n: int, device: str
    ) -> list[ResultRow]:
        seconds = float(values.get("train-seconds", math.nan))
        return [
            self._row(
                run,
                metric,
                value,
                stage=stage,
                padding=layout,
                n=n,
                signature=_SIGNATURES[metric],
                train_seconds=seconds,
                device=device,
            )
            for metric, value in values.items()
        ]

    def time_to_validation_loss(self, runs: Sequence[MethodRun]) -> list[ResultRow]:
        """The last validation loss of every run; time and samples to the loss that all methods on equal terms reach.

        That loss is, for each seed, the highest of the lowest losses of ``ecg-byte`` and the two-stage methods. Methods
        as published have padding in their labels, so their losses are of something else and are left out.
        """
        found = []
        for run in runs:
            if run.method.is_trained and not run.method.as_published:
                report = TrainingReport.from_dict(run.train_task.step.details["report"])
                if report.validation:
                    found.append((run, report))
        rows = []
        for seed in sorted({run.seed for run, _ in found}):
            here = [(run, report) for run, report in found if run.seed == seed]
            compared = [
                min(point["loss"] for point in report.validation)
                for run, report in here
                if run.method.name == REFERENCE_METHOD or run.method.pretrained
            ]
            for run, report in here:
                last = report.validation[-1]["loss"]
                rows.append(self._loss_row(run, "validation-loss", last, _LOSS_SIGNATURE, run.method.stage))
                if compared:
                    rows += self._to_loss(run, report, max(compared))
        return rows

    def _to_loss(self, run: MethodRun, report: TrainingReport, target: float) -> list[ResultRow]:
        """Time and samples of all stages until a loss was reached; none where it was not."""
        by_samples = [{**point, "seconds": point["samples_seen"]} for point in report.validation]
        reached = {
            "seconds": seconds_to_validation_loss(report, target),
            # The same line between evaluations, with samples in the place of seconds.
            "samples_seen": seconds_to_validation_loss(dataclasses.replace(report, validation=by_samples), target),
        }
        rows = []
        for (metric, signature), (name, value) in zip(_TO_LOSS_SIGNATURES.items(), reached.items(), strict=True):
            if value is not None:
                earlier = sum(task.step.details["report"][name] for task in run.pretraining_tasks())
                variant = f"loss {target:.4f}"
                rows.append(self._loss_row(run, metric, earlier + value, signature, ALL_STAGES, variant))
        return rows

    def _loss_row(
        self, run: MethodRun, metric: str, value: float, signature: str, stage: str, variant: str = ""
    ) -> ResultRow:
        return self._row(
            run,
            metric,
            value,
            stage=stage,
            padding=self.layout(run),
            n=len(run.study.prepared.questions["validation"]),
            signature=signature,
            split="validation",
            variant=variant,
        )

    def _row(self, run: MethodRun, metric: str, value: float, *, split: str = "train", **columns: Any) -> ResultRow:
        return self.maker.row(
            table="efficiency",
            method=run.method.name,
            seed=run.seed,
            input=own_input(run.method.name),
            metric=metric,
            value=float(value),
            split=split,
            **columns,
        )


def own_input(method: str) -> str:
    """What a method is trained on."""
    return METHODS[method].own_input
