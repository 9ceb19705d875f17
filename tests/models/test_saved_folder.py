"""Folders of saved models are whole or absent, on a full disk too."""

from __future__ import annotations

import errno
from collections.abc import Callable
from pathlib import Path

import pytest
import safetensors
import torch
from transformers import LlamaConfig, LlamaForCausalLM

from ecgbyte.models.saved_folder import new_folder, system_errors, write_model_folder


def save_a_language_model(folder: Path) -> None:
    config = LlamaConfig(
        vocab_size=2000, hidden_size=64, intermediate_size=64, num_hidden_layers=1, num_attention_heads=2
    )
    with new_folder(folder) as partial:
        LlamaForCausalLM(config).save_pretrained(partial / "language_model")


def save_an_encoder(folder: Path) -> None:
    tensors = {"weight": torch.zeros(100_000)}
    write_model_folder(folder, "encoder", version=1, settings={}, tensors=tensors, texts={"note.txt": "text"})


@pytest.mark.parametrize("save", [save_a_language_model, save_an_encoder])
def test_a_full_disk_is_one_sentence_and_leaves_nothing(full_disk: Path, save: Callable[[Path], None]) -> None:
    with pytest.raises(OSError, match=r"no space left on the disk .* MB free.*model'$") as caught:
        save(full_disk / "model")
    assert caught.value.errno == errno.ENOSPC
    assert [path.name for path in full_disk.iterdir()] == ["filling"]


def test_what_safetensors_says_in_words_becomes_an_error_of_the_system(tmp_path: Path) -> None:
    for words, number in (("Input/output error (os error 5)", errno.EIO), ("header too large", errno.EIO)):
        with pytest.raises(OSError, match=r"cannot be written .*weights'$") as caught, system_errors("weights"):
            raise safetensors.SafetensorError(f"Error while serializing: I/O error: {words}")
        assert caught.value.errno == number


def test_an_error_leaves_no_folder(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError, match="stop"), new_folder(tmp_path / "model") as partial:
        (partial / "a").write_text("half")
        raise RuntimeError("stop")
    assert list(tmp_path.iterdir()) == []
