"""The training loop, for every model of this project: ``model(**batch)`` returns an object with ``.loss``.

Accelerate places model and batches and joins several processes; what the published code got wrong is done here in
plain sight: the loss of a step is the mean over its labels whatever the accumulation, the schedule counts steps of
the optimiser, and a run that was stopped continues with the optimiser, the schedule and the random state it had.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import torch
from accelerate import Accelerator

from ecgbyte.models.running import Batch
from ecgbyte.progress import progress_bar
from ecgbyte.training.batches import StepPlan, example_lengths
from ecgbyte.training.checkpoints import (
    Progress,
    is_finished,
    load_best,
    load_checkpoint,
    load_finished,
    newest_checkpoint,
    read_progress,
    remove_checkpoints,
    save_checkpoint,
    save_finished,
)
from ecgbyte.training.epochs import EpochExamples
from ecgbyte.training.fitting import check_fit
from ecgbyte.training.identity import run_identity
from ecgbyte.training.memory import PeakMemory
from ecgbyte.training.processes import agree, gather_rows, named_trained, open_accelerator, process_seed
from ecgbyte.training.settings import TrainingReport, TrainingSettings
from ecgbyte.training.steps import make_optimizer, prepare_batches, run_step
from ecgbyte.training.tensors import put_trained_state
from ecgbyte.training.tracking import tracked, tracking_options
from ecgbyte.training.validation import BestWeights, Validation, ValidationScore, best_step

__all__ = ["TrainingReport", "TrainingSettings", "train"]

_FINISHED, _NEW = -2, -1


def train(
    model: torch.nn.Module,
    examples: Sequence[Any] | EpochExamples,
    collate: Callable[[list[Any]], Batch],
    settings: TrainingSettings,
    *,
    output_folder: str | os.PathLike[str] | None = None,
    validation: Sequence[Any] | None = None,
    validation_score: ValidationScore | None = None,
    tracking: str | None = None,
    progress: bool = True,
    description: str = "",
) -> TrainingReport:
    """Train `model` on `examples`; on return it holds the trained weights and is in evaluation mode.

    Parameters
    ----------
    model : torch.nn.Module
        ``model(**batch).loss`` is a scalar: where a batch has ``labels``, the mean over the labels that are not -100,
        of those shifted by one position; else a mean over its samples.
    examples : sequence or EpochExamples
        Anything with a ``record_id``; as `ecgbyte.training.epochs.EpochExamples`, others in every epoch.
    collate : callable
        From a list of examples to a dict of tensors. Where it builds sequences, what does not fit is told before the
        first step (`ecgbyte.training.fitting`), and the counts go into the report; `TrainingSettings.group_by_length`
        needs ``length(example)``.
    settings : TrainingSettings
    output_folder : path-like or None
        Where checkpoints and the end of the run are kept. A stopped run continues from the newest checkpoint and on a
        CPU ends with the same bits as one that was not stopped; a finished one is loaded, not trained again. Several
        processes must all see it.
    validation : sequence or None
        Examples whose loss is measured and not trained on; it changes no weight. `TrainingSettings.validate_every`
        says how often.
    validation_score : ValidationScore or None
        What the best weights are chosen by (`TrainingSettings.keep`), measured whenever the loss over `validation` is;
        None chooses by this loss.
    tracking : "tensorboard", "trackio", "wandb" or None
        Where losses and learning rates are drawn as they come; see `ecgbyte.training.tracking`.
    progress : bool
        Whether to draw a progress bar on standard error.
    description : str
        Names the run on the progress bar, in tracking and in the report.

    Returns
    -------
    TrainingReport
        The same in every process.

    Raises
    ------
    ValueError
        If examples do not fit (all are named), if there are none, nothing is to be trained, or `output_folder` holds
        another run; if `tracking` is unknown, or a launcher has settings that are `settings`' to say.
    ImportError
        If the package of `tracking` is not installed.
    FloatingPointError
        If a loss or a gradient norm is NaN or infinite; the message names the step.

    Notes
    -----
    With several processes (see ``docs/training.md``) each computes its part of every batch.
    """
    if len(examples) == 0:
        raise ValueError("examples: expected one at least, got none")
    trained = named_trained(model)
    if not trained:
        raise ValueError("model: expected a parameter with requires_grad, got none")
    if settings.validate_every is not None and validation is None:
        raise ValueError("validation: expected examples, because validate_every is set, got None")
    if validation is None and (settings.keep == "best" or validation_score is not None):
        raise ValueError("validation: expected examples, by which the best weights are chosen, got None")
    total_steps = settings.total_steps(len(examples))
    accelerator = open_accelerator(**tracking_options(tracking, output_folder))
    folder = None if output_folder is None else Path(output_folder)
    score_name = None if validation_score is None else validation_score.name
    identity = run_identity(settings, examples, trained, collate, validation, score_name) if folder or tracking else {}
    found = agree(accelerator, _NEW if folder is None else _find(folder))
    if folder is not None and found == _FINISHED:
        content = load_finished(folder, model, identity)
        model.to(accelerator.device).eval()
        if accelerator.is_main_process:
            remove_checkpoints(folder)
        try:
            return TrainingReport.from_dict(content)
        except ValueError as error:
            raise ValueError(f"output_folder: {folder}: {error}") from error
    fit = check_fit(examples, collate, "training")
    if validation is not None:
        check_fit(validation, collate, "validation")
    counts = (sum(value.numel() for value in trained.values()), sum(value.numel() for value in model.parameters()))
    plan = StepPlan(examples, collate, settings, total_steps)
    measure = None
    if validation is not None:
        lengths = example_lengths(validation, collate) if settings.group_by_length else None
        measure = Validation(validation, collate, settings, lengths, validation_score)
    best = BestWeights() if settings.keep == "best" else None
    on_gpu = accelerator.device.type == "cuda"
    with torch.random.fork_rng(devices=[accelerator.device] if on_gpu else []):
        torch.manual_seed(process_seed(settings.seed, accelerator.process_index))
        memory = PeakMemory(accelerator.device)
        model, optimizer = accelerator.prepare(model, make_optimizer(list(trained.values()), settings))
        plain = accelerator.unwrap_model(model)
        state = Progress()
        if folder is not None and found != _NEW:
            state, following = read_progress(folder, found, identity)
            if following != plan.following(state.step):
                raise ValueError(f"output_folder: {folder}: this version draws other steps than the checkpoint's")
            load_checkpoint(folder, found, plain, optimizer, accelerator=accelerator)
            if best is not None:
                best.tensors = load_best(folder, found)
        resumed_from = state.step
        model.train()
        with (
            tracked(
                accelerator,
                tracking,
                description=description,
                identity=identity,
                settings=settings.to_dict(),
                step=state.step,
            ),
            progress_bar(
                None,
                description or "training",
                "step",
                total=total_steps,
                initial=state.step,
                shown=progress and accelerator.is_main_process,
            ) as bar,
        ):
            if measure is not None and not state.validation:
                measure.record(state, 0, plain, accelerator)
                if best is not None:
                    best.note(state, plain)
            started = time.perf_counter()
            for epoch, indices in plan.steps(state.step):
                batches = prepare_batches(plan.items(epoch), indices, collate, settings, accelerator)
                state.data_wait_seconds += time.perf_counter() - started
                rate = settings.learning_rate_of(state.step + 1, total_steps)
                run_step(accelerator, model, optimizer, batches, settings, state, rate)
                state.seconds += time.perf_counter() - started
                state.peak_memory_bytes = max(state.peak_memory_bytes, memory.bytes())
                accelerator.log({"loss": state.losses[-1], "learning_rate": rate}, step=state.step)
                bar.set_postfix(loss=f"{state.losses[-1]:.4f}", refresh=False)
                bar.update()
                if measure is not None and (_due(settings.validate_every, state.step) or state.step == total_steps):
                    measure.record(state, plan.samples_seen(state.step), plain, accelerator)
                    if best is not None:
                        best.note(state, plain)
                if folder is not None and _due(settings.checkpoint_every, state.step) and state.step < total_steps:
                    following = plan.following(state.step)
                    save_checkpoint(
                        folder,
                        plain,
                        optimizer,
                        state,
                        identity,
                        following=following,
                        accelerator=accelerator,
                        best=None if best is None else best.tensors,
                    )
                started = time.perf_counter()
    plain.eval()
    if best is not None and best.tensors is not None:
        put_trained_state(plain, best.tensors)
    _join(accelerator, state)
    report = TrainingReport(
        description=description,
        settings=settings.to_dict(),
        steps=total_steps,
        seconds=state.seconds,
        seconds_per_step=state.seconds / total_steps,
        samples_seen=plan.samples_seen(total_steps),
        distinct_records=plan.distinct_records(),
        positions=state.positions,
        padded_positions=state.padded_positions,
        losses=state.losses,
        learning_rates=state.learning_rates,
        parameters_trained=counts[0],
        parameters_total=counts[1],
        device=accelerator.device.type if accelerator.num_processes > 1 else str(accelerator.device),
        precision=settings.precision,
        processes=accelerator.num_processes,
        truncation=None if fit is None else fit.to_dict(),
        resumed_from_step=resumed_from,
        data_wait_seconds=state.data_wait_seconds,
        peak_memory_bytes=state.peak_memory_bytes,
        peak_memory_kind=memory.kind,
        validation=state.validation,
        validation_seconds=state.validation_seconds if validation is not None else None,
        best_validation_step=best_step(state.validation),
        kept_step=total_steps if best is None else best_step(state.validation),
    )
    if folder is not None:
        save_finished(folder, plain, report.to_dict(), identity, accelerator=accelerator)
    accelerator.wait_for_everyone()
    return report


def _find(folder: Path) -> int:
    if is_finished(folder):
        return _FINISHED
    newest = newest_checkpoint(folder)
    return _NEW if newest is None else newest


def _due(every: int | None, step: int) -> bool:
    return every is not None and step % every == 0


def _join(accelerator: Accelerator, state: Progress) -> None:
    """Make what every process measured one report: the first one's clock, the longest wait, the most memory."""
    clocks = [state.seconds, state.validation_seconds, *(point["seconds"] for point in state.validation)]
    row = torch.tensor(
        [state.data_wait_seconds, float(state.peak_memory_bytes), *clocks],
        dtype=torch.float32 if accelerator.device.type == "mps" else torch.float64,
    )
    rows = gather_rows(accelerator, row)
    state.data_wait_seconds, state.peak_memory_bytes = float(rows[:, 0].max()), int(rows[:, 1].max())
    state.seconds, state.validation_seconds, *seconds = rows[0, 2:].tolist()
    for point, value in zip(state.validation, seconds, strict=True):
        point["seconds"] = value
