"""Which examples go into which step: a function of the seed and the epoch alone, so that a run can be resumed."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np

from ecgbyte.training.epochs import EpochExamples, describe_item
from ecgbyte.training.settings import TrainingSettings

# Sorting by length happens within so many steps' worth of shuffled examples, which keeps the order random enough.
_STEPS_PER_BUFFER = 50


def plan_epoch(
    num_examples: int,
    per_step: int,
    *,
    seed: int,
    epoch: int,
    lengths: np.ndarray | None = None,
    drop_incomplete: bool = False,
) -> list[np.ndarray]:
    """Return the examples of every step of one epoch.

    Parameters
    ----------
    num_examples : int
    per_step : int
        Examples per step of the optimiser; the last step may have fewer.
    seed, epoch : int
        Decide the order.
    lengths : int array [num_examples] or None
        Where given, steps hold examples of similar length, longest first within the step, and come in random order.
    drop_incomplete : bool
        Leave out a last step with fewer examples.

    Returns
    -------
    list of int64 arrays
        Indices of examples; each example stands in one step, or in none if it was dropped.
    """
    generator = np.random.default_rng([seed, epoch])
    order = generator.permutation(num_examples)
    if drop_incomplete:
        order = order[: num_examples - num_examples % per_step]
    if lengths is None:
        return [order[first : first + per_step] for first in range(0, len(order), per_step)]
    steps: list[np.ndarray] = []
    buffer_size = per_step * _STEPS_PER_BUFFER
    for first in range(0, len(order), buffer_size):
        buffer = order[first : first + buffer_size]
        buffer = buffer[np.argsort(-lengths[buffer], kind="stable")]
        steps += [buffer[start : start + per_step] for start in range(0, len(buffer), per_step)]
    return [steps[index] for index in generator.permutation(len(steps))]


class PlannedStep(NamedTuple):
    """The epoch of a step, counted from 0, and its examples among those of the epoch, int64 [examples]."""

    epoch: int
    indices: np.ndarray


class StepPlan:
    """Which examples every step of a run takes, and what follows from that.

    Parameters
    ----------
    examples : sequence or EpochExamples
    collate : callable
    settings : TrainingSettings
    total_steps : int
    """

    def __init__(
        self, examples: Sequence[Any] | EpochExamples, collate: Any, settings: TrainingSettings, total_steps: int
    ) -> None:
        self._examples = examples
        self._collate = collate
        self._settings = settings
        self._total = total_steps
        self._per_epoch = settings.steps_per_epoch(len(examples))
        self._lengths_of: tuple[int, np.ndarray] | None = None
        described = (
            examples.described()
            if isinstance(examples, EpochExamples)
            else [describe_item(examples[number]) for number in range(len(examples))]
        )
        self._record_ids = [record_id for record_id, _ in described]
        self._samples = np.array([samples for _, samples in described])

    def items(self, epoch: int) -> Sequence[Any]:
        """Return the examples of one epoch."""
        return self._examples.at_epoch(epoch) if isinstance(self._examples, EpochExamples) else self._examples

    def steps(self, done: int, end: int | None = None) -> Iterator[PlannedStep]:
        """Give the examples of every step after the first `done`, up to step `end`."""
        end = self._total if end is None else end
        for epoch in range(done // self._per_epoch, math.ceil(end / self._per_epoch)):
            steps = plan_epoch(
                len(self._examples),
                self._settings.batch_size * self._settings.gradient_accumulation,
                seed=self._settings.seed,
                epoch=epoch,
                lengths=self._lengths(epoch) if self._settings.group_by_length else None,
                drop_incomplete=self._settings.drop_incomplete_batch,
            )
            first = epoch * self._per_epoch
            for indices in steps[max(0, done - first) : end - first]:
                yield PlannedStep(epoch, indices)

    def following(self, done: int) -> dict[str, Any]:
        """Return what sampler and schedule give for the step after the first `done`, ready for JSON."""
        return {
            "epoch": done // self._per_epoch,
            "step_of_epoch": done % self._per_epoch,
            "examples": next(self.steps(done)).indices.tolist(),
            "learning_rate": self._settings.learning_rate_of(done + 1, self._total),
        }

    def samples_seen(self, done: int) -> int:
        """Return the samples of the first `done` steps."""
        return sum(int(self._samples[step.indices].sum()) for step in self.steps(0, done))

    def distinct_records(self) -> int:
        """Return the number of records that the whole run reads."""
        return len({self._record_ids[index] for step in self.steps(0) for index in step.indices})

    def _lengths(self, epoch: int) -> np.ndarray:
        of_epoch = epoch if isinstance(self._examples, EpochExamples) else 0
        if self._lengths_of is None or self._lengths_of[0] != of_epoch:
            self._lengths_of = (of_epoch, example_lengths(self.items(of_epoch), self._collate))
        return self._lengths_of[1]


def example_lengths(examples: Sequence[Any], collate: Any) -> np.ndarray:
    """Return the positions that each example takes, int [examples].

    Raises
    ------
    ValueError
        If `collate` cannot tell.
    """
    if not hasattr(collate, "length"):
        raise ValueError(f"group_by_length: expected a collate function with length(example), got {collate!r}")
    return np.array([collate.length(example) for example in examples])
