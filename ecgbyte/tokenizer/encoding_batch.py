"""What encoding several ECGs gives: the tokens of all of them in one array, and each encoding where it is asked for."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields
from typing import Any, overload

import numpy as np

from ecgbyte.tokenizer.encoding import Encoding, read_only


@dataclass(frozen=True, eq=False)
class EncodingBatch(Sequence[Encoding]):
    """The tokens of several ECGs, end to end; used like a list, it gives the `Encoding` of each.

    An encoding is made when it is asked for, each time anew, and its ids are a view of those of the batch: kept, it
    keeps the ids of the whole batch in memory (4 bytes a token), unless they are copied.

    *Thread-safety*: immutable; the arrays are read-only.

    Attributes
    ----------
    ids : int32 [tokens of all]
        Token ids; those of signal k are ``ids[splits[k] : splits[k + 1]]``.
    splits : int64 [signals + 1]
        Where the tokens of each signal start, and the end.
    samples : int64 [signals]
        Samples a lead of each signal.
    ranges : float64 [signals, 2]
        The low and the high end, in mV, of what the symbols divide.
    clipped : float64 [signals]
        Share of the samples of each signal, 0 to 1, that lay outside of its range.
    num_leads : int
        Leads of each signal.
    lead_names : tuple of str or None
        Their names, where they are known.
    token_lengths : int32 [vocabulary]
        Number of symbols of each token of the vocabulary.
    """

    ids: np.ndarray
    splits: np.ndarray
    samples: np.ndarray
    ranges: np.ndarray
    clipped: np.ndarray
    num_leads: int
    lead_names: tuple[str, ...] | None
    token_lengths: np.ndarray

    def __post_init__(self) -> None:
        read_only(self.ids, self.splits, self.samples, self.ranges, self.clipped, self.token_lengths)

    def __reduce__(self) -> tuple[type[EncodingBatch], tuple[Any, ...]]:
        # Through the constructor, so that a copy is read-only too.
        return EncodingBatch, tuple(getattr(self, item.name) for item in fields(self))

    def __len__(self) -> int:
        return len(self.samples)

    @overload
    def __getitem__(self, index: int) -> Encoding: ...

    @overload
    def __getitem__(self, index: slice) -> list[Encoding]: ...

    def __getitem__(self, index: int | slice) -> Encoding | list[Encoding]:
        """The encoding of one signal, or a list of those of a slice.

        Raises
        ------
        IndexError
            If there is no such signal.
        """
        if isinstance(index, slice):
            return [self[place] for place in range(*index.indices(len(self)))]
        place = range(len(self))[index]
        low, high = self.ranges[place].tolist()
        return Encoding._of_tokens(
            self.ids[self.splits[place] : self.splits[place + 1]],
            self.token_lengths,
            (self.num_leads, int(self.samples[place])),
            low,
            high,
            float(self.clipped[place]),
            self.lead_names,
        )

    def __iter__(self) -> Iterator[Encoding]:
        return (self[place] for place in range(len(self)))
