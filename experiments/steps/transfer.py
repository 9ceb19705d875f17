"""A method trained on one data set, tested on the records and questions of another."""

from __future__ import annotations

import dataclasses
from functools import cached_property
from pathlib import Path
from typing import Any

from ecgbyte.data.catalogue import RecordEntry, RecordSet
from experiments.profiles.profile import DataSettings
from experiments.steps.answers import answer_questions
from experiments.steps.method_runs import MethodRun
from experiments.steps.questions import TransferQuestions, transfer_questions
from experiments.steps.segments import Segments, choose_entries, open_records, write_segments
from experiments.steps.token_usage import TOKENS_FILE, UsageOf, write_token_usage
from experiments.steps.tokens import measure_on_segments
from experiments.steps.views import ECGView, assign_segments, make_examples
from experiments.steps.work_folder import Task


class TransferRun:
    """The tasks that test one trained method on another data set.

    Parameters
    ----------
    run : MethodRun
        The trained method.
    dataset : str
        The other data set; only its test fold is read.
    """

    def __init__(self, run: MethodRun, dataset: str) -> None:
        self.run = run
        self.dataset = dataset
        settings, own = run.study.profile.transfer, run.study.profile.data
        self.data = DataSettings(
            dataset,
            num_patients=settings.num_patients,
            sampling_rate=settings.sampling_rate,
            train_records=1,
            validation_records=1,
            test_records=settings.records,
            segment_seconds=own.segment_seconds,
            segments_per_record=own.segments_per_record,
        )

    @cached_property
    def _records(self) -> RecordSet:
        study = self.run.study
        return open_records(self.data, study.profile.seed, study.roots.get(self.dataset))

    @cached_property
    def _entries(self) -> tuple[RecordEntry, ...]:
        return choose_entries(self._records, self.data, self.run.study.profile.seed)["test"]

    @cached_property
    def segments_task(self) -> Task:
        """Preprocess and cut the other data set's test records."""
        study = self.run.study
        records = self._records
        step = study.work.step(
            "segments",
            {
                **dataclasses.asdict(self.data),
                "records": records.fingerprint,
                "seed": study.profile.seed,
                "only": "test",
            },
        )
        return Task(step, lambda folder: write_segments(folder, records, self._entries, self.data))

    @cached_property
    def segments(self) -> Segments:
        """The other data set's segments."""
        return Segments.open(self.segments_task.step.folder)

    @cached_property
    def entries(self) -> tuple[RecordEntry, ...]:
        """The records that could be read."""
        return tuple(entry for entry in self._entries if entry.record_id in self.segments.rows)

    @cached_property
    def questions(self) -> TransferQuestions:
        """Questions about findings that the method was taught and both data sets show, about each of the two."""
        study = self.run.study
        profile = dataclasses.replace(
            study.profile,
            questions=dataclasses.replace(study.profile.questions, test=study.profile.transfer.questions),
        )
        prepared = study.prepared
        return transfer_questions(prepared.questions, prepared.splits["test"], self.entries, profile)

    @property
    def data_fingerprint(self) -> str:
        """Of the other data set."""
        return self._records.fingerprint

    @property
    def patients(self) -> dict[str, str]:
        """The patient of each record."""
        return {entry.record_id: entry.patient_id for entry in self.entries}

    @cached_property
    def answer_task(self) -> Task:
        """Answer the questions, with the ECG and with text alone."""
        study, run = self.run.study, self.run
        step = study.work.step(
            f"transfer-{self.dataset}-{run.method.name}-{run.seed}",
            {"questions": study.profile.transfer.questions, "max_new_tokens": study.profile.evaluation.max_new_tokens},
            (run.train_task.step, self.segments_task.step),
        )

        def build(folder: Path) -> dict[str, Any]:
            view = self._view()
            asked_questions = self.questions.target
            places = assign_segments(asked_questions, self.data.segments_per_record)
            asked = {
                shown: make_examples(asked_questions, self.patients, view, shown=shown, segments=places, others={})
                for shown in self.inputs
            }
            return answer_questions(folder, run.learner(), asked, asked_questions, study.profile.evaluation, step.name)

        return Task(step, build, operations=0.5 * run.answer_task.operations / max(1, len(run.inputs)))

    @cached_property
    def measure_task(self) -> Task | None:
        """Measure the method's tokenizer on the other data set; None where it reads no tokens."""
        run, study = self.run, self.run.study
        if run.method.reads != "tokens":
            return None
        tokenizer = study.tokenizer_tasks(run.method.matching)[1].step
        step = study.work.step(f"tokenizer-measures-{self.dataset}", {}, (tokenizer, self.segments_task.step))

        def measure(folder: Path) -> dict[str, Any]:
            names = [entry.record_id for entry in self.entries]
            measures, usage = measure_on_segments(study.tokenizer(run.method.matching), self.segments, names)
            whose = UsageOf(self.dataset, study.profile.data.dataset, run.method.matching)
            write_token_usage(folder / TOKENS_FILE, {whose: usage})
            return dict(measures)

        return Task(step, measure)

    @property
    def inputs(self) -> tuple[str, ...]:
        """What the method is shown."""
        return ("ecg", "flat-line") if self.run.method.sees_ecg else ("text-only",)

    def tasks(self) -> list[Task]:
        """All that this run needs, in order."""
        measured = [] if self.measure_task is None else [self.measure_task]
        return [*self.run.tasks(timed=False), self.segments_task, *measured, self.answer_task]

    def _view(self) -> ECGView | None:
        own = self.run.view
        if own is None:
            return None
        leads, samples = self.segments.signals.shape[2:]
        signals = self.segments.signals[: len(self.segments.rows)].reshape(-1, leads, samples)
        keys = [(name, number) for name in self.segments.rows for number in range(self.segments.signals.shape[1])]
        return ECGView(dict(zip(keys, self.run.read(signals), strict=True)), own.flat_line)
