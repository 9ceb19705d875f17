"""What a tokenizer is: its content, the vocabulary that follows from it, and nothing that changes."""

from __future__ import annotations

import copy
from typing import Any

import numpy as np

from ecgbyte.bpe import Vocabulary
from ecgbyte.signals.amplitude_range import AmplitudeRange
from ecgbyte.tokenizer.id_scheme import token_name
from ecgbyte.tokenizer.tokenizer_content import TokenizerContent, TrainingSummary
from ecgbyte.tokenizer.tokenizer_file import checksum


class TokenizerState:
    """Settings, merges and vocabulary of a tokenizer, to be read only; `ecgbyte.ECGTokenizer` adds what it does.

    Two are equal where all settings and merges are. Pickling carries the content and builds the vocabulary again.

    *Thread-safety*: immutable.

    Parameters
    ----------
    content : TokenizerContent
        Settings and merges.
    """

    __slots__ = ("_checksum", "_content")
    _content: TokenizerContent
    _checksum: str

    def __init__(self, content: TokenizerContent) -> None:
        if not isinstance(content, TokenizerContent):
            raise TypeError(
                f"content: got {type(content).__name__}, expected TokenizerContent; "
                "use ECGTokenizer.train, .load or .from_merges"
            )
        object.__setattr__(self, "_content", content)
        object.__setattr__(self, "_checksum", checksum(content))

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError(f"an ECGTokenizer does not change: cannot set {name!r}")

    def __delattr__(self, name: str) -> None:
        raise AttributeError(f"an ECGTokenizer does not change: cannot delete {name!r}")

    def __reduce__(self) -> tuple[type[TokenizerState], tuple[TokenizerContent]]:
        return type(self), (self._content,)

    def __eq__(self, other: object) -> bool:
        return self._checksum == other._checksum if isinstance(other, TokenizerState) else NotImplemented

    def __hash__(self) -> int:
        return hash(self._checksum)

    def __repr__(self) -> str:
        return (
            f"ECGTokenizer(vocabulary_size={self.vocabulary_size}, boundary={self.boundary!r}, "
            f"matching={self.matching!r}, amplitude_range={self.amplitude_range!r}, "
            f"sampling_rate={self.sampling_rate}, fingerprint={self.fingerprint!r})"
        )

    @property
    def vocabulary(self) -> Vocabulary:
        """The tokens as strings of symbols, with ids of its own: letters from 0, merges after them."""
        return self._content.vocabulary

    @property
    def vocabulary_size(self) -> int:
        """Number of ids: letters and merges; of a published vocabulary, also the bytes that no ECG holds."""
        return int(self._content.token_ids.size)

    def __len__(self) -> int:
        return self.vocabulary_size

    def get_vocab(self) -> dict[str, int]:
        """The name that each token has in a language model, and its id here.

        Returns
        -------
        dict of str to int
            ``signal_0`` and so on; in the order in which a language model gets their rows.

        Examples
        --------
        >>> from ecgbyte import ECGTokenizer
        >>> ECGTokenizer.from_merges([(0, 1)], alphabet_size=2).get_vocab()
        {'signal_0': 0, 'signal_1': 1, 'signal_2': 2}
        """
        return {token_name(token): token for token in self._content.token_ids.order}

    @property
    def used_ids(self) -> np.ndarray:
        """The id of each token of `vocabulary`, int32 [tokens]; all but bytes that no ECG holds are among them."""
        return self._content.token_ids.shown(np.arange(self._content.vocabulary.size, dtype=np.int32))

    def token_symbols(self, token: int) -> np.ndarray:
        """The symbols of one token, uint8 [symbols], read-only.

        Parameters
        ----------
        token : int
            An id as `encode` gives it.

        Raises
        ------
        ValueError
            If there is no such token, or it is a byte of a published vocabulary that no ECG holds.
        """
        own = self._content.token_ids.own([token])
        return self._content.vocabulary.token_symbols(int(own[0]))

    @property
    def alphabet_size(self) -> int:
        """Number of letters."""
        return self._content.vocabulary.alphabet_size

    @property
    def merges(self) -> np.ndarray:
        """The merges, int32 [merges, 2], read-only."""
        return self._content.vocabulary.merges

    @property
    def boundary(self) -> str:
        """What no token crosses: "lead" or "record"."""
        return self._content.boundary

    @property
    def matching(self) -> str:
        """How symbols are cut into tokens: "longest" or "merge-order"."""
        return self._content.matching

    @property
    def amplitude_range(self) -> AmplitudeRange | str | None:
        """The range in mV, "per-record", or None where the tokenizer knows symbols only."""
        return self._content.amplitude_range

    @property
    def sampling_rate(self) -> float | None:
        """Samples a second of the signals it is for; None where not known."""
        return self._content.sampling_rate

    @property
    def num_leads(self) -> int | None:
        """Number of leads of the signals it is for; None where it knows symbols only."""
        return self._content.num_leads

    @property
    def lead_names(self) -> tuple[str, ...] | None:
        """The leads in their order; None where not known."""
        return self._content.lead_names

    @property
    def preprocessing(self) -> dict[str, Any] | None:
        """Settings of the preprocessing that its signals go through first (a copy); None where not known or none."""
        return None if self._content.preprocessing is None else copy.deepcopy(dict(self._content.preprocessing))

    @property
    def training(self) -> TrainingSummary | None:
        """What it was trained on and with; None where the merges were given."""
        return self._content.training

    @property
    def training_fingerprint(self) -> str | None:
        """Identifies the training data; None where the merges were given."""
        return None if self._content.training is None else self._content.training.fingerprint

    @property
    def fingerprint(self) -> str:
        """Identifies settings and merges: the first 16 digits of the checksum in its file."""
        return self._checksum[: len("sha256:") + 16]
