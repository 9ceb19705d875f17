"""What models share that put rows of their own at the positions of ``<signal>``: checks, placing, saved folders."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from ecgbyte.checks import check_option
from ecgbyte.files import write_atomically
from ecgbyte.models.ecg_language_model import ECGLanguageModel, tokens_never_answered
from ecgbyte.models.end_to_end import TRAINING, LoraSettings, prepare_training
from ecgbyte.models.language.ecg_tokens import SIGNAL, ECGTokenMap, find_ecg_tokens
from ecgbyte.models.saved_folder import new_folder, read_settings, read_tensors

LANGUAGE_MODEL_FOLDER = "language_model"
FORMAT_VERSION = 1


def prepare_signal_reader(
    language_model: Any,
    token_map: ECGTokenMap,
    *,
    training: str,
    lora: LoraSettings | None,
    train_embeddings: bool | None,
    seed: int,
) -> Any:
    """Say which parameters of a language model with ``<signal>`` are trained, as `prepare_training` does.

    Returns
    -------
    torch.nn.Module
        The same model, or it wrapped by peft.

    Raises
    ------
    ValueError
        If the map has no ``<signal>``, the model no row for it, or an option is unknown.
    """
    check_option("training", training, TRAINING)
    if training == "full" and train_embeddings is False:
        raise ValueError("train_embeddings: training='full' trains every row, expected True or None, got False")
    if token_map.signal_id is None:
        raise ValueError(f"token_map: expected the token {SIGNAL}, it has none; use add_signal_token")
    highest, rows = max(token_map.all_ids()), len(language_model.get_input_embeddings().weight)
    if highest >= rows:
        raise ValueError(f"token_map: its highest id is {highest}, the model has {rows} embedding rows")
    trained_rows = [token_map.start_id, token_map.end_id] if training == "lora" and train_embeddings else None
    return prepare_training(language_model, training=training, lora=lora, trained_rows=trained_rows, seed=seed)


class SignalReader(ECGLanguageModel):
    """A causal language model with rows of its own in place of the tokens ``<signal>``; a base class.

    Its parameters are those of `ecgbyte.models.joint.JointModel` and `ecgbyte.models.two_stage.TwoStageModel`, which
    make the rows (`signal_rows`).
    """

    # What stands for a block of <signal>, for messages.
    _UNIT = "signal"

    def __init__(
        self,
        language_model: Any,
        token_map: ECGTokenMap,
        *,
        training: str,
        lora: LoraSettings | None,
        train_embeddings: bool | None,
        answer_vocabulary: str,
        seed: int,
    ) -> None:
        never_answered = tokens_never_answered(answer_vocabulary, token_map.all_ids())
        prepared = prepare_signal_reader(
            language_model, token_map, training=training, lora=lora, train_embeddings=train_embeddings, seed=seed
        )
        super().__init__(prepared, never_answered)
        self.token_map = token_map
        self.signal_id = int(token_map.signal_id or 0)

    @property
    def signal_positions(self) -> int:
        """Positions of ``<signal>`` that one signal takes."""
        return 1

    def signal_rows(self, features: Tensor) -> Tensor:
        """Rows of the language model, float [..., hidden], from the ``features`` of a batch."""
        raise NotImplementedError

    def embed(self, batch: Mapping[str, Tensor]) -> Tensor:
        """Return the rows of ``input_ids`` with those of ``features`` at the positions of ``<signal>``.

        Returns
        -------
        Tensor
            Float [samples, positions, hidden].

        Raises
        ------
        ValueError
            If there are more or fewer ``features`` than blocks of ``<signal>``, or they have another shape.
        """
        rows = self.embed_tokens(batch["input_ids"])
        features = batch.get("features")
        at_signal = count_signals(batch["input_ids"], self.signal_id, self.signal_positions, features, self._UNIT)
        if features is None:
            return rows
        # Both go by sample, then by position: a block takes the rows of its signal in their order.
        return rows.masked_scatter(at_signal[..., None], self.signal_rows(features).to(rows.dtype))


def text_row_deviation(language_model: Any, token_map: ECGTokenMap) -> float:
    """Return the root mean square of the entries of a language model's text rows, the added tokens left out."""
    weight = language_model.get_input_embeddings().weight.detach()
    is_text = torch.ones(len(weight), dtype=torch.bool, device=weight.device)
    is_text[[token_id for token_id in token_map.all_ids() if token_id < len(weight)]] = False
    return float(weight[is_text].float().square().mean().sqrt())


def count_signals(input_ids: Tensor, signal_id: int, positions: int, features: Tensor | None, what: str) -> Tensor:
    """Check that every signal block has its `features`, and return where ``<signal>`` stands.

    Parameters
    ----------
    input_ids : Tensor
        Int64 [samples, positions].
    signal_id : int
    positions : int
        Positions of one block.
    features : Tensor or None
        One for every block, along the first axis.
    what : str
        What stands for a block, for the message: "vector" or "signal".

    Returns
    -------
    Tensor
        Bool [samples, positions].
    """
    at_signal = input_ids == signal_id
    num_signals, num_given = int(at_signal.sum()), 0 if features is None else len(features)
    if num_signals != num_given * positions:
        each = SIGNAL if positions == 1 else f"blocks of {positions} {SIGNAL}"
        raise ValueError(
            f"features: expected one {what} for each of {num_signals / positions:g} {each}, got {num_given}"
        )
    return at_signal


def save_signal_reader(
    folder: str | os.PathLike[str],
    model: Any,
    layers: nn.Module,
    text_tokenizer: Any,
    *,
    settings: Mapping[str, Any],
    settings_file: str,
    weights_file: str,
) -> None:
    """Write the language model (LoRA merged), its text tokenizer, the weights of `layers` and `settings`.

    The folder stands there whole or not at all.

    Raises
    ------
    FileExistsError
        If `folder` exists and holds something.
    """
    with new_folder(folder) as partial:
        model.merged_language_model().save_pretrained(partial / LANGUAGE_MODEL_FOLDER, safe_serialization=True)
        text_tokenizer.save_pretrained(partial / LANGUAGE_MODEL_FOLDER)
        save_signal_layers(partial / weights_file, layers)
        write_atomically(
            partial / settings_file, json.dumps({"format_version": FORMAT_VERSION, **settings}, indent=2) + "\n"
        )


def read_signal_reader(
    folder: Path, settings_file: str, keys: Sequence[str]
) -> tuple[dict[str, Any], Any, Any, ECGTokenMap]:
    """Read settings, language model, text tokenizer and token map of what `save_signal_reader` wrote.

    Raises
    ------
    FileNotFoundError
        If a file is missing.
    ValueError
        If a file is damaged or the settings are of another format version or lack one of `keys`.
    """
    from transformers import AutoModelForCausalLM, AutoTokenizer

    settings = read_settings(folder / settings_file, version=FORMAT_VERSION, keys=keys)
    # Code that lies beside a model is never run.
    source: dict[str, Any] = {"local_files_only": True, "trust_remote_code": False}
    language_model = AutoModelForCausalLM.from_pretrained(folder / LANGUAGE_MODEL_FOLDER, **source)
    text_tokenizer = AutoTokenizer.from_pretrained(folder / LANGUAGE_MODEL_FOLDER, **source)
    return settings, language_model, text_tokenizer, find_ecg_tokens(text_tokenizer, 0)


def save_signal_layers(path: Path, layers: nn.Module) -> None:
    """Write weights and buffers of `layers` as safetensors."""
    from safetensors.torch import save as to_safetensors

    tensors = {name: value.detach().cpu().contiguous() for name, value in layers.state_dict().items()}
    write_atomically(path, to_safetensors(tensors))


def load_signal_layers(path: Path, layers: nn.Module, settings_file: str) -> None:
    """Load weights and buffers into `layers`.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ValueError
        If it is damaged, or its names or shapes are not those of `layers`; the message names the first of them.
    """
    tensors = read_tensors(path)
    needed = {name: list(value.shape) for name, value in layers.state_dict().items()}
    found = {name: list(value.shape) for name, value in tensors.items()}
    wrong = sorted(name for name in needed.keys() | found.keys() if needed.get(name) != found.get(name))
    if wrong:
        details = "; ".join(
            f"{name}: holds {found.get(name, 'nothing')}, {settings_file} needs {needed.get(name, 'nothing')}"
            for name in wrong[:4]
        )
        raise ValueError(f"{path}: {len(wrong)} of its tensors do not fit {settings_file} ({details})")
    layers.load_state_dict(tensors)
