"""A trained MERL as a folder: settings, weights, and the report tokenizer where it is not a pretrained one."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ecgbyte.models.encoders.merl import MERL
from ecgbyte.models.encoders.resnet1d import ECGEncoder
from ecgbyte.models.encoders.text_encoder_folder import read_report_tokenizer, saved_names, tokenizer_files
from ecgbyte.models.encoders.text_encoders import build_text_encoder
from ecgbyte.models.saved_folder import load_weights, read_settings, write_model_folder

NAME = "merl"
FORMAT_VERSION = 1
_SETTINGS = (
    "architecture",
    "feature_size",
    "num_leads",
    "text_encoder",
    "temperature",
    "dropout",
    "identical_reports",
)


def save_merl(folder: str | os.PathLike[str], model: MERL) -> None:
    """Write settings, weights (safetensors) and, for the tiny text encoder, the report tokenizer.

    The weights of a frozen pretrained text encoder are left out; loading takes them from where they came.

    Parameters
    ----------
    folder : path-like
        Must not exist, or be empty.
    model : MERL

    Raises
    ------
    FileExistsError
        If `folder` exists and holds something.
    """
    state = model.state_dict()
    write_model_folder(
        folder,
        NAME,
        version=FORMAT_VERSION,
        settings=model.settings(),
        tensors={name: state[name] for name in saved_names(model, model.text_encoder)},
        texts=tokenizer_files(model.text_encoder),
    )


def load_merl(folder: str | os.PathLike[str]) -> MERL:
    """Read what `save_merl` wrote; the model comes in evaluation mode.

    Raises
    ------
    FileNotFoundError
        If a file is missing.
    ValueError
        If a file is damaged, the settings are of another format version, or the weights do not fit them.
    """
    folder = Path(folder)
    settings = _read_settings(folder)
    text_settings = dict(settings["text_encoder"])
    tokenizer = read_report_tokenizer(folder) if text_settings["name"] == "tiny" else None
    model = MERL(
        _ecg_encoder(settings),
        build_text_encoder(text_settings.pop("name"), tokenizer=tokenizer, **text_settings),
        temperature=settings["temperature"],
        dropout=settings["dropout"],
        identical_reports=settings["identical_reports"],
    )
    load_weights(model, folder, NAME, names=saved_names(model, model.text_encoder))
    return model.eval()


def load_merl_encoder(folder: str | os.PathLike[str]) -> ECGEncoder:
    """Read the ECG encoder alone of what `save_merl` wrote: the text encoder need not be installed.

    It comes in evaluation mode; errors are those of `load_merl`.
    """
    folder = Path(folder)
    encoder = _ecg_encoder(_read_settings(folder))
    load_weights(encoder, folder, NAME, names=list(encoder.state_dict()), prefix="ecg_encoder.")
    return encoder.eval()


def _read_settings(folder: Path) -> dict[str, Any]:
    return read_settings(folder / f"{NAME}.json", version=FORMAT_VERSION, keys=_SETTINGS)


def _ecg_encoder(settings: Mapping[str, Any]) -> ECGEncoder:
    return ECGEncoder(settings["architecture"], settings["feature_size"], settings["num_leads"])
