"""A trained end-to-end model as a folder: language model, text tokenizer, and which ECG tokenizer they belong to."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from ecgbyte.files import write_atomically
from ecgbyte.models.end_to_end import EndToEndModel
from ecgbyte.models.language.ecg_tokens import DESCRIPTION_FILE, ECGTokenMap, find_ecg_tokens
from ecgbyte.models.saved_folder import new_folder, read_settings

_FORMAT_VERSION = 1


def save_model(folder: str | os.PathLike[str], model: EndToEndModel, text_tokenizer: Any) -> None:
    """Write a model; it stands there whole or not at all.

    The folder holds what transformers needs (weights as safetensors, configuration, text tokenizer) and
    ``ecg_tokens.json``: the size of the ECG vocabulary and the fingerprint of its tokenizer. LoRA is merged.

    Parameters
    ----------
    folder : path-like
        Must not exist, or be empty.
    model : EndToEndModel
    text_tokenizer : transformers tokenizer

    Raises
    ------
    FileExistsError
        If `folder` exists and holds something.
    """
    content = {
        "format_version": _FORMAT_VERSION,
        "vocabulary_size": model.token_map.vocabulary_size,
        "tokenizer_fingerprint": model.token_map.fingerprint,
    }
    with new_folder(folder) as partial:
        model.merged_language_model().save_pretrained(partial, safe_serialization=True)
        text_tokenizer.save_pretrained(partial)
        write_atomically(partial / DESCRIPTION_FILE, json.dumps(content, indent=1))


def load_model(folder: str | os.PathLike[str], ecg_tokenizer: Any = None) -> tuple[EndToEndModel, Any, ECGTokenMap]:
    """Read what `save_model` wrote.

    Parameters
    ----------
    folder : path-like
    ecg_tokenizer : ECGTokenizer or None
        Where given, it must be the one the model was trained with.

    Returns
    -------
    model : EndToEndModel
        In evaluation mode.
    text_tokenizer : transformers tokenizer
    token_map : ECGTokenMap

    Raises
    ------
    FileNotFoundError
        If the folder or ``ecg_tokens.json`` is missing.
    ValueError
        If ``ecg_tokens.json`` is damaged or lacks a key, or the model does not match its text tokenizer or
        `ecg_tokenizer`.
    """
    from transformers import AutoModelForCausalLM, AutoTokenizer

    folder = Path(folder)
    size, fingerprint = _read_description(folder / DESCRIPTION_FILE)
    if ecg_tokenizer is not None:
        check_same_tokenizer(ecg_tokenizer, vocabulary_size=size, fingerprint=fingerprint)
    text_tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True)
    language_model = AutoModelForCausalLM.from_pretrained(folder, local_files_only=True)
    token_map = find_ecg_tokens(text_tokenizer, size, fingerprint=fingerprint)
    return EndToEndModel(language_model, token_map).eval(), text_tokenizer, token_map


def check_same_tokenizer(ecg_tokenizer: Any, *, vocabulary_size: int, fingerprint: str | None) -> None:
    """Raise ValueError unless `ecg_tokenizer` is the one that a model was trained with."""
    given = int(ecg_tokenizer.vocabulary_size)
    if given != vocabulary_size:
        raise ValueError(
            f"ecg_tokenizer: the model was trained with {vocabulary_size} ECG tokens, got a vocabulary of {given}"
        )
    if fingerprint is not None and ecg_tokenizer.fingerprint != fingerprint:
        raise ValueError(
            f"ecg_tokenizer: the model was trained with the tokenizer {fingerprint}, got {ecg_tokenizer.fingerprint}"
        )


def _read_description(path: Path) -> tuple[int, str | None]:
    """The size of the ECG vocabulary and the fingerprint of its tokenizer."""
    content = read_settings(path, version=_FORMAT_VERSION, keys=("vocabulary_size", "tokenizer_fingerprint"))
    size, fingerprint = content["vocabulary_size"], content["tokenizer_fingerprint"]
    if isinstance(size, bool) or not isinstance(size, int):
        raise ValueError(f"{path}: vocabulary_size: expected an integer, got {size!r}")
    if fingerprint is not None and not isinstance(fingerprint, str):
        raise ValueError(f"{path}: tokenizer_fingerprint: expected a string or null, got {fingerprint!r}")
    return size, fingerprint
