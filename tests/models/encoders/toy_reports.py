"""A toy problem for contrastive pretraining: sine waves whose frequency the report names."""

from __future__ import annotations

import numpy as np
from tokenizers import Tokenizer, models, pre_tokenizers
from transformers import PreTrainedTokenizerFast

from ecgbyte.training.contrastive import ContrastiveExample

REPORTS = [
    "sinus rhythm",
    "sinus tachycardia",
    "atrial fibrillation",
    "left bundle branch block",
    "normal ecg",
    "av block",
]


def word_tokenizer() -> PreTrainedTokenizerFast:
    """One token a word."""
    words = sorted({word for report in REPORTS for word in report.split()})
    backend = Tokenizer(models.WordLevel({word: i for i, word in enumerate(["unknown", *words])}, unk_token="unknown"))
    backend.pre_tokenizer = pre_tokenizers.Whitespace()
    return PreTrainedTokenizerFast(tokenizer_object=backend, unk_token="unknown")


def toy_examples(num_records: int, seed: int) -> list[ContrastiveExample]:
    """Records whose report names the frequency of a sine wave in noise, of random phase and amplitude."""
    rng = np.random.default_rng(seed)
    time = np.arange(100) / 100
    examples = []
    for record in range(num_records):
        kind = record % len(REPORTS)
        wave = np.sin(2 * np.pi * (2 + 3 * kind) * time + rng.uniform(0, 2 * np.pi))
        signal = rng.uniform(0.3, 1.0, (12, 1)) * wave + 0.2 * rng.standard_normal((12, 100))
        examples.append(ContrastiveExample(f"r{record}", signal.astype(np.float32), REPORTS[kind]))
    return examples
