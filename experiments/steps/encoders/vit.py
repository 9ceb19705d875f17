"""A vision transformer over the picture of an ECG, pretrained by masking parts of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from torch import nn

from ecgbyte.data.catalogue import RecordEntry
from ecgbyte.models.encoders.vision_folder import load_vit, save_vit
from ecgbyte.models.encoders.vit import build_vit
from ecgbyte.models.joint import JointModel
from ecgbyte.training.masked_modelling import SignalCollator, SignalExample, reconstruction_error
from ecgbyte.training.processes import open_accelerator
from experiments.profiles.faults import MASK_AT_TEST_TIME
from experiments.steps.encoders.joint import encoder_before
from experiments.steps.encoders.part import StageOne
from experiments.steps.encoders.stage_one import before_after, forget, train_stage_one
from experiments.steps.segments import Segments

if TYPE_CHECKING:
    from experiments.profiles.encoders import VitSettings

NAME = "vit"


def signal_examples(segments: Segments, entries: Sequence[RecordEntry]) -> list[SignalExample]:
    """Every segment of `entries`."""
    return [
        SignalExample(entry.record_id, segments.signal(entry.record_id, number))
        for entry in entries
        for number in range(segments.per_record)
    ]


def pretrain(
    folder: Path,
    segments: Segments,
    train_entries: Sequence[RecordEntry],
    validation_entries: Sequence[RecordEntry],
    settings: VitSettings,
    seed: int,
) -> StageOne:
    """See `experiments.steps.encoders.part.EncoderModule`."""
    examples, held_out = signal_examples(segments, train_entries), signal_examples(segments, validation_entries)
    leads, samples = segments.signals.shape[2:]
    model = build_vit(seed=seed, size=settings.size, leads=leads, samples=samples, normalisation=settings.normalisation)
    model.to(open_accelerator().device)
    before = reconstruction_error(model, held_out, examples, seed=seed)
    report, flops = train_stage_one(folder, NAME, model, examples, SignalCollator(), settings, seed)
    after = reconstruction_error(model, held_out, examples, seed=seed)
    forget(folder / NAME)
    save_vit(folder / NAME, model)
    return StageOne(report, flops, before_after(before, after))


def load(folders: Sequence[Path], *, faults: Sequence[str], seed: int) -> nn.Module:
    """See `experiments.steps.encoders.part.EncoderModule`; the masks of ``mask-at-test-time`` are drawn from `seed`."""
    (folder,) = folders
    return load_vit(folder / NAME).encoder(mask_seed=seed if MASK_AT_TEST_TIME in faults else None).eval()


def build_joint(
    language_model: Any,
    token_map: Any,
    signals: np.ndarray,
    settings: Mapping[str, Any],
    *,
    seed: int,
    **training: Any,
) -> JointModel:
    """See `experiments.steps.encoders.part.EncoderModule`."""
    return encoder_before(NAME, language_model, token_map, signals, settings, seed=seed, **training)
