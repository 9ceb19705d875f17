"""The part of a saved model whose ECG tokens share positions, frame by frame (`ecgbyte.models.token_frames`).

Beside the language model stand the weights of `TokenFrames`, and ``ecg_tokens.json`` has its settings under ``frames``.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from torch import nn

from ecgbyte.models.joint import JointModel
from ecgbyte.models.language.ecg_tokens import DESCRIPTION_FILE
from ecgbyte.models.signal_positions import load_signal_layers, save_signal_layers
from ecgbyte.models.token_frames import TokenFrames, place_tokens
from ecgbyte.signals.segments import samples_per_segment
from ecgbyte.tokenizer.ecg_tokenizer import ECGTokenizer
from ecgbyte.tokenizer.encoding import Encoding

WEIGHTS_FILE = "token_frames.safetensors"


def frames_of(model: nn.Module) -> TokenFrames | None:
    """The frames of a model; None of one in which each token has a position of its own.

    Raises
    ------
    ValueError
        If the model reads samples, and no tokens.
    """
    if not isinstance(model, JointModel):
        return None
    if not isinstance(model.signal_layers, TokenFrames):
        kind = type(model.signal_layers).__name__
        raise ValueError(f"model: its {kind} reads samples, expected a model that reads the tokens of an ECG tokenizer")
    return model.signal_layers


def check_frames(frames: TokenFrames, ecg_tokenizer: ECGTokenizer, segment_seconds: float | None) -> None:
    """Raise ValueError unless the segments that a model is shown are those that its frames take."""
    if segment_seconds is None or ecg_tokenizer.sampling_rate is None or ecg_tokenizer.num_leads is None:
        raise ValueError(
            "reading.segment_seconds: frames take ECGs of one length, expected seconds, and a tokenizer with a "
            f"sampling rate and leads; got {segment_seconds}, {ecg_tokenizer.sampling_rate}, {ecg_tokenizer.num_leads}"
        )
    shape = (ecg_tokenizer.num_leads, samples_per_segment(ecg_tokenizer.sampling_rate, segment_seconds))
    if shape != (frames.num_leads, frames.num_samples):
        raise ValueError(
            f"reading.segment_seconds: the frames take {frames.num_leads} leads of {frames.num_samples} samples, "
            f"got {segment_seconds:g} s of {shape[0]} leads, {shape[1]} samples each"
        )


def save_frames(folder: Path, frames: TokenFrames) -> dict[str, Any]:
    """Write the weights of frames; returns their settings, for the folder's description."""
    save_signal_layers(folder / WEIGHTS_FILE, frames)
    return frames.settings()


def load_frames(folder: Path, settings: Any, language_model: Any) -> TokenFrames:
    """Read what `save_frames` wrote.

    Raises
    ------
    FileNotFoundError
        If there are no weights.
    ValueError
        If the settings are damaged, or the weights do not fit them.
    """
    hidden_size = language_model.get_input_embeddings().weight.shape[1]
    if not isinstance(settings, Mapping):
        raise ValueError(f"{folder / DESCRIPTION_FILE}: frames: expected an object or null, got {settings!r}")
    try:
        frames = TokenFrames(hidden_size=hidden_size, **settings)
    except (TypeError, ValueError) as error:
        raise ValueError(f"{folder / DESCRIPTION_FILE}: frames: {error}") from error
    load_signal_layers(folder / WEIGHTS_FILE, frames, DESCRIPTION_FILE)
    return frames


def placed(frames: TokenFrames, encoding: Encoding) -> np.ndarray:
    """The tokens of an ECG in the places where they begin, float32 [leads, samples], as a model with frames sees it."""
    return place_tokens(
        encoding.ids,
        encoding.leads,
        encoding.offsets[:, 0],
        num_leads=frames.num_leads,
        num_samples=frames.num_samples,
    )
