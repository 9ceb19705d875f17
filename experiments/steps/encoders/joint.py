"""An ECG encoder trained together with the language model, without a stage 1."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from ecgbyte.models.encoders.ecg_encoders import build_ecg_encoder
from ecgbyte.models.joint import JointModel, build_encoder_model


def encoder_before(
    name: str,
    language_model: Any,
    token_map: Any,
    signals: np.ndarray,
    settings: Mapping[str, Any],
    *,
    seed: int,
    **training: Any,
) -> JointModel:
    """Put an encoder of `ecgbyte.models.encoders.ecg_encoders` before a language model; see `EncoderModule`."""
    recipe = {
        "name": name,
        "size": settings["size"],
        "leads": signals.shape[1],
        "samples": signals.shape[2],
        "seed": seed,
    }
    return build_encoder_model(
        language_model,
        token_map,
        build_ecg_encoder(**recipe),
        encoder_settings=recipe,
        training_signals=signals,
        seed=seed,
        **training,
    )
