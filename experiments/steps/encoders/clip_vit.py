"""CLIP and the vision transformer side by side."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from torch import nn

from ecgbyte.models.encoders.ecg_encoders import CombinedEncoder
from ecgbyte.models.joint import JointModel
from experiments.profiles.faults import UNTRAINED_FUSION
from experiments.steps.encoders import clip, vit
from experiments.steps.encoders.joint import encoder_before

NAME = "clip-vit"


def load(folders: Sequence[Path], *, faults: Sequence[str], seed: int) -> nn.Module:
    """See `experiments.steps.encoders.part.EncoderModule`; the layers of ``untrained-fusion`` are drawn from `seed`."""
    of_clip, of_vit = folders
    first = clip.load([of_clip], faults=faults, seed=seed)
    second = vit.load([of_vit], faults=faults, seed=seed)
    return CombinedEncoder(first, second, frozen_fusion_seed=seed if UNTRAINED_FUSION in faults else None).eval()


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
