"""What encoding an ECG gives: token ids, and which samples of which lead each of them covers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ecgbyte._ext import signal_encoding as _kernel
from ecgbyte.bpe import Vocabulary


@dataclass(frozen=True, eq=False)
class Encoding:
    """The tokens of one ECG.

    *Thread-safety*: immutable; the arrays are read-only. Of an encoding that a tokenizer made, `leads` and `offsets`
    are worked out when one of them is first asked for, O(tokens); threads that ask at once get the same arrays.

    Attributes
    ----------
    ids : int32 [tokens]
        Token ids; the leads follow one another in order.
    leads : int16 [tokens]
        Index of the lead in which each token starts.
    offsets : int32 [tokens, 2]
        First sample and one past the last, counted from the start of that lead. With ``boundary="record"`` the second
        may run past the end of the lead, into the leads that follow.
    shape : (int, int)
        Leads and samples of the signal.
    low, high : float
        The range, in mV, that the symbols divide.
    clipped : float
        Share of the samples, 0 to 1, that lay outside the range and were clipped to it.
    lead_names : tuple of str or None
        The names of the leads, where they are known.

    Examples
    --------
    Three leads of 5 samples; with ``boundary="record"`` a token that starts at sample 3 of the first lead and covers
    4 samples has ``leads[i] == 0``, ``offsets[i] == [3, 7]`` and ``spans(i) == [(0, 3, 5), (1, 0, 2)]``.
    """

    ids: np.ndarray
    leads: np.ndarray
    offsets: np.ndarray
    shape: tuple[int, int]
    low: float
    high: float
    clipped: float = 0.0
    lead_names: tuple[str, ...] | None = None

    @classmethod
    def _of_tokens(
        cls,
        ids: np.ndarray,
        token_lengths: np.ndarray,
        shape: tuple[int, int],
        low: float,
        high: float,
        clipped: float,
        lead_names: tuple[str, ...] | None,
    ) -> Encoding:
        """One whose `leads` and `offsets` follow from the number of symbols of each token of the vocabulary."""
        encoding = object.__new__(cls)
        vars(encoding).update(
            ids=ids, shape=shape, low=low, high=high, clipped=clipped, lead_names=lead_names, _lengths=token_lengths
        )
        return encoding

    def __getattr__(self, name: str) -> np.ndarray:
        # Comes here only for what is not there yet.
        fields = vars(self)
        if name not in ("leads", "offsets") or "_lengths" not in fields:
            raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")
        located = dict(zip(("leads", "offsets"), _located(self.ids, fields["_lengths"], self.shape[1]), strict=True))
        array: np.ndarray = fields.setdefault(name, located[name])
        return array

    def __getstate__(self) -> dict[str, Any]:
        located = {"leads": self.leads, "offsets": self.offsets}
        return {name: value for name, value in (vars(self) | located).items() if name != "_lengths"}

    @property
    def num_tokens(self) -> int:
        """Number of tokens."""
        return len(self.ids)

    @property
    def num_symbols(self) -> int:
        """Number of symbols, which is leads times samples."""
        return self.shape[0] * self.shape[1]

    @property
    def compression(self) -> float:
        """Symbols a token, on average."""
        return self.num_symbols / self.num_tokens

    def __len__(self) -> int:
        return len(self.ids)

    def spans(self, token: int) -> list[tuple[str | int, int, int]]:
        """The samples that one token covers, lead by lead.

        Parameters
        ----------
        token : int
            Position of the token in `ids`; negative positions count from the end.

        Returns
        -------
        list of (lead, start, stop)
            One entry for each lead that the token touches: its name (its index where names are not known), the first
            sample and one past the last. With ``boundary="lead"`` there is always exactly one.

        Raises
        ------
        IndexError
            If there is no such token.
        """
        if not -len(self.ids) <= token < len(self.ids):
            raise IndexError(f"token: got {token}, expected a position in an encoding of {len(self.ids)} tokens")
        samples = self.shape[1]
        lead = int(self.leads[token])
        start, stop = (int(offset) for offset in self.offsets[token])
        spans: list[tuple[str | int, int, int]] = []
        while stop > 0:
            name = lead if self.lead_names is None else self.lead_names[lead]
            spans.append((name, start, min(stop, samples)))
            lead, start, stop = lead + 1, 0, stop - samples
        return spans


def locate_tokens(ids: np.ndarray, vocabulary: Vocabulary, samples: int) -> tuple[np.ndarray, np.ndarray]:
    """Find the lead and the samples of each token of a whole record.

    Parameters
    ----------
    ids : int32 [tokens]
        The tokens of all leads, one lead after another.
    vocabulary : Vocabulary
        Gives the number of symbols of each token.
    samples : int
        Samples a lead.

    Returns
    -------
    leads : int16 [tokens]
    offsets : int32 [tokens, 2]
        As in `Encoding`; read-only.

    Raises
    ------
    ValueError
        If an id is not in the vocabulary.
    """
    return _located(ids, vocabulary.lengths, samples)


def _located(ids: np.ndarray, token_lengths: np.ndarray, samples: int) -> tuple[np.ndarray, np.ndarray]:
    leads = np.empty(len(ids), dtype=np.int16)
    offsets = np.empty((len(ids), 2), dtype=np.int32)
    _kernel.locate(ids, token_lengths, samples, leads, offsets)
    read_only(leads, offsets)
    return leads, offsets


def read_only(*arrays: np.ndarray) -> Sequence[np.ndarray]:
    """The same arrays, marked read-only, so that what is shared cannot be changed by one of its users."""
    for array in arrays:
        array.setflags(write=False)
    return arrays
