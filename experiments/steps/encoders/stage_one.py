"""Stage 1 of a two-stage method: pretrain an ECG encoder on the training records."""

from __future__ import annotations

import dataclasses
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch

from ecgbyte.data.catalogue import RecordEntry
from ecgbyte.models.running import device_of, to_device
from ecgbyte.training.cost import run_flops
from ecgbyte.training.loop import TrainingReport, TrainingSettings, train
from experiments.steps.encoders.part import EncoderModule
from experiments.steps.segments import Segments

if TYPE_CHECKING:
    from experiments.profiles.encoders import StageOneSettings


def pretrain_encoder(
    folder: Path,
    module: EncoderModule,
    segments: Segments,
    train_entries: Sequence[RecordEntry],
    validation_entries: Sequence[RecordEntry],
    settings: StageOneSettings,
    seed: int,
) -> dict[str, Any]:
    """Stage 1 of one encoder on the training records.

    Parameters
    ----------
    folder : Path
        The step's folder; an interrupted run goes on from there.
    module : EncoderModule
        Of the encoder.
    segments : Segments
    train_entries, validation_entries : sequence of RecordEntry
    settings : StageOneSettings
        Those of the encoder.
    seed : int
        Of weights, masks and the order of the records.

    Returns
    -------
    dict
        ``report``, and in ``quality`` numbers on the validation records before and after training: retrieval
        (`RetrievalRecall`), or the error of rebuilt patches beside that of the mean picture (`ReconstructionError`).
    """
    done = module.pretrain(folder, segments, train_entries, validation_entries, settings, seed)
    return {"report": done.report.to_dict(), "quality": done.quality, "training_flops": done.training_flops}


def train_stage_one(
    folder: Path,
    name: str,
    model: torch.nn.Module,
    examples: Sequence[Any],
    collate: Any,
    settings: StageOneSettings,
    seed: int,
) -> tuple[TrainingReport, int]:
    """Train an encoder as every stage 1 is trained.

    Returns
    -------
    report : TrainingReport
    training_flops : int
        The operations of all steps, from one that stands for all: they are of one size.
    """
    report = train(
        model,
        examples,
        collate,
        TrainingSettings(
            batch_size=min(settings.batch_size, len(examples)),
            epochs=settings.epochs,
            learning_rate=settings.learning_rate,
            schedule="cosine",
            warmup_steps=20,
            seed=seed,
            checkpoint_every=200,
            drop_incomplete_batch=True,
        ),
        output_folder=folder / "training",
        description=f"{name} stage 1",
    )
    device = device_of(model)
    batch = to_device(collate(list(examples[: min(settings.batch_size, len(examples))])), device)
    return report, run_flops(model, [batch], report.samples_seen)


def forget(folder: Path) -> None:
    """An interrupted run may have left it; the weights themselves are in the training folder."""
    shutil.rmtree(folder, ignore_errors=True)


def before_after(before: Any, after: Any) -> dict[str, float]:
    """The numbers of two dataclasses, by name and when they were measured."""
    return {
        f"{name}_{when}": float(value)
        for when, measured in (("before", before), ("after", after))
        for name, value in dataclasses.asdict(measured).items()
    }
