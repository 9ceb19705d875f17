"""A trained model as one folder: all that an answer needs, and nothing that runs code.

The folder holds the language model (or an adapter of a few MB beside the name of its base), its text tokenizer and
generation settings as transformers knows them, the ECG tokenizer (``ecg_tokenizer.json``, which names the
preprocessing), ``ecg_tokens.json`` with what ties them together, and a card::

    format_version         2
    vocabulary_size        number of ECG tokens
    tokenizer_fingerprint  of the ECG tokenizer
    base                   name or folder of the base model where the folder holds an adapter, or null
    base_fingerprint       of its text rows, or null
    rows                   rows of the embedding
    dtype                  of the weights: "float32", "bfloat16" or "float16"
    frames                 where tokens share positions, see `ecgbyte.hub.frames`, or absent
    reading                how an ECG is shown to the model, see `Reading`
"""

from __future__ import annotations

import copy
import json
import os
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

import torch

from ecgbyte.checks import check_option, positive_number, whole_number
from ecgbyte.files import write_atomically
from ecgbyte.hub.adapters import load_adapter, save_adapter
from ecgbyte.hub.cards import model_card
from ecgbyte.hub.frames import check_frames, frames_of, load_frames, save_frames
from ecgbyte.models.end_to_end import EndToEndModel
from ecgbyte.models.joint import JointModel
from ecgbyte.models.language.ecg_tokens import DESCRIPTION_FILE, ECGTokenMap, find_ecg_tokens
from ecgbyte.models.language.language_models import DTYPES
from ecgbyte.models.saved_folder import new_folder, read_settings
from ecgbyte.tokenizer.ecg_tokenizer import ECGTokenizer
from ecgbyte.tokenizer.tokenizer_file import FILE_NAME

_FORMAT_VERSION = 2
_KEYS = ("vocabulary_size", "tokenizer_fingerprint", "base", "base_fingerprint", "rows", "dtype", "reading")


@dataclass(frozen=True, kw_only=True)
class Reading:
    """How an ECG is shown to a model, as it was in training.

    Attributes
    ----------
    max_length : int
        Positions of a sequence; what of an ECG does not fit is cut from its end.
    answer_room : int
        Positions that are kept for the answer.
    segment_seconds : float or None
        How long an ECG is shown; None where whole records were, of any length.
    form : {"published", "chat"}
        How question and ECG stand in the model's input: as published, or in the chat template of the text tokenizer
        (`ecgbyte.training.prompt_forms`).
    """

    max_length: int = 1024
    answer_room: int = 128
    segment_seconds: float | None = None
    form: str = "published"

    def __post_init__(self) -> None:
        whole_number("reading.max_length", self.max_length, minimum=1)
        whole_number("reading.answer_room", self.answer_room, minimum=1, maximum=self.max_length)
        if self.segment_seconds is not None:
            positive_number("reading.segment_seconds", self.segment_seconds, unit="in seconds")
        check_option("reading.form", self.form, ("published", "chat"))


@dataclass(frozen=True, eq=False)
class SavedModel:
    """A model with all that belongs to it.

    *Thread-safety*: as torch modules in evaluation: it may be asked from several threads.

    Attributes
    ----------
    model : EndToEndModel or JointModel
        In evaluation mode; its ``language_model`` is what transformers or peft knows. A `JointModel` has the tokens of
        a frame share a position.
    text_tokenizer : transformers tokenizer
    ecg_tokenizer : ECGTokenizer
    reading : Reading
    """

    model: EndToEndModel | JointModel
    text_tokenizer: Any
    ecg_tokenizer: ECGTokenizer
    reading: Reading

    @property
    def token_map(self) -> ECGTokenMap:
        """Where the ECG tokens stand in the language model's vocabulary."""
        return self.model.token_map


def save_model(
    folder: str | os.PathLike[str],
    model: EndToEndModel | JointModel,
    text_tokenizer: Any,
    ecg_tokenizer: ECGTokenizer,
    *,
    reading: Reading | None = None,
    adapter: bool = False,
    base: str | os.PathLike[str] | None = None,
    dtype: str | None = None,
    description: str = "",
) -> None:
    """Write a model; its folder stands there whole or not at all.

    Parameters
    ----------
    folder : path-like
        Must not exist, or be empty.
    model : EndToEndModel or JointModel
        One of the second kind with `ecgbyte.models.token_frames.TokenFrames`.
    text_tokenizer : transformers tokenizer
        With the ECG tokens; of a model with frames, with ``<signal>``.
    ecg_tokenizer : ECGTokenizer
        The one whose tokens these are.
    reading : Reading, optional
    adapter : bool
        Write LoRA's additions and the rows of added tokens alone, a few MB, and the name of the base. Else all weights,
        LoRA merged.
    base : str or path-like, optional
        With `adapter`: the base model's name or folder (``"smollm2"`` for the installed one); what the model itself
        says where nothing is given.
    dtype : {"float32", "bfloat16", "float16"}, optional
        Of the written weights; as they are where nothing is given. Not with `adapter`.
    description : str
        A paragraph for the card: what it was trained on, and how well it answers.

    Raises
    ------
    FileExistsError
        If `folder` exists and holds something.
    ValueError
        If the parts do not belong together, an adapter is asked of a model that has none, or of one with frames, or
        the model reads samples.
    """
    reading = reading or Reading()
    frames = frames_of(model)
    known = model.token_map.vocabulary_size if frames is None else frames.vocabulary_size
    check_same_tokenizer(ecg_tokenizer, vocabulary_size=known, fingerprint=model.token_map.fingerprint)
    find_ecg_tokens(text_tokenizer, model.token_map.vocabulary_size)
    if frames is not None:
        check_frames(frames, ecg_tokenizer, reading.segment_seconds)
        if adapter:
            raise ValueError("adapter: a model with token frames is written whole")
    if dtype is not None:
        check_option("dtype", dtype, DTYPES)
        if adapter:
            raise ValueError("dtype: goes with whole models, an adapter has the type of its base")
    with new_folder(folder) as partial:
        content: dict[str, Any] = {
            "format_version": _FORMAT_VERSION,
            "vocabulary_size": len(ecg_tokenizer),
            "tokenizer_fingerprint": ecg_tokenizer.fingerprint,
            "base": None,
            "base_fingerprint": None,
            "rows": int(model.plain_language_model.get_input_embeddings().weight.shape[0]),
        }
        if frames is not None:
            content["frames"] = save_frames(partial, frames)
        if adapter:
            content |= save_adapter(partial, model, text_tokenizer, base)
        else:
            merged = model.merged_language_model()
            if dtype is not None:
                merged = copy.deepcopy(merged).to(getattr(torch, dtype))
            merged.save_pretrained(partial)
            content["dtype"] = _dtype_name(merged)
        generation_settings(model, text_tokenizer, reading).save_pretrained(partial)
        text_tokenizer.save_pretrained(partial)
        ecg_tokenizer.save_pretrained(partial)
        write_atomically(partial / "README.md", model_card(ecg_tokenizer, content["base"], description))
        content["reading"] = asdict(reading)
        # Last: a folder without it is no saved model.
        write_atomically(partial / DESCRIPTION_FILE, json.dumps(content, indent=1) + "\n")


def load_model(
    folder: str | os.PathLike[str],
    ecg_tokenizer: ECGTokenizer | None = None,
    *,
    base: str | os.PathLike[str] | None = None,
) -> SavedModel:
    """Read what `save_model` wrote; nothing in the folder is executed.

    Parameters
    ----------
    folder : path-like
    ecg_tokenizer : ECGTokenizer, optional
        Where given, it must be the one the model was trained with.
    base : str or path-like, optional
        Where the base model of an adapter stands here, if not where it stood.

    Returns
    -------
    SavedModel

    Raises
    ------
    FileNotFoundError
        If the folder or one of its files is missing.
    ValueError
        If a file is damaged, a part does not belong to the others, or the base is another than the adapter's.
    """
    from transformers import AutoModelForCausalLM, AutoTokenizer

    folder = Path(folder)
    content = read_settings(folder / DESCRIPTION_FILE, version=_FORMAT_VERSION, keys=_KEYS)
    _check_content(folder / DESCRIPTION_FILE, content)
    own = ECGTokenizer.load(folder / FILE_NAME)
    for given in (own, own if ecg_tokenizer is None else ecg_tokenizer):
        check_same_tokenizer(
            given, vocabulary_size=content["vocabulary_size"], fingerprint=content["tokenizer_fingerprint"]
        )
    text_tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True, trust_remote_code=False)
    settings = content.get("frames")
    with_rows = content["vocabulary_size"] if settings is None else 0
    token_map = find_ecg_tokens(text_tokenizer, with_rows, fingerprint=own.fingerprint)
    model: EndToEndModel | JointModel
    if content["base"] is None:
        if base is not None:
            raise ValueError(f"base: {folder} holds a whole model, expected none")
        language_model = AutoModelForCausalLM.from_pretrained(
            folder,
            local_files_only=True,
            trust_remote_code=False,
            use_safetensors=True,
            dtype=getattr(torch, content["dtype"]),
        )
        if settings is None:
            model = EndToEndModel(language_model, token_map)
        else:
            model = JointModel(language_model, token_map, load_frames(folder, settings, language_model))
    else:
        model = load_adapter(folder, content, token_map, base)
    reading = Reading(**content["reading"])
    return SavedModel(model.requires_grad_(False).eval(), text_tokenizer, own, reading)


def generation_settings(model: EndToEndModel | JointModel, text_tokenizer: Any, reading: Reading) -> Any:
    """Greedy answers that never hold an ECG token, as a transformers.GenerationConfig."""
    from transformers import GenerationConfig

    return GenerationConfig(
        do_sample=False,
        max_new_tokens=reading.answer_room,
        bos_token_id=text_tokenizer.bos_token_id,
        eos_token_id=text_tokenizer.eos_token_id,
        pad_token_id=text_tokenizer.pad_token_id,
        suppress_tokens=model.token_map.all_ids(),
    )


def check_same_tokenizer(ecg_tokenizer: ECGTokenizer, *, vocabulary_size: int, fingerprint: str | None) -> None:
    """Raise ValueError unless `ecg_tokenizer` is the one that a model was trained with."""
    if len(ecg_tokenizer) != vocabulary_size:
        raise ValueError(
            f"ecg_tokenizer: the model was trained with {vocabulary_size} ECG tokens, got a vocabulary of "
            f"{len(ecg_tokenizer)}"
        )
    if fingerprint is not None and ecg_tokenizer.fingerprint != fingerprint:
        raise ValueError(
            f"ecg_tokenizer: the model was trained with the tokenizer {fingerprint}, got {ecg_tokenizer.fingerprint}"
        )


def _check_content(path: Path, content: dict[str, Any]) -> None:
    for key in ("vocabulary_size", "rows"):
        if type(content[key]) is not int or content[key] < 1:
            raise ValueError(f"{path}: {key}: expected a positive whole number, got {content[key]!r}")
    if not isinstance(content["tokenizer_fingerprint"], str):
        raise ValueError(f"{path}: tokenizer_fingerprint: expected a string, got {content['tokenizer_fingerprint']!r}")
    for key in ("base", "base_fingerprint"):
        if content[key] is not None and not isinstance(content[key], str):
            raise ValueError(f"{path}: {key}: expected a string or null, got {content[key]!r}")
    if content["dtype"] not in DTYPES:
        raise ValueError(f"{path}: dtype: expected one of {', '.join(DTYPES)}, got {content['dtype']!r}")
    reading = content["reading"]
    if not isinstance(reading, dict) or set(reading) != {field.name for field in fields(Reading)}:
        names = ", ".join(field.name for field in fields(Reading))
        raise ValueError(f"{path}: reading: expected an object with {names}, got {reading!r}")
    try:
        Reading(**reading)
    except (TypeError, ValueError) as error:
        raise ValueError(f"{path}: {error}") from error


def _dtype_name(model: Any) -> str:
    return str(next(model.parameters()).dtype).removeprefix("torch.")
