"""MIMIC-IV-ECG from a folder in its published layout, 800,000 records without pandas.

MIMIC-IV-ECG: Gow et al. 2023, doi:10.13026/4nqg-sb35, https://physionet.org/content/mimic-iv-ecg/1.0/, ODbL 1.0.
"""

from __future__ import annotations

import csv
import hashlib
import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property, partial
from pathlib import Path
from threading import Lock

from ecgbyte.data.catalogue import RecordEntry
from ecgbyte.data.sets.record_folder import RecordFolder
from ecgbyte.files import fingerprint

RECORD_LIST_FILE = "record_list.csv"
MEASUREMENTS_FILE = "machine_measurements.csv"
SAMPLING_RATE = 500
_LIST_COLUMNS = ("subject_id", "study_id", "file_name", "path")
_REPORT_COLUMNS = tuple(f"report_{number}" for number in range(18))
_NUM_FOLDS = 10


class MIMICIVECG(RecordFolder):
    """The records of MIMIC-IV-ECG: 12 leads, 10 s, 500 samples a second; ids are the study_id.

    The data set names no findings, so nothing can be asked about it that is not read from a file of questions, and it
    has no folds: a patient's fold is drawn here from the patient's id, the same on every machine.

    Parameters
    ----------
    root : path-like
        The folder with ``record_list.csv``, ``machine_measurements.csv`` and ``files``.
    max_records : int, optional
        Only the first so many records by id; all where None.
    available_only : bool
        Only records whose ``.hea`` and ``.dat`` are in `root`, for a partial download; `missing` counts the others.

    Raises
    ------
    FileNotFoundError
        If the folder or one of its two tables does not exist.
    ValueError
        If an option or the content of ``record_list.csv`` is not as expected, or no record is left. The other table is
        read when the first report is asked for, and checked then.

    Notes
    -----
    A record that the data set marks as invalid in some samples (NaN) raises an error in `read`; nothing is filled in.

    *Thread-safety*: immutable once made; `read` and the entries may be used from several threads.
    """

    name = "mimic-iv-ecg"

    def __init__(
        self, root: str | os.PathLike[str], *, max_records: int | None = None, available_only: bool = False
    ) -> None:
        super().__init__(
            root,
            title="MIMIC-IV-ECG",
            tables=(RECORD_LIST_FILE, MEASUREMENTS_FILE),
            signals="files/",
            sampling_rate=SAMPLING_RATE,
            max_records=max_records,
        )
        patients = _read_record_list(self.root / RECORD_LIST_FILE)
        chosen, missing = sorted(patients), 0
        if available_only:
            there = [study for study in chosen if self._is_available(_path(patients[study], study))]
            chosen, missing = there, len(chosen) - len(there)
        chosen = chosen[:max_records]
        self._patients = {study: patients[study] for study in chosen}
        reports = _Reports(self.root / MEASUREMENTS_FILE, self._patients)
        folds = {patient: _fold(patient) for patient in set(self._patients.values())}
        entries = [
            RecordEntry(study, patient, folds[patient], (), (), partial(reports.of, study))
            for study, patient in self._patients.items()
        ]
        self._keep(entries, missing, RECORD_LIST_FILE, f"such as {_path('10000032', '40689238')}.hea")

    @cached_property
    def fingerprint(self) -> str:
        """Identifies both tables and the choice of records; not the signals themselves."""
        digests = []
        for name in (RECORD_LIST_FILE, MEASUREMENTS_FILE):
            with (self.root / name).open("rb") as stream:
                digests.append(hashlib.file_digest(stream, "sha256").hexdigest())
        return fingerprint("mimic-iv-ecg", *digests, "\n".join(self._patients))

    def _stem(self, record_id: str) -> str | None:
        patient = self._patients.get(record_id)
        return None if patient is None else _path(patient, record_id)


class _Reports:
    """The reports of the chosen records; the table is read once, when the first is asked for."""

    def __init__(self, path: Path, patients: Mapping[str, str]) -> None:
        self._path = path
        self._patients = patients
        self._lock = Lock()
        self._texts: dict[str, str] | None = None

    def of(self, study: str) -> str:
        with self._lock:
            if self._texts is None:
                self._texts = _read_reports(self._path, self._patients)
        return self._texts[study]


def _path(patient: str, study: str) -> str:
    return f"files/p{patient[:4]}/p{patient}/s{study}/{study}"


def _fold(patient: str) -> int:
    """1 to 10, from the patient's id alone."""
    digest = hashlib.sha256(f"mimic-iv-ecg|{patient}".encode()).digest()
    return int.from_bytes(digest[:8], "big") % _NUM_FOLDS + 1


def _rows(path: Path, columns: Sequence[str]) -> Iterator[tuple[int, list[str]]]:
    """The line number and the named columns of every row."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as stream:
            reader = csv.reader(stream)
            header = next(reader, [])
            absent = [column for column in columns if column not in header]
            if absent:
                raise ValueError(
                    f"{path}: no column {', '.join(map(repr, absent))}, found {', '.join(map(repr, header)) or 'none'}"
                )
            places = [header.index(column) for column in columns]
            width = len(header)
            for row in reader:
                if len(row) != width:
                    raise ValueError(
                        f"{path}: line {reader.line_num} has {len(row)} fields, the header {width}; is the file cut?"
                    )
                yield reader.line_num, [row[place] for place in places]
    except (UnicodeDecodeError, csv.Error) as error:
        raise ValueError(f"{path}: no CSV in UTF-8 ({error})") from error


def _read_record_list(path: Path) -> dict[str, str]:
    """From study to patient."""
    patients: dict[str, str] = {}
    for line, (patient, study, file_name, stored) in _rows(path, _LIST_COLUMNS):
        sound = patient.isdecimal() and study.isdecimal() and stored.isascii() and file_name == study
        if not sound or stored != f"files/p{patient[:4]}/p{patient}/s{study}/{study}" or study in patients:
            raise ValueError(f"{path}: line {line} {_complaint(patient, study, file_name, stored, patients)}")
        # One string for all records of a patient.
        patients[study] = sys.intern(patient)
    if not patients:
        raise ValueError(f"{path}: empty, expected one record a line")
    return patients


def _complaint(patient: str, study: str, file_name: str, stored: str, patients: Mapping[str, str]) -> str:
    for column, value in (("subject_id", patient), ("study_id", study)):
        if not (value.isascii() and value.isdigit()):
            return f"has {column} {value!r}, expected a whole number"
    if study in patients:
        return f"repeats study_id {study}"
    if file_name != study:
        return f"has file_name {file_name!r}, expected the study_id, {study}"
    return f"has path {stored!r}, expected {_path(patient, study)!r} from subject_id and study_id"


def _read_reports(path: Path, patients: Mapping[str, str]) -> dict[str, str]:
    """From study to report, for the studies in `patients`."""
    texts: dict[str, str] = {}
    for line, (patient, study, *statements) in _rows(path, ("subject_id", "study_id", *_REPORT_COLUMNS)):
        owner = patients.get(study)
        if owner is None:
            continue
        if owner != patient:
            raise ValueError(f"{path}: line {line} gives study {study} to patient {patient}, the records to {owner}")
        if study in texts:
            raise ValueError(f"{path}: line {line} repeats study_id {study}")
        sentences = [words for words in (" ".join(text.split()).rstrip(".") for text in statements if text) if words]
        # Many reports are the same.
        texts[study] = sys.intern(". ".join(sentences) + "." if sentences else "")
    absent = [study for study in patients if study not in texts]
    if absent:
        raise ValueError(
            f"{path}: no row for {len(absent)} of {len(patients)} records, such as study {', '.join(absent[:3])}"
        )
    return texts
