"""12-lead ECGs as tokens for language models.

The path of the data is the order of the subpackages: ``signals`` (records, leads, preprocessing, range),
``symbols`` and ``bpe`` (the 26 letters and their merges), ``tokenizer``, ``data`` (data sets, questions, splits),
``models``, ``training``, ``metrics``, ``hub`` (what trains and serves elsewhere), ``viz`` (tokens on ECG paper). What
is heavy (torch, transformers, pandas, wfdb, matplotlib) loads when it is used.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from ecgbyte._version import __version__

if TYPE_CHECKING:
    from ecgbyte import bpe, compat, hub, symbols, viz
    from ecgbyte.signals.preprocess import Preprocessor
    from ecgbyte.signals.reading.reader import read_record
    from ecgbyte.signals.records import Record
    from ecgbyte.tokenizer.ecg_tokenizer import ECGTokenizer
    from ecgbyte.tokenizer.encoding import Encoding

_HOMES = {
    "Record": "ecgbyte.signals.records",
    "read_record": "ecgbyte.signals.reading.reader",
    "Preprocessor": "ecgbyte.signals.preprocess",
    "ECGTokenizer": "ecgbyte.tokenizer.ecg_tokenizer",
    "Encoding": "ecgbyte.tokenizer.encoding",
}
_MODULES = ("bpe", "compat", "hub", "symbols", "viz")

__all__ = [
    "ECGTokenizer",
    "Encoding",
    "Preprocessor",
    "Record",
    "__version__",
    "bpe",
    "compat",
    "hub",
    "read_record",
    "symbols",
    "viz",
]


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(importlib.import_module(_HOMES[name]), name)
    if name in _MODULES:
        return importlib.import_module(f"ecgbyte.{name}")
    raise AttributeError(f"module 'ecgbyte' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
