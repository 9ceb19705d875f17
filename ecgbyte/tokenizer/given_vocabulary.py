"""Tokenizers whose merges were learnt elsewhere: given as pairs, or in a file that ECG-Byte's code saved."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import Self

import numpy as np

from ecgbyte.bpe import Vocabulary
from ecgbyte.signals.amplitude_range import AmplitudeRange
from ecgbyte.tokenizer.id_scheme import PublishedIds
from ecgbyte.tokenizer.pretrained import PretrainedTokenizer
from ecgbyte.tokenizer.published_vocabulary import pairs_of_letters, pairs_of_tokens, read_published
from ecgbyte.tokenizer.tokenizer_content import TokenizerContent, given_range


class GivenVocabularyTokenizer(PretrainedTokenizer):
    """Making tokenizers of what was learnt elsewhere; `ecgbyte.ECGTokenizer` adds training and what they do."""

    __slots__ = ()

    @classmethod
    def from_merges(
        cls,
        merges: np.ndarray | Sequence[tuple[int, int]],
        matching: str = "longest",
        *,
        boundary: str = "lead",
        alphabet_size: int = 26,
        amplitude_range: AmplitudeRange | tuple[float, float] | str | None = None,
        sampling_rate: float | None = None,
        num_leads: int | None = None,
        lead_names: Sequence[str] | None = None,
    ) -> Self:
        """Build a tokenizer from merges that were learned elsewhere.

        Without a range it knows symbols only: `encode_symbols` and `decode_symbols` work, `encode` says what is
        missing.

        Parameters
        ----------
        merges : int [merges, 2]
            Row k is the pair of ids that token ``alphabet_size + k`` joins.
        matching, boundary, alphabet_size
            As in `train`.
        amplitude_range : (low, high) or "per-record", optional
            In mV; makes `encode` and `decode` work.
        sampling_rate : float, optional
            Samples a second that `encode` expects of records; None accepts any.
        num_leads : int, optional
            Leads that `encode` expects: the number of `lead_names`, or 12, where only a range is given.
        lead_names : sequence of str, optional
            Leads that `encode` expects of records, in canonical order; None accepts any.

        Raises
        ------
        TypeError, ValueError
            If a merge names an id that does not exist before it, or an option is unknown or contradicts another.
        """
        limits, num_leads, names = given_range(amplitude_range, num_leads, lead_names)
        return cls(
            TokenizerContent(
                vocabulary=Vocabulary(merges, alphabet_size=alphabet_size),
                boundary=boundary,
                matching=matching,
                amplitude_range=limits,
                sampling_rate=sampling_rate,
                num_leads=num_leads,
                lead_names=names,
            )
        )

    @classmethod
    def from_published(
        cls,
        path: str | os.PathLike[str],
        *,
        amplitude_range: AmplitudeRange | tuple[float, float] | Mapping[str, float] | str | None = None,
        sampling_rate: float | None = None,
        num_leads: int | None = None,
        lead_names: Sequence[str] | None = None,
    ) -> Self:
        """Take over a vocabulary that ECG-Byte's code saved, with its ids.

        `encode` gives the ids that the published code gives, token i is called ``signal_{i}`` in a language model, and
        `get_vocab` names the tokens in the order of the file, which is that of the rows in a checkpoint. As published,
        the leads are one string (``boundary="record"``) and the longest token that fits is taken. The file is a pickle;
        it is read without executing anything.

        Parameters
        ----------
        path : path-like
            A pickle of ``(vocab, merges)``, at most 8 MiB.
        amplitude_range : (low, high), "per-record" or dict, optional
            What the symbols divide, in mV; the file does not say. A dict with ``percentile_1`` and ``percentile_99``,
            as the published code keeps them, is widened by 0.5 mV on each side as there. ``"per-record"``: each
            record's own smallest and largest sample, as the later code does. Without a range only `encode_symbols` and
            `decode_symbols` work.
        sampling_rate, num_leads, lead_names
            As in `from_merges`.

        Raises
        ------
        FileNotFoundError
            If there is no such file.
        TypeError, ValueError
            If the file holds anything but such a vocabulary, or is beyond the limits of
            `ecgbyte.tokenizer.published_vocabulary`; if a merge joins bytes that are no letters; or an option is wrong.

        Notes
        -----
        Symbols are computed in float64. The published code computes them in the type of the signal, which is float64
        in its global range; the later code takes the range of a float32 record in float32, by which about one symbol in
        a million comes out as its neighbour. `docs/switch.md` has the counts.
        """
        order, tokens = read_published(path)
        limits, num_leads, names = given_range(amplitude_range, num_leads, lead_names)
        return cls(
            TokenizerContent(
                vocabulary=Vocabulary(pairs_of_letters(pairs_of_tokens(tokens))),
                boundary="record",
                matching="longest",
                amplitude_range=limits,
                sampling_rate=sampling_rate,
                num_leads=num_leads,
                lead_names=names,
                published_ids=PublishedIds(tuple(order)),
            )
        )
