"""A tiny language model with the ECG tokens of a small ECG tokenizer, and a chat template in the manner of ChatML."""

from __future__ import annotations

import copy
import functools
from typing import Any

from ecgbyte import ECGTokenizer
from ecgbyte.models.language.ecg_tokens import add_ecg_tokens
from ecgbyte.models.language.language_models import TinySize, load_language_model
from tests.tokenizer.ecg_examples import small_tokenizer

TEXTS = ["Is this ECG normal?", "yes", "no", "sinus rhythm", "Which rhythm is it?"]
CHAT_TEMPLATE = (
    "{% for message in messages %}<|im_start|>{{ message['role'] }}\n{{ message['content'] }}<|im_end|>\n"
    "{% endfor %}{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)


@functools.cache
def _made(seed: int, tied: bool) -> tuple[Any, Any, ECGTokenizer]:
    size = TinySize(hidden=32, layers=2, heads=2, mlp=64, text_vocabulary=300)
    model, text_tokenizer = load_language_model("tiny", texts=TEXTS, size=size, seed=seed)
    text_tokenizer.add_special_tokens({"additional_special_tokens": ["<|im_start|>", "<|im_end|>"]})
    text_tokenizer.chat_template = CHAT_TEMPLATE
    if not tied:
        import torch

        model.config.tie_word_embeddings = False
        model.lm_head.weight = torch.nn.Parameter(model.lm_head.weight.detach().clone())
    model.resize_token_embeddings(len(text_tokenizer), mean_resizing=False)
    return model, text_tokenizer, small_tokenizer(boundary="lead")


def base_model(seed: int = 0, *, tied: bool = True) -> tuple[Any, Any]:
    """A language model and its text tokenizer, without ECG tokens."""
    model, text_tokenizer, _ = _made(seed, tied)
    return copy.deepcopy(model), copy.deepcopy(text_tokenizer)


def tiny_model(seed: int = 0, *, tied: bool = True) -> tuple[Any, Any, ECGTokenizer, Any]:
    """A language model, its text tokenizer with ECG tokens, the ECG tokenizer, and where the tokens stand."""
    model, text_tokenizer = base_model(seed, tied=tied)
    ecg = _made(seed, tied)[2]
    token_map = add_ecg_tokens(model, text_tokenizer, ecg, seed=seed)
    return model, text_tokenizer, ecg, token_map
