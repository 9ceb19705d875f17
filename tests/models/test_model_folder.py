"""The description in a saved model's folder: whole, and asked before the model is used."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from ecgbyte import ECGTokenizer
from ecgbyte.models.end_to_end import EndToEndModel
from ecgbyte.models.language.ecg_tokens import add_ecg_tokens
from ecgbyte.models.language.language_models import TinySize, load_language_model
from ecgbyte.models.model_folder import load_model, save_model

SIZE = TinySize(hidden=32, layers=1, heads=2, mlp=48, max_positions=64, text_vocabulary=300)
TOKENIZER = ECGTokenizer.from_merges([(0, 1), (2, 3)])
OTHER = ECGTokenizer.from_merges([(0, 1), (4, 3)])


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    language_model, text_tokenizer = load_language_model("tiny", texts=["yes", "no"], size=SIZE)
    token_map = add_ecg_tokens(language_model, text_tokenizer, TOKENIZER)
    save_model(tmp_path / "model", EndToEndModel(language_model, token_map), text_tokenizer)
    return tmp_path / "model"


def test_another_ecg_tokenizer_of_the_same_size_is_never_taken(folder: Path) -> None:
    assert OTHER.vocabulary_size == TOKENIZER.vocabulary_size
    with pytest.raises(ValueError, match="was trained with the tokenizer"):
        load_model(folder, OTHER)
    # By this way nothing would compare the tokenizers.
    with pytest.raises(ValueError, match=r"name: .* load it with ecgbyte\.models\.model_folder\.load_model"):
        load_language_model(str(folder))
    assert load_model(folder, TOKENIZER)[2].fingerprint == TOKENIZER.fingerprint


@pytest.mark.parametrize("key", ["format_version", "vocabulary_size", "tokenizer_fingerprint"])
def test_a_missing_key_is_named(key: str, folder: Path) -> None:
    description = folder / "ecg_tokens.json"
    content = json.loads(description.read_text())
    del content[key]
    description.write_text(json.dumps(content))
    with pytest.raises(ValueError, match=rf"ecg_tokens\.json: .*{key}"):
        load_model(folder)


@pytest.mark.parametrize(
    ("key", "value"),
    [("vocabulary_size", "many"), ("vocabulary_size", None), ("vocabulary_size", True), ("tokenizer_fingerprint", 5)],
)
def test_a_value_of_another_kind_is_named(key: str, value: Any, folder: Path) -> None:
    description = folder / "ecg_tokens.json"
    description.write_text(json.dumps(json.loads(description.read_text()) | {key: value}))
    with pytest.raises(ValueError, match=rf"ecg_tokens\.json: {key}: expected .*, got {value!r}"):
        load_model(folder)
