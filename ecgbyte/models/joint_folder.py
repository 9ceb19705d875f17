"""A trained joint model as a folder: language model, text tokenizer, and the layers that read the signal."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from torch import nn

from ecgbyte.models.encoder_row import EncoderRow
from ecgbyte.models.joint import JointModel
from ecgbyte.models.linear_patches import LinearPatches
from ecgbyte.models.signal_positions import load_signal_layers, read_signal_reader, save_signal_reader
from ecgbyte.models.token_frames import TokenFrames

SETTINGS_FILE, WEIGHTS_FILE = "joint.json", "signal_layers.safetensors"


def save_joint(folder: str | os.PathLike[str], model: JointModel, text_tokenizer: Any) -> None:
    """Write a model: the language model (LoRA merged), the text tokenizer and the signal layers.

    Weights go as safetensors, settings as JSON; the folder stands there whole or not at all.

    Raises
    ------
    FileExistsError
        If `folder` exists and holds something.
    """
    save_signal_reader(
        folder,
        model,
        model.signal_layers,
        text_tokenizer,
        settings={"signal_layers": model.signal_layers.settings()},
        settings_file=SETTINGS_FILE,
        weights_file=WEIGHTS_FILE,
    )


def load_joint(
    folder: str | os.PathLike[str], *, build_encoder: Callable[..., nn.Module] | None = None
) -> tuple[JointModel, Any]:
    """Read what `save_joint` wrote.

    Parameters
    ----------
    folder : path-like
    build_encoder : callable or None
        Called with the saved ``encoder_settings`` as keywords, gives an encoder to load the weights into. Only a model
        with an encoder needs it.

    Returns
    -------
    model : JointModel
        In evaluation mode.
    text_tokenizer : transformers tokenizer

    Raises
    ------
    FileNotFoundError
        If a file is missing.
    ValueError
        If a file is damaged, the settings are of another format version, a part does not fit them, or
        `build_encoder` is missing.
    """
    folder = Path(folder)
    content, language_model, text_tokenizer, token_map = read_signal_reader(folder, SETTINGS_FILE, ("signal_layers",))
    settings = content["signal_layers"]
    hidden_size = language_model.get_input_embeddings().weight.shape[1]
    layers: EncoderRow | LinearPatches | TokenFrames
    if "encoder" in settings:
        if build_encoder is None:
            raise ValueError(
                f"build_encoder: {folder} holds the encoder {settings['encoder']}, expected what builds it"
            )
        layers = EncoderRow(
            build_encoder(**settings["encoder"]),
            hidden_size,
            encoder_settings=settings["encoder"],
            projection=settings["projection"],
        )
    elif "vocabulary_size" in settings:
        layers = TokenFrames(hidden_size=hidden_size, **settings)
    else:
        layers = LinearPatches(hidden_size=hidden_size, **settings)
    load_signal_layers(folder / WEIGHTS_FILE, layers, SETTINGS_FILE)
    return JointModel(language_model, token_map, layers).eval(), text_tokenizer
