"""The tokenizer: an ECG in mV to token ids, and ids back to an ECG.

The steps are those of ECG-Byte (Han et al., arXiv:2412.14373, section 3): clip to a range, quantise to 26 letters, put
the leads one after another, and join frequent pairs by byte-pair encoding. Three things are chosen by name and stored:
where the range comes from, what no token may cross (``boundary``), and how symbols are cut into tokens (``matching``).
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from ecgbyte.signals.amplitude_range import AmplitudeRange
from ecgbyte.signals.records import Record
from ecgbyte.tokenizer.dropout_encoding import with_dropout
from ecgbyte.tokenizer.encoding import Encoding
from ecgbyte.tokenizer.encoding_batch import EncodingBatch
from ecgbyte.tokenizer.given_vocabulary import GivenVocabularyTokenizer
from ecgbyte.tokenizer.input_signals import Signal
from ecgbyte.tokenizer.signal_encoding import decode_signal, encode_signal, encode_signals
from ecgbyte.tokenizer.training import train_content

if TYPE_CHECKING:
    from ecgbyte.signals.preprocess import Preprocessor


class ECGTokenizer(GivenVocabularyTokenizer):
    """Turns ECGs into token ids and back; made by `from_pretrained`, `train`, `from_published` or `from_merges`.

    *Thread-safety*: immutable; every method may be called from several threads at once, and the long ones release the
    interpreter lock.

    Parameters
    ----------
    content : TokenizerContent
        Settings and merges.

    Examples
    --------
    >>> merges = [(0, 0), (26, 1)]  # aa, then aab
    >>> tokenizer = ECGTokenizer.from_merges(merges)
    >>> tokenizer.encode_symbols(np.array([0, 0, 1, 0, 2], dtype=np.uint8)).tolist()
    [27, 0, 2]
    >>> tokenizer.decode_symbols([27, 0, 2]).tolist()
    [0, 0, 1, 0, 2]
    """

    __slots__ = ()

    @classmethod
    def train(
        cls,
        records: Iterable[Signal],
        num_merges: int = 3500,
        *,
        amplitude_range: AmplitudeRange | tuple[float, float] | str = "global",
        boundary: str = "lead",
        matching: str = "longest",
        min_count: int = 1,
        alphabet_size: int = 26,
        sampling_rate: float | None = None,
        lead_names: Sequence[str] | None = None,
        preprocessing: Preprocessor | Mapping[str, Any] | None = None,
        num_threads: int = 1,
        progress: bool = True,
    ) -> ECGTokenizer:
        """Learn the range and the merges from preprocessed records.

        The same records in the same order, with the same settings, give the same tokenizer, whatever `num_threads`.

        Parameters
        ----------
        records : collection of Record, or of float [leads, samples]
            In mV, all of one rate and with the same leads; lengths may differ. With ``amplitude_range="global"`` the
            collection is read twice, so an iterator that can be read only once is refused.
        num_merges : int
            Merges to learn; fewer are made where no pair is left or the counts fall below `min_count`.
        amplitude_range : {"global", "per-record"} or (low, high)
            What the symbols divide, in mV: percentiles 1 and 99 over all given records, widened by 0.5 mV on each side
            (see `ecgbyte.signals.amplitude_range.fit_amplitude_range`), each record's own smallest and largest
            sample, or a range of your own: also `ecgbyte.signals.amplitude_levels.AmplitudeLevels`, of unequal width.
        boundary : {"lead", "record"}
            "lead": no token crosses the border between two leads. "record": the leads of a record are one sequence, as
            published, but no merge crosses from one record to the next.
        matching : {"longest", "merge-order"}
            How `encode` cuts symbols into tokens: always the longest token that fits, as published, or in the order
            of the merges, which is byte-pair encoding proper.
        min_count : int
            Pairs that occur less often are not merged.
        alphabet_size : int
            Number of letters, 2 to 256.
        sampling_rate : float, optional
            Samples a second; needed where `records` holds arrays.
        lead_names : sequence of str, optional
            The leads of arrays, in canonical order; records know their own.
        preprocessing : Preprocessor or dict, optional
            What the records went through: stored, so that a user can see which signals the tokenizer expects. It is
            not applied here.
        num_threads : int
            Threads for symbols and merges.
        progress : bool
            Show progress bars on standard error.

        Returns
        -------
        ECGTokenizer

        Raises
        ------
        TypeError, ValueError
            If `records` is empty or read only once where two readings are needed, a record differs from the first in
            rate or leads, a signal has a wrong shape, type or a value that is not finite, or an option is unknown.
        """
        return cls(
            train_content(
                records,
                num_merges,
                amplitude_range=amplitude_range,
                boundary=boundary,
                matching=matching,
                min_count=min_count,
                alphabet_size=alphabet_size,
                sampling_rate=sampling_rate,
                lead_names=lead_names,
                preprocessing=preprocessing,
                num_threads=num_threads,
                progress=progress,
            )
        )

    def with_matching(self, matching: str) -> ECGTokenizer:
        """A copy that cuts symbols into tokens by the other rule, "longest" or "merge-order".

        Raises
        ------
        ValueError
            If there is no such rule.
        """
        return ECGTokenizer(dataclasses.replace(self._content, matching=matching))

    def encode(self, signal: Signal, *, dropout: float = 0.0, seed: int = 0, num_threads: int = 1) -> Encoding:
        """Turn one ECG into tokens.

        Parameters
        ----------
        signal : Record or float32 or float64 [leads, samples]
            In mV, preprocessed as the training records were. Of an array only the number of leads can be checked; a
            record must also have the tokenizer's rate and leads.
        dropout : float
            The probability with which a merge, or a match, is skipped (`ecgbyte.bpe.dropout`), so that a model in
            training meets other tokens each time; they decode to the same signal.
        seed : int
            Of what is skipped, from 0; without meaning where `dropout` is 0.
        num_threads : int
            Threads for a long signal; the result does not depend on it.

        Returns
        -------
        Encoding

        Raises
        ------
        TypeError
            If the samples are not float32 or float64.
        ValueError
            If shape, rate or leads do not fit, a sample is NaN or infinite (the message names lead and sample), or
            the tokenizer knows no range.
        """
        if dropout:
            return with_dropout(
                self._content, encode_signals(self._content, [signal], num_threads), dropout, seed, num_threads
            )[0]
        return encode_signal(self._content, signal, num_threads)

    def encode_batch(
        self,
        signals: Iterable[Signal],
        *,
        dropout: float = 0.0,
        seed: int | Sequence[int] = 0,
        num_threads: int = 1,
    ) -> EncodingBatch:
        """Turn several ECGs into tokens, the same as `encode` gives for each; their lengths may differ.

        Parameters
        ----------
        signals : collection of Record or float [leads, samples], or float [signals, leads, samples]
            As in `encode`.
        dropout : float
            As in `encode`.
        seed : int or sequence of int
            Of what is skipped: one for all signals, or one for each.
        num_threads : int
            Threads that share the signals, or the leads of long ones; the result does not depend on it.

        Returns
        -------
        EncodingBatch
            A sequence of the encodings; its `ids` and `splits` hold the tokens of all of them. O(samples); beside the
            ids, memory for the symbols of some signals at a time.

        Raises
        ------
        TypeError, ValueError
            As `encode`; the message names the position of the signal. Nothing is returned then.
        """
        if isinstance(signals, (str, bytes, Record)) or not isinstance(signals, Iterable):
            raise TypeError(f"signals: got {type(signals).__name__}, expected a list of signals")
        batch = encode_signals(self._content, list(signals), num_threads)
        return with_dropout(self._content, batch, dropout, seed, num_threads) if dropout else batch

    def decode(
        self,
        ids: Encoding | np.ndarray | Sequence[int],
        *,
        amplitude_range: AmplitudeRange | tuple[float, float] | None = None,
        as_published: bool = False,
    ) -> np.ndarray:
        """Turn the tokens of one ECG back into a signal, within half a bin of the clipped input.

        Parameters
        ----------
        ids : Encoding or int [tokens]
            All tokens of one ECG.
        amplitude_range : (low, high), optional
            In mV; needed where the tokenizer uses each record's own range and `ids` is no `Encoding`.
        as_published : bool
            Give symbol k the value k/25 of the range, up to a whole bin away, instead of the centre of its bin.

        Returns
        -------
        float32 [leads, samples]
            In mV.

        Raises
        ------
        TypeError
            If the ids are not integers.
        ValueError
            If an id is unknown, the tokens do not fill the leads equally, or the range is missing.
        """
        return decode_signal(self._content, ids, amplitude_range, as_published)

    def batch_decode(
        self,
        sequences: Iterable[Encoding | np.ndarray | Sequence[int]],
        *,
        amplitude_range: AmplitudeRange | tuple[float, float] | None = None,
        as_published: bool = False,
    ) -> list[np.ndarray]:
        """Turn the tokens of several ECGs back into signals, each as `decode` does.

        Parameters
        ----------
        sequences : EncodingBatch, or collection of Encoding or int [tokens]
        amplitude_range, as_published
            As in `decode`.

        Returns
        -------
        list of float32 [leads, samples]
            In mV.

        Raises
        ------
        TypeError, ValueError
            As `decode`.

        Examples
        --------
        >>> tokenizer = ECGTokenizer.from_merges([], amplitude_range=(-1.0, 1.0), num_leads=1)
        >>> [signal.shape for signal in tokenizer.batch_decode([[0, 25], [12, 12, 13]])]
        [(1, 2), (1, 3)]
        """
        if isinstance(sequences, (str, bytes, Encoding)) or not isinstance(sequences, Iterable):
            raise TypeError(f"sequences: got {type(sequences).__name__}, expected the tokens of several ECGs")
        return [self.decode(ids, amplitude_range=amplitude_range, as_published=as_published) for ids in sequences]

    def encode_symbols(self, symbols: np.ndarray) -> np.ndarray:
        """Turn one sequence of symbols into tokens, without loss; `boundary` plays no part.

        Parameters
        ----------
        symbols : uint8 [symbols]
            Letters as numbers, below `alphabet_size`.

        Returns
        -------
        int32 [tokens]

        Raises
        ------
        TypeError, ValueError
            If `symbols` is not such an array.
        """
        if not isinstance(symbols, np.ndarray) or symbols.dtype != np.uint8:
            kind = f"dtype {symbols.dtype}" if isinstance(symbols, np.ndarray) else type(symbols).__name__
            raise TypeError(f"symbols: got {kind}, expected a NumPy array of uint8")
        if symbols.ndim != 1:
            raise ValueError(f"symbols: got shape {symbols.shape}, expected [symbols]")
        return self._content.token_ids.shown(self.vocabulary.encode(symbols, matching=self.matching))

    def decode_symbols(self, ids: np.ndarray | Sequence[int]) -> np.ndarray:
        """The inverse of `encode_symbols`.

        Parameters
        ----------
        ids : int [tokens]

        Returns
        -------
        uint8 [symbols]

        Raises
        ------
        TypeError, ValueError
            If the ids are not integers, or one is unknown.
        """
        return self.vocabulary.decode(self._content.token_ids.own(ids))
