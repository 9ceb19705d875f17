"""ECG tokens in a language model's vocabulary: found by their strings, with rows that differ."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch

from ecgbyte.models.language.ecg_tokens import (
    INITIALISATIONS,
    add_ecg_tokens,
    add_signal_token,
    describe_waveforms,
    find_ecg_tokens,
)
from ecgbyte.models.language.language_models import TinySize, load_language_model

SYMBOLS = [[0], [5], [25], [5, 5], [5, 6, 7, 8], [5, 6, 7, 9], [25, 20, 15, 10, 5], [3, 3, 20, 3, 3], [12] * 40]
VOCABULARY = SimpleNamespace(size=len(SYMBOLS), token_symbols=lambda index: np.array(SYMBOLS[index], np.uint8))
SIZE = TinySize(hidden=32, layers=1, heads=2, mlp=48, max_positions=64, text_vocabulary=300)


def tiny() -> tuple[Any, Any]:
    return load_language_model("tiny", texts=["Is it regular?", "yes", "no"], size=SIZE)


def rows(model: Any) -> torch.Tensor:
    weight: torch.Tensor = model.get_input_embeddings().weight.detach()
    return weight


def test_tokens_are_added_and_text_rows_stay() -> None:
    model, tokenizer = tiny()
    before, size = rows(model).clone(), len(tokenizer)
    token_map = add_ecg_tokens(model, tokenizer, 50)
    assert token_map.vocabulary_size == 50 and len(set(token_map.all_ids())) == 52
    assert tokenizer.convert_ids_to_tokens(token_map.ids.tolist()) == [f"signal_{index}" for index in range(50)]
    assert tokenizer.convert_ids_to_tokens([token_map.start_id, token_map.end_id]) == ["<sig_start>", "<sig_end>"]
    assert rows(model).shape[0] == len(tokenizer) == size + 52 == model.config.vocab_size
    assert torch.equal(rows(model)[:size], before)
    assert model.get_output_embeddings().weight is model.get_input_embeddings().weight


def test_rows_are_found_by_string_not_by_index() -> None:
    model, tokenizer = tiny()
    # As in a checkpoint whose tokens were added in another order, with others between them.
    tokenizer.add_tokens(["<sig_end>", "signal_2", "<other>", "signal_0", "signal_3", "<sig_start>", "signal_1"])
    model.resize_token_embeddings(len(tokenizer), mean_resizing=False)
    before = rows(model).clone()
    token_map = add_ecg_tokens(model, tokenizer, 4)
    first = tokenizer.convert_tokens_to_ids("<sig_end>")
    assert token_map.ids.tolist() == [first + 3, first + 6, first + 1, first + 4]
    assert (token_map.start_id, token_map.end_id) == (first + 5, first)
    assert torch.equal(rows(model), before), "rows of known tokens must be kept"


def test_a_model_with_more_rows_than_tokens_keeps_them() -> None:
    model, tokenizer = tiny()
    model.resize_token_embeddings(len(tokenizer) + 100, mean_resizing=False)
    token_map = add_ecg_tokens(model, tokenizer, 10)
    assert rows(model).shape[0] == len(tokenizer) - 12 + 100
    assert max(token_map.all_ids()) == len(tokenizer) - 1


@pytest.mark.parametrize("initialisation", INITIALISATIONS)
def test_new_rows_are_like_text_rows_and_differ(initialisation: str) -> None:
    results = []
    for seed in (0, 0, 1):
        model, tokenizer = tiny()
        token_map = add_ecg_tokens(model, tokenizer, VOCABULARY, initialisation=initialisation, seed=seed)
        results.append(rows(model)[token_map.ids])
        text = rows(model)[: len(tokenizer) - token_map.vocabulary_size - 2]
    assert torch.equal(results[0], results[1]) and not torch.equal(results[0], results[2])
    distances = torch.cdist(results[0], results[0])[~torch.eye(len(SYMBOLS), dtype=torch.bool)]
    assert distances.min() > 0
    spread = float(results[0].std(0).mean() / text.std(0).mean())
    low, high = {"mean": (0.05, 0.2), "random": (0.7, 1.4), "waveform": (0.18, 0.35), "as-published": (0, 1e-3)}[
        initialisation
    ]
    assert low < spread < high


def test_tokens_that_look_alike_start_alike() -> None:
    features = describe_waveforms(VOCABULARY)
    assert features.shape == (len(SYMBOLS), 14) and np.isfinite(features).all()
    assert np.abs(features.mean(axis=0)).max() < 1e-9
    model, tokenizer = tiny()
    token_map = add_ecg_tokens(model, tokenizer, VOCABULARY, initialisation="waveform")
    distances = torch.cdist(rows(model)[token_map.ids], rows(model)[token_map.ids])
    distances.fill_diagonal_(torch.inf)
    # 5678 and 5679; the letter f and the run ff.
    assert distances[4].argmin() == 5 and distances[5].argmin() == 4 and distances[1].argmin() == 3


def test_signal_token_for_an_encoder() -> None:
    model, tokenizer = tiny()
    size = len(tokenizer)
    token_map = add_signal_token(model, tokenizer)
    assert tokenizer.convert_ids_to_tokens([token_map.signal_id]) == ["<signal>"]
    assert token_map.vocabulary_size == 0 and len(tokenizer) == size + 3 == rows(model).shape[0]
    assert add_signal_token(model, tokenizer).all_ids() == token_map.all_ids() and len(tokenizer) == size + 3


def test_fingerprint_and_size_come_from_the_ecg_tokenizer() -> None:
    model, tokenizer = tiny()
    ecg_tokenizer = SimpleNamespace(vocabulary=VOCABULARY, vocabulary_size=VOCABULARY.size, fingerprint="sha256:01")
    token_map = add_ecg_tokens(model, tokenizer, ecg_tokenizer)
    assert (token_map.fingerprint, token_map.vocabulary_size) == ("sha256:01", VOCABULARY.size)


def test_another_vocabulary_and_bad_options_are_refused() -> None:
    model, tokenizer = tiny()
    with pytest.raises(ValueError, match="initialisation: got 'zero', expected one of 'mean', 'random', 'waveform', "):
        add_ecg_tokens(model, tokenizer, 5, initialisation="zero")
    with pytest.raises(ValueError, match="'waveform' needs an ECGTokenizer or a Vocabulary, got only its size"):
        add_ecg_tokens(model, tokenizer, 5, initialisation="waveform")
    with pytest.raises(ValueError, match="ecg: expected a positive vocabulary size, got 0"):
        add_ecg_tokens(model, tokenizer, 0)
    with pytest.raises(TypeError, match="ecg: expected an ECGTokenizer, a Vocabulary or its size, got str"):
        add_ecg_tokens(model, tokenizer, "tokenizer.json")
    with pytest.raises(ValueError, match="expected the token <sig_start>"):
        find_ecg_tokens(tokenizer, 0)
    add_ecg_tokens(model, tokenizer, 5)
    with pytest.raises(ValueError, match="the text tokenizer has 5 ECG tokens, the ECG vocabulary has 6"):
        add_ecg_tokens(model, tokenizer, 6)
    with pytest.raises(ValueError, match="expected 4 ECG tokens, got 5"):
        find_ecg_tokens(tokenizer, 4)
    tokenizer.add_tokens(["signal_7"])
    with pytest.raises(ValueError, match=r"expected the ECG tokens signal_0 to signal_7, \[5, 6\] missing"):
        find_ecg_tokens(tokenizer, 8)
