"""One training run of one method: its model, its answers under every input, and the time of its steps."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from ecgbyte.data.controls import INPUTS, other_patient_records
from ecgbyte.tokenizer.ecg_tokenizer import ECGTokenizer
from ecgbyte.training.examples import Example
from experiments.profiles import expected_cost
from experiments.profiles.methods import Method
from experiments.steps import encoders, learning, timing
from experiments.steps import tokens as tokenizing
from experiments.steps.answers import answer_questions, given_answers, write_given_answers
from experiments.steps.attention import attention_examples
from experiments.steps.study import Study
from experiments.steps.trivial import answer_trivially
from experiments.steps.views import ECGView, altered_signals, assign_segments, make_examples
from experiments.steps.work_folder import Task


class MethodRun:
    """The tasks of one method with one training seed.

    Parameters
    ----------
    study : Study
        Data and encoders.
    method : Method
    seed : int
        The training seed.
    inputs : sequence of str or None
        What the model is shown at test time; None: the ECG and every control.
    """

    def __init__(self, study: Study, method: Method, seed: int, inputs: Sequence[str] | None = None) -> None:
        self.study = study
        self.method = method
        self.seed = seed
        self.inputs = tuple(inputs or INPUTS) if method.sees_ecg else ("text-only",)

    @cached_property
    def view(self) -> ECGView | None:
        """What the method sees of every segment."""
        return self.study.view(self.method, self.seed)

    @cached_property
    def _others(self) -> dict[str, str]:
        prepared = self.study.prepared
        return other_patient_records(prepared.record_ids("test"), prepared.patients, seed=self.study.profile.seed)

    @property
    def tokenizer(self) -> ECGTokenizer | None:
        """The ECG tokenizer whose tokens the model has in its vocabulary."""
        if self.method.reads not in ("tokens", "text"):
            return None
        return self.study.tokenizer(self.method.matching or "longest")

    def examples(self, split: str, shown: str, view: ECGView | None = None) -> list[Example]:
        """The questions of a split as the method meets them under an input."""
        prepared, profile = self.study.prepared, self.study.profile
        questions = prepared.questions[split]
        together = profile.training.questions_per_segment if split == "train" else 1
        segments = assign_segments(questions, profile.data.segments_per_record, together)
        view = view or self.view
        return make_examples(questions, prepared.patients, view, shown=shown, segments=segments, others=self._others)

    def pretraining_tasks(self) -> list[Task]:
        """The stages 1 of the method's encoder; none where it has no such stage."""
        if self.method.reads != "features":
            return []
        return [self.study.pretraining_task(part, self.seed) for part in encoders.STAGE_ONE[self.method.encoder]]

    @cached_property
    def train_task(self) -> Task:
        """Train the language model."""
        profile, method = self.study.profile, self.method
        step = self.study.work.step(
            f"train-{method.name}-{self.seed}",
            {
                "method": dataclasses.asdict(method),
                "seed": self.seed,
                "questions": self._questions(),
                **{name: dataclasses.asdict(getattr(profile, name)) for name in ("model", "training")},
                **({"as_published": profile.as_published.padded_length} if method.as_published else {}),
                **({"encoder": self._encoder_settings()} if method.reads == "signals" else {}),
                "answer_room": profile.evaluation.max_new_tokens,
            },
            (self.study.view_tasks(method, self.seed)[-1].step,),
        )

        def build(folder: Path) -> dict[str, Any]:
            learner, report = self._learner(folder)
            shown = "ecg" if method.sees_ecg else "text-only"
            return {
                "report": report.to_dict(),
                "trained_parameters": learner.model.trained_parameters(),
                "training_flops": learning.training_flops(
                    learner, method, profile, self.examples("train", shown), report
                ),
            }

        return Task(
            step,
            build,
            operations=expected_cost.training_operations(profile, method),
            size=expected_cost.model_bytes(profile),
        )

    @cached_property
    def answer_task(self) -> Task:
        """Answer the test questions under every input."""
        profile, method = self.study.profile, self.method
        evaluation = dataclasses.asdict(profile.evaluation)
        after = self.train_task.step if method.is_trained else self.study.segments_task.step
        settings = {name: evaluation[name] for name in ("max_new_tokens", "batch_size")}
        step = self.study.work.step(
            f"answers-{method.name}-{self.seed}",
            {**settings, "inputs": list(self.inputs), "questions": self._questions()},
            (after,),
        )

        def build(folder: Path) -> dict[str, Any]:
            questions = self.study.prepared.questions
            if not method.is_trained:
                answers = answer_trivially(method.name, questions["train"], questions["test"])
                given = given_answers(answers, questions["test"], self.study.prepared.patients)
                return write_given_answers(folder, given)
            learner = self.learner()
            view = self._altered_view()
            asked = {shown: self.examples("test", shown, view) for shown in self.inputs}
            return answer_questions(folder, learner, asked, questions["test"], profile.evaluation, step.name)

        operations = expected_cost.answering_operations(profile, method, len(self.inputs)) if method.is_trained else 0
        return Task(step, build, operations=operations)

    @cached_property
    def timing_task(self) -> Task:
        """Time training steps in every layout."""
        profile = self.study.profile
        evaluation = dataclasses.asdict(profile.evaluation)
        settings = {name: evaluation[name] for name in ("speed_rounds", "padded_length")}
        step = self.study.work.step(f"speed-{self.method.name}", settings, (self.train_task.step,))

        def build(_: Path) -> dict[str, Any]:
            examples = self.examples("train", "ecg" if self.method.sees_ecg else "text-only")
            learner = learning.build_learner(self.method, profile, self.seed, examples, self.tokenizer)
            timed = timing.time_steps(
                learner,
                examples,
                batch_size=profile.training.batch_size,
                rounds=profile.evaluation.speed_rounds,
                padded_length=profile.evaluation.padded_length,
                questions_per_segment=profile.training.questions_per_segment,
                learning_rate=profile.training.learning_rate,
                precision=profile.training.precision,
                seed=self.seed,
            )
            samples = profile.training.epochs * len(examples)
            return {"timed_steps": {name: layout.of_training(samples) for name, layout in timed.items()}}

        return Task(step, build, operations=0.02 * self.train_task.operations)

    @cached_property
    def attention_task(self) -> Task:
        """Lay the attention of some answers on their ECGs."""
        step = self.study.work.step(f"attention-{self.method.name}", {}, (self.train_task.step,))

        def build(folder: Path) -> dict[str, Any]:
            profile, prepared, tokenizer = self.study.profile, self.study.prepared, self.tokenizer
            questions = prepared.questions["test"]
            return attention_examples(
                folder,
                self.learner(),
                self.examples("test", "ecg"),
                questions,
                tokenizer,
                prepared.segments,
                numbers=assign_segments(questions, profile.data.segments_per_record),
                others=self._others,
                untrained=learning.build_learner(
                    self.method, profile, self.seed, self.examples("train", "ecg"), tokenizer
                ),
                max_new_tokens=profile.evaluation.max_new_tokens,
            )

        return Task(step, build)

    @property
    def _is_timed(self) -> bool:
        """Whether the method's steps are timed in every layout: those that the speed claim is about, and the extremes.

        Methods as published have one layout, that of their training; the others cost what one of these costs.
        """
        method = self.method
        names = ("ecg-byte", "linear-patches", "text-only")
        return method.name in names or (method.reads == "features" and not method.as_published)

    def _questions(self) -> dict[str, Any]:
        files = self.study.questions_fingerprint
        return {**dataclasses.asdict(self.study.profile.questions), "files": files}

    def tasks(self, *, timed: bool) -> list[Task]:
        """All that this run needs, in order."""
        if not self.method.is_trained:
            return [self.study.segments_task, self.answer_task]
        own = [self.train_task, self.answer_task]
        if timed and self._is_timed:
            own += [self.timing_task, *([self.attention_task] if self.method.name == "ecg-byte" else [])]
        return [*self.study.view_tasks(self.method, self.seed), *own]

    def learner(self) -> learning.Learner:
        """The trained model; its task must be done."""
        return self._learner(self.train_task.step.folder)[0]

    def _altered_view(self) -> ECGView | None:
        """The method's view with noise and shuffled leads beside the test segments."""
        view = self.view
        wanted = [shown for shown in ("noise", "shuffled-leads") if shown in self.inputs]
        if view is None or not wanted:
            return view
        prepared, profile = self.study.prepared, self.study.profile
        questions = prepared.questions["test"]
        places = assign_segments(questions, profile.data.segments_per_record)
        asked = {(question.record_id, place) for question, place in zip(questions, places, strict=True)}
        signals = {
            key: signal
            for key, signal in altered_signals(
                prepared.segments, sorted({name for name, _ in asked}), seed=profile.seed
            )
            if key[0] in wanted and key[1:] in asked
        }
        altered = dict(zip(signals, self.read(np.stack(list(signals.values()))), strict=True))
        return dataclasses.replace(view, altered=altered)

    def read(self, signals: np.ndarray) -> Sequence[np.ndarray]:
        """What the method sees of signals, float32 [segments, leads, samples]."""
        method = self.method
        if method.reads == "tokens":
            return tokenizing.tokens_of(self.tokenizer, signals)
        if method.reads == "features":
            folders = self.study.encoder_folders(method.encoder, self.seed)
            return encoders.features_of(
                folders, method.encoder, signals, as_published=method.as_published, seed=self.seed
            )
        return signals

    def _encoder_settings(self) -> dict[str, Any]:
        if self.method.encoder == "linear-patches":
            return dataclasses.asdict(self.study.profile.patches)
        return {"size": self.study.profile.encoder(self.method.encoder).size}

    def _learner(self, folder: Path) -> tuple[learning.Learner, Any]:
        shown = "ecg" if self.method.sees_ecg else "text-only"
        return learning.train_learner(
            folder,
            self.method,
            self.study.profile,
            self.seed,
            self.examples("train", shown),
            self.examples("validation", shown),
            self.tokenizer,
            tracking=self.study.tracking,
        )
