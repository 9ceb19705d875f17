"""The loss on examples that are not trained on, and how long a run took to reach one."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from accelerate import Accelerator

from ecgbyte.models.running import Batch, evaluation_mode
from ecgbyte.training.checkpoints import Progress
from ecgbyte.training.processes import total
from ecgbyte.training.settings import TrainingReport, TrainingSettings
from ecgbyte.training.steps import batch_loss, prepare_batches
from ecgbyte.training.tensors import trained_state


@dataclass(frozen=True)
class ValidationScore:
    """What the best weights are chosen by, in place of the validation loss.

    Parameters
    ----------
    name : str
        What is measured, on which examples: a run with another name is another run.
    function : callable
        From the model, in evaluation mode and without gradients, to a finite number, the higher the better; the same
        in every process. Or to several measures by name, of which the one called `name` is the score; where one is
        called ``"loss"``, it stands for the validation loss, which then is not measured a second time.
    """

    name: str
    function: Callable[[torch.nn.Module], float | Mapping[str, float]]

    def of(self, model: torch.nn.Module) -> dict[str, float]:
        """Return the measures of a model, that called `name` among them.

        Raises
        ------
        FloatingPointError
            If one is NaN or infinite.
        ValueError
            If none is called `name`.
        """
        found = self.function(model)
        named = found if isinstance(found, Mapping) else {self.name: found}
        values = {name: float(value) for name, value in named.items()}
        if self.name not in values:
            raise ValueError(f"validation_score: none of its measures is called {self.name!r}, got {sorted(values)}")
        for name, value in values.items():
            if not math.isfinite(value):
                raise FloatingPointError(f"the validation score {name!r} is {value}")
        return values


class BestWeights:
    """The weights of the best validation so far, on the CPU."""

    def __init__(self) -> None:
        self.tensors: dict[str, torch.Tensor] | None = None

    def note(self, progress: Progress, model: torch.nn.Module) -> None:
        """Take the weights of `model` if its validation, the last one of `progress`, is the best so far."""
        if best_step(progress.validation) == progress.step:
            self.tensors = {name: value.clone() for name, value in trained_state(model).items()}


class Validation:
    """Measures the mean loss per label (per sample where a batch has no labels) over fixed examples.

    Parameters
    ----------
    examples : sequence
        As `ecgbyte.training.loop.train` takes them.
    collate : callable
    settings : TrainingSettings
        Batch size, precision and seed.
    lengths : int array [examples] or None
        Where given, batches hold examples of similar length.
    score : ValidationScore or None
        Measured beside the loss.
    """

    def __init__(
        self,
        examples: Sequence[Any],
        collate: Callable[[list[Any]], Batch],
        settings: TrainingSettings,
        lengths: np.ndarray | None,
        score: ValidationScore | None = None,
    ) -> None:
        if len(examples) == 0:
            raise ValueError("validation: expected one example at least, got none")
        self._examples = examples
        self._collate = collate
        self._settings = settings
        self._score = score
        self._order = np.arange(len(examples)) if lengths is None else np.argsort(-lengths, kind="stable")

    def record(
        self,
        progress: Progress,
        samples_seen: int,
        model: torch.nn.Module,
        accelerator: Accelerator,
    ) -> None:
        """Measure the loss, note it in `progress` and show it to a tracker."""
        began = time.perf_counter()
        measures: dict[str, float] = {}
        if self._score is not None:
            with evaluation_mode(model), _own_random_state(accelerator.device, self._settings.seed):
                measures = self._score.of(model)
        loss = measures.pop("loss") if "loss" in measures else self.loss(model, accelerator)
        point: dict[str, Any] = {
            "step": progress.step,
            "seconds": progress.seconds,
            "loss": loss,
            "samples_seen": samples_seen,
        }
        measured = {"validation_loss": loss}
        if self._score is not None:
            point["score"] = measured["validation_score"] = measures.pop(self._score.name, loss)
        if measures:
            point["measures"] = measures
        progress.validation_seconds += time.perf_counter() - began
        progress.validation.append(point)
        accelerator.log(measured, step=progress.step)

    def loss(self, model: torch.nn.Module, accelerator: Accelerator) -> float:
        """Return the mean loss, the same in every process; all must call it.

        Modules are in evaluation mode meanwhile. What a model draws (a mask, say) is drawn from the seed, the same each
        time, and the random state of training stays as it was.

        Raises
        ------
        FloatingPointError
            If the loss is NaN or infinite.
        """
        size = self._settings.batch_size
        sums = [0.0, 0.0]
        with evaluation_mode(model), torch.no_grad(), _own_random_state(accelerator.device, self._settings.seed):
            for first in range(0, len(self._order), size):
                indices = self._order[first : first + size]
                batches = prepare_batches(self._examples, indices, self._collate, self._settings, accelerator)
                for batch, weight in batches:
                    loss = batch_loss(model, batch, accelerator.device, self._settings.precision)
                    if weight:
                        sums[0] += float(loss) * weight
                        sums[1] += weight
        summed, labels = total(accelerator, sums)
        if labels == 0:
            raise ValueError("validation: the examples have no label to measure")
        if not math.isfinite(summed):
            raise FloatingPointError(f"the loss over the validation examples is {summed}")
        return summed / labels


def seconds_to_validation_loss(report: TrainingReport, target: float) -> float | None:
    """Return the training seconds after which the validation loss first reached `target`.

    Between two evaluations the loss is taken to be linear in time. Time spent on validation does not count.

    Parameters
    ----------
    report : TrainingReport
        Of a run with validation.
    target : float
        A loss, in nats per label.

    Returns
    -------
    float or None
        None where no evaluation reached it; 0 where the untrained model did.

    Raises
    ------
    ValueError
        If the run had no validation, or `target` is not finite.
    """
    if not report.validation:
        raise ValueError("report: expected one of a run with validation, got one without")
    if not math.isfinite(target):
        raise ValueError(f"target: expected a finite loss, got {target!r}")
    before = None
    for point in report.validation:
        if point["loss"] <= target:
            if before is None:
                return float(point["seconds"])
            share = (before["loss"] - target) / (before["loss"] - point["loss"])
            return float(before["seconds"] + share * (point["seconds"] - before["seconds"]))
        before = point
    return None


def best_step(validation: Sequence[dict[str, Any]]) -> int | None:
    """Return the step with the highest score, or without scores the lowest loss; None where nothing was measured.

    Of equal ones the first.
    """
    if not validation:
        return None
    scored = "score" in validation[0]
    best = min(validation, key=lambda point: (-point["score"] if scored else point["loss"], point["step"]))
    return int(best["step"])


@contextmanager
def _own_random_state(device: torch.device, seed: int) -> Iterator[None]:
    with torch.random.fork_rng(devices=[device] if device.type == "cuda" else []):
        torch.manual_seed(seed)
        yield
