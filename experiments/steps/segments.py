"""First step of a run: choose records, preprocess them, cut segments."""

from __future__ import annotations

import csv
import io
import json
import os
import sys
from collections.abc import Collection, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from tqdm import tqdm

from ecgbyte.data.catalogue import RecordEntry, RecordSet
from ecgbyte.data.splits import split_by_fold
from ecgbyte.files import open_memmap, replacing, write_atomically
from ecgbyte.signals.leads import LEADS
from ecgbyte.signals.preprocess import Preprocessor
from ecgbyte.signals.records import Record

if TYPE_CHECKING:
    from experiments.profiles.input_settings import DataSettings

SPLITS = ("train", "validation", "test")
SEGMENTS_FILE, IDS_FILE, REJECTED_FILE, LAYOUT_FILE = "segments.npy", "record_ids.txt", "rejected.csv", "layout.json"


def choose_entries(
    records: RecordSet, settings: DataSettings, seed: int, asked: Collection[str] | None = None
) -> dict[str, tuple[RecordEntry, ...]]:
    """Split by the data set's folds (patients), then draw as many records of each split as the profile asks for.

    Patients come in an order drawn from `seed`, the last one may be cut; 0 in the profile takes the whole split.

    Parameters
    ----------
    records, settings, seed
        What to draw from, how many, and how.
    asked : collection of str, optional
        The records that there are questions about, from `experiments.steps.questions.asked_records`; only they are
        drawn. All are where None.

    Raises
    ------
    ValueError
        If a split has fewer records than asked for, or none.
    """
    wanted = {"train": settings.train_records, "validation": settings.validation_records, "test": settings.test_records}
    asked = None if asked is None else frozenset(asked)
    chosen = {}
    for number, (name, entries) in enumerate(sorted(split_by_fold(records.entries).items())):
        if asked is not None:
            entries = tuple(entry for entry in entries if entry.record_id in asked)
            if not entries:
                raise ValueError(f"questions: none is about a record of the {name} split of {records.name}")
        limit = wanted[name] or len(entries)
        if len(entries) < limit:
            raise ValueError(f"data.{name}_records: asked for {limit}, the split has {len(entries)}")
        patients = sorted({entry.patient_id for entry in entries})
        order = np.random.default_rng([seed, number]).permutation(len(patients))
        rank = {patients[patient]: place for place, patient in enumerate(order)}
        ranked = sorted(entries, key=lambda entry: (rank[entry.patient_id], entry.record_id))
        chosen[name] = tuple(sorted(ranked[:limit], key=lambda entry: entry.record_id))
    return chosen


def share_of(entries: Sequence[RecordEntry], share: float, seed: int) -> tuple[RecordEntry, ...]:
    """A share of records, in whole patients, in their order: a smaller share is a part of a larger one.

    Patients come in an order drawn from `seed`; the last one may be cut. At least one record is left.
    """
    if share == 1:
        return tuple(entries)
    patients = sorted({entry.patient_id for entry in entries})
    order = np.random.default_rng([seed, len(SPLITS)]).permutation(len(patients))
    rank = {patients[patient]: place for place, patient in enumerate(order)}
    ranked = sorted(entries, key=lambda entry: (rank[entry.patient_id], entry.record_id))
    kept = {entry.record_id for entry in ranked[: max(1, round(share * len(entries)))]}
    return tuple(entry for entry in entries if entry.record_id in kept)


def write_segments(
    folder: Path,
    records: RecordSet,
    entries: Sequence[RecordEntry],
    settings: DataSettings,
    preprocessor: Preprocessor,
) -> dict[str, Any]:
    """Preprocess the records and store their first segments, float32 [records, segments, leads, samples] in mV.

    A record that cannot be read or is too short goes to ``rejected.csv`` with its reason; the others go on.

    Parameters
    ----------
    folder : Path
        The step's folder.
    records : RecordSet
        What is read from.
    entries : sequence of RecordEntry
        Which of them, in this order.
    settings : DataSettings
        How long segments are, and how many of each record.
    preprocessor : Preprocessor
        With a target rate, which is that of the segments.

    Returns
    -------
    dict
        ``records`` and ``rejected``, how many; ``preprocessing``, the settings of the chain.

    Raises
    ------
    ValueError
        If all records were rejected, or the preprocessor has no target rate.
    """
    if preprocessor.target_rate is None:
        raise ValueError("preprocessor: it has no target rate; expected one, so that all segments are alike")
    rate = preprocessor.target_rate
    samples = round(settings.segment_seconds * rate)
    shape = (len(entries), settings.segments_per_record, len(LEADS), samples)

    def prepare(entry: RecordEntry) -> np.ndarray | str:
        try:
            segments = preprocessor.segments(records.read(entry.record_id), settings.segment_seconds)
            if len(segments) < settings.segments_per_record:
                return (
                    f"{len(segments)} segments of {settings.segment_seconds} s, expected {settings.segments_per_record}"
                )
            return np.stack([segment.signal for segment in segments[: settings.segments_per_record]])
        except (OSError, ValueError) as error:
            return str(error)

    kept: list[str] = []
    rejected: list[tuple[str, str]] = []
    with replacing(folder / SEGMENTS_FILE) as partial, ThreadPoolExecutor(os.cpu_count()) as pool:
        stored = open_memmap(partial, np.float32, shape)
        results = tqdm(pool.map(prepare, entries), "preprocessing", len(entries), file=sys.stderr, unit="record")
        for entry, result in zip(entries, results, strict=True):
            if isinstance(result, str):
                rejected.append((entry.record_id, result))
            else:
                stored[len(kept)] = result
                kept.append(entry.record_id)
        stored.flush()
        del stored
    write_atomically(folder / IDS_FILE, "".join(f"{record_id}\n" for record_id in kept))
    write_atomically(folder / LAYOUT_FILE, json.dumps({"sampling_rate": rate, "leads": list(LEADS)}) + "\n")
    table = io.StringIO()
    csv.writer(table, lineterminator="\n").writerows([("record", "reason"), *rejected])
    write_atomically(folder / REJECTED_FILE, table.getvalue())
    if not kept:
        raise ValueError(f"data: all {len(entries)} records were rejected; the reasons are in {folder / REJECTED_FILE}")
    return {"records": len(kept), "rejected": len(rejected), "preprocessing": preprocessor.settings()}


@dataclass(frozen=True)
class Segments:
    """The stored segments, opened for reading.

    Attributes
    ----------
    signals : numpy.ndarray
        float32 [records, segments, leads, samples], in mV; rows past the last id are not used.
    rows : dict
        From record id to row.
    sampling_rate : float
        Samples a second.
    """

    signals: np.ndarray
    rows: dict[str, int]
    sampling_rate: float

    @classmethod
    def open(cls, folder: Path) -> Segments:
        """Open what `write_segments` stored."""
        ids = (folder / IDS_FILE).read_text(encoding="utf-8").splitlines()
        layout = json.loads((folder / LAYOUT_FILE).read_text(encoding="utf-8"))
        signals = np.load(folder / SEGMENTS_FILE, mmap_mode="r")
        return cls(signals, {name: row for row, name in enumerate(ids)}, float(layout["sampling_rate"]))

    @property
    def per_record(self) -> int:
        """Segments of each record."""
        return int(self.signals.shape[1])

    @property
    def all_signals(self) -> np.ndarray:
        """Every segment, float32 [segments, leads, samples], record by record."""
        return self.signals[: len(self.rows)].reshape(-1, *self.signals.shape[2:])

    @property
    def keys(self) -> list[tuple[str, int]]:
        """Record id and number of each of `all_signals`."""
        in_order = sorted(self.rows, key=self.rows.__getitem__)
        return [(record_id, number) for record_id in in_order for number in range(self.per_record)]

    def signal(self, record_id: str, segment: int) -> np.ndarray:
        """One segment, float32 [leads, samples]."""
        return np.asarray(self.signals[self.rows[record_id], segment])


def kept_entries(
    entries: Mapping[str, Sequence[RecordEntry]], segments: Segments
) -> dict[str, tuple[RecordEntry, ...]]:
    """The chosen records less those that were rejected, by split."""
    return {
        name: tuple(entry for entry in chosen if entry.record_id in segments.rows) for name, chosen in entries.items()
    }


class SegmentRecords:
    """The segments of some records as `Record` objects; can be gone through any number of times."""

    def __init__(self, segments: Segments, record_ids: Sequence[str]) -> None:
        self.segments = segments
        self.record_ids = tuple(record_ids)

    def __len__(self) -> int:
        return len(self.record_ids) * self.segments.per_record

    def __iter__(self) -> Iterator[Record]:
        for record_id in self.record_ids:
            for number in range(self.segments.per_record):
                signal = self.segments.signal(record_id, number)
                yield Record(signal, self.segments.sampling_rate, LEADS, f"{record_id}#{number}")
