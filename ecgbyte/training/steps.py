"""One step of the optimiser: batches and what they count for, gradients over all of them, and the update."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
import torch
from accelerate import Accelerator

from ecgbyte.models.running import POSITION_MASKS, Batch, to_device
from ecgbyte.training.checkpoints import Progress
from ecgbyte.training.processes import share
from ecgbyte.training.settings import TrainingSettings


def make_optimizer(trained: Sequence[torch.nn.Parameter], settings: TrainingSettings) -> torch.optim.Optimizer:
    """Return the optimiser of the parameters `trained`; weight decay spares norms and biases."""
    matrices = [value for value in trained if value.ndim >= 2]
    others = [value for value in trained if value.ndim < 2]
    groups = [{"params": matrices, "weight_decay": settings.weight_decay}, {"params": others, "weight_decay": 0.0}]
    kind = torch.optim.AdamW if settings.optimizer == "adamw" else torch.optim.Adam
    return kind([group for group in groups if group["params"]], lr=settings.learning_rate, betas=settings.betas)


def prepare_batches(
    examples: Sequence[Any],
    indices: np.ndarray,
    collate: Callable[[list[Any]], Batch],
    settings: TrainingSettings,
    accelerator: Accelerator,
) -> list[tuple[Batch, float]]:
    """Return this process's batches of the examples `indices`, and what each counts for in a mean.

    A batch counts for its labels, or where it has none, for its samples.
    """
    batches = []
    for first in range(0, len(indices), settings.batch_size):
        micro = indices[first : first + settings.batch_size]
        mine = share(micro, accelerator)
        # A process without a sample in the last batch of an epoch computes one at weight 0, to stay in step.
        chosen = [examples[index] for index in (mine if len(mine) else micro[:1])]
        batch = collate(chosen)
        labels = batch.get("labels")
        weight = float(len(mine)) if labels is None else label_weight(batch)
        batches.append((batch, weight if len(mine) else 0.0))
    return batches


def label_weight(batch: Batch) -> float:
    """Return what a batch counts for in a mean over labels: their number, or the sum of their weights."""
    wanted = batch["labels"][:, 1:] != -100
    if "label_weights" in batch:
        return float(batch["label_weights"][:, 1:][wanted].double().sum())
    return float(wanted.sum())


def batch_loss(model: torch.nn.Module, batch: Batch, device: torch.device, precision: str) -> torch.Tensor:
    """Return the loss of one batch, computed on `device`."""
    is_half = precision == "bf16"
    with torch.autocast(device.type, torch.bfloat16, enabled=is_half), inputs_as_they_are(model, is_half):
        loss: torch.Tensor = model(**to_device(batch, device)).loss
    return loss


@contextlib.contextmanager
def inputs_as_they_are(model: torch.nn.Module, is_half: bool) -> Iterator[None]:
    """Keep LoRA from converting its inputs to float32, only for autocast to convert them back."""
    parts = model.modules() if is_half else ()
    converting = [part for part in parts if getattr(part, "cast_input_dtype_enabled", False)]
    for part in converting:
        part.cast_input_dtype_enabled = False
    try:
        yield
    finally:
        for part in converting:
            part.cast_input_dtype_enabled = True


def run_step(
    accelerator: Accelerator,
    model: torch.nn.Module,
    optimizer: Any,
    batches: list[tuple[Batch, float]],
    settings: TrainingSettings,
    progress: Progress,
    learning_rate: float,
) -> None:
    """Take one step of the optimiser and note it in `progress`.

    The loss is the mean over all labels of all batches of all processes.
    """
    number = progress.step + 1
    total = float(accelerator.reduce(torch.tensor(sum(w for _, w in batches), device=accelerator.device), "sum"))
    if total == 0:
        raise ValueError(f"examples: step {number} has no label to learn from")
    for group in optimizer.param_groups:
        group["lr"] = learning_rate
    optimizer.zero_grad(set_to_none=True)
    loss_sum = torch.zeros((), device=accelerator.device)
    counts = torch.zeros(2, dtype=torch.int64)
    for index, (batch, weight) in enumerate(batches):
        for mask in (batch[name] for name in POSITION_MASKS if name in batch and weight):
            counts += torch.tensor([int(mask.sum()), mask.numel()])
        with contextlib.nullcontext() if index == len(batches) - 1 else accelerator.no_sync(model):
            part = batch_loss(model, batch, accelerator.device, settings.precision) * (weight / total)
            # Processes average their gradients; the sum is wanted.
            accelerator.backward(part * accelerator.num_processes)
        loss_sum += part.detach()
    loss = float(accelerator.reduce(loss_sum, "sum"))
    if not math.isfinite(loss):
        raise FloatingPointError(f"training stopped at step {number}: the loss is {loss}")
    if settings.max_gradient_norm is not None:
        norm = float(accelerator.clip_grad_norm_(model.parameters(), settings.max_gradient_norm))
        if not math.isfinite(norm):
            raise FloatingPointError(f"training stopped at step {number}: the gradient's norm is {norm}")
    optimizer.step()
    counts = accelerator.reduce(counts.to(accelerator.device), "sum")
    progress.step = number
    progress.positions += int(counts[0])
    progress.padded_positions += int(counts[1])
    progress.learning_rates.append(float(optimizer.param_groups[0]["lr"]))
    progress.losses.append(loss)
