"""Seconds of training steps, layouts of a batch side by side: padded as published, padded less, packed, shared."""

from __future__ import annotations

import copy
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import nn

from ecgbyte.models.language.packed_attention import why_not_packed
from ecgbyte.models.running import POSITION_MASKS, Batch, to_device
from ecgbyte.training.batches import plan_epoch
from ecgbyte.training.collate import Collator
from ecgbyte.training.cost import batch_size_of, count_step_flops, spread_over_sizes
from ecgbyte.training.examples import Example
from ecgbyte.training.memory import PeakMemory
from ecgbyte.training.packing import PackedCollator
from ecgbyte.training.processes import open_accelerator
from ecgbyte.training.shared_prefix import SharedPrefixCollator, group_examples
from ecgbyte.training.steps import batch_loss
from experiments.steps.learning import Learner, LearningSettings, build_learner
from experiments.steps.readers.reading import Reader
from experiments.steps.shown import Shown

_Collate = Callable[[Any], Mapping[str, Any]]


@dataclass(frozen=True)
class TimedLayout:
    """What training steps of one layout cost.

    Attributes
    ----------
    seconds_per_sample : list of float
        One value a round: the seconds of all its steps over their samples.
    samples : int
        Samples of a round.
    positions, padded_positions : int
        Positions of a round without padding and as computed; of batches without positions, their samples.
    flops_per_sample : float
        Operations, forward and backward.
    peak_memory_bytes : int
        The most over all rounds; see `ecgbyte.training.memory.PeakMemory`.
    """

    seconds_per_sample: list[float]
    samples: int
    positions: int
    padded_positions: int
    flops_per_sample: float
    peak_memory_bytes: int

    def of_training(self, samples: int) -> dict[str, Any]:
        """Return the seconds a sample of each round, and what a training of so many samples takes in this layout."""
        return {
            "seconds": self.seconds_per_sample,
            "positions": round(self.positions / self.samples * samples),
            "padded_positions": round(self.padded_positions / self.samples * samples),
            "flops": self.flops_per_sample * samples,
            "peak_memory_bytes": self.peak_memory_bytes,
        }


def time_method(
    reader: Reader, settings: LearningSettings, shown: Shown, *, rounds: int, padded_length: int
) -> dict[str, Any]:
    """Time a method's training steps in every layout: the work of a step.

    Parameters
    ----------
    reader, settings, shown
        As the method is trained with.
    rounds, padded_length : int
        As in `time_steps`.

    Returns
    -------
    dict
        ``timed_steps``: by layout, `TimedLayout.of_training` of the whole training.
    """
    examples, training = shown.examples("train"), settings.training
    timed = time_steps(
        build_learner(reader, settings, examples),
        examples,
        batch_size=training.batch_size,
        rounds=rounds,
        padded_length=padded_length,
        questions_per_segment=training.questions_per_segment,
        learning_rate=settings.learning_rate,
        precision=training.precision,
        seed=settings.seed,
    )
    samples = training.epochs * len(examples)
    return {"timed_steps": {name: layout.of_training(samples) for name, layout in timed.items()}}


def time_steps(
    learner: Learner,
    examples: Sequence[Example],
    *,
    batch_size: int,
    rounds: int,
    steps: int = 4,
    padded_length: int = 1024,
    questions_per_segment: int = 4,
    learning_rate: float = 1e-3,
    precision: str = "no",
    seed: int = 0,
) -> dict[str, TimedLayout]:
    """Time training steps of one method in four layouts, which see the same questions.

    A step does all that a step of training does: batch, forward, backward, clipping, optimiser. Layouts take turns,
    each beginning a round in turn, so that what slows the machine slows all; a round before the first warms up and is
    not counted. The weights of `learner` are changed.

    Parameters
    ----------
    learner : Learner
    examples : sequence of Example
        The training examples.
    batch_size : int
        Questions of a step.
    rounds : int
        How often each layout is timed.
    steps : int
        Steps of a round. Their ECGs are drawn over the lengths of all, from short to long.
    padded_length : int
        Positions of the layout that is always padded to the same length.
    questions_per_segment : int
        Questions at most about one ECG, in all layouts.
    learning_rate : float
    precision : "no" or "bf16"
    seed : int
        Of the order in which steps are put together.

    Returns
    -------
    dict of str to TimedLayout
        ``str(padded_length)``, ``"none"`` (padded to the longest of the batch), ``"packed"`` and ``"shared"``.
        ``"packed"`` is missing where the language model cannot keep packed sequences apart; with labels on padding
        only the first is left.

    Raises
    ------
    ValueError
        If there are no examples, or a number is not positive.
    """
    _check_positive(batch_size=batch_size, rounds=rounds, steps=steps)
    collator = learner.collator
    groups = group_examples(examples, questions_per_segment)
    chosen = [[groups[i] for i in step] for step in _draw(groups, collator, batch_size, steps, seed)]
    apart = [[example for group in step for example in group.examples] for step in chosen]
    padded = copy.copy(collator)
    padded.pad_to = padded_length
    layouts: dict[str, tuple[_Collate, list[list[Any]]]] = {str(padded_length): (padded, apart)}
    # Labels on padding, as published, are another training wherever there is less padding.
    if not collator.padding_in_labels:
        layouts["none"] = (collator, apart)
        if why_not_packed(learner.model.plain_language_model, longest=collator.max_length) is None:
            layouts["packed"] = (PackedCollator(collator), apart)
        layouts["shared"] = (SharedPrefixCollator(collator), chosen)
    samples = sum(len(step) for step in apart)
    return _time(learner.model, layouts, samples, rounds, learning_rate=learning_rate, precision=precision)


def _time(
    model: nn.Module,
    layouts: Mapping[str, tuple[_Collate, list[list[Any]]]],
    samples: int,
    rounds: int,
    *,
    learning_rate: float,
    precision: str,
) -> dict[str, TimedLayout]:
    device = open_accelerator().device
    model.to(device)
    trained = [value for value in model.parameters() if value.requires_grad]
    optimizer = torch.optim.AdamW(trained, lr=learning_rate)
    model.train()

    def one_round(name: str) -> float:
        collate, steps = layouts[name]
        started = time.perf_counter()
        for items in steps:
            optimizer.zero_grad(set_to_none=True)
            loss = batch_loss(model, collate(items), device, precision)
            loss.backward()
            torch.nn.utils.clip_grad_norm_(trained, 1.0)
            optimizer.step()
            # Reading the loss waits for a device that works in the background.
            loss.item()
        return time.perf_counter() - started

    names = list(layouts)
    seconds: dict[str, list[float]] = {name: [] for name in names}
    peaks: dict[str, list[int]] = {name: [] for name in names}
    for number in range(rounds + 1):
        first = number % len(names)
        for name in names[first:] + names[:first]:
            memory = PeakMemory(device)
            taken = one_round(name)
            if number:
                seconds[name].append(taken / samples)
                peaks[name].append(memory.bytes())
    optimizer.zero_grad(set_to_none=True)
    result = {}
    for name, (collate, steps) in layouts.items():
        batches = [to_device(collate(items), device) for items in steps]
        flops = sum(count_step_flops(model, batch) for batch in batches)
        result[name] = TimedLayout(
            seconds_per_sample=seconds[name],
            samples=samples,
            positions=sum(_positions(batch) for batch in batches),
            padded_positions=sum(batch_size_of(batch) for batch in batches),
            flops_per_sample=flops / samples,
            peak_memory_bytes=max(peaks[name]),
        )
    model.eval()
    return result


def _positions(batch: Batch) -> int:
    masks = [batch[name] for name in POSITION_MASKS if name in batch]
    return sum(int(mask.sum()) for mask in masks) if masks else batch_size_of(batch)


def _draw(groups: Sequence[Any], collator: Collator, batch_size: int, steps: int, seed: int) -> list[list[int]]:
    """Groups of each step: steps as training puts them together, those that stand for all lengths.

    A step has `batch_size` questions, as far as whole groups allow.
    """
    if not groups:
        raise ValueError("examples: expected one at least, got none")
    lengths = np.array([collator.length(group.examples[0]) for group in groups])
    largest = max(1, round(batch_size * len(groups) / sum(group.num_samples for group in groups)))
    planned = plan_epoch(len(groups), largest, seed=seed, epoch=0, drop_incomplete=len(groups) > largest)
    chosen = spread_over_sizes([int(lengths[step].sum()) for step in planned], steps)
    return [[int(index) for index in planned[place]] for place in chosen]


def _check_positive(**numbers: int) -> None:
    for name, value in numbers.items():
        if value < 1:
            raise ValueError(f"{name}: expected a positive number, got {value}")
