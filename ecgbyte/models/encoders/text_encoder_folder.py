"""The text encoder's part of a saved contrastive model: its tokenizer, and which of its weights are written."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from torch import nn

from ecgbyte.models.encoders.text_encoders import PretrainedTextEncoder, TextEncoder

REPORT_TOKENIZER_FILE = "report_tokenizer.json"


def tokenizer_files(text_encoder: TextEncoder) -> dict[str, str]:
    """The report tokenizer by file name; none where the encoder brings its own from where it came."""
    if isinstance(text_encoder, PretrainedTextEncoder):
        return {}
    return {REPORT_TOKENIZER_FILE: text_encoder.tokenizer.backend_tokenizer.to_str()}


def read_report_tokenizer(folder: Path) -> Any:
    """Read what `tokenizer_files` gave.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    """
    from tokenizers import Tokenizer
    from transformers import PreTrainedTokenizerFast

    serialized = (folder / REPORT_TOKENIZER_FILE).read_text(encoding="utf-8")
    return PreTrainedTokenizerFast(tokenizer_object=Tokenizer.from_str(serialized))


def saved_names(model: nn.Module, text_encoder: TextEncoder) -> list[str]:
    """The weights that are written: all but those of a pretrained text encoder (``text_encoder`` in `model`) that did
    not change."""
    from_elsewhere = isinstance(text_encoder, PretrainedTextEncoder) and text_encoder.frozen
    return [name for name in model.state_dict() if not (from_elsewhere and name.startswith("text_encoder."))]
