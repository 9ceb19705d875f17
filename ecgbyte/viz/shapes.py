"""The shape of a token: how its samples turn, and the two colours it is drawn in.

A token is a string of symbols, each the bin of one sample. Looking only at whether the next sample lies in a higher or
a lower bin, a token stays, rises, falls, or turns once or several times; that is its shape. It follows from the two
halves of each merge, so all shapes of a vocabulary take O(merges).
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ecgbyte.bpe import Vocabulary


@dataclass(frozen=True)
class Shape:
    """A kind of token.

    Attributes
    ----------
    name : str
        For a legend.
    dark, light : str
        Colours ``#rrggbb``; neighbours take turns, so that the border between two tokens of one shape can be seen.
        Each has a contrast of 3 or more with `PAPER_COLOUR`.
    """

    name: str
    dark: str
    light: str


PAPER_COLOUR = "#fffaf8"
CLIPPED_COLOUR = "#e00000"

SHAPES = (
    Shape("one sample", "#4d4d4d", "#858585"),
    Shape("flat", "#14664a", "#33936f"),
    Shape("rises", "#1457b0", "#4a8bdc"),
    Shape("falls", "#a84300", "#d4690f"),
    Shape("up, then down", "#7a1fa2", "#b061d6"),
    Shape("down, then up", "#6f5800", "#9c7d0d"),
    Shape("turns more often", "#006478", "#1a8ea6"),
)
ONE_SAMPLE, FLAT, RISES, FALLS, UP_DOWN, DOWN_UP, TURNS = range(len(SHAPES))


def token_shapes(vocabulary: Vocabulary) -> NDArray[np.uint8]:
    """The shape of each token of a vocabulary.

    Parameters
    ----------
    vocabulary : Vocabulary

    Returns
    -------
    uint8 [size]
        Positions in `SHAPES`.
    """
    # Of each token: first and last symbol, direction of its first and last change (0 where none), number of turns.
    outlines = [(letter, letter, 0, 0, 0) for letter in range(vocabulary.alphabet_size)]
    for left, right in vocabulary.merges.tolist():
        outlines.append(_joined(outlines[left], outlines[right]))
    shapes = np.array([_shape(direction, turns) for _, _, direction, _, turns in outlines], dtype=np.uint8)
    shapes[: vocabulary.alphabet_size] = ONE_SAMPLE
    return shapes


_Outline = tuple[int, int, int, int, int]


def _joined(left: _Outline, right: _Outline) -> _Outline:
    """The outline of two tokens side by side."""
    step = right[0] - left[1]
    directions = [direction for direction in (left[3], (step > 0) - (step < 0), right[2]) if direction]
    turns = left[4] + right[4] + sum(one != other for one, other in itertools.pairwise(directions))
    first = left[2] or (directions[0] if directions else 0)
    last = right[3] or (directions[-1] if directions else 0)
    return left[0], right[1], first, last, turns


def _shape(direction: int, turns: int) -> int:
    if direction == 0:
        return FLAT
    if turns == 0:
        return RISES if direction > 0 else FALLS
    if turns == 1:
        return UP_DOWN if direction > 0 else DOWN_UP
    return TURNS
