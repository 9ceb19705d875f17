"""A profile's data: records, segments, questions, tokenizers, encoders, and what every method sees of a segment."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from ecgbyte.data.audit import SplitAudit, audit_splits
from ecgbyte.data.catalogue import RecordEntry, RecordSet
from ecgbyte.data.questions.question import Question
from ecgbyte.tokenizer.ecg_tokenizer import ECGTokenizer
from experiments.profiles import expected_cost
from experiments.profiles.methods import Method
from experiments.profiles.profile import Profile
from experiments.steps import encoders
from experiments.steps import tokens as tokenizing
from experiments.steps.questions import fingerprint_of_files
from experiments.steps.segments import (
    SPLITS,
    Segments,
    ask_questions,
    asked_records,
    choose_entries,
    open_records,
    write_segments,
)
from experiments.steps.token_usage import TOKENS_FILE, UsageOf, write_token_usage
from experiments.steps.views import ECGView, signal_view
from experiments.steps.work_folder import Step, Task, WorkFolder


@dataclass(frozen=True)
class Prepared:
    """Records and questions by split, with the audit that no patient is in two of them."""

    splits: dict[str, tuple[RecordEntry, ...]]
    patients: dict[str, str]
    questions: dict[str, list[Question]]
    audit: SplitAudit
    segments: Segments

    def record_ids(self, split: str) -> list[str]:
        """The records of a split."""
        return [entry.record_id for entry in self.splits[split]]


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
        The folder of question files, for profiles that read them.
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
    def records(self) -> RecordSet:
        """The data set."""
        return open_records(self.profile.data, self.profile.seed, self.roots.get(self.profile.data.dataset))

    @cached_property
    def _entries(self) -> dict[str, tuple[RecordEntry, ...]]:
        asked = asked_records(self.profile, self.questions_root)
        return choose_entries(self.records, self.profile.data, self.profile.seed, asked)

    @cached_property
    def questions_fingerprint(self) -> str:
        """Identifies questions that are read from files; those that are generated follow from the settings."""
        return fingerprint_of_files(self.profile, self.questions_root)

    @cached_property
    def segments_task(self) -> Task:
        """Preprocess the records and cut them."""
        profile = self.profile
        step = self.work.step(
            "segments",
            {**dataclasses.asdict(profile.data), "records": self.records.fingerprint, "seed": profile.seed},
        )
        entries = [entry for name in SPLITS for entry in self._entries[name]]
        return Task(
            step,
            lambda folder: write_segments(folder, self.records, entries, profile.data),
            size=expected_cost.segment_bytes(profile, len(entries)),
        )

    @cached_property
    def prepared(self) -> Prepared:
        """Splits, questions and segments; the segments' task must be done.

        Raises
        ------
        ValueError
            If a patient, a record or a question is in two splits.
        """
        segments = Segments.open(self.segments_task.step.folder)
        splits = {
            name: tuple(entry for entry in chosen if entry.record_id in segments.rows)
            for name, chosen in self._entries.items()
        }
        questions = ask_questions(splits, self.profile, self.questions_root)
        audit = audit_splits(splits, questions)
        audit.raise_if_leaking()
        patients = {entry.record_id: entry.patient_id for chosen in splits.values() for entry in chosen}
        return Prepared(splits, patients, questions, audit, segments)

    def tokenizer_tasks(self, matching: str) -> list[Task]:
        """Train a tokenizer that matches as `matching` says, encode every segment with it, and measure it."""
        settings = dataclasses.replace(self.profile.tokenizer, matching=matching)

        def train(folder: Path) -> dict[str, object]:
            prepared = self.prepared
            preprocessing = self.segments_task.step.details["preprocessing"]
            return tokenizing.train_tokenizer(
                folder,
                prepared.segments,
                prepared.record_ids("train"),
                settings,
                preprocessing,
                seed=self.profile.seed,
            )

        trained = self.work.step(
            "tokenizer", {**dataclasses.asdict(settings), "seed": self.profile.seed}, (self.segments_task.step,)
        )
        encoded = self.work.step("tokens", {}, (trained,))
        measured = self.work.step("tokenizer-measures", {}, (encoded,))

        def measure(folder: Path) -> dict[str, object]:
            segments, names = self.prepared.segments, self.prepared.record_ids("test")
            measures, usage = tokenizing.measure_on_segments(self.tokenizer(matching), segments, names)
            whose = UsageOf(self.profile.data.dataset, self.profile.data.dataset, matching)
            write_token_usage(folder / TOKENS_FILE, {whose: usage})
            return dict(measures)

        size = expected_cost.token_bytes(self.profile)
        return [
            self.segments_task,
            Task(trained, train),
            Task(
                encoded,
                lambda folder: tokenizing.encode_segments(folder, self.tokenizer(matching), self.prepared.segments),
                size=size,
            ),
            Task(measured, measure),
        ]

    def tokenizer(self, matching: str) -> ECGTokenizer:
        """The trained tokenizer."""
        return ECGTokenizer.load(self.tokenizer_tasks(matching)[1].step.folder / "tokenizer.json")

    def pretraining_task(self, encoder: str, seed: int) -> Task:
        """Stage 1 of ``merl``, ``vit`` or ``clip``."""
        settings = self.profile.encoder(encoder)
        step = self.work.step(
            f"pretrain-{encoder}",
            {**dataclasses.asdict(settings), "seed": seed},
            (self.segments_task.step,),
        )

        def pretrain(folder: Path) -> dict[str, object]:
            splits, segments = self.prepared.splits, self.prepared.segments
            return encoders.pretrain_encoder(
                folder, encoder, segments, splits["train"], splits["validation"], settings, seed
            )

        return Task(step, pretrain, operations=expected_cost.pretraining_operations(self.profile, encoder))

    def encoder_folders(self, encoder: str, seed: int) -> list[Path]:
        """Where the stages 1 of an encoder's parts were kept."""
        return [self.pretraining_task(part, seed).step.folder for part in encoders.STAGE_ONE[encoder]]

    def view_tasks(self, method: Method, seed: int) -> list[Task]:
        """What must be done before a method can be trained; the last one is what its training reads."""
        if method.reads == "tokens":
            return self.tokenizer_tasks(method.matching)
        if method.reads != "features":
            # A text-only model has the ECG tokens in its vocabulary too, so that the models are alike.
            return self.tokenizer_tasks("longest") if method.reads == "text" else [self.segments_task]
        pretraining = [self.pretraining_task(part, seed) for part in encoders.STAGE_ONE[method.encoder]]
        step = self.work.step(
            f"features-{method.name}",
            {"seed": seed, "as_published": method.as_published},
            tuple(task.step for task in pretraining),
        )

        def extract(folder: Path) -> dict[str, object]:
            folders = self.encoder_folders(method.encoder, seed)
            return encoders.encoder_view(
                folder, folders, method.encoder, self.prepared.segments, as_published=method.as_published, seed=seed
            )

        return [self.segments_task, *pretraining, Task(step, extract)]

    def view(self, method: Method, seed: int) -> ECGView | None:
        """What a method sees of every segment; None where it reads no ECG."""
        if not method.sees_ecg:
            return None
        step: Step = self.view_tasks(method, seed)[-1].step
        if method.reads == "tokens":
            step = self.tokenizer_tasks(method.matching)[2].step
            return tokenizing.open_tokens(step.folder, self.prepared.segments)
        if method.reads == "signals":
            return signal_view(self.prepared.segments)
        return encoders.open_features(step.folder, self.prepared.segments)
