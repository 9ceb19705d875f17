"""An adapter in a folder: LoRA's additions, the rows of the tokens that were added, and the name of the base model."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from ecgbyte.files import fingerprint, write_atomically
from ecgbyte.models.end_to_end import EndToEndModel
from ecgbyte.models.language.ecg_tokens import ECGTokenMap
from ecgbyte.models.language.language_models import load_base_model
from ecgbyte.models.saved_folder import read_tensors

ROWS_FILE = "ecg_rows.safetensors"
_ADAPTER_SETTINGS = "adapter_config.json"


def save_adapter(
    folder: Path, model: EndToEndModel, text_tokenizer: Any, base: str | os.PathLike[str] | None
) -> dict[str, Any]:
    """Write an adapter into a folder.

    Returns
    -------
    dict
        ``base``, ``base_fingerprint`` and ``dtype``, for the folder's description.

    Raises
    ------
    ValueError
        If the model is not one with LoRA, or its base has no name.
    """
    from safetensors.torch import save as to_safetensors

    wrapped = model.language_model
    if not hasattr(wrapped, "peft_config"):
        raise ValueError("adapter: expected a model with training='lora', got one whose own weights are trained")
    name = str(base or model.plain_language_model.config._name_or_path)
    if not name:
        raise ValueError("base: missing; this model does not say which base model it comes from")
    # Embeddings are left out: transformers would write all rows of a resized one.
    wrapped.save_pretrained(folder, save_embedding_layers=False)
    settings = json.loads((folder / _ADAPTER_SETTINGS).read_text(encoding="utf-8"))
    settings["base_model_name_or_path"] = name
    write_atomically(folder / _ADAPTER_SETTINGS, json.dumps(settings, indent=2) + "\n")
    # The rest of the card of this folder is written by `ecgbyte.hub.saved_model.save_model`.
    (folder / "README.md").unlink(missing_ok=True)
    ids = _added_ids(text_tokenizer)
    rows = {key: weight[ids].clone() for key, weight in _embeddings(model.plain_language_model).items()}
    write_atomically(folder / ROWS_FILE, to_safetensors({"ids": ids, **rows}))
    return {
        "base": name,
        "base_fingerprint": _text_rows_fingerprint(model.plain_language_model, ids),
        "dtype": str(rows["input"].dtype).removeprefix("torch."),
    }


def load_adapter(
    folder: Path, content: Mapping[str, Any], token_map: ECGTokenMap, base: str | os.PathLike[str] | None
) -> EndToEndModel:
    """Read what `save_adapter` wrote, onto the base model.

    Parameters
    ----------
    folder : Path
    content : dict
        The folder's description.
    token_map : ECGTokenMap
    base : path-like or None
        Where the base model stands, if not where `content` says.

    Raises
    ------
    FileNotFoundError
        If the base or a file is missing.
    ValueError
        If the base is another model, or a file is damaged.
    """
    from peft import PeftModel

    name = str(base or content["base"])
    try:
        language_model = load_base_model(name, dtype=content["dtype"])
    except OSError as error:
        raise FileNotFoundError(
            f"base: the adapter in {folder} belongs to {name!r}, which could not be read here; say where it stands "
            f"with base: {error}"
        ) from error
    rows = read_tensors(folder / ROWS_FILE)
    ids = rows.pop("ids", None)
    if ids is None or ids.dtype != torch.int64 or ids.ndim != 1 or not len(ids) or ids.max() >= content["rows"]:
        raise ValueError(f"{folder / ROWS_FILE}: the ids of its rows are missing or beyond {content['rows']} rows")
    have = language_model.get_input_embeddings().weight.shape[0]
    if have < content["rows"]:
        with torch.random.fork_rng(devices=[]):
            language_model.resize_token_embeddings(content["rows"], mean_resizing=False)
    weights = _embeddings(language_model)
    if set(weights) != set(rows) or any(rows[key].shape != (len(ids), weights[key].shape[1]) for key in weights):
        raise ValueError(f"{folder / ROWS_FILE}: its rows do not fit the base model {name!r}")
    found = _text_rows_fingerprint(language_model, ids)
    if have > content["rows"] or found != content["base_fingerprint"]:
        raise ValueError(
            f"base: {name!r} is not the model that the adapter in {folder} was trained on (its text rows are {found}, "
            f"expected {content['base_fingerprint']})"
        )
    with torch.no_grad():
        for key, weight in weights.items():
            weight[ids] = rows[key].to(weight)
    return EndToEndModel(PeftModel.from_pretrained(language_model, str(folder)), token_map)


def _added_ids(text_tokenizer: Any) -> Tensor:
    """Ids of all added tokens: those of ECGs, a pad token, and what the base had beyond its vocabulary."""
    return torch.tensor(sorted(text_tokenizer.get_added_vocab().values()), dtype=torch.int64)


def _embeddings(model: Any) -> dict[str, Tensor]:
    """The input embedding, and the output layer where it is another."""
    layers = {"input": model.get_input_embeddings(), "output": model.get_output_embeddings()}
    weights: dict[str, Tensor] = {}
    for key, layer in layers.items():
        # peft wraps what it changes, once or twice; its changes are in the adapter.
        while hasattr(layer, "original_module") or hasattr(layer, "base_layer"):
            layer = layer.original_module if hasattr(layer, "original_module") else layer.base_layer
        if layer is not None and all(layer.weight.data_ptr() != other.data_ptr() for other in weights.values()):
            weights[key] = layer.weight.detach()
    return weights


def _text_rows_fingerprint(model: Any, added: Tensor) -> str:
    weight = _embeddings(model)["input"]
    kept = np.ones(len(weight), dtype=bool)
    kept[added.numpy()] = False
    # The rows behind the last added token are those that resizing made.
    rows = weight[torch.from_numpy(np.flatnonzero(kept))].contiguous()
    return fingerprint(str(rows.dtype), rows.view(torch.uint8).numpy())
