"""A profile's data: records, segments, questions, tokenizers and encoders, as tasks that the methods share."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

from ecgbyte.data.catalogue import RecordEntry, RecordSet
from ecgbyte.files import fingerprint
from ecgbyte.tokenizer.ecg_tokenizer import ECGTokenizer
from experiments.profiles import expected_cost
from experiments.profiles.data_sets import DataSet, find_data_set, open_records
from experiments.profiles.input_settings import LEAKY
from experiments.profiles.methods import Method
from experiments.profiles.profile import Profile
from experiments.steps import questions as asking
from experiments.steps.encoder_tasks import EncoderTasks
from experiments.steps.prepared import Prepared, open_prepared
from experiments.steps.segments import SPLITS, Segments, choose_entries, kept_entries, share_of, write_segments
from experiments.steps.token_measures import measure_tokens
from experiments.steps.token_usage import UsageOf
from experiments.steps.tokenizer_training import open_tokenizer, train_tokenizer
from experiments.steps.tokens import encode_segments
from experiments.steps.work_folder import Task, WorkFolder

# The settings that say which of the records are trained on, with what they usually are: segments do not depend on them.
_DEALT: Mapping[str, Any] = {"train_share": 1.0, "split": "patient"}


class TokenizerTasks(NamedTuple):
    """Train a tokenizer, encode every segment with it, and measure it.

    Attributes
    ----------
    segments, trained, encoded, measured : Task
        In the order in which they can be done.
    expected_positions : float
        That the tokens of a segment take in the language model.
    """

    segments: Task
    trained: Task
    encoded: Task
    measured: Task
    expected_positions: float

    @property
    def tasks(self) -> tuple[Task, ...]:
        """All four."""
        return self.segments, self.trained, self.encoded, self.measured


class Study:
    """What the methods of a profile share, as tasks that are done once and then read.

    Parameters
    ----------
    profile : Profile
        What to do.
    work : WorkFolder
        Where finished steps are kept.
    roots : mapping of str to Path
        The folder of each data set that is read from one.
    questions_root : Path or None
        The folder, or the file, of questions, for profiles that read them.
    tracking : str or None
        Where training is followed; see `ecgbyte.training.loop.train`.
    """

    def __init__(
        self,
        profile: Profile,
        work: WorkFolder,
        roots: Mapping[str, Path],
        questions_root: Path | None = None,
        *,
        tracking: str | None = None,
    ) -> None:
        self.profile = profile
        self.work = work
        self.roots = roots
        self.questions_root = questions_root
        self.tracking = tracking

    @cached_property
    def data_set(self) -> DataSet:
        """The entry of the data set."""
        return find_data_set(self.profile.data.dataset)

    def open_records(self, data_set: DataSet, sampling_rate: int, num_patients: int) -> RecordSet:
        """Open this or another data set.

        Raises
        ------
        ValueError
            If it lies in a folder and none was named, or its records come at another rate.
        """
        records = open_records(
            data_set,
            self.roots.get(data_set.name),
            sampling_rate=sampling_rate,
            seed=self.profile.seed,
            num_patients=num_patients,
        )
        if records.sampling_rate != sampling_rate:
            raise ValueError(
                f"sampling_rate: got {sampling_rate}, the records of {data_set.name} are at {records.sampling_rate:g} "
                "samples a second"
            )
        return records

    @cached_property
    def records(self) -> RecordSet:
        """The data set."""
        return self.open_records(self.data_set, self.profile.data.sampling_rate, self.profile.data.num_patients)

    @cached_property
    def _asked(self) -> frozenset[str] | None:
        return asking.asked_records(self.profile.questions, self.data_set, self.questions_root)

    @cached_property
    def _entries(self) -> dict[str, tuple[RecordEntry, ...]]:
        return choose_entries(self.records, self.profile.data, self.profile.seed, self._asked)

    def splits(self, *, shared: bool = True) -> dict[str, tuple[RecordEntry, ...]]:
        """The records that could be used, by split; the segments' task must be done.

        Parameters
        ----------
        shared : bool
            Whether training keeps to its share of the records, as the profile says; else it has all of them.
        """
        data = self.profile.data
        kept = kept_entries(self._entries, self.segments)
        if data.split == LEAKY:
            everything = tuple(entry for name in SPLITS for entry in kept[name])
            kept = dict.fromkeys(SPLITS, everything)
        if shared:
            kept["train"] = share_of(kept["train"], data.train_share, self.profile.seed)
        return kept

    @cached_property
    def segments_task(self) -> Task:
        """Preprocess the records and cut them."""
        profile = self.profile
        preprocessor = profile.preprocessing.preprocessor()
        step = self.work.step(
            "segments",
            {
                **{name: value for name, value in dataclasses.asdict(profile.data).items() if name not in _DEALT},
                "records": self.records.fingerprint,
                "asked": "" if self._asked is None else fingerprint(*sorted(self._asked)),
                "seed": profile.seed,
                "preprocessing": preprocessor.settings(),
            },
            modules=("experiments.steps.segments", self.data_set.module),
        )

        def build(folder: Path) -> dict[str, Any]:
            entries = [entry for name in SPLITS for entry in self._entries[name]]
            return write_segments(folder, self.records, entries, profile.data, preprocessor)

        counts = (profile.data.train_records, profile.data.validation_records, profile.data.test_records)
        return Task(step, build, size=expected_cost.segment_bytes(profile, sum(counts)))

    @cached_property
    def encoders(self) -> EncoderTasks:
        """The encoders of its methods."""
        return EncoderTasks(self)

    @property
    def dealt(self) -> dict[str, Any]:
        """What says which records are trained on, as far as it is not as usual."""
        data = dataclasses.asdict(self.profile.data)
        return {name: data[name] for name, usual in _DEALT.items() if data[name] != usual}

    @cached_property
    def segments(self) -> Segments:
        """The segments; their task must be done."""
        return Segments.open(self.segments_task.step.folder)

    @cached_property
    def questions_task(self) -> Task:
        """Ask about the records that could be used."""
        profile = self.profile
        files = asking.fingerprint_of_files(profile.questions, self.data_set, self.questions_root)
        step = self.work.step(
            "questions",
            {**dataclasses.asdict(profile.questions), **self.dealt, "files": files, "seed": profile.seed},
            (self.segments_task.step,),
            modules=("experiments.steps.questions",),
        )

        def build(folder: Path) -> dict[str, Any]:
            taught = {entry.record_id for entry in self.splits()["train"]}
            return asking.write_asked_questions(
                folder,
                self.splits(shared=False),
                profile.questions,
                self.data_set,
                seed=profile.seed,
                segment_seconds=profile.data.segment_seconds,
                root=self.questions_root,
                is_leaky=profile.data.split == LEAKY,
                taught=taught,
            )

        return Task(step, build)

    @cached_property
    def data_tasks(self) -> tuple[Task, ...]:
        """What no method can go without."""
        return self.segments_task, self.questions_task

    @cached_property
    def prepared(self) -> Prepared:
        """Splits, questions and segments; their tasks must be done.

        Raises
        ------
        ValueError
            If a patient, a record or a question is in two splits.
        """
        is_leaky = self.profile.data.split == LEAKY
        return open_prepared(self.splits(), self.segments, self.questions_task.step.folder, is_leaky=is_leaky)

    def tokenizer_of(self, method: Method) -> TokenizerTasks:
        """The tokenizer of a method that reads tokens."""
        return self.tokenizer_tasks(method.matching, method.tokenizer_changes(self.profile))

    def tokenizer_tasks(self, matching: str, changes: Mapping[str, str] | None = None) -> TokenizerTasks:
        """A tokenizer that matches as `matching` says; those of the same settings share one training.

        `changes` are of the profile's (`experiments.profiles.methods.Method.tokenizer_changes`).
        """
        profile, segments = self.profile, self.segments_task
        other: dict[str, Any] = dict(changes or {})
        settings = dataclasses.replace(profile.tokenizer, **other)
        trained = self.work.step(
            "tokenizer",
            {**dataclasses.asdict(settings), **self.dealt, "seed": profile.seed},
            (segments.step,),
            modules=("experiments.steps.tokenizer_training",),
        )
        cut = {"matching": matching}
        encoded = self.work.step("tokens", cut, (trained,), modules=("experiments.steps.tokens",))
        measured = self.work.step("tokenizer-measures", cut, (trained,), modules=("experiments.steps.token_measures",))

        def train(folder: Path) -> dict[str, Any]:
            return train_tokenizer(
                folder,
                self.segments,
                [entry.record_id for entry in self.splits()["train"]],
                settings,
                segments.step.details["preprocessing"],
                seed=profile.seed,
            )

        def encode(folder: Path) -> dict[str, Any]:
            return encode_segments(folder, open_tokenizer(trained.folder, matching), self.segments)

        def measure(folder: Path) -> dict[str, Any]:
            names = [entry.record_id for entry in self.splits()["test"]]
            whose = UsageOf(self.data_set.name, self.data_set.name, matching)
            return dict(measure_tokens(folder, open_tokenizer(trained.folder, matching), self.segments, names, whose))

        return TokenizerTasks(
            segments,
            Task(trained, train),
            Task(encoded, encode, size=expected_cost.token_bytes(profile)),
            Task(measured, measure),
            expected_cost.token_positions(profile),
        )

    def tokenizer(self, matching: str) -> ECGTokenizer:
        """The trained tokenizer."""
        return open_tokenizer(self.tokenizer_tasks(matching).trained.step.folder, matching)
