"""The published algorithms in this project's own words, as peers for the benchmarks (not the published code itself).

Source of the behaviour: github.com/willxxy/ECG-Byte, read as a description: symbols through ``np.vectorize``,
encoding by greedy longest match on a trie that is built anew at every call. Its training, a full recount at each merge,
is what `ecgbyte.bpe.reference.train_merges_reference` does too.
"""

from __future__ import annotations

import numpy as np


def symbolize_published(signal: np.ndarray, low: float, high: float) -> str:
    """One letter a sample, by a Python function mapped over the array."""
    letters = [chr(ord("a") + index) for index in range(26)]
    normalized = np.clip((signal.astype(np.float64) - low) / (high - low + 1e-6), 0, 1)
    quantized = np.minimum(np.floor(normalized * 26), 25).astype(np.uint8)
    return "".join(np.vectorize(lambda level: letters[level])(quantized).flatten())


def encode_published(symbols: np.ndarray, token_strings: list[list[int]]) -> list[int]:
    """Greedy longest match; the trie of dictionaries is built at the start of every call."""
    root: dict = {}
    for token, string in enumerate(token_strings):
        node = root
        for symbol in string:
            node = node.setdefault(symbol, {})
        node.setdefault("token", token)
    ids, place, text = [], 0, symbols.tolist()
    while place < len(text):
        node, best, end = root, None, place
        for index in range(place, len(text)):
            if text[index] not in node:
                break
            node = node[text[index]]
            if "token" in node:
                best, end = node["token"], index + 1
        ids.append(best)
        place = end
    return ids
