"""How tokens are numbered: this project's own way, or as the vocabularies that ECG-Byte's code saved.

Inside, letters are 0 .. 25 and merge k is 26 + k. The published code counts bytes: letter k has the id of its ASCII
code, 97 + k, and merge k is 256 + k. The 230 bytes that are no letter have ids too, and rows in every checkpoint,
though no ECG holds them. `PublishedIds` gives those ids to the outside, so that rows of a checkpoint stay where they
were.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ecgbyte.bpe import Vocabulary

FIRST_LETTER = 97
FIRST_MERGE = 256
NUM_LETTERS = 26


def token_name(token: int) -> str:
    """The name of an ECG token in a language model's vocabulary, ``signal_{id}``."""
    return f"signal_{token}"


@dataclass(frozen=True)
class PublishedIds:
    """The ids of a vocabulary that ECG-Byte's code saved.

    *Thread-safety*: immutable.

    Parameters
    ----------
    order : sequence of int
        Every id once, in the order in which the saved vocabulary holds them. The published code adds the tokens to a
        language model in this order, so it tells which row of a checkpoint is whose.

    Raises
    ------
    TypeError
        If the order holds something else than ints.
    ValueError
        If it is no permutation of 0 .. n - 1, or has no room for the 256 bytes.
    """

    order: tuple[int, ...]

    def __post_init__(self) -> None:
        order = tuple(self.order)
        if not all(type(token) is int for token in order):
            raise TypeError("ids.order: expected ints")
        if len(order) < FIRST_MERGE or sorted(order) != list(range(len(order))):
            raise ValueError(
                f"ids.order: expected every id from 0 to {max(len(order), FIRST_MERGE) - 1} once, got {len(order)} ids"
            )
        object.__setattr__(self, "order", order)

    @property
    def size(self) -> int:
        """Number of ids, with those of bytes that no ECG holds."""
        return len(self.order)


class TokenIds:
    """The ids that a tokenizer shows, and those of its vocabulary behind them.

    *Thread-safety*: immutable.

    Parameters
    ----------
    vocabulary : Vocabulary
    published : PublishedIds or None
        None: the ids of the vocabulary themselves.

    Attributes
    ----------
    size : int
        Ids are 0 .. `size` - 1.
    lengths : int32 [size]
        Number of symbols of each id, read-only; 1 for a byte that no ECG holds.
    """

    def __init__(self, vocabulary: Vocabulary, published: PublishedIds | None) -> None:
        self._published = published
        self.lengths = vocabulary.lengths
        self.size = vocabulary.size
        if published is None:
            return
        if vocabulary.alphabet_size != NUM_LETTERS:
            raise ValueError(f"alphabet_size: got {vocabulary.alphabet_size}, published ids are for {NUM_LETTERS}")
        num_merges = len(vocabulary.merges)
        if published.size != FIRST_MERGE + num_merges:
            raise ValueError(
                f"ids.order: got {published.size} ids for {num_merges} merges, expected {FIRST_MERGE + num_merges}"
            )
        shown = np.arange(vocabulary.size, dtype=np.int32)
        shown += np.where(shown < NUM_LETTERS, FIRST_LETTER, FIRST_MERGE - NUM_LETTERS).astype(np.int32)
        own = np.full(published.size, -1, dtype=np.int32)
        own[shown] = np.arange(vocabulary.size, dtype=np.int32)
        lengths = np.ones(published.size, dtype=np.int32)
        lengths[shown] = vocabulary.lengths
        for array in (shown, own, lengths):
            array.setflags(write=False)
        self._shown, self._own = shown, own
        self.lengths, self.size = lengths, published.size

    @property
    def order(self) -> Sequence[int]:
        """All ids, in the order in which a language model gets their rows."""
        return range(self.size) if self._published is None else self._published.order

    def shown(self, ids: np.ndarray) -> np.ndarray:
        """The ids that users see, int32 [tokens], for ids of the vocabulary."""
        if self._published is None:
            return ids
        shown: np.ndarray = self._shown[ids]
        return shown

    def own(self, ids: np.ndarray | Sequence[int]) -> np.ndarray:
        """The ids of the vocabulary, int32 [tokens], for ids that a user gave.

        Raises
        ------
        TypeError
            If they are not integers.
        ValueError
            If they are not one-dimensional or an id is unknown; the message names it and its place.
        """
        array = np.asarray(ids)
        if array.shape == (0,):
            array = array.astype(np.int32)
        if array.dtype.kind not in "iu":
            raise TypeError(f"ids: got dtype {array.dtype}, expected integers [tokens]")
        if array.ndim != 1:
            raise ValueError(f"ids: got shape {array.shape}, expected [tokens]")
        unknown = np.flatnonzero((array < 0) | (array >= self.size))
        if len(unknown):
            raise ValueError(
                f"ids: got {array[unknown[0]]} at {unknown[0]}, expected 0 to {self.size - 1}, "
                "the ids of this tokenizer"
            )
        if self._published is None:
            return np.ascontiguousarray(array, dtype=np.int32)
        own: np.ndarray = self._own[array]
        unused = np.flatnonzero(own < 0)
        if len(unused):
            raise ValueError(
                f"ids: got {array[unused[0]]} at {unused[0]}, which is a byte that is no letter from a to z and which "
                "no ECG holds"
            )
        return own
