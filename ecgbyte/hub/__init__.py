"""ECG tokens where language models are trained: a processor, data sets, tokenizers of other libraries, saved models.

What is named here loads when it is used: the processor needs transformers, data sets need ``datasets``.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ecgbyte.hub.answering import answer_questions
    from ecgbyte.hub.datasets_library import EncodeECGs, ecg_features
    from ecgbyte.hub.plain_form import ecg_as_text, names_ecg_tokens, text_as_ecg
    from ecgbyte.hub.processor import ECGProcessor
    from ecgbyte.hub.saved_model import Reading, SavedModel, load_model, save_model
    from ecgbyte.hub.tokenizers_library import merges_of_tokenizers, symbols_as_text, to_tokenizers

_HOMES = {
    "ECGProcessor": "ecgbyte.hub.processor",
    "Reading": "ecgbyte.hub.saved_model",
    "SavedModel": "ecgbyte.hub.saved_model",
    "answer_questions": "ecgbyte.hub.answering",
    "load_model": "ecgbyte.hub.saved_model",
    "save_model": "ecgbyte.hub.saved_model",
    "EncodeECGs": "ecgbyte.hub.datasets_library",
    "ecg_features": "ecgbyte.hub.datasets_library",
    "merges_of_tokenizers": "ecgbyte.hub.tokenizers_library",
    "symbols_as_text": "ecgbyte.hub.tokenizers_library",
    "to_tokenizers": "ecgbyte.hub.tokenizers_library",
    "ecg_as_text": "ecgbyte.hub.plain_form",
    "names_ecg_tokens": "ecgbyte.hub.plain_form",
    "text_as_ecg": "ecgbyte.hub.plain_form",
}

__all__ = [
    "ECGProcessor",
    "EncodeECGs",
    "Reading",
    "SavedModel",
    "answer_questions",
    "ecg_as_text",
    "ecg_features",
    "load_model",
    "merges_of_tokenizers",
    "names_ecg_tokens",
    "save_model",
    "symbols_as_text",
    "text_as_ecg",
    "to_tokenizers",
]


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(importlib.import_module(_HOMES[name]), name)
    raise AttributeError(f"module 'ecgbyte.hub' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
