"""The training loop, for every model of this project: ``model(**batch)`` returns an object with ``.loss``.

Accelerate places model and batches and joins several processes; what the published code got wrong is done here in
plain sight: the loss of a step is the mean over its labels whatever the accumulation, the schedule counts steps of
the optimiser, and a run that was stopped continues with the optimiser, the schedule and the random state it had.
"""

from __future__ import annotations

import contextlib
import dataclasses
import math
import os
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from accelerate import Accelerator
from tqdm import tqdm

from ecgbyte.files import fingerprint
from ecgbyte.training.batches import plan_epoch
from ecgbyte.training.checkpoints import (
    Progress,
    load_checkpoint,
    load_finished,
    save_checkpoint,
    save_finished,
)
from ecgbyte.training.schedules import learning_rate_at
from ecgbyte.training.settings import TrainingReport, TrainingSettings

__all__ = ["TrainingReport", "TrainingSettings", "train"]

Batch = dict[str, Any]
# The masks of a batch's positions in the language model; see `ecgbyte.training.shared_prefix` for the second.
_POSITION_MASKS = ("attention_mask", "suffix_attention_mask")


def train(
    model: torch.nn.Module,
    examples: Sequence[Any],
    collate: Callable[[list[Any]], Batch],
    settings: TrainingSettings,
    *,
    output_folder: str | os.PathLike[str] | None = None,
    progress: bool = True,
    description: str = "",
) -> TrainingReport:
    """Train `model` on `examples`; on return it holds the trained weights and is in evaluation mode.

    Parameters
    ----------
    model : torch.nn.Module
        ``model(**batch).loss`` is a scalar: where a batch has ``labels``, the mean over the labels that are not -100,
        of those shifted by one position; else a mean over its samples.
    examples : sequence
        Anything with a ``record_id``.
    collate : callable
        From a list of examples to a dict of tensors. Where it has ``truncation(examples)``, the counts go into the
        report; `TrainingSettings.group_by_length` needs ``length(example)``.
    settings : TrainingSettings
    output_folder : path-like or None
        Where checkpoints and the end of the run are kept. A stopped run continues from the newest checkpoint and on a
        CPU ends with the same bits as one that was not stopped; a finished one is loaded, not trained again.
    progress : bool
        Whether to draw a progress bar on standard error.
    description : str
        Names the run on the progress bar and in the report.

    Returns
    -------
    TrainingReport

    Raises
    ------
    ValueError
        If there are no examples, nothing to train, or `output_folder` holds another run.
    FloatingPointError
        If a loss or a gradient norm is NaN or infinite; the message names the step.
    """
    if len(examples) == 0:
        raise ValueError("examples: expected one at least, got none")
    trained = [(name, value) for name, value in model.named_parameters() if value.requires_grad]
    if not trained:
        raise ValueError("model: expected a parameter with requires_grad, got none")
    total_steps = settings.total_steps(len(examples))
    folder = None if output_folder is None else Path(output_folder)
    identity = _identity(settings, examples, trained, collate) if folder is not None else {}
    if folder is not None:
        finished = load_finished(folder, model, identity)
        if finished is not None:
            model.to(Accelerator().device).eval()
            known = {entry.name for entry in dataclasses.fields(TrainingReport)}
            if set(finished) != known:
                raise ValueError(f"output_folder: the report in {folder} has not the fields {', '.join(sorted(known))}")
            return TrainingReport(**finished)
    lengths = _lengths(examples, collate) if settings.group_by_length else None
    accelerator = Accelerator()
    devices = [accelerator.device] if accelerator.device.type == "cuda" else []
    with torch.random.fork_rng(devices=devices):
        torch.manual_seed(settings.seed)
        model, optimizer = accelerator.prepare(model, _optimizer(trained, settings))
        plain = accelerator.unwrap_model(model)
        state = Progress(0, 0.0, 0, 0, [], [])
        if folder is not None:
            state = load_checkpoint(folder, plain, optimizer, identity) or state
        resumed_from = state.step
        model.train()
        bar = tqdm(
            total=total_steps,
            initial=state.step,
            desc=description or "training",
            unit="step",
            file=sys.stderr,
            disable=not (progress and accelerator.is_main_process),
        )
        with bar:
            started = time.perf_counter()
            for indices in _remaining_steps(len(examples), settings, total_steps, state.step, lengths):
                loss = _step(accelerator, model, optimizer, examples, indices, collate, settings, state, total_steps)
                state.step += 1
                now = time.perf_counter()
                state.seconds += now - started
                state.losses.append(loss)
                bar.set_postfix(loss=f"{loss:.4f}", refresh=False)
                bar.update()
                due = settings.checkpoint_every is not None and state.step % settings.checkpoint_every == 0
                if folder is not None and due and state.step < total_steps and accelerator.is_main_process:
                    save_checkpoint(folder, plain, optimizer, state, identity)
                started = time.perf_counter()
    plain.eval()
    seen = list(_remaining_steps(len(examples), settings, total_steps, 0, lengths))
    report = TrainingReport(
        description=description,
        settings=settings.to_dict(),
        steps=total_steps,
        seconds=state.seconds,
        seconds_per_step=state.seconds / total_steps,
        samples_seen=int(sum(_num_samples(examples[index]) for indices in seen for index in indices)),
        distinct_records=len({examples[index].record_id for index in np.unique(np.concatenate(seen))}),
        positions=state.positions,
        padded_positions=state.padded_positions,
        losses=state.losses,
        learning_rates=state.learning_rates,
        parameters_trained=sum(value.numel() for _, value in trained),
        parameters_total=sum(value.numel() for value in plain.parameters()),
        device=str(accelerator.device),
        precision=settings.precision,
        processes=accelerator.num_processes,
        truncation=collate.truncation(examples).to_dict() if hasattr(collate, "truncation") else None,
        resumed_from_step=resumed_from,
    )
    if folder is not None and accelerator.is_main_process:
        save_finished(folder, plain, report.to_dict(), identity)
    accelerator.wait_for_everyone()
    return report


def _step(
    accelerator: Accelerator,
    model: torch.nn.Module,
    optimizer: Any,
    examples: Sequence[Any],
    indices: np.ndarray,
    collate: Callable[[list[Any]], Batch],
    settings: TrainingSettings,
    state: Progress,
    total_steps: int,
) -> float:
    """One step of the optimiser over the examples `indices`; returns its loss."""
    batches = []
    for first in range(0, len(indices), settings.batch_size):
        micro = indices[first : first + settings.batch_size]
        mine = micro[accelerator.process_index :: accelerator.num_processes]
        # A process without a sample in the last batch of an epoch computes one at weight 0, to stay in step.
        batch = collate([examples[index] for index in (mine if len(mine) else micro[:1])])
        batches.append((batch, _weight(batch, len(mine)) if len(mine) else 0))
    total = int(accelerator.reduce(torch.tensor(sum(w for _, w in batches), device=accelerator.device), "sum"))
    if total == 0:
        raise ValueError(f"examples: step {state.step + 1} has no label to learn from")
    number = state.step + 1
    rate = learning_rate_at(
        number,
        schedule=settings.schedule,
        peak=settings.learning_rate,
        warmup_steps=settings.warmup_steps,
        total_steps=total_steps,
    )
    for group in optimizer.param_groups:
        group["lr"] = rate
    optimizer.zero_grad(set_to_none=True)
    loss_sum = torch.zeros((), device=accelerator.device)
    counts = torch.zeros(2, dtype=torch.int64)
    for last, (batch, weight) in _mark_last(batches):
        for mask in (batch[name] for name in _POSITION_MASKS if name in batch and weight):
            counts += torch.tensor([int(mask.sum()), mask.numel()])
        batch = {
            name: value.to(accelerator.device) if torch.is_tensor(value) else value for name, value in batch.items()
        }
        with contextlib.nullcontext() if last else accelerator.no_sync(model):
            with torch.autocast(accelerator.device.type, torch.bfloat16, enabled=settings.precision == "bf16"):
                loss = model(**batch).loss
            part = loss * (weight / total)
            # Processes average their gradients; the sum is wanted.
            accelerator.backward(part * accelerator.num_processes)
        loss_sum += part.detach()
    loss_value = float(accelerator.reduce(loss_sum, "sum"))
    if not math.isfinite(loss_value):
        raise FloatingPointError(f"training stopped at step {number}: the loss is {loss_value}")
    if settings.max_gradient_norm is not None:
        norm = float(accelerator.clip_grad_norm_(model.parameters(), settings.max_gradient_norm))
        if not math.isfinite(norm):
            raise FloatingPointError(f"training stopped at step {number}: the gradient's norm is {norm}")
    optimizer.step()
    counts = accelerator.reduce(counts.to(accelerator.device), "sum")
    state.positions += int(counts[0])
    state.padded_positions += int(counts[1])
    state.learning_rates.append(float(optimizer.param_groups[0]["lr"]))
    return loss_value


def _num_samples(example: Any) -> int:
    """What an example counts for; a group of several says so itself."""
    return int(getattr(example, "num_samples", 1))


def _weight(batch: Batch, num_samples: int) -> int:
    """What a batch counts for in its step: its labels, or else its samples."""
    labels = batch.get("labels")
    return num_samples if labels is None else int((labels[:, 1:] != -100).sum())


def _mark_last(items: list[Any]) -> Iterator[tuple[bool, Any]]:
    for index, item in enumerate(items):
        yield index == len(items) - 1, item


def _remaining_steps(
    num_examples: int, settings: TrainingSettings, total_steps: int, done: int, lengths: np.ndarray | None
) -> Iterator[np.ndarray]:
    """Give the examples of every step after the first `done`."""
    per_epoch = settings.steps_per_epoch(num_examples)
    for epoch in range(done // per_epoch, math.ceil(total_steps / per_epoch)):
        steps = plan_epoch(
            num_examples,
            settings.batch_size * settings.gradient_accumulation,
            seed=settings.seed,
            epoch=epoch,
            lengths=lengths,
            drop_incomplete=settings.drop_incomplete_batch,
        )
        first = epoch * per_epoch
        yield from steps[max(0, done - first) : total_steps - first]


def _lengths(examples: Sequence[Any], collate: Any) -> np.ndarray:
    if not hasattr(collate, "length"):
        raise ValueError(f"group_by_length: expected a collate function with length(example), got {collate!r}")
    return np.array([collate.length(example) for example in examples])


def _optimizer(trained: list[tuple[str, torch.nn.Parameter]], settings: TrainingSettings) -> torch.optim.Optimizer:
    matrices = [value for _, value in trained if value.ndim >= 2]
    others = [value for _, value in trained if value.ndim < 2]
    groups = [{"params": matrices, "weight_decay": settings.weight_decay}, {"params": others, "weight_decay": 0.0}]
    kind = torch.optim.AdamW if settings.optimizer == "adamw" else torch.optim.Adam
    return kind([group for group in groups if group["params"]], lr=settings.learning_rate, betas=settings.betas)


def _identity(
    settings: TrainingSettings,
    examples: Sequence[Any],
    trained: list[tuple[str, torch.nn.Parameter]],
    collate: Any,
) -> dict[str, Any]:
    """What must be the same for a run to be continued. The distance between checkpoints changes nothing."""
    fields = {name: value for name, value in settings.to_dict().items() if name != "checkpoint_every"}
    shapes = "\n".join(f"{name} {list(value.shape)}" for name, value in trained)
    return {
        **fields,
        "examples": fingerprint(*(part for example in examples for part in _parts(example))),
        "parameters": fingerprint(shapes),
        "collate": collate.settings() if hasattr(collate, "settings") else {},
    }


def _parts(example: Any) -> Iterator[str | bytes | np.ndarray]:
    yield str(example.record_id)
    for entry in dataclasses.fields(example) if dataclasses.is_dataclass(example) else ():
        value = getattr(example, entry.name)
        if isinstance(value, torch.Tensor):
            value = value.detach().cpu().numpy()
        if isinstance(value, str | bytes | np.ndarray):
            yield value
        elif isinstance(value, tuple) and value and all(dataclasses.is_dataclass(item) for item in value):
            for item in value:
                yield from _parts(item)
        elif value is None or isinstance(value, int | float | tuple):
            yield repr(value)
