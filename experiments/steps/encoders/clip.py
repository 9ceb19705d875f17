"""CLIP over the picture of an ECG, pretrained beside the reports."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from torch import nn

from ecgbyte.data.catalogue import RecordEntry
from ecgbyte.models.encoders.clip import OWN_TEXT_ENCODER, build_clip
from ecgbyte.models.encoders.vision_folder import load_clip, save_clip
from ecgbyte.models.encoders.vit import is_pretrained
from ecgbyte.models.joint import JointModel
from ecgbyte.models.language.text_tokenizer import train_text_tokenizer
from experiments.steps.encoders.contrastive import contrastive_examples, pretrain_contrastive
from experiments.steps.encoders.joint import encoder_before
from experiments.steps.encoders.part import StageOne
from experiments.steps.segments import Segments

if TYPE_CHECKING:
    from experiments.profiles.encoders import ClipSettings

NAME = "clip"


def pretrain(
    folder: Path,
    segments: Segments,
    train_entries: Sequence[RecordEntry],
    validation_entries: Sequence[RecordEntry],
    settings: ClipSettings,
    seed: int,
) -> StageOne:
    """See `experiments.steps.encoders.part.EncoderModule`."""
    examples = contrastive_examples(segments, train_entries)
    text_encoder = OWN_TEXT_ENCODER if settings.text_encoder == "tiny" else settings.text_encoder
    tokenizer = None
    # A pretrained CLIP brings the tokenizer of its text tower.
    if text_encoder == OWN_TEXT_ENCODER and not is_pretrained(settings.size):
        tokenizer = train_text_tokenizer((example.report for example in examples), vocabulary_size=1024)
    leads, samples = segments.signals.shape[2:]

    def build() -> Any:
        return build_clip(
            size=settings.size,
            leads=leads,
            samples=samples,
            normalisation=settings.normalisation,
            seed=seed,
            text_encoder=text_encoder,
            tokenizer=tokenizer,
            identical_reports=settings.identical_reports,
        )

    held_out = contrastive_examples(segments, validation_entries)
    return pretrain_contrastive(folder, NAME, examples, held_out, build, save_clip, settings, seed)


def load(folders: Sequence[Path], *, faults: Sequence[str], seed: int) -> nn.Module:
    """See `experiments.steps.encoders.part.EncoderModule`; CLIP has no fault at this place."""
    (folder,) = folders
    encoder: nn.Module = load_clip(folder / NAME).ecg_encoder
    return encoder.eval()


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
