"""A method trained on one data set, tested on the records and questions of another."""

from __future__ import annotations

import dataclasses
from functools import cached_property
from pathlib import Path
from typing import Any

from ecgbyte.data.catalogue import RecordEntry, RecordSet
from ecgbyte.files import fingerprint
from experiments.profiles.data_sets import DataSet, find_data_set
from experiments.profiles.input_settings import DataSettings
from experiments.steps.answering import OtherRecords, answer_about_others
from experiments.steps.method_runs import MethodRun
from experiments.steps.segments import Segments, choose_entries, write_segments
from experiments.steps.token_measures import measure_tokens
from experiments.steps.token_usage import UsageOf
from experiments.steps.tokenizer_training import open_tokenizer
from experiments.steps.transfer_questions import TransferQuestions, transfer_questions
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
            num_patients=settings.num_patients if self.data_set.is_made else 0,
            sampling_rate=settings.sampling_rate,
            train_records=1,
            validation_records=1,
            test_records=settings.records,
            segment_seconds=own.segment_seconds,
            segments_per_record=own.segments_per_record,
        )

    @property
    def data_set(self) -> DataSet:
        """The entry of the other data set."""
        return find_data_set(self.dataset, "transfer.datasets")

    @cached_property
    def _records(self) -> RecordSet:
        return self.run.study.open_records(self.data_set, self.data.sampling_rate, self.data.num_patients)

    @cached_property
    def _entries(self) -> tuple[RecordEntry, ...]:
        return choose_entries(self._records, self.data, self.run.study.profile.seed)["test"]

    @cached_property
    def segments_task(self) -> Task:
        """Preprocess and cut the other data set's test records."""
        study = self.run.study
        preprocessor = study.profile.preprocessing.preprocessor()
        step = study.work.step(
            "segments",
            {
                **dataclasses.asdict(self.data),
                "records": self._records.fingerprint,
                "seed": study.profile.seed,
                "preprocessing": preprocessor.settings(),
                "only": "test",
            },
            modules=("experiments.steps.segments", self.data_set.module),
        )

        def build(folder: Path) -> dict[str, Any]:
            return write_segments(folder, self._records, self._entries, self.data, preprocessor)

        return Task(step, build)

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
        profile, prepared = self.run.study.profile, self.run.study.prepared
        return transfer_questions(
            prepared.questions,
            prepared.splits["test"],
            self.entries,
            profile.questions,
            number=profile.transfer.questions,
            seed=profile.seed,
            segment_seconds=profile.data.segment_seconds,
        )

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
        run, profile = self.run, self.run.study.profile
        name = f"transfer-{self.dataset}-{run.method.name}-{run.seed}"
        settings, trained = run.answer_settings, run.train_task.step
        step = run.step(
            name,
            {
                "questions": profile.transfer.questions,
                "asked": dataclasses.asdict(profile.questions),
                "seed": profile.seed,
                "max_new_tokens": settings.max_new_tokens,
                "batch_size": settings.batch_size,
                "inputs": list(self.inputs),
            },
            (trained, self.segments_task.step),
            "experiments.steps.answering",
            "experiments.steps.transfer_questions",
        )

        def build(folder: Path) -> dict[str, Any]:
            other = OtherRecords(self.segments, self.patients, self.questions.target)
            return answer_about_others(
                folder, trained.folder, run.reader, run.learning, settings, run.shown, other, self.inputs, name
            )

        return Task(step, build, operations=0.5 * run.answer_task.operations / max(1, len(run.inputs)))

    @cached_property
    def measure_task(self) -> Task | None:
        """Measure the method's tokenizer on the other data set; None where it reads no tokens."""
        run, study = self.run, self.run.study
        if not run.method.sees_tokens:
            return None
        matching, trained = run.method.matching, study.tokenizer_of(run.method).trained.step
        step = study.work.step(
            f"tokenizer-measures-{self.dataset}",
            {"matching": matching},
            (trained, self.segments_task.step),
            modules=("experiments.steps.token_measures",),
        )

        def measure(folder: Path) -> dict[str, Any]:
            names = [entry.record_id for entry in self.entries]
            whose = UsageOf(self.dataset, study.data_set.name, matching)
            return dict(measure_tokens(folder, open_tokenizer(trained.folder, matching), self.segments, names, whose))

        return Task(step, measure)

    @property
    def code(self) -> str:
        """Identifies the code of all the steps that its answers come from."""
        steps = (self.segments_task.step, self.answer_task.step)
        return fingerprint(self.run.code, *(step.code for step in steps))

    @property
    def inputs(self) -> tuple[str, ...]:
        """What the method is shown."""
        return ("ecg", "flat-line") if self.run.method.sees_ecg else (self.run.method.own_input,)

    def tasks(self) -> list[Task]:
        """All that this run needs, in order."""
        measured = [] if self.measure_task is None else [self.measure_task]
        return [*self.run.tasks(timed=False), self.segments_task, *measured, self.answer_task]
