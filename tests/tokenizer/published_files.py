"""The published code in slow, obvious Python, written from its description: what tests compare with."""

from __future__ import annotations

import itertools
import pickle
from pathlib import Path

import numpy as np

ALPHABET = "abcdefghijklmnopqrstuvwxyz"

Merges = list[tuple[list[int], int]]


def train_published(text: str, num_merges: int) -> tuple[list[int], dict[int, str], Merges]:
    """Ids, vocab and merges, counting everything again at each merge; ties fall to the smallest pair."""
    ids = list(text.encode())
    tokens = {byte: [byte] for byte in range(256)}
    merges: Merges = []
    for k in range(num_merges):
        counts: dict[tuple[int, int], int] = {}
        for pair in itertools.pairwise(ids):
            counts[pair] = counts.get(pair, 0) + 1
        if not counts:
            break
        best = min(counts, key=lambda pair: (-counts[pair], pair))
        merged, i = [], 0
        while i < len(ids):
            joined = i + 1 < len(ids) and (ids[i], ids[i + 1]) == best
            merged.append(256 + k if joined else ids[i])
            i += 2 if joined else 1
        ids = merged
        tokens[256 + k] = tokens[best[0]] + tokens[best[1]]
        merges.append((tokens[256 + k], 256 + k))
    vocab = {
        token: "".join(chr(byte) if byte < 128 else f"<{byte}>" for byte in string) for token, string in tokens.items()
    }
    return ids, vocab, merges


def longest_match(text: str, merges: Merges) -> list[int]:
    """From left to right the longest token, by a trie of dictionaries; of equal tokens the last one."""
    trie: dict = {}
    for token, token_id in [*(([byte], byte) for byte in range(256)), *merges]:
        node = trie
        for byte in token:
            node = node.setdefault(byte, {})
        node["id"] = token_id
    data, ids, i = text.encode(), [], 0
    while i < len(data):
        node, found, end = trie, data[i], i + 1
        for j in range(i, len(data)):
            node = node.get(data[j])
            if node is None:
                break
            if "id" in node:
                found, end = node["id"], j + 1
        ids.append(found)
        i = end
    return ids


def symbols_published(signal: np.ndarray, low: float, high: float) -> str:
    """The letters of a signal, lead after lead, computed in the type of the signal."""
    share = np.clip((signal - low) / (high - low + 1e-6), 0, 1)
    numbers = np.minimum(np.floor(share * 26), 25).astype(int)
    return "".join(ALPHABET[number] for number in numbers.ravel().tolist())


def save_published(path: Path, vocab: dict[int, str], merges: Merges, *, order_seed: int = 0) -> list[int]:
    """Write the pickle, with the ids in an order of no meaning, as a hash map gives them; return that order."""
    order = np.random.default_rng(order_seed).permutation(len(vocab)).tolist()
    path.write_bytes(pickle.dumps(({token: vocab[token] for token in order}, merges)))
    return order
