"""The questions of a run as one method meets them: with what it sees of the ECG under each input."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from ecgbyte.data.questions.question import Question
from ecgbyte.training.epochs import RotatingSegments
from ecgbyte.training.examples import Example
from experiments.steps.prepared import Prepared
from experiments.steps.views import ALTERED_INPUTS, ECGView, altered_signals, assign_segments, make_examples


@dataclass(frozen=True)
class Shown:
    """The questions of a run with what one method sees in the place of the ECG.

    Attributes
    ----------
    prepared : Prepared
        Records, questions and segments.
    view : ECGView or None
        What the method sees of every segment; None for one that reads text alone.
    seed : int
        Of the records of other patients, and of noise and shuffled leads.
    questions_per_segment : int
        How many questions of training, and of validation, share a segment.
    identity : str
        What tells the view from others, such as the fingerprint of the step that it was read from.
    more : tuple of Question
        Questions of training that this method alone has.
    more_weight : float
        What a token of an answer to these counts for in the loss.
    training_ecg : callable or None
        From record id, segment and epoch to what training sees, where that changes from epoch to epoch; else the view.
    """

    prepared: Prepared
    view: ECGView | None
    seed: int
    questions_per_segment: int = 1
    identity: str = ""
    more: tuple[Question, ...] = ()
    more_weight: float = 1.0
    training_ecg: Callable[[str, int, int], np.ndarray] | None = None

    @property
    def own_input(self) -> str:
        """What the method is trained on."""
        return "text-only" if self.view is None else "ecg"

    @cached_property
    def others(self) -> dict[str, str]:
        """From each test record to that of another patient."""
        return self.prepared.others(self.seed)

    def questions(self, split: str) -> list[Question]:
        """The questions of a split that the method meets."""
        asked = self.prepared.questions[split]
        return [*asked, *self.more] if split == "train" else asked

    def places(self, split: str) -> list[int]:
        """The segment that each question of a split is asked about."""
        together = 1 if split == "test" else self.questions_per_segment
        return assign_segments(self.questions(split), self.prepared.segments.per_record, together)

    def examples(self, split: str, shown: str = "") -> list[Example]:
        """The questions of a split as the method meets them under an input; without one, under its own.

        Those of training are as in its first epoch, of segments as they are.
        """
        examples = make_examples(
            self.questions(split),
            self.prepared.patients,
            self.view,
            shown=shown or self.own_input,
            segments=self.places(split),
            others=self.others,
        )
        if split == "train" and self.more_weight != 1.0:
            first = len(examples) - len(self.more)
            weighed = [replace(example, weight=self.more_weight) for example in examples[first:]]
            examples = [*examples[:first], *weighed]
        return examples

    def training_groups(self) -> RotatingSegments:
        """The training questions, grouped as they share a segment: another of the record's segments in every epoch.

        Every method meets the same segments, equally often.
        """
        return RotatingSegments(
            self.examples("train"),
            self._ecg_of,
            segments_per_record=self.prepared.segments.per_record,
            together=self.questions_per_segment,
            identity=self.identity,
        )

    def _ecg_of(self, record_id: str, segment: int, epoch: int) -> np.ndarray | None:
        if self.training_ecg is not None:
            return self.training_ecg(record_id, segment, epoch)
        return None if self.view is None else self.view.values[record_id, segment]

    def with_altered(
        self, inputs: Sequence[str], read: Callable[[np.ndarray], Sequence[np.ndarray] | np.ndarray]
    ) -> Shown:
        """The same with noise and shuffled leads beside the test segments, as far as `inputs` ask for them.

        Parameters
        ----------
        inputs : sequence of str
            Of `ecgbyte.data.controls.INPUTS`.
        read : callable
            From signals, float32 [segments, leads, samples] in mV, to what the method sees of each.
        """
        wanted = [shown for shown in ALTERED_INPUTS if shown in inputs]
        if self.view is None or not wanted:
            return self
        questions = self.prepared.questions["test"]
        asked = {(question.record_id, place) for question, place in zip(questions, self.places("test"), strict=True)}
        signals = {
            key: signal
            for key, signal in altered_signals(
                self.prepared.segments, sorted({name for name, _ in asked}), seed=self.seed
            )
            if key[0] in wanted and key[1:] in asked
        }
        altered = dict(zip(signals, read(np.stack(list(signals.values()))), strict=True))
        return replace(self, view=replace(self.view, altered=altered))
