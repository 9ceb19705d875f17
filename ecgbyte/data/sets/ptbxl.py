"""PTB-XL from a folder in its published layout, without pandas.

PTB-XL: Wagner et al. 2020, doi:10.1038/s41597-020-0495-6, https://physionet.org/content/ptb-xl/, CC BY 4.0.
"""

from __future__ import annotations

import csv
import io
import os
from collections.abc import Mapping, Sequence
from pathlib import Path

from ecgbyte.data.catalogue import RecordEntry
from ecgbyte.data.sets.ptbxl_findings import COLUMNS, read_findings
from ecgbyte.data.sets.record_folder import RecordFolder, check_stem
from ecgbyte.data.splits import is_missing_id
from ecgbyte.files import fingerprint

DATABASE_FILE = "ptbxl_database.csv"
STATEMENTS_FILE = "scp_statements.csv"
# Duplicates that version 1.0.3 removed from the 21,837 records of 1.0.1.
# fmt: off
REMOVED_DUPLICATES = frozenset((
    137, 139, 140, 141, 142, 143, 145, 456, 458, 459, 461, 462, 2506, 2511, 3795, 3798, 3800, 3801, 3832, 5817,
    7777, 7779, 7782, 9821, 9825, 9888, 11810, 11814, 11815, 11817, 11838, 13791, 13793, 13796, 13797, 13799,
    15742, 18150,
))
# fmt: on
_FILE_COLUMNS = {100: "filename_lr", 500: "filename_hr"}
_NUM_FOLDS = 10


class PTBXL(RecordFolder):
    """The records of PTB-XL, without the 38 duplicates that version 1.0.3 removed; ids are ecg_id with five digits.

    Parameters
    ----------
    root : path-like
        The folder with ``ptbxl_database.csv``, ``scp_statements.csv`` and ``records100`` or ``records500``.
    sampling_rate : int
        100 or 500 samples a second.
    max_records : int, optional
        Only the first so many records by id; all where None.
    available_only : bool
        Only records whose ``.hea`` and ``.dat`` are in `root`, for a partial download; `missing` counts the others.

    Raises
    ------
    FileNotFoundError
        If the folder or one of its two tables does not exist.
    ValueError
        If an option or the content of a table is not as expected, or no record is left.

    Notes
    -----
    *Thread-safety*: immutable once made; `read` may be called from several threads.
    """

    name = "ptb-xl"

    def __init__(
        self,
        root: str | os.PathLike[str],
        sampling_rate: int = 100,
        *,
        max_records: int | None = None,
        available_only: bool = False,
    ) -> None:
        if sampling_rate not in _FILE_COLUMNS:
            raise ValueError(f"sampling_rate: got {sampling_rate!r}, PTB-XL has 100 and 500 samples a second")
        super().__init__(
            root,
            title="PTB-XL",
            tables=(DATABASE_FILE, STATEMENTS_FILE),
            signals=f"records{sampling_rate}/",
            sampling_rate=sampling_rate,
            max_records=max_records,
        )
        database, statements = _read_table(self.root, DATABASE_FILE), _read_table(self.root, STATEMENTS_FILE)
        without_likelihood = _statements_without_likelihood(self.root, statements)
        file_column = _FILE_COLUMNS[sampling_rate]
        self._files: dict[str, str] = {}
        entries: list[RecordEntry] = []
        missing = 0
        rows = _rows(self.root / DATABASE_FILE, database, ("ecg_id", "patient_id", "report", "strat_fold", file_column))
        for ecg_id, row in rows:
            try:
                file = check_stem(row[file_column])
            except ValueError as error:
                raise ValueError(f"{self.root / DATABASE_FILE}: ecg_id {ecg_id}: {file_column}: {error}") from error
            if available_only and not self._is_available(file):
                missing += 1
                continue
            if max_records is not None and len(entries) == max_records:
                if not available_only:
                    break
                # The rest is looked at only to count what is missing.
                continue
            entry = _entry(self.root / DATABASE_FILE, ecg_id, row, without_likelihood)
            self._files[entry.record_id] = file
            entries.append(entry)
        self._keep(entries, missing, DATABASE_FILE, f"in records{sampling_rate}/00000 and so on")
        _check_folds(self.root / DATABASE_FILE, entries)
        self._fingerprint = fingerprint(
            "ptb-xl", str(sampling_rate), database, statements, "\n".join(entry.record_id for entry in entries)
        )

    @property
    def fingerprint(self) -> str:
        """Identifies both tables, the sampling rate and the choice of records; not the signals themselves."""
        return self._fingerprint

    def _stem(self, record_id: str) -> str | None:
        return self._files.get(record_id)


def _read_table(root: Path, name: str) -> str:
    path = root / name
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise ValueError(f"{path}: not UTF-8 text ({error})") from error
    try:
        # Fields of more than 131,072 characters, and others that are none.
        for _ in csv.reader(io.StringIO(text)):
            pass
    except csv.Error as error:
        raise ValueError(f"{path}: no table ({error})") from error
    return text


def _statements_without_likelihood(root: Path, text: str) -> frozenset[str]:
    """The statements that describe form or rhythm: their likelihood is always given as 0."""
    path = root / STATEMENTS_FILE
    reader = csv.DictReader(io.StringIO(text))
    header = reader.fieldnames or ()
    absent = [column for column in ("form", "rhythm") if column not in header]
    if absent:
        raise ValueError(f"{path}: no column {absent[0]!r}, found {', '.join(map(repr, header))}")
    codes = {row[header[0]] for row in reader if "1" in (row["form"] or "")[:1] + (row["rhythm"] or "")[:1]}
    if not codes:
        raise ValueError(f"{path}: no statement of form or rhythm, expected 1.0 in those columns")
    return frozenset(codes)


def _rows(path: Path, text: str, columns: Sequence[str]) -> list[tuple[int, dict[str, str]]]:
    """The rows by ecg_id, without the removed duplicates."""
    reader = csv.DictReader(io.StringIO(text))
    header = reader.fieldnames or ()
    absent = [column for column in (*columns, *COLUMNS) if column not in header]
    if absent:
        raise ValueError(f"{path}: no column {', '.join(map(repr, absent))}, found {', '.join(map(repr, header))}")
    rows: dict[int, dict[str, str]] = {}
    for number, row in enumerate(reader, start=1):
        if None in row or None in row.values():
            raise ValueError(f"{path}: row {number} has not the {len(header)} fields of the header; is the file cut?")
        ecg_id = _whole_number(path, f"row {number}", "ecg_id", row["ecg_id"])
        if ecg_id in rows:
            raise ValueError(f"{path}: row {number} repeats ecg_id {ecg_id}")
        rows[ecg_id] = row
    return [(ecg_id, rows[ecg_id]) for ecg_id in sorted(rows) if ecg_id not in REMOVED_DUPLICATES]


def _entry(path: Path, ecg_id: int, row: Mapping[str, str], without_likelihood: frozenset[str]) -> RecordEntry:
    where = f"ecg_id {ecg_id}"
    if is_missing_id(row["patient_id"]):
        raise ValueError(f"{path}: {where} has no patient_id")
    fold = _whole_number(path, where, "strat_fold", row["strat_fold"])
    if not 1 <= fold <= _NUM_FOLDS:
        raise ValueError(f"{path}: {where} has strat_fold {fold}, expected 1 to {_NUM_FOLDS}")
    try:
        findings, assessed = read_findings(row, without_likelihood)
    except ValueError as error:
        raise ValueError(f"{path}: {where}: {error}") from error
    return RecordEntry(
        record_id=f"{ecg_id:05d}",
        patient_id=str(_whole_number(path, where, "patient_id", row["patient_id"])),
        fold=fold,
        findings=findings,
        assessed=assessed,
        report=row["report"],
    )


def _whole_number(path: Path, where: str, column: str, text: str) -> int:
    # Later versions of PTB-XL write some whole numbers as 15709.0.
    digits = text.strip().removesuffix(".0")
    if not (digits.isascii() and digits.isdigit()):
        raise ValueError(f"{path}: {where} has {column} {text!r}, expected a whole number")
    return int(digits)


def _check_folds(path: Path, entries: Sequence[RecordEntry]) -> None:
    fold_of: dict[str, int] = {}
    for entry in entries:
        fold = fold_of.setdefault(entry.patient_id, entry.fold)
        if fold != entry.fold:
            raise ValueError(f"{path}: patient {entry.patient_id} is in fold {fold} and in fold {entry.fold}")
