"""Byte-pair encoding as plainly as it can be said: slow, obvious, and what the kernels are tested against.

A worked example. Two sequences, ``ababa`` and ``aaaa`` (0 is a, 1 is b), alphabet of two:

>>> pair_counts([[0, 1, 0, 1, 0], [0, 0, 0, 0]])
{(0, 1): 2, (1, 0): 2, (0, 0): 3}

Every adjacent pair counts, so ``aaaa`` holds three aa, and no pair crosses from one sequence to the next. The highest
count wins: aa becomes token 2, runs from left to right. ``aaaa`` is now 2 2, one pair of twos. Then ab and ba stand
at two each, and the tie falls to the smaller pair, (0, 1):

>>> train_merges_reference([[0, 1, 0, 1, 0], [0, 0, 0, 0]], 3, alphabet_size=2)
[(0, 0), (0, 1), (2, 2)]
>>> encode_merge_order_reference([0, 0, 0, 1], [(0, 0), (0, 1), (2, 2)], alphabet_size=2)
[2, 3]
>>> encode_longest_reference([0, 0, 0, 0, 0, 1], [(0, 0), (0, 1), (2, 2)], alphabet_size=2)
[4, 3]
>>> decode_reference([4, 3], [(0, 0), (0, 1), (2, 2)], alphabet_size=2)
[0, 0, 0, 0, 0, 1]
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Sequence

Pair = tuple[int, int]


def pair_counts(sequences: Iterable[Sequence[int]]) -> dict[Pair, int]:
    """Count every adjacent pair within each sequence, overlapping ones included."""
    counts: dict[Pair, int] = {}
    for sequence in sequences:
        for pair in itertools.pairwise(sequence):
            counts[pair] = counts.get(pair, 0) + 1
    return counts


def merge_pair(sequence: Sequence[int], pair: Pair, token: int) -> list[int]:
    """Replace `pair` by `token`, from left to right."""
    merged = []
    i = 0
    while i < len(sequence):
        if i + 1 < len(sequence) and (sequence[i], sequence[i + 1]) == pair:
            merged.append(token)
            i += 2
        else:
            merged.append(sequence[i])
            i += 1
    return merged


def train_merges_reference(
    sequences: Iterable[Sequence[int]], num_merges: int, *, alphabet_size: int = 26, min_count: int = 1
) -> list[Pair]:
    """Learn merges, counting everything again at each one. O(merges * symbols)."""
    tokens = [list(sequence) for sequence in sequences]
    merges: list[Pair] = []
    while len(merges) < num_merges:
        counts = pair_counts(tokens)
        if not counts:
            break
        best = min(counts, key=lambda pair: (-counts[pair], pair))
        if counts[best] < min_count:
            break
        tokens = [merge_pair(sequence, best, alphabet_size + len(merges)) for sequence in tokens]
        merges.append(best)
    return merges


def token_strings(merges: Sequence[Pair], alphabet_size: int = 26) -> list[tuple[int, ...]]:
    """The symbols of each token: the letters, then the two halves of each merge joined."""
    strings: list[tuple[int, ...]] = [(symbol,) for symbol in range(alphabet_size)]
    for left, right in merges:
        strings.append(strings[left] + strings[right])
    return strings


def encode_longest_reference(symbols: Sequence[int], merges: Sequence[Pair], alphabet_size: int = 26) -> list[int]:
    """From left to right, take the longest token that fits; of equal token strings, the smallest id."""
    ids: dict[tuple[int, ...], int] = {}
    for token, string in enumerate(token_strings(merges, alphabet_size)):
        ids.setdefault(string, token)
    longest = max(map(len, ids), default=1)
    symbols = tuple(symbols)
    encoded = []
    start = 0
    while start < len(symbols):
        length = next(n for n in range(min(longest, len(symbols) - start), 0, -1) if symbols[start : start + n] in ids)
        encoded.append(ids[symbols[start : start + length]])
        start += length
    return encoded


def encode_merge_order_reference(symbols: Sequence[int], merges: Sequence[Pair], alphabet_size: int = 26) -> list[int]:
    """Apply the merges in the order they were learnt, each from left to right over the whole sequence."""
    tokens = list(symbols)
    for rank, pair in enumerate(merges):
        tokens = merge_pair(tokens, (pair[0], pair[1]), alphabet_size + rank)
    return tokens


def mixed_reference(value: int) -> int:
    """SplitMix64 (Steele et al. 2014, https://doi.org/10.1145/2714064.2660195): one well mixed 64-bit number."""
    value = (value + 0x9E3779B97F4A7C15) % 2**64
    value = (value ^ (value >> 30)) * 0xBF58476D1CE4E5B9 % 2**64
    value = (value ^ (value >> 27)) * 0x94D049BB133111EB % 2**64
    return value ^ (value >> 31)


def is_skipped_reference(seed: int, place: int, what: int, dropout: float) -> bool:
    """Whether dropout skips `what` (the rank of a merge, the length of a match) that begins at symbol `place`."""
    drawn = mixed_reference(mixed_reference(mixed_reference(seed) ^ place) ^ what)
    return drawn < int(dropout * 2**64)


def encode_merge_order_dropout_reference(
    symbols: Sequence[int], merges: Sequence[Pair], alphabet_size: int, dropout: float, seed: int
) -> list[int]:
    """Apply the merges in their order, each from left to right, but skip some of its places for good."""
    tokens = [(symbol, place) for place, symbol in enumerate(symbols)]
    for rank, pair in enumerate(merges):
        if (pair[0], pair[1]) in [(left, right) for left, right in merges[:rank]]:
            continue
        merged = []
        i = 0
        while i < len(tokens):
            token, place = tokens[i]
            fits = i + 1 < len(tokens) and (token, tokens[i + 1][0]) == (pair[0], pair[1])
            if fits and not is_skipped_reference(seed, place, rank, dropout):
                merged.append((alphabet_size + rank, place))
                i += 2
            else:
                merged.append((token, place))
                i += 1
        tokens = merged
    return [token for token, _ in tokens]


def encode_longest_dropout_reference(
    symbols: Sequence[int], merges: Sequence[Pair], alphabet_size: int, dropout: float, seed: int
) -> list[int]:
    """From left to right, take the longest token that fits and is not skipped; a letter is never skipped."""
    ids: dict[tuple[int, ...], int] = {}
    for token, string in enumerate(token_strings(merges, alphabet_size)):
        ids.setdefault(string, token)
    longest = max(map(len, ids), default=1)
    symbols = tuple(symbols)
    encoded = []
    start = 0
    while start < len(symbols):
        for length in range(min(longest, len(symbols) - start), 0, -1):
            if symbols[start : start + length] in ids and (
                length == 1 or not is_skipped_reference(seed, start, length, dropout)
            ):
                break
        encoded.append(ids[symbols[start : start + length]])
        start += length
    return encoded


def decode_reference(ids: Sequence[int], merges: Sequence[Pair], alphabet_size: int = 26) -> list[int]:
    """Put the token strings side by side."""
    strings = token_strings(merges, alphabet_size)
    return [symbol for token in ids for symbol in strings[token]]
