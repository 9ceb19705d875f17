"""A BERT with random weights and a few words, small enough for tests, in a folder."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from ecgbyte.metrics.bertscore import BertScore

WORDS = ["sinus", "rhythm", "left", "axis", "deviation", "yes", "no", "atrial", "flutter", "lead"]


@pytest.fixture(scope="session")
def tiny_bert(tmp_path_factory: pytest.TempPathFactory) -> Path:
    from transformers import BertConfig, BertModel, BertTokenizer

    folder = tmp_path_factory.mktemp("tiny-bert")
    words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *WORDS]
    tokenizer = BertTokenizer(vocab={word: number for number, word in enumerate(words)})
    config = BertConfig(
        vocab_size=len(words),
        hidden_size=16,
        num_hidden_layers=3,
        num_attention_heads=2,
        intermediate_size=24,
        max_position_embeddings=12,
    )
    with torch.random.fork_rng():
        torch.manual_seed(0)
        model = BertModel(config)
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


@pytest.fixture(scope="session")
def tiny_bertscore(tiny_bert: Path) -> BertScore:
    return BertScore(tiny_bert, device="cpu")
