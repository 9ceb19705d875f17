"""One block of records becomes one shard: what a worker does, in this process or in another one."""

from __future__ import annotations

import hashlib
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from ecgbyte.prepared.amplitudes import FoldAmplitudes
from ecgbyte.prepared.columns import Row, as_table, parquet_bytes, with_tokens
from ecgbyte.prepared.settings import PreparationSettings
from ecgbyte.prepared.signal_steps import in_millivolts
from ecgbyte.prepared.sources import RecordSource
from ecgbyte.prepared.staging import local_file
from ecgbyte.prepared.storage import Storage
from ecgbyte.signals.reading.faults import (
    FlatLead,
    ImplausibleAmplitude,
    InvalidSamples,
    TooShort,
    WrongRate,
    fault_of,
)
from ecgbyte.signals.reading.reader import read_record_with
from ecgbyte.signals.records import Record
from ecgbyte.signals.segments import cut_segments, leftover_samples
from ecgbyte.tokenizer.input_signals import check_same_recording, checked_signal

# What may be wrong with one record, its file or the packages that its format needs, and must not end a preparation.
REASONS = (ValueError, OSError, ImportError, MemoryError, ArithmeticError, RecursionError)
SHARDS = "shards"


@dataclass(frozen=True)
class Rejection:
    """A record that is not prepared: its id, its file, the code of `FAULTS` and the sentence."""

    record_id: str
    source: str
    code: str
    reason: str


@dataclass(frozen=True)
class BlockReport:
    """What became of the records of one block.

    Attributes
    ----------
    number : int
    shard : str or None
        The file in the folder of shards; None where every record was rejected.
    size : int
        Its bytes.
    digest : str
        SHA-256 of the file.
    records : list of (str, str, int)
        Of each record that was prepared the id, the fingerprint of the signal that was read, and its rows: one, or as
        many as it has segments.
    rejections : list of Rejection
    leftovers : int
        Samples a lead that belonged to no whole segment.
    """

    number: int
    shard: str | None
    size: int
    digest: str
    records: list[tuple[str, str, int]]
    rejections: list[Rejection]
    leftovers: int = 0

    def as_dict(self) -> dict[str, Any]:
        """Plain data for a journal."""
        return asdict(self)

    @classmethod
    def from_dict(cls, found: dict[str, Any]) -> BlockReport:
        """The inverse of `as_dict`, after JSON."""
        rejections = [Rejection(**rejection) for rejection in found["rejections"]]
        records = [(record_id, content, rows) for record_id, content, rows in found["records"]]
        return cls(**{**found, "records": records, "rejections": rejections})


def prepare_block(
    number: int, sources: Sequence[RecordSource], settings: PreparationSettings, storage: Storage
) -> tuple[BlockReport, FoldAmplitudes]:
    """Read, preprocess and write the records of a block.

    Parameters
    ----------
    number : int
        The block's place, part of the shard's name.
    sources : sequence of RecordSource
    settings : PreparationSettings
    storage : Storage
        Where the shard is written.

    Returns
    -------
    BlockReport
    FoldAmplitudes
        The amplitudes of the rows.

    Raises
    ------
    OSError
        If the shard cannot be written. What is wrong with a record ends nothing: it is in the report.
    """
    rows, rejections, leftovers = read_rows(sources, settings)
    amplitudes = FoldAmplitudes()
    if not rows:
        return BlockReport(number, None, 0, "", [], rejections, leftovers), amplitudes
    table, steps = as_table(rows, signals=settings.signals)
    if settings.tokenizer is not None:
        table = with_tokens(table, [in_millivolts(*pair) for pair in steps], settings.tokenizer)
    alike: dict[tuple[int | None, float], list[np.ndarray]] = defaultdict(list)
    for row, (values, scale) in zip(rows, steps, strict=True):
        alike[row.source.fold, scale].append(values.reshape(-1))
    for (fold, scale), parts in alike.items():
        amplitudes.add(fold, np.concatenate(parts), scale)
    shard, size, digest = write_shard(number, parquet_bytes(table), storage)
    counts = Counter(row.source.record_id for row in rows)
    contents = {row.source.record_id: row.content for row in rows}
    records = [(name, content, counts[name]) for name, content in contents.items()]
    return BlockReport(number, shard, size, digest, records, rejections, leftovers), amplitudes


def write_shard(number: int, content: bytes, storage: Storage) -> tuple[str, int, str]:
    """Write a shard under a name that its place and its content give; returns name, bytes and SHA-256."""
    digest = hashlib.sha256(content).hexdigest()
    name = f"{number:05d}-{digest[:16]}.parquet"
    storage.write(f"{SHARDS}/{name}", content)
    return name, len(content), digest


def read_rows(sources: Sequence[RecordSource], settings: PreparationSettings) -> tuple[list[Row], list[Rejection], int]:
    """The rows of these records, those that are rejected, and the samples that belonged to no segment."""
    rows: list[Row] = []
    rejections: list[Rejection] = []
    leftovers = 0
    for source in sources:
        if source.excluded is not None:
            rejections.append(Rejection(source.record_id, source.where, *source.excluded))
            continue
        try:
            parts, left = _prepared(source, settings)
        except REASONS as error:
            rejections.append(Rejection(source.record_id, source.where, fault_of(error), _sentence(source, error)))
            continue
        rows += parts
        leftovers += left
    return rows, rejections, leftovers


def _sentence(source: RecordSource, error: Exception) -> str:
    """What an error says, in one line and without the place of the data set's folder."""
    words = " ".join((str(error) or type(error).__name__).split()).removeprefix("path: ")
    root = source.path.removesuffix(source.place)
    return words.replace(root, "") if len(root) > 1 else words


def _prepared(source: RecordSource, settings: PreparationSettings) -> tuple[list[Row], int]:
    """The row of a record, or of each of its segments.

    Raises
    ------
    RecordFault and others of `REASONS`
        If the record is to be rejected.
    """
    with local_file(source, dict(settings.storage_options)) as path:
        record = read_record_with(path, settings.reading, source.inner_id)
    check_record(record, settings)
    content = content_of(record)
    if settings.preprocessor is not None:
        try:
            record = settings.preprocessor.apply(record)
        except ValueError as error:
            raise TooShort(str(error)) from error
    if settings.tokenizer is not None:
        check_same_recording("record", record, settings.tokenizer.sampling_rate, settings.tokenizer.lead_names)
        checked_signal("record", record, settings.tokenizer.num_leads)
    if settings.segment_seconds is None:
        return [Row(source, source.record_id, record, content)], 0
    try:
        segments = cut_segments(record, settings.segment_seconds)
    except ValueError as error:
        raise TooShort(str(error)) from error
    rows = [Row(source, f"{source.record_id}#{number}", part, content) for number, part in enumerate(segments)]
    return rows, leftover_samples(record, settings.segment_seconds)


def content_of(record: Record) -> str:
    """Identifies the samples as they were read, with rate and leads: the same for records that differ in name only."""
    digest = hashlib.sha256(f"{record.sampling_rate!r} {','.join(record.lead_names)} {record.num_samples} ".encode())
    digest.update(record.signal.tobytes())
    return f"sha256:{digest.hexdigest()[:16]}"


def check_record(record: Record, settings: PreparationSettings) -> None:
    """Reject a record for what its samples say, as read.

    Raises
    ------
    RecordFault
        If its rate is none of those that are expected, too many samples were invalid, a lead is flat, or the
        amplitude is implausible.
    """
    if settings.sampling_rates and record.sampling_rate not in settings.sampling_rates:
        expected = ", ".join(f"{rate:g}" for rate in settings.sampling_rates)
        raise WrongRate(f"{record.sampling_rate:g} samples a second, expected {expected}")
    if record.invalid is not None:
        share = float(record.invalid.mean())
        if share > settings.largest_invalid_share:
            raise InvalidSamples(
                f"{share:.2%} of the samples are invalid, at most {settings.largest_invalid_share:.2%} are accepted"
            )
    flat = np.flatnonzero((record.signal == record.signal[:, :1]).all(axis=1))
    if len(flat) and not settings.keep_flat_leads:
        names = ", ".join(record.lead_names[row] for row in flat.tolist())
        raise FlatLead(f"lead {names} keeps one value from start to end ({float(record.signal[flat[0], 0]):g} mV)")
    for doubt in record.doubts:
        if doubt.reason.startswith("amplitude"):
            raise ImplausibleAmplitude(f"{doubt.reason}: {doubt.text}")
