"""A trained MERL as a folder: settings, weights, and the report tokenizer where it is not a pretrained one."""

from __future__ import annotations

import json
import os
from pathlib import Path

from ecgbyte.files import write_atomically
from ecgbyte.models.merl import MERL
from ecgbyte.models.resnet1d import ECGEncoder
from ecgbyte.models.saved_folder import new_folder, read_settings, read_tensors
from ecgbyte.models.text_encoders import PretrainedTextEncoder, TinyTextEncoder, build_text_encoder

SETTINGS_FILE, WEIGHTS_FILE, REPORT_TOKENIZER_FILE = "merl.json", "merl.safetensors", "report_tokenizer.json"
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
    from safetensors.torch import save as to_safetensors

    tensors = {
        name: value.detach().cpu().contiguous() for name, value in model.state_dict().items() if _is_saved(model, name)
    }
    settings = {"format_version": FORMAT_VERSION, **model.settings()}
    with new_folder(folder) as partial:
        write_atomically(partial / WEIGHTS_FILE, to_safetensors(tensors))
        if isinstance(model.text_encoder, TinyTextEncoder):
            write_atomically(partial / REPORT_TOKENIZER_FILE, model.text_encoder.tokenizer.backend_tokenizer.to_str())
        write_atomically(partial / SETTINGS_FILE, json.dumps(settings, indent=2) + "\n")


def load_merl(folder: str | os.PathLike[str]) -> MERL:
    """Read what `save_merl` wrote; the model comes in evaluation mode.

    Raises
    ------
    FileNotFoundError
        If a file is missing.
    ValueError
        If a file is damaged, the settings are of another format version, or the weights do not fit them.
    """
    from tokenizers import Tokenizer
    from transformers import PreTrainedTokenizerFast

    folder = Path(folder)
    settings = read_settings(folder / SETTINGS_FILE, version=FORMAT_VERSION, keys=_SETTINGS)
    text_settings = dict(settings["text_encoder"])
    tokenizer = None
    if text_settings["name"] == "tiny":
        serialized = (folder / REPORT_TOKENIZER_FILE).read_text(encoding="utf-8")
        tokenizer = PreTrainedTokenizerFast(tokenizer_object=Tokenizer.from_str(serialized))
    model = MERL(
        ECGEncoder(settings["architecture"], settings["feature_size"], settings["num_leads"]),
        build_text_encoder(text_settings.pop("name"), tokenizer=tokenizer, **text_settings),
        temperature=settings["temperature"],
        dropout=settings["dropout"],
        identical_reports=settings["identical_reports"],
    )
    tensors = read_tensors(folder / WEIGHTS_FILE)
    expected = {name: value.shape for name, value in model.state_dict().items() if _is_saved(model, name)}
    wrong = sorted(
        name
        for name in expected.keys() | tensors.keys()
        if name not in expected or name not in tensors or tensors[name].shape != expected[name]
    )
    if wrong:
        raise ValueError(
            f"{folder / WEIGHTS_FILE}: does not fit {SETTINGS_FILE}: missing, unknown or misshapen {wrong[:4]}"
        )
    model.load_state_dict(tensors, strict=False)
    return model.eval()


def _is_saved(model: MERL, name: str) -> bool:
    """Whether the weight of this name is written: all but those of a pretrained text encoder that did not change."""
    from_elsewhere = isinstance(model.text_encoder, PretrainedTextEncoder) and model.text_encoder.frozen
    return not (from_elsewhere and name.startswith("text_encoder."))
