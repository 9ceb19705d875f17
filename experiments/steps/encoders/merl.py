"""MERL: a 1-D residual network over the samples, pretrained beside the reports."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from torch import nn

from ecgbyte.data.catalogue import RecordEntry
from ecgbyte.models.encoders.merl import build_merl
from ecgbyte.models.encoders.merl_folder import load_merl_encoder, save_merl
from ecgbyte.models.joint import JointModel
from ecgbyte.models.language.text_tokenizer import train_text_tokenizer
from experiments.steps.encoders.contrastive import contrastive_examples, pretrain_contrastive
from experiments.steps.encoders.joint import encoder_before
from experiments.steps.encoders.part import StageOne
from experiments.steps.segments import Segments

if TYPE_CHECKING:
    from experiments.profiles.encoders import MerlSettings

NAME = "merl"


def pretrain(
    folder: Path,
    segments: Segments,
    train_entries: Sequence[RecordEntry],
    validation_entries: Sequence[RecordEntry],
    settings: MerlSettings,
    seed: int,
) -> StageOne:
    """See `experiments.steps.encoders.part.EncoderModule`."""
    examples = contrastive_examples(segments, train_entries)
    tokenizer = None
    if settings.text_encoder == "tiny":
        tokenizer = train_text_tokenizer((example.report for example in examples), vocabulary_size=1024)

    def build() -> Any:
        return build_merl(
            architecture="resnet101" if settings.size == "base" else settings.size,
            num_leads=segments.signals.shape[2],
            seed=seed,
            text_encoder=settings.text_encoder,
            tokenizer=tokenizer,
            identical_reports=settings.identical_reports,
        )

    held_out = contrastive_examples(segments, validation_entries)
    return pretrain_contrastive(folder, NAME, examples, held_out, build, save_merl, settings, seed)


def load(folders: Sequence[Path], *, faults: Sequence[str], seed: int) -> nn.Module:
    """See `experiments.steps.encoders.part.EncoderModule`; MERL has no fault at this place."""
    (folder,) = folders
    return load_merl_encoder(folder / NAME)


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
