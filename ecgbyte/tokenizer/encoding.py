"""What encoding an ECG gives: token ids, and which samples of which lead each of them covers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ecgbyte._ext import signal_encoding as _kernel
from ecgbyte.tokenizer.tokenizer_state import TokenizerState

_NOT_YET = np.empty(0)
_NOT_YET.setflags(write=False)


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
        Share of the samples, 0 to 1, that lay outside the range and were clipped to it; above one half the tokenizer
        has warned (`ecgbyte.tokenizer.clipping.ClippedWarning`), once a call.
    lead_names : tuple of str or None
        The names of the leads, where they are known.

    Examples
    --------
    Three leads of 5 samples; with ``boundary="record"`` a token that starts at sample 3 of the first lead and covers
    4 samples has ``leads[i] == 0``, ``offsets[i] == [3, 7]`` and ``spans(i) == [(0, 3, 5), (1, 0, 2)]``.
    """

    def __init__(
        self,
        ids: np.ndarray,
        leads: np.ndarray,
        offsets: np.ndarray,
        shape: tuple[int, int],
        low: float,
        high: float,
        clipped: float = 0.0,
        lead_names: tuple[str, ...] | None = None,
    ) -> None:
        self._ids = _unchangeable(ids)
        self._shape, self._range, self._clipped, self._lead_names = shape, (low, high), clipped, lead_names
        self._token_lengths = _NOT_YET
        # Leads and offsets, as soon as they are known.
        self._places = {"": (_unchangeable(leads), _unchangeable(offsets))}

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
        encoding = cls(ids, _NOT_YET, _NOT_YET, shape, low, high, clipped, lead_names)
        encoding._token_lengths, encoding._places = token_lengths, {}
        return encoding

    def _located(self) -> tuple[np.ndarray, np.ndarray]:
        if "" not in self._places:
            # Of threads that come here at once, the first to finish gives its arrays to all.
            self._places.setdefault("", _located(self._ids, self._token_lengths, self._shape[1]))
        return self._places[""]

    @property
    def ids(self) -> np.ndarray:
        """Token ids, int32 [tokens]."""
        return self._ids

    @property
    def leads(self) -> np.ndarray:
        """Index of the lead in which each token starts, int16 [tokens]."""
        return self._located()[0]

    @property
    def offsets(self) -> np.ndarray:
        """First sample of each token and one past its last, int32 [tokens, 2]."""
        return self._located()[1]

    @property
    def shape(self) -> tuple[int, int]:
        """Leads and samples of the signal."""
        return self._shape

    @property
    def low(self) -> float:
        """The low end of the range, in mV."""
        return self._range[0]

    @property
    def high(self) -> float:
        """The high end of the range, in mV."""
        return self._range[1]

    @property
    def clipped(self) -> float:
        """Share of the samples, 0 to 1, that lay outside the range."""
        return self._clipped

    @property
    def lead_names(self) -> tuple[str, ...] | None:
        """The names of the leads, where they are known."""
        return self._lead_names

    def __repr__(self) -> str:
        return (
            f"Encoding({self.num_tokens} tokens, shape={self.shape}, low={self.low}, high={self.high}, "
            f"clipped={self.clipped}, lead_names={self.lead_names})"
        )

    def __reduce__(self) -> tuple[type[Encoding], tuple[Any, ...]]:
        # Through the constructor, so that a copy is read-only too.
        places = (self.leads, self.offsets)
        return Encoding, (self.ids, *places, self.shape, self.low, self.high, self.clipped, self.lead_names)

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

    def as_tensor(self) -> Any:
        """The ids as torch.int64 [tokens], a copy of one's own: torch warns of arrays that it may not write to.

        Examples
        --------
        ::

            ids = tokenizer.encode(record).as_tensor()
        """
        import torch

        return torch.from_numpy(self.ids.astype(np.int64))

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


def locate_tokens(ids: np.ndarray, tokenizer: TokenizerState, samples: int) -> tuple[np.ndarray, np.ndarray]:
    """Find the lead and the samples of each token of a whole record.

    Parameters
    ----------
    ids : int32 [tokens]
        The tokens of all leads, one lead after another.
    tokenizer : ECGTokenizer
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
    return _located(ids, tokenizer._content.token_ids.lengths, samples)


def _located(ids: np.ndarray, token_lengths: np.ndarray, samples: int) -> tuple[np.ndarray, np.ndarray]:
    leads = np.empty(len(ids), dtype=np.int16)
    offsets = np.empty((len(ids), 2), dtype=np.int32)
    _kernel.locate(ids, token_lengths, samples, leads, offsets)
    read_only(leads, offsets)
    return leads, offsets


def _unchangeable(array: np.ndarray) -> np.ndarray:
    """The array if it is read-only, else a read-only copy, so that its owner can go on writing."""
    return array if not array.flags.writeable else read_only(array.copy())[0]


def read_only(*arrays: np.ndarray) -> Sequence[np.ndarray]:
    """The same arrays, marked read-only, so that what is shared cannot be changed by one of its users."""
    for array in arrays:
        array.setflags(write=False)
    return arrays
