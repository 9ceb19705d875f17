"""The columns of a shard, and records from and to its rows."""

from __future__ import annotations

import io
import warnings
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from ecgbyte.data.catalogue import Finding, RecordEntry
from ecgbyte.prepared.signal_steps import in_millivolts, in_steps
from ecgbyte.prepared.sources import RecordSource
from ecgbyte.signals.records import Record, Remark
from ecgbyte.tokenizer.clipping import ClippedWarning
from ecgbyte.tokenizer.ecg_tokenizer import ECGTokenizer

if TYPE_CHECKING:
    import pyarrow

_ZSTD_LEVEL = 3
# Rows that are read at a time at least: few, so that single records can be had, and enough for small files.
ROWS_TOGETHER = 64
# Vocabularies of more tokens have ids of 32 bits.
WIDEST_SHORT_ID = 1 << 16
# Written as differences, since neighbouring samples are alike.
_SIGNAL = "signal.list.element"
# Where few values come again and again.
_REPEATED = (
    "fold",
    "sex",
    "report",
    "findings.list.element.finding_type",
    "findings.list.element.name",
    "findings.list.element.leads.list.element",
    "assessed.list.element",
    "sampling_rate",
    "leads.list.element",
    "reader",
    "remarks.list.element",
    "doubts.list.element",
)
TOKEN_COLUMNS = ("ids", "tokens_per_lead", "range_mv", "clipped")


@dataclass(frozen=True)
class Row:
    """A prepared record (or segment) with what is known of it.

    Attributes
    ----------
    source : RecordSource
    record_id : str
        Of the row: the record's, with ``#k`` at its end for segment k.
    record : Record
        Preprocessed.
    content : str
        Fingerprint of the signal as it was read, the same for records with the same samples.
    """

    source: RecordSource
    record_id: str
    record: Record
    content: str


def schema(*, signals: bool, tokens: bool, wide_ids: bool = False) -> pyarrow.Schema:
    """The columns of a shard.

    Parameters
    ----------
    signals, tokens : bool
        Which of both there are.
    wide_ids : bool
        Ids of 32 bits, for a vocabulary of more than 65,536.
    """
    import pyarrow as pa

    finding = pa.struct(
        [
            ("finding_type", pa.string()),
            ("name", pa.string()),
            ("leads", pa.list_(pa.string())),
            ("certain", pa.bool_()),
        ]
    )
    gap = pa.struct([("lead", pa.int8()), ("start", pa.int32()), ("stop", pa.int32())])
    fields = [
        ("record_id", pa.string()),
        ("patient_id", pa.string()),
        ("fold", pa.int8()),
        ("age", pa.float32()),
        ("sex", pa.string()),
        ("report", pa.string()),
        ("findings", pa.list_(finding)),
        ("assessed", pa.list_(pa.string())),
        ("sampling_rate", pa.float64()),
        ("leads", pa.list_(pa.string())),
        ("num_samples", pa.int32()),
        ("derived_leads", pa.list_(pa.string())),
        ("invalid", pa.list_(gap)),
        ("source", pa.string()),
        ("reader", pa.string()),
        ("content", pa.string()),
        ("remarks", pa.list_(pa.string())),
        ("doubts", pa.list_(pa.string())),
    ]
    if signals:
        fields += [("scale", pa.float32()), ("signal", _values(pa.int16()))]
    if tokens:
        fields += [
            ("ids", _values(pa.uint32() if wide_ids else pa.uint16())),
            ("tokens_per_lead", _values(pa.int32())),
            ("range_mv", _values(pa.float64())),
            ("clipped", pa.float32()),
        ]
    return pa.schema(fields)


def plain_columns(*, signals: bool, tokenizer: ECGTokenizer | None) -> list[tuple[str, str]]:
    """Name and type of the columns of a shard that are numbers, texts, or lists of these."""
    wide = tokenizer is not None and len(tokenizer) > WIDEST_SHORT_ID
    kinds = schema(signals=signals, tokens=tokenizer is not None, wide_ids=wide)
    return [(item.name, str(item.type)) for item in kinds if "struct" not in str(item.type)]


def _values(kind: pyarrow.DataType) -> pyarrow.DataType:
    """A list of numbers of which none is missing."""
    import pyarrow as pa

    return pa.list_(pa.field("element", kind, nullable=False))


def as_table(rows: Sequence[Row], *, signals: bool) -> tuple[pyarrow.Table, list[tuple[np.ndarray, float]]]:
    """Rows as a table of a shard, and their signals as it keeps them: steps int16 [leads, samples] and their scale.

    Parameters
    ----------
    rows : sequence of Row
    signals : bool
        Whether the signals are among the columns.
    """
    import pyarrow as pa

    steps = [in_steps(row.record.signal) for row in rows]
    kind = schema(signals=signals, tokens=False)
    columns: dict[str, Any] = {
        "record_id": [row.record_id for row in rows],
        "patient_id": [row.source.patient_id for row in rows],
        "fold": [row.source.fold for row in rows],
        "age": [row.source.age for row in rows],
        "sex": [row.source.sex for row in rows],
        "report": [row.source.report for row in rows],
        "findings": [[_finding(found) for found in row.source.findings] for row in rows],
        "assessed": [list(row.source.assessed) for row in rows],
        "sampling_rate": [row.record.sampling_rate for row in rows],
        "leads": [list(row.record.lead_names) for row in rows],
        "num_samples": [row.record.num_samples for row in rows],
        "derived_leads": [list(row.record.derived_leads) for row in rows],
        "invalid": [_gaps(row.record.invalid) for row in rows],
        "source": [row.source.where for row in rows],
        "reader": [row.record.reader for row in rows],
        "content": [row.content for row in rows],
        "remarks": [[f"{r.reason}: {r.text}" for r in row.record.remarks if not r.doubt] for row in rows],
        "doubts": [[f"{r.reason}: {r.text}" for r in row.record.remarks if r.doubt] for row in rows],
    }
    arrays = [pa.array(columns[item.name], item.type) for item in kind if item.name in columns]
    if signals:
        arrays.append(pa.array([scale for _, scale in steps], pa.float32()))
        arrays.append(list_array([values.reshape(-1) for values, _ in steps], pa.int16()))
    return pa.Table.from_arrays(arrays, schema=kind), steps


def list_array(parts: Sequence[np.ndarray], kind: pyarrow.DataType) -> pyarrow.ListArray:
    """Arrays of one dimension as the rows of a column of lists, without a Python object for each value."""
    import pyarrow as pa

    offsets = np.zeros(len(parts) + 1, dtype=np.int32)
    np.cumsum([len(part) for part in parts], out=offsets[1:])
    values = np.concatenate(parts) if parts else np.empty(0, dtype=np.int16)
    return pa.ListArray.from_arrays(pa.array(offsets), pa.array(values, kind), type=_values(kind))


def parquet_bytes(table: pyarrow.Table) -> bytes:
    """A table as a Parquet file: the same table gives the same bytes, with one version of pyarrow."""
    from pyarrow import parquet

    stream = io.BytesIO()
    parquet.write_table(
        table,
        stream,
        compression="zstd",
        compression_level=_ZSTD_LEVEL,
        use_dictionary=list(_REPEATED),
        column_encoding={_SIGNAL: "DELTA_BINARY_PACKED"} if "signal" in table.column_names else None,
        write_statistics=["record_id", "patient_id", "fold"],
        row_group_size=ROWS_TOGETHER,
    )
    return stream.getvalue()


def with_tokens(table: pyarrow.Table, signals: Sequence[Record | np.ndarray], tokenizer: ECGTokenizer) -> pyarrow.Table:
    """The table with the token columns of its signals, in place of any that it has.

    Raises
    ------
    ValueError
        If a signal does not fit the tokenizer: of a record also other leads, another rate.
    """
    import pyarrow as pa

    table = table.drop_columns([name for name in TOKEN_COLUMNS if name in table.column_names])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ClippedWarning)  # a column tells
        batch = tokenizer.encode_batch(signals)
    wide = len(tokenizer) > WIDEST_SHORT_ID
    kinds = schema(signals=False, tokens=True, wide_ids=wide)
    encodings = list(batch)
    per_lead = [np.bincount(e.leads, minlength=e.shape[0]).astype(np.int32) for e in encodings]
    ids = batch.ids.astype(np.uint32 if wide else np.uint16)
    columns = [
        pa.ListArray.from_arrays(pa.array(batch.splits.astype(np.int32)), pa.array(ids), type=kinds.field("ids").type),
        list_array(per_lead, pa.int32()),
        list_array([np.array([e.low, e.high]) for e in encodings], pa.float64()),
        pa.array(batch.clipped.astype(np.float32)),
    ]
    for name, column in zip(TOKEN_COLUMNS, columns, strict=True):
        table = table.append_column(kinds.field(name), column)
    return table


def records_of(table: pyarrow.Table) -> Iterator[Record]:
    """The records in the rows of a table with signals.

    Raises
    ------
    ValueError
        If there are no signals, or a row is no record.
    """
    if "signal" not in table.column_names:
        raise ValueError("path: these shards hold tokens only, their signals were left out when they were prepared")
    for batch in table.to_batches():
        signals = batch.column("signal")
        offsets, values = signals.offsets.to_numpy(), signals.values.to_numpy()
        scales = batch.column("scale").to_numpy()
        others = batch.select(
            ["record_id", "sampling_rate", "leads", "derived_leads", "invalid", "reader", "remarks", "doubts"]
        ).to_pylist()
        for place, row in enumerate(others):
            steps = values[offsets[place] : offsets[place + 1]].reshape(len(row["leads"]), -1)
            remarks = [
                _remark(text, doubt) for doubt in (False, True) for text in row["doubts" if doubt else "remarks"]
            ]
            yield Record(
                in_millivolts(steps, scales[place]),
                row["sampling_rate"],
                row["leads"],
                row["record_id"],
                derived_leads=row["derived_leads"],
                invalid=_mask(row["invalid"], steps.shape),
                reader=row["reader"],
                remarks=tuple(remarks),
            )


def entry_of(row: Mapping[str, Any]) -> RecordEntry:
    """What a row says of its record; a record without a patient is its own, one without a fold has fold 0."""
    findings = tuple(
        Finding(found["finding_type"], found["name"], tuple(found["leads"]), found["certain"])
        for found in row["findings"]
    )
    return RecordEntry(
        row["record_id"],
        row["patient_id"] or "",
        row["fold"] or 0,
        findings,
        tuple(row["assessed"]),
        row["report"] or "",
    )


def _finding(found: Finding) -> dict[str, Any]:
    return {
        "finding_type": found.finding_type,
        "name": found.name,
        "leads": list(found.leads),
        "certain": found.certain,
    }


def _gaps(mask: np.ndarray | None) -> list[dict[str, int]]:
    """The runs of samples that were filled in."""
    if mask is None:
        return []
    edges = np.diff(np.pad(mask, ((0, 0), (1, 1))).astype(np.int8), axis=1)
    starts, stops = np.argwhere(edges == 1), np.argwhere(edges == -1)
    return [
        {"lead": int(lead), "start": int(start), "stop": int(stop)}
        for (lead, start), (_, stop) in zip(starts, stops, strict=True)
    ]


def _mask(gaps: Sequence[Mapping[str, int]], shape: tuple[int, int]) -> np.ndarray | None:
    if not gaps:
        return None
    mask = np.zeros(shape, dtype=bool)
    for gap in gaps:
        mask[gap["lead"], gap["start"] : gap["stop"]] = True
    return mask


def _remark(text: str, doubt: bool) -> Remark:
    reason, _, words = text.partition(": ")
    return Remark(reason, words, doubt)
