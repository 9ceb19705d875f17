"""Trained vision transformers of ECG images as folders: settings and weights; for CLIP also the report tokenizer."""

from __future__ import annotations

import os
from pathlib import Path

from torch import nn

from ecgbyte.models.encoders.clip import ECGCLIP, OWN_TEXT_ENCODER, CLIPEncoder, CLIPTextEncoder
from ecgbyte.models.encoders.ecg_images import ImageLayout, StackedSignal
from ecgbyte.models.encoders.text_encoder_folder import read_report_tokenizer, saved_names, tokenizer_files
from ecgbyte.models.encoders.text_encoders import TextEncoder, build_text_encoder
from ecgbyte.models.encoders.vit import MaskedECGModel
from ecgbyte.models.saved_folder import load_weights, read_settings, write_model_folder

VIT_NAME, CLIP_NAME = "vit", "clip"
FORMAT_VERSION = 1
_CLIP_SETTINGS = (
    "layout",
    "vision_config",
    "text_config",
    "projection_size",
    "text_encoder",
    "identical_reports",
)


def save_vit(folder: str | os.PathLike[str], model: MaskedECGModel) -> None:
    """Write settings and weights (safetensors), the decoder's too.

    Parameters
    ----------
    folder : path-like
        Must not exist, or be empty.
    model : MaskedECGModel

    Raises
    ------
    FileExistsError
        If `folder` exists and holds something.
    """
    write_model_folder(
        folder, VIT_NAME, version=FORMAT_VERSION, settings=model.settings(), tensors=model.state_dict(), texts={}
    )


def load_vit(folder: str | os.PathLike[str]) -> MaskedECGModel:
    """Read what `save_vit` wrote; the model comes in evaluation mode.

    Raises
    ------
    FileNotFoundError
        If a file is missing.
    ValueError
        If a file is damaged, the settings are of another format version, or the weights do not fit them.
    """
    from transformers import ViTConfig, ViTForMaskedImageModeling

    folder = Path(folder)
    settings = read_settings(folder / f"{VIT_NAME}.json", version=FORMAT_VERSION, keys=("layout", "config"))
    image = StackedSignal(ImageLayout(**settings["layout"]))
    model = MaskedECGModel(image, ViTForMaskedImageModeling(ViTConfig.from_dict(settings["config"])))
    load_weights(model, folder, VIT_NAME, names=list(model.state_dict()))
    return model.eval()


def save_clip(folder: str | os.PathLike[str], model: ECGCLIP) -> None:
    """Write settings, weights (safetensors) and, for a text encoder that is not a pretrained one, its tokenizer.

    The weights of a frozen pretrained text encoder are left out; loading takes them from where they came. Parameters
    and errors as in `save_vit`.
    """
    state = model.state_dict()
    write_model_folder(
        folder,
        CLIP_NAME,
        version=FORMAT_VERSION,
        settings=model.settings(),
        tensors={name: state[name] for name in saved_names(model, model.text_encoder)},
        texts=tokenizer_files(model.text_encoder),
    )


def load_clip(folder: str | os.PathLike[str]) -> ECGCLIP:
    """Read what `save_clip` wrote; the model comes in evaluation mode. Errors as in `load_vit`."""
    from transformers import CLIPTextConfig, CLIPTextModel, CLIPVisionConfig, CLIPVisionModel

    folder = Path(folder)
    settings = read_settings(folder / f"{CLIP_NAME}.json", version=FORMAT_VERSION, keys=_CLIP_SETTINGS)
    vision_config = CLIPVisionConfig.from_dict(settings["vision_config"])
    size = settings["projection_size"]
    ecg_encoder = CLIPEncoder(
        StackedSignal(ImageLayout(**settings["layout"])),
        CLIPVisionModel(vision_config),
        nn.Linear(vision_config.hidden_size, size, bias=False),
    )
    text_settings = dict(settings["text_encoder"])
    name = text_settings.pop("name")
    text_encoder: TextEncoder
    if name == OWN_TEXT_ENCODER:
        text_model = CLIPTextModel(CLIPTextConfig.from_dict(settings["text_config"]))
        text_encoder = CLIPTextEncoder(text_model, read_report_tokenizer(folder))
    else:
        tokenizer = read_report_tokenizer(folder) if name == "tiny" else None
        text_encoder = build_text_encoder(name, tokenizer=tokenizer, **text_settings)
    model = ECGCLIP(
        ecg_encoder,
        text_encoder,
        nn.Linear(text_encoder.output_size, size, bias=False),
        identical_reports=settings["identical_reports"],
    )
    load_weights(model, folder, CLIP_NAME, names=saved_names(model, text_encoder))
    return model.eval()
