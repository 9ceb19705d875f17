"""All that a tokenizer is made of, checked once, however it came about: trained, loaded or given as merges."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from ecgbyte.bpe import MATCHING, Vocabulary
from ecgbyte.checks import check_option, finite_number, positive_number, whole_number
from ecgbyte.signals.amplitude_levels import AmplitudeLevels
from ecgbyte.signals.amplitude_range import AmplitudeRange
from ecgbyte.signals.leads import LEADS, canonical_lead_names
from ecgbyte.tokenizer.id_scheme import PublishedIds, TokenIds

BOUNDARIES = ("lead", "record")
RANGE_SOURCES = ("global", "per-record", "given")
PER_RECORD = "per-record"
# What the published code adds on both sides of percentiles 1 and 99.
PUBLISHED_WIDENING_MV = 0.5


@dataclass(frozen=True)
class TrainingSummary:
    """What a tokenizer was trained on and with. No patient data: record ids enter the fingerprint only.

    Attributes
    ----------
    records, symbols : int
        Records and symbols of the training corpus.
    amplitude_range : {"global", "per-record", "given"}
        Where the range came from: percentiles of the training records, each record's own, or given by the user.
    merges_requested, merges_made : int
        Fewer are made where no pair is left or the counts fall below `min_count`.
    min_count : int
        The smallest count of a pair that was merged.
    fingerprint : str
        Of rate, leads, and every record's id and symbols, in the order given.
    """

    records: int
    symbols: int
    amplitude_range: str
    merges_requested: int
    merges_made: int
    min_count: int
    fingerprint: str

    def __post_init__(self) -> None:
        for name in ("records", "symbols", "merges_requested", "merges_made", "min_count"):
            whole_number(f"training.{name}", getattr(self, name), minimum=0)
        _text("training.fingerprint", self.fingerprint)
        _text("training.amplitude_range", self.amplitude_range)
        check_option("training.amplitude_range", self.amplitude_range, RANGE_SOURCES)
        if self.merges_made > self.merges_requested:
            raise ValueError(
                f"training.merges_made: got {self.merges_made}, more than merges_requested {self.merges_requested}"
            )


@dataclass(frozen=True, eq=False)
class TokenizerContent:
    """Settings and merges of a tokenizer.

    Attributes
    ----------
    vocabulary : Vocabulary
        Letters and merges.
    boundary : {"lead", "record"}
        What no token crosses.
    matching : {"longest", "merge-order"}
        How symbols are cut into tokens.
    amplitude_range : AmplitudeRange, AmplitudeLevels, "per-record" or None
        In mV; None where the tokenizer knows symbols only.
    sampling_rate : float or None
        Samples a second of the signals it was made for; None where not known.
    num_leads : int or None
        Rows of the signals it takes; None where the tokenizer knows symbols only.
    lead_names : tuple of str or None
        Their names, in canonical order; None where not known.
    preprocessing : dict or None
        Settings of the preprocessing that its signals went through; None where not known or none.
    training : TrainingSummary or None
        None where the merges were given.
    published_ids : PublishedIds or None
        The ids of a vocabulary that ECG-Byte's code saved; None where tokens have the ids of `vocabulary`.
    """

    vocabulary: Vocabulary
    boundary: str
    matching: str
    amplitude_range: AmplitudeRange | str | None = None
    sampling_rate: float | None = None
    num_leads: int | None = None
    lead_names: tuple[str, ...] | None = None
    preprocessing: Mapping[str, Any] | None = None
    training: TrainingSummary | None = None
    published_ids: PublishedIds | None = None

    @cached_property
    def token_ids(self) -> TokenIds:
        """The ids that users see, and those of the vocabulary behind them."""
        return TokenIds(self.vocabulary, self.published_ids)

    def __post_init__(self) -> None:
        if not isinstance(self.vocabulary, Vocabulary):
            raise TypeError(f"vocabulary: got {type(self.vocabulary).__name__}, expected Vocabulary")
        check_option("boundary", _text("boundary", self.boundary), BOUNDARIES)
        check_option("matching", _text("matching", self.matching), MATCHING)
        if isinstance(self.amplitude_range, str):
            check_option("amplitude_range", self.amplitude_range, (PER_RECORD,))
        elif self.amplitude_range is not None and not isinstance(self.amplitude_range, AmplitudeRange):
            kind = type(self.amplitude_range).__name__
            raise TypeError(f"amplitude_range: got {kind}, expected AmplitudeRange, 'per-record' or None")
        check_levels(self.amplitude_range, self.vocabulary.alphabet_size)
        sampling_rate = None if self.sampling_rate is None else positive_number("sampling_rate", self.sampling_rate)
        num_leads = self.num_leads
        if num_leads is not None:
            num_leads = whole_number("num_leads", num_leads, minimum=1, maximum=np.iinfo(np.int16).max)
        elif self.amplitude_range is not None:
            raise ValueError("num_leads: missing; a tokenizer with a range takes signals, of a fixed number of leads")
        if self.training is not None:
            if not isinstance(self.training, TrainingSummary):
                raise TypeError(f"training: got {type(self.training).__name__}, expected TrainingSummary or None")
            num_merges = len(self.vocabulary.merges)
            if self.training.merges_made != num_merges:
                raise ValueError(f"training.merges_made: got {self.training.merges_made} for {num_merges} merges")
        if self.published_ids is not None and not isinstance(self.published_ids, PublishedIds):
            raise TypeError(f"published_ids: got {type(self.published_ids).__name__}, expected PublishedIds or None")
        _ = self.token_ids  # checks that ids and merges agree
        object.__setattr__(self, "num_leads", num_leads)
        object.__setattr__(self, "sampling_rate", sampling_rate)
        object.__setattr__(self, "lead_names", _lead_names(self.lead_names, num_leads))
        object.__setattr__(self, "preprocessing", _json_object("preprocessing", self.preprocessing))


def check_levels(amplitude_range: object, alphabet_size: int) -> None:
    """Refuse levels of unequal width that are not as many as letters.

    Raises
    ------
    ValueError
        If they are fewer or more.
    """
    if isinstance(amplitude_range, AmplitudeLevels) and amplitude_range.num_levels != alphabet_size:
        raise ValueError(
            f"amplitude_range: expected a level for each of {alphabet_size} letters, got {amplitude_range.num_levels}"
        )


def as_amplitude_range(amplitude_range: object) -> AmplitudeRange:
    """The range that a user gave as `AmplitudeRange` or (low, high), in mV.

    Raises
    ------
    TypeError
        If it is neither.
    ValueError
        If it is not finite or low is not below high.
    """
    if isinstance(amplitude_range, AmplitudeRange):
        return amplitude_range
    if not isinstance(amplitude_range, (tuple, list, np.ndarray)) or len(amplitude_range) != 2:
        raise TypeError(f"amplitude_range: got {amplitude_range!r}, expected (low, high) in mV")
    low, high = (
        finite_number(f"amplitude_range: {name}", value, unit="in mV")
        for name, value in zip(("low", "high"), amplitude_range, strict=True)
    )
    return AmplitudeRange(low, high)


def given_range(
    amplitude_range: object, num_leads: int | None, lead_names: Sequence[str] | None
) -> tuple[AmplitudeRange | str | None, int | None, tuple[str, ...] | None]:
    """Range, number of leads and their names, of a tokenizer that is made without records.

    Parameters
    ----------
    amplitude_range : AmplitudeRange, (low, high), "per-record", dict or None
        In mV. A dict holds the published ``percentile_1`` and ``percentile_99``, to be widened by 0.5 mV.
    num_leads : int or None
        The number of `lead_names`, or 12, where only a range is given.
    lead_names : sequence of str or None

    Raises
    ------
    TypeError, ValueError
        If the range is none of these.
    """
    limits: AmplitudeRange | str | None = None
    if isinstance(amplitude_range, str):
        limits = check_option("amplitude_range", amplitude_range, (PER_RECORD,))
    elif isinstance(amplitude_range, Mapping):
        if not {"percentile_1", "percentile_99"} <= amplitude_range.keys():
            raise ValueError(
                f"amplitude_range: got a dict with {', '.join(map(repr, amplitude_range))}, expected 'percentile_1' "
                "and 'percentile_99'"
            )
        ends = as_amplitude_range((amplitude_range["percentile_1"], amplitude_range["percentile_99"]))
        limits = AmplitudeRange(ends.low - PUBLISHED_WIDENING_MV, ends.high + PUBLISHED_WIDENING_MV)
    elif amplitude_range is not None:
        limits = as_amplitude_range(amplitude_range)
    names = None if lead_names is None else tuple(lead_names)
    if num_leads is None and names is not None:
        num_leads = len(names)
    elif num_leads is None and limits is not None:
        num_leads = 12
    return limits, num_leads, names


def _text(argument: str, value: object) -> str:
    if not isinstance(value, str):
        raise TypeError(f"{argument}: got {type(value).__name__} {value!r}, expected a string")
    return value


def _lead_names(names: object, num_leads: int | None) -> tuple[str, ...] | None:
    if names is None:
        return None
    if isinstance(names, str) or not isinstance(names, (list, tuple)):
        raise TypeError(f"lead_names: got {type(names).__name__} {names!r}, expected a sequence of lead names")
    canonical = canonical_lead_names(names)
    if list(canonical) != sorted(canonical, key=LEADS.index):
        raise ValueError(f"lead_names: got {list(canonical)}, expected the order {', '.join(LEADS)}")
    if len(canonical) != num_leads:
        raise ValueError(f"lead_names: got {len(canonical)} names for {num_leads} leads")
    return canonical


def _json_object(argument: str, value: object) -> dict[str, Any] | None:
    """A deep copy of `value` as it reads after a way through JSON, so that saving and loading change nothing."""
    if value is None:
        return None
    if not isinstance(value, Mapping):
        raise TypeError(f"{argument}: got {type(value).__name__}, expected a dict of settings")
    try:
        copy = json.loads(json.dumps(dict(value), allow_nan=False, sort_keys=True))
    except (TypeError, ValueError) as error:
        raise ValueError(f"{argument}: cannot be written as JSON: {error}") from error
    if not isinstance(copy, dict):
        raise TypeError(f"{argument}: expected a dict of settings")
    return copy
