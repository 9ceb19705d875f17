"""Byte-pair encoding of symbol sequences: learning merges, encoding, decoding."""

from __future__ import annotations

from ecgbyte.bpe.training import train_merges
from ecgbyte.bpe.vocabulary import MATCHING, Vocabulary

__all__ = ["MATCHING", "Vocabulary", "train_merges"]
