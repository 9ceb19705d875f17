"""ECG tokens where language models are trained: a processor, data sets, tokenizers of other libraries, saved models.

What is named here loads when it is used: the processor needs transformers, data sets need ``datasets``.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ecgbyte.hub.plain_form import ecg_as_text, names_ecg_tokens, text_as_ecg
    from ecgbyte.hub.processor import ECGProcessor

_HOMES = {
    "ECGProcessor": "ecgbyte.hub.processor",
    "ecg_as_text": "ecgbyte.hub.plain_form",
    "names_ecg_tokens": "ecgbyte.hub.plain_form",
    "text_as_ecg": "ecgbyte.hub.plain_form",
}

__all__ = ["ECGProcessor", "ecg_as_text", "names_ecg_tokens", "text_as_ecg"]


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(importlib.import_module(_HOMES[name]), name)
    raise AttributeError(f"module 'ecgbyte.hub' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
