"""MIMIC-IV-ECG from a folder in its published layout, 800,000 records without pandas.

MIMIC-IV-ECG: Gow et al. 2023, doi:10.13026/4nqg-sb35, https://physionet.org/content/mimic-iv-ecg/1.0/, ODbL 1.0.
"""

from __future__ import annotations

import csv
import hashlib
import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from threading import Lock

from ecgbyte.data.catalogue import RecordEntry
from ecgbyte.files import fingerprint
from ecgbyte.signals.records import Record
from ecgbyte.signals.wfdb_reading import read_record

RECORD_LIST_FILE = "record_list.csv"
MEASUREMENTS_FILE = "machine_measurements.csv"
SAMPLING_RATE = 500
_LIST_COLUMNS = ("subject_id", "study_id", "file_name", "path")
_REPORT_COLUMNS = tuple(f"report_{number}" for number in range(18))
_NUM_FOLDS = 10


class MIMICIVECG:
    """The records of MIMIC-IV-ECG: 12 leads, 10 s, 500 samples a second.

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
        if max_records is not None and max_records < 1:
            raise ValueError(f"max_records: got {max_records}, expected at least 1")
        self.root = Path(root)
        if not self.root.is_dir():
            raise FileNotFoundError(
                f"root: {self.root} is no folder; expected the unpacked MIMIC-IV-ECG with {RECORD_LIST_FILE}, "
                f"{MEASUREMENTS_FILE} and files/"
            )
        for file in (RECORD_LIST_FILE, MEASUREMENTS_FILE):
            if not (self.root / file).is_file():
                raise FileNotFoundError(
                    f"root: {file} is not in {self.root}; expected the folder of MIMIC-IV-ECG as published"
                )
        patients = _read_record_list(self.root / RECORD_LIST_FILE)
        chosen, self._missing = sorted(patients), 0
        if available_only:
            there = [study for study in chosen if self._is_available(patients[study], study)]
            chosen, self._missing = there, len(chosen) - len(there)
        if not chosen:
            raise ValueError(
                f"root: none of the records that {self.root / RECORD_LIST_FILE} names is there ({self._missing} are "
                f"missing), expected .hea and .dat files such as {_path('10000032', '40689238')}.hea"
            )
        chosen = chosen[:max_records]
        self._patients = {study: patients[study] for study in chosen}
        self._reports = _Reports(self.root / MEASUREMENTS_FILE, self._patients)
        folds = {patient: _fold(patient) for patient in set(self._patients.values())}
        self._entries = tuple(
            _Entry(study, patient, folds[patient], self._reports) for study, patient in self._patients.items()
        )

    def _is_available(self, patient: str, study: str) -> bool:
        stem = _path(patient, study)
        return all((self.root / f"{stem}{end}").is_file() for end in (".hea", ".dat"))

    @property
    def sampling_rate(self) -> float:
        """Samples a second of the records that `read` returns."""
        return float(SAMPLING_RATE)

    @property
    def entries(self) -> Sequence[RecordEntry]:
        """All records, by id; the id is the study_id. The first report that is looked at makes all of them be read."""
        return self._entries

    @property
    def missing(self) -> int:
        """How many records the table names that are not in the folder; counted only with ``available_only``."""
        return self._missing

    @cached_property
    def fingerprint(self) -> str:
        """Identifies both tables and the choice of records; not the signals themselves."""
        digests = []
        for name in (RECORD_LIST_FILE, MEASUREMENTS_FILE):
            with (self.root / name).open("rb") as stream:
                digests.append(hashlib.file_digest(stream, "sha256").hexdigest())
        return fingerprint("mimic-iv-ecg", *digests, "\n".join(self._patients))

    def read(self, record_id: str) -> Record:
        """Read one record's signal.

        Parameters
        ----------
        record_id : str
            The id of an entry, such as ``"40689238"``.

        Returns
        -------
        Record
            Signal float32 [12, samples] in mV, leads in canonical order whatever their order in the file.

        Raises
        ------
        KeyError
            If no entry has this id.
        FileNotFoundError
            If its files are not there; the message names them.
        ValueError
            If they cannot be read, hold samples marked as invalid, or are not at 500 samples a second.
        """
        if record_id not in self._patients:
            raise KeyError(f"record_id: {record_id!r} is not among the {len(self._entries)} records of {self.root}")
        path = self.root / _path(self._patients[record_id], record_id)
        record = read_record(path)
        if record.sampling_rate != SAMPLING_RATE:
            raise ValueError(f"{path}: {record.sampling_rate:g} samples a second, expected {SAMPLING_RATE}")
        return replace(record, record_id=record_id)


class _Entry(RecordEntry):
    """An entry without findings, whose report is read when it is first asked for."""

    findings = ()
    assessed = ()

    def __init__(self, record_id: str, patient_id: str, fold: int, reports: _Reports) -> None:
        # The instances of a frozen class take no assignments.
        self.__dict__.update(record_id=record_id, patient_id=patient_id, fold=fold, _reports=reports)

    @cached_property
    def report(self) -> str:
        """The machine's statements, as sentences."""
        reports: _Reports = self.__dict__["_reports"]
        return reports.of(self.record_id)


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
