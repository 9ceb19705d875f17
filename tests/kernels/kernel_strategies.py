"""Hypothesis strategies for symbol sequences and merges, with the shapes that break byte-pair encoders: long runs,
periods, empty and one-symbol sequences, and strings made by joining random tokens."""

from __future__ import annotations

import numpy as np
from hypothesis import strategies as st
from numpy.typing import NDArray

from ecgbyte.bpe.reference import token_strings

Merges = list[tuple[int, int]]


@st.composite
def sequences_of(draw: st.DrawFn, alphabet_size: int, max_runs: int = 12, max_run: int = 12) -> NDArray[np.uint8]:
    """One sequence, uint8 [symbols]: runs of drawn lengths, or one period repeated."""
    symbol = st.integers(0, alphabet_size - 1)
    if draw(st.booleans()):
        runs = draw(st.lists(st.tuples(symbol, st.integers(1, max_run)), max_size=max_runs))
        return np.array([value for value, length in runs for _ in range(length)], dtype=np.uint8)
    period = draw(st.lists(symbol, min_size=1, max_size=5))
    return np.array(period * draw(st.integers(1, max_run)) + period[:1], dtype=np.uint8)


@st.composite
def corpora(draw: st.DrawFn) -> tuple[int, list[NDArray[np.uint8]]]:
    """An alphabet size and a list of sequences over it."""
    alphabet_size = draw(st.integers(1, 4))
    return alphabet_size, draw(st.lists(sequences_of(alphabet_size), max_size=5))


@st.composite
def merge_tables(draw: st.DrawFn, max_merges: int = 25, max_token: int = 200) -> tuple[int, Merges]:
    """An alphabet size and merges that name ids made before them; doubles and equal token strings do occur."""
    alphabet_size = draw(st.integers(1, 4))
    lengths = [1] * alphabet_size
    merges: Merges = []
    for _ in range(draw(st.integers(0, max_merges))):
        pair = (draw(st.integers(0, len(lengths) - 1)), draw(st.integers(0, len(lengths) - 1)))
        if lengths[pair[0]] + lengths[pair[1]] <= max_token:
            merges.append(pair)
            lengths.append(lengths[pair[0]] + lengths[pair[1]])
    return alphabet_size, merges


@st.composite
def joined_tokens(draw: st.DrawFn, alphabet_size: int, merges: Merges) -> NDArray[np.uint8]:
    """A sequence made by joining random tokens, some of them cut short: the longest matches and the most stale ones."""
    strings = token_strings(merges, alphabet_size)
    symbols: list[int] = []
    for _ in range(draw(st.integers(0, 8))):
        string = strings[draw(st.integers(0, len(strings) - 1))]
        symbols.extend(string[: draw(st.integers(1, len(string)))])
    return np.array(symbols, dtype=np.uint8)


@st.composite
def encodings(draw: st.DrawFn) -> tuple[int, Merges, list[NDArray[np.uint8]]]:
    """An alphabet size, merges, and sequences over the alphabet, some of them made of their tokens."""
    alphabet_size, merges = draw(merge_tables())
    either = st.one_of(sequences_of(alphabet_size), joined_tokens(alphabet_size, merges))
    return alphabet_size, merges, draw(st.lists(either, max_size=4))
