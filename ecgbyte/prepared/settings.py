"""How records are prepared: reading, preprocessing, what is rejected, which columns are written."""

from __future__ import annotations

import functools
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from ecgbyte.checks import finite_number, positive_number, whole_number
from ecgbyte.files import fingerprint
from ecgbyte.signals.preprocess import Preprocessor
from ecgbyte.signals.reading.assembly import ReadingOptions
from ecgbyte.tokenizer.ecg_tokenizer import ECGTokenizer
from ecgbyte.tokenizer.tokenizer_file import format_tokenizer, parse_tokenizer

# Raised whenever the same records and settings would give other shards.
FORMAT_VERSION = 1
RECORDS_PER_SHARD = 512
_LARGEST_SHARD = 100_000


@dataclass(frozen=True)
class PreparationSettings:
    """Everything that the content of a prepared folder depends on, beside the records.

    Parameters
    ----------
    preprocessor : Preprocessor or None
        None takes the records as they are.
    reading : ReadingOptions
        How to read the files.
    sampling_rates : tuple of float
        The rates that records may have in their files, in Hz; empty: any.
    keep_flat_leads : bool
        Take records although a lead keeps one value from start to end.
    largest_invalid_share : float
        The largest share of samples that may have been invalid, where `reading` fills them at all.
    segment_seconds : float or None
        Cut each record into segments; None keeps it whole.
    tokenizer : ECGTokenizer or None
        Also write token ids.
    signals : bool
        Write the signals; without them there must be a tokenizer.
    records_per_shard : int
    storage_options : tuple of (str, value)
        For fsspec, to read records from remote storage; no part of the fingerprint.

    Raises
    ------
    TypeError, ValueError
        If a setting is out of range, the tokenizer knows no range, or its preprocessing is not `preprocessor`.
    """

    preprocessor: Preprocessor | None = field(default_factory=Preprocessor)
    reading: ReadingOptions = field(default_factory=lambda: ReadingOptions(fallback=True))
    sampling_rates: tuple[float, ...] = ()
    keep_flat_leads: bool = False
    largest_invalid_share: float = 1.0
    segment_seconds: float | None = None
    tokenizer: ECGTokenizer | None = None
    signals: bool = True
    records_per_shard: int = RECORDS_PER_SHARD
    storage_options: tuple[tuple[str, Any], ...] = ()

    def __post_init__(self) -> None:
        whole_number("records_per_shard", self.records_per_shard, minimum=1, maximum=_LARGEST_SHARD)
        finite_number("largest_invalid_share", self.largest_invalid_share, minimum=0, maximum=1)
        if self.segment_seconds is not None:
            positive_number("segment_seconds", self.segment_seconds, unit="of seconds")
        if self.tokenizer is not None:
            check_tokenizer(self.tokenizer, None if self.preprocessor is None else self.preprocessor.settings())
        elif not self.signals:
            raise ValueError("signals: got False without a tokenizer, so nothing of a record would be written")

    def as_dict(self) -> dict[str, Any]:
        """All settings in plain data, for the manifest."""
        return {
            "format_version": FORMAT_VERSION,
            "preprocessing": None if self.preprocessor is None else self.preprocessor.settings(),
            "reading": _plain(asdict(self.reading)),
            "sampling_rates": list(self.sampling_rates),
            "keep_flat_leads": self.keep_flat_leads,
            "largest_invalid_share": self.largest_invalid_share,
            "segment_seconds": self.segment_seconds,
            "tokenizer": None if self.tokenizer is None else self.tokenizer.fingerprint,
            "signals": self.signals,
            "records_per_shard": self.records_per_shard,
        }

    @property
    def fingerprint(self) -> str:
        """Identifies the settings."""
        return fingerprint(json.dumps(self.as_dict(), sort_keys=True))

    def __reduce__(self) -> tuple[Any, ...]:
        # The tokenizer goes as its file's text: small, and made once in each process.
        values = [getattr(self, name) for name in self.__dataclass_fields__]
        place = list(self.__dataclass_fields__).index("tokenizer")
        text = None if self.tokenizer is None else format_tokenizer(self.tokenizer._content)
        values[place] = None
        return _from_parts, (tuple(values), text)


def check_tokenizer(tokenizer: ECGTokenizer, preprocessing: Mapping[str, Any] | None) -> None:
    """Make sure that a tokenizer encodes signals that were preprocessed so.

    Raises
    ------
    ValueError
        If it knows no range, or was made for signals that were preprocessed otherwise; the message names the settings.
    """
    if tokenizer.amplitude_range is None:
        raise ValueError("tokenizer: it has no range, it was made from merges alone")
    wanted = tokenizer.preprocessing
    if wanted is None or preprocessing is None:
        return
    other = sorted(
        key for key in {*wanted, *preprocessing} if _plain(wanted.get(key)) != _plain(preprocessing.get(key))
    )
    if other:
        each = "; ".join(f"{key} {preprocessing.get(key)!r}, expected {wanted.get(key)!r}" for key in other)
        raise ValueError(f"tokenizer: it was made for signals that were preprocessed otherwise: {each}")


def _plain(value: Any) -> Any:
    """The same as JSON gives it back: tuples are lists."""
    return json.loads(json.dumps(value))


@functools.lru_cache(4)
def tokenizer_of(text: str) -> ECGTokenizer:
    """The tokenizer of the text of its file, made once in each process."""
    return ECGTokenizer(parse_tokenizer(text.encode("ascii")))


def _from_parts(values: tuple[Any, ...], text: str | None) -> PreparationSettings:
    fields = dict(zip(PreparationSettings.__dataclass_fields__, values, strict=True))
    # A setting may be sound with a tokenizer only, so it is made whole.
    fields["tokenizer"] = None if text is None else tokenizer_of(text)
    return PreparationSettings(**fields)
