"""Shapes of tokens: against looking at every symbol, and colours that can be told from the paper."""

from __future__ import annotations

import itertools

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from ecgbyte.bpe import Vocabulary
from ecgbyte.viz.shapes import (
    CLIPPED_COLOUR,
    DOWN_UP,
    FALLS,
    FLAT,
    ONE_SAMPLE,
    PAPER_COLOUR,
    RISES,
    SHAPES,
    TURNS,
    UP_DOWN,
    token_shapes,
)


def shape_by_looking(symbols: list[int]) -> int:
    if len(symbols) == 1:
        return ONE_SAMPLE
    signs = [np.sign(b - a) for a, b in itertools.pairwise(symbols) if a != b]
    kept = [sign for sign, _ in itertools.groupby(signs)]
    return {
        (): FLAT,
        (1,): RISES,
        (-1,): FALLS,
        (1, -1): UP_DOWN,
        (-1, 1): DOWN_UP,
    }.get(tuple(kept), TURNS)


@st.composite
def merge_lists(draw: st.DrawFn, alphabet: int = 4) -> list[tuple[int, int]]:
    """Merges of which each joins ids made before it."""
    merges: list[tuple[int, int]] = []
    for rank in range(draw(st.integers(0, 25))):
        ids = st.integers(0, alphabet + rank - 1)
        merges.append((draw(ids), draw(ids)))
    return merges


@given(merge_lists())
def test_shapes_follow_from_merges(merges):
    vocabulary = Vocabulary(np.array(merges, dtype=np.int32).reshape(-1, 2), alphabet_size=4)
    expected = [shape_by_looking(vocabulary.token_symbols(token).tolist()) for token in range(vocabulary.size)]
    assert token_shapes(vocabulary).tolist() == expected


def test_each_shape_by_hand():
    # aa, ab, ba, aba, bab, abab
    vocabulary = Vocabulary([(0, 0), (0, 1), (1, 0), (3, 0), (4, 1), (3, 3)], alphabet_size=2)
    assert token_shapes(vocabulary).tolist() == [ONE_SAMPLE] * 2 + [FLAT, RISES, FALLS, UP_DOWN, DOWN_UP, TURNS]


def luminance(colour: str) -> float:
    """Relative luminance by WCAG 2.1."""
    channels = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return float(np.dot(linear, [0.2126, 0.7152, 0.0722]))


def contrast(one: str, other: str) -> float:
    lighter, darker = sorted([luminance(one), luminance(other)], reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


def test_contrast_formula():
    assert contrast("#ffffff", "#000000") == 21


def test_every_colour_stands_out_from_the_paper():
    colours = [colour for shape in SHAPES for colour in (shape.dark, shape.light)] + [CLIPPED_COLOUR]
    assert len(set(colours)) == len(colours)
    assert min(contrast(colour, PAPER_COLOUR) for colour in colours) >= 3
