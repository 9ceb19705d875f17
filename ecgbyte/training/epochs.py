"""Examples that change from epoch to epoch: each question asked about another segment of its record.

A record holds more segments than a question is asked about in one epoch. With one segment a question for good, a
language model that is trained for two epochs meets a quarter of the segments, each of them twice; dealt anew in every
epoch, it meets as many as there are epochs. Which segment it is depends on the record, the place of the question among
the record's questions and the epoch alone, so that every method meets the same ones, equally often.
"""

from __future__ import annotations

import hashlib
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from ecgbyte.files import fingerprint
from ecgbyte.training.examples import Example
from ecgbyte.training.identity import examples_fingerprint
from ecgbyte.training.shared_prefix import ExampleGroup, group_examples


class EpochExamples(ABC):
    """Examples of a training run that are a function of the epoch, so that a stopped run goes on with the same ones.

    Example number i has the same record, and counts for as many samples, in every epoch; what of the record is shown,
    and how, may change.
    """

    @abstractmethod
    def __len__(self) -> int:
        """Return the number of examples of an epoch."""

    @abstractmethod
    def at_epoch(self, epoch: int) -> Sequence[Any]:
        """Return the examples of one epoch, counted from 0. The same epoch gives equal examples."""

    @abstractmethod
    def identity(self) -> str:
        """Return what tells these examples, of all epochs, from others."""

    def described(self) -> list[tuple[str, int]]:
        """Return the record and the number of samples of each example, which are the same in every epoch."""
        first = self.at_epoch(0)
        return [describe_item(first[number]) for number in range(len(first))]


def describe_item(item: Any) -> tuple[str, int]:
    """Return the record of an example, and how many samples it counts for; a group of several says so itself."""
    return str(item.record_id), int(getattr(item, "num_samples", 1))


class RotatingSegments(EpochExamples):
    """Questions about records, each asked about another segment in every epoch.

    Parameters
    ----------
    questions : sequence of Example
        Their `ecg` is not looked at.
    ecg_of : callable
        From record id, segment and epoch to what stands for the ECG (see `Example`), or None for text alone. Called
        again whenever an example is asked for, with equal results; without `together` for each question, else once
        for each group.
    segments_per_record : int
    together : int
        Questions at most that are asked about one segment in one step, as an `ExampleGroup`
        (`ecgbyte.training.shared_prefix.group_examples`); 0 gives single examples, each question about a segment of
        its own.
    identity : str
        What tells the ECGs that `ecg_of` gives from others, such as a fingerprint of signals, tokenizer and
        augmentation.

    Raises
    ------
    ValueError
        If there are no questions, or a number is out of range.

    Notes
    -----
    *Thread-safety*: as `ecg_of`.
    """

    def __init__(
        self,
        questions: Sequence[Example],
        ecg_of: Callable[[str, int, int], np.ndarray | None],
        *,
        segments_per_record: int,
        together: int = 0,
        identity: str,
    ) -> None:
        if len(questions) == 0:
            raise ValueError("questions: expected one at least, got none")
        if segments_per_record < 1:
            raise ValueError(f"segments_per_record: expected a positive number, got {segments_per_record}")
        if together < 0:
            raise ValueError(f"together: expected 0 or a positive number, got {together}")
        self._ecg_of = ecg_of
        self._segments_per_record = segments_per_record
        self._together = together
        plain = [replace(question, ecg=None) for question in questions]
        self._items: list[Example] | list[ExampleGroup] = group_examples(plain, together) if together else plain
        self._identity = fingerprint(
            identity, str(segments_per_record), str(together), examples_fingerprint(self._items)
        )
        met: Counter[str] = Counter()
        # Of each item: which of its record's items it is.
        self._numbers = []
        for item in self._items:
            self._numbers.append(met[item.record_id])
            met[item.record_id] += 1

    def __len__(self) -> int:
        return len(self._items)

    def at_epoch(self, epoch: int) -> Sequence[Any]:
        """Return the examples of one epoch; each is made when it is asked for."""
        if epoch < 0:
            raise ValueError(f"epoch: expected 0 or more, got {epoch}")
        return _Epoch(self, epoch)

    def identity(self) -> str:
        return self._identity

    def described(self) -> list[tuple[str, int]]:
        return [describe_item(item) for item in self._items]

    def segment(self, number: int, epoch: int) -> int:
        """Return the segment that example `number` is about in one epoch."""
        record_id = self._items[number].record_id
        return rotated_segment(record_id, self._numbers[number], epoch, self._segments_per_record)

    def item(self, number: int, epoch: int) -> Example | ExampleGroup:
        """Return example or group `number` of one epoch."""
        item = self._items[number]
        ecg = self._ecg_of(item.record_id, self.segment(number, epoch), epoch)
        if isinstance(item, Example):
            return replace(item, ecg=ecg)
        return replace(item, examples=tuple(replace(example, ecg=ecg) for example in item.examples))


class _Epoch(Sequence[Any]):
    """The examples of one epoch, made one at a time: all of them together may not fit into memory."""

    def __init__(self, examples: RotatingSegments, epoch: int) -> None:
        self._examples = examples
        self._epoch = epoch

    def __len__(self) -> int:
        return len(self._examples)

    def __getitem__(self, number: Any) -> Any:
        if isinstance(number, slice):
            return [self._examples.item(place, self._epoch) for place in range(*number.indices(len(self)))]
        place = range(len(self))[number]
        return self._examples.item(place, self._epoch)


def rotated_segment(record_id: str, number: int, epoch: int, segments_per_record: int) -> int:
    """Return which segment of its record a question, or a group of questions, is asked about in one epoch.

    A record's questions are dealt to its segments in turn, and the deal moves on by one segment in every epoch; which
    segment is the first depends on the record's name. Over `segments_per_record` epochs each question meets each
    segment once.

    Parameters
    ----------
    record_id : str
    number : int
        Which of the record's questions, or groups, it is, counted from 0.
    epoch : int
        Counted from 0.
    segments_per_record : int
    """
    first = int.from_bytes(hashlib.sha256(record_id.encode()).digest()[:8], "little")
    return (first + number + epoch) % segments_per_record
