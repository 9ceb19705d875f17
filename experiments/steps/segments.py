"""First steps of a run: choose records, preprocess them, cut segments, ask questions."""

from __future__ import annotations

import csv
import io
import os
import sys
from collections.abc import Collection, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from tqdm import tqdm

from ecgbyte.data.catalogue import RecordEntry, RecordSet
from ecgbyte.data.sets.mimic_iv_ecg import MIMICIVECG
from ecgbyte.data.sets.ptbxl import PTBXL
from ecgbyte.data.splits import split_by_fold
from ecgbyte.data.synthetic import SyntheticRecords
from ecgbyte.files import open_memmap, replacing, write_atomically
from ecgbyte.signals.leads import LEADS
from ecgbyte.signals.preprocess import Preprocessor
from ecgbyte.signals.records import Record
from experiments.profiles.profile import DataSettings
from experiments.steps.questions import SPLITS, ask_questions, asked_records, transfer_questions

__all__ = [
    "SPLITS",
    "TARGET_RATE",
    "SegmentRecords",
    "Segments",
    "ask_questions",
    "asked_records",
    "choose_entries",
    "open_records",
    "transfer_questions",
    "write_segments",
]
TARGET_RATE = 250


def open_records(settings: DataSettings, seed: int, root: Path | None) -> RecordSet:
    """The profile's data set.

    Raises
    ------
    ValueError
        If the data set lies in a folder and none was named.
    """
    if settings.dataset == "synthetic":
        return SyntheticRecords(settings.num_patients, seed=seed, sampling_rate=settings.sampling_rate)
    if root is None:
        raise ValueError(f"--root: the data set {settings.dataset!r} is read from a folder; name it with --root DIR")
    if settings.dataset == "mimic-iv-ecg":
        return MIMICIVECG(root)
    return PTBXL(root, sampling_rate=settings.sampling_rate)


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


def write_segments(
    folder: Path, records: RecordSet, entries: Sequence[RecordEntry], settings: DataSettings
) -> dict[str, Any]:
    """Preprocess the records and store their first segments, float32 [records, segments, leads, samples] in mV.

    A record that cannot be read or is too short goes to ``rejected.csv`` with its reason; the others go on.
    """
    preprocessor = Preprocessor(target_rate=TARGET_RATE)
    samples = round(settings.segment_seconds * TARGET_RATE)
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

    kept, rejected = [], []
    with replacing(folder / "segments.npy") as partial, ThreadPoolExecutor(os.cpu_count()) as pool:
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
    write_atomically(folder / "record_ids.txt", "".join(f"{record_id}\n" for record_id in kept))
    table = io.StringIO()
    csv.writer(table, lineterminator="\n").writerows([("record", "reason"), *rejected])
    write_atomically(folder / "rejected.csv", table.getvalue())
    if not kept:
        raise ValueError(
            f"data: all {len(entries)} records were rejected; the reasons are in {folder / 'rejected.csv'}"
        )
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
    """

    signals: np.ndarray
    rows: dict[str, int]

    @classmethod
    def open(cls, folder: Path) -> Segments:
        """Open what `write_segments` stored."""
        ids = (folder / "record_ids.txt").read_text(encoding="utf-8").split()
        return cls(np.load(folder / "segments.npy", mmap_mode="r"), {name: row for row, name in enumerate(ids)})

    def signal(self, record_id: str, segment: int) -> np.ndarray:
        """One segment, float32 [leads, samples]."""
        return np.asarray(self.signals[self.rows[record_id], segment])


class SegmentRecords:
    """The segments of some records as `Record` objects; can be gone through any number of times."""

    def __init__(self, segments: Segments, record_ids: Sequence[str]) -> None:
        self.segments = segments
        self.record_ids = tuple(record_ids)

    def __len__(self) -> int:
        return len(self.record_ids) * self.segments.signals.shape[1]

    def __iter__(self) -> Iterator[Record]:
        for record_id in self.record_ids:
            for number in range(self.segments.signals.shape[1]):
                yield Record(self.segments.signal(record_id, number), TARGET_RATE, LEADS, f"{record_id}#{number}")
