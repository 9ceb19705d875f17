"""Linear patches: rows of the language model straight from stretches of the signal."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from ecgbyte.models.joint import JointModel, build_patch_model


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
    return build_patch_model(
        language_model,
        token_map,
        num_leads=signals.shape[1],
        num_samples=signals.shape[2],
        layout=settings["layout"],
        patch_samples=settings["samples"],
        training_signals=signals,
        seed=seed,
        **training,
    )
