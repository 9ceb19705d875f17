"""The records of a data set by name, with patients, folds, age, sex, reports and findings, as sources to prepare."""

from __future__ import annotations

import csv
import hashlib
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

from ecgbyte.data.catalogue import Finding
from ecgbyte.data.sets.described import DataSetDescription, descriptions
from ecgbyte.data.sets.mimic_iv_ecg import MIMICIVECG
from ecgbyte.data.sets.ptbxl import DATABASE_FILE, PTBXL, REMOVED_DUPLICATES
from ecgbyte.data.sets.snomed_findings import findings_of_codes
from ecgbyte.prepared.sources import RecordSource
from ecgbyte.signals.reading.limits import MAX_HEADER_BYTES

_NUM_FOLDS = 10
_CODE_COLUMNS = {
    "1dAVb": ("conduction", "first degree av block"),
    "RBBB": ("conduction", "right bundle branch block"),
    "LBBB": ("conduction", "left bundle branch block"),
    "SB": ("rhythm", "sinus bradycardia"),
    "ST": ("rhythm", "sinus tachycardia"),
    "AF": ("rhythm", "atrial fibrillation"),
}
_SEXES = {"male": "male", "m": "male", "female": "female", "f": "female"}


def find_description(name: str) -> DataSetDescription:
    """The description of a data set.

    Raises
    ------
    ValueError
        If there is none of this name.
    """
    known = descriptions()
    if name not in known:
        raise ValueError(f"data_set: got {name!r}, expected one of {', '.join(known)}")
    return known[name]


def sources_of(
    description: DataSetDescription, root: Path, *, sampling_rate: float | None = None
) -> list[RecordSource]:
    """All records that a data set names, whether their files are there or not, in a fixed order.

    Parameters
    ----------
    description : DataSetDescription
    root : Path
        Its folder.
    sampling_rate : float, optional
        Which files to take of PTB-XL, which has every record at 100 and at 500 Hz: those at 100 where not given, if
        they are there.

    Raises
    ------
    FileNotFoundError
        If the folder, or a table in it, is missing.
    ValueError
        If a table is not as expected, there is no record, or the rate is none of the data set's.
    """
    root = root.absolute()
    if not root.is_dir():
        raise FileNotFoundError(f"source: {root} is no folder, expected that of {description.title}")
    if sampling_rate is not None and sampling_rate not in description.rates:
        rates = ", ".join(f"{rate:g}" for rate in description.rates)
        raise ValueError(f"sampling_rate: got {sampling_rate:g}, {description.title} has {rates} samples a second")
    if description.layout == "ptb-xl":
        return _ptb_xl(root, int(sampling_rate or _rate_there(root)))
    if description.layout == "mimic-iv-ecg":
        return _mimic_iv_ecg(root)
    if description.layout == "code-15":
        return _code_15(root, description)
    return _wfdb_comments(root, description)


def drawn_fold(data_set: str, patient_id: str) -> int:
    """A fold from 1 to 10 for data sets that have none, from the patient's id alone: the same on every machine."""
    digest = hashlib.sha256(f"{data_set}|{patient_id}".encode()).digest()
    return int.from_bytes(digest[:8], "big") % _NUM_FOLDS + 1


def _rate_there(root: Path) -> int:
    return 500 if (root / "records500").is_dir() and not (root / "records100").is_dir() else 100


def _ptb_xl(root: Path, rate: int) -> list[RecordSource]:
    records = PTBXL(root, rate)
    column = "filename_lr" if rate == 100 else "filename_hr"
    rows = {int(row["ecg_id"]): row for row in _rows(root / DATABASE_FILE, ("ecg_id", column, "age", "sex"))}
    entries = {int(entry.record_id): entry for entry in records.entries}
    sources = []
    for ecg_id in sorted(rows):
        row = rows[ecg_id]
        place = f"{row[column]}.hea"
        name = f"{ecg_id:05d}"
        if ecg_id in REMOVED_DUPLICATES:
            excluded = ("duplicate", "a duplicate that version 1.0.3 of PTB-XL removed")
            sources.append(RecordSource(name, str(root / place), place, excluded=excluded))
            continue
        entry = entries[ecg_id]
        sources.append(
            RecordSource(
                name,
                str(root / place),
                place,
                patient_id=entry.patient_id,
                fold=entry.fold,
                age=_number(row["age"]),
                sex={"0": "male", "1": "female"}.get(row["sex"].strip().removesuffix(".0")),
                report=entry.report,
                findings=entry.findings,
                assessed=entry.assessed,
            )
        )
    return sources


def _mimic_iv_ecg(root: Path) -> list[RecordSource]:
    records = MIMICIVECG(root)
    sources = []
    for entry in records.entries:
        place = f"{records.stem(entry.record_id)}.hea"
        sources.append(
            RecordSource(
                entry.record_id,
                str(root / place),
                place,
                patient_id=entry.patient_id,
                fold=entry.fold,
                report=entry.report,
            )
        )
    return sources


def _code_15(root: Path, description: DataSetDescription) -> list[RecordSource]:
    columns = ("exam_id", "age", "is_male", "patient_id", "trace_file", "normal_ecg", *_CODE_COLUMNS)
    sources = []
    for row in _rows(root / "exams.csv", columns):
        place = row["trace_file"].strip()
        if not place or Path(place).name != place:
            raise ValueError(f"{root / 'exams.csv'}: exam {row['exam_id']} has trace_file {place!r}, expected a name")
        normal = _truth(row["normal_ecg"])
        found = [Finding(*finding) for column, finding in _CODE_COLUMNS.items() if _truth(row[column])]
        if normal:
            found.append(Finding("normal", "normal ecg"))
        sources.append(
            RecordSource(
                row["exam_id"],
                str(root / place),
                place,
                inner_id=row["exam_id"],
                patient_id=row["patient_id"],
                fold=drawn_fold(description.name, row["patient_id"]),
                age=_number(row["age"]),
                sex={True: "male", False: "female"}.get(_truth(row["is_male"])),  # type: ignore[arg-type]
                findings=tuple(sorted(found)),
                assessed=description.assessed if normal is not None else (),
            )
        )
    return _some(sources, root / "exams.csv")


def _wfdb_comments(root: Path, description: DataSetDescription) -> list[RecordSource]:
    name = re.compile(description.pattern, re.ASCII)
    headers = sorted(
        (file for file in root.rglob("*.hea") if name.fullmatch(file.stem)), key=lambda f: f.relative_to(root).parts
    )
    counts = Counter(header.stem for header in headers)
    sources = []
    for header in headers:
        about = header_comments(header)
        place = header.relative_to(root).as_posix()
        # One name in two folders of a data set: both folders are told apart.
        record_id = header.stem if counts[header.stem] == 1 else place.removesuffix(".hea")
        codes = [code.strip() for code in about.get("dx", "").split(",") if code.strip()]
        findings, assessed, _ = findings_of_codes(codes, description.assessed if codes else ())
        sources.append(
            RecordSource(
                record_id,
                str(header),
                place,
                patient_id=record_id,
                fold=drawn_fold(description.name, record_id),
                age=_number(about.get("age", "")),
                sex=_SEXES.get(about.get("sex", "").lower()),
                findings=findings,
                assessed=assessed,
            )
        )
    return _some(sources, root)


def header_comments(header: Path) -> dict[str, str]:
    """What the lines behind ``#`` of a header say, such as ``# Age: 74``, by their names in lower case."""
    with header.open("rb") as stream:
        text = stream.read(MAX_HEADER_BYTES).decode("utf-8", "replace")
    found: dict[str, str] = {}
    for line in text.splitlines():
        if line.startswith("#"):
            key, colon, value = line.lstrip("# ").partition(":")
            if colon:
                found.setdefault(key.strip().lower(), value.strip())
    return found


def _rows(path: Path, columns: Sequence[str]) -> Iterator[dict[str, str]]:
    """The rows of a table that has at least these columns."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as stream:
            reader = csv.DictReader(stream)
            header = reader.fieldnames or []
            if absent := [column for column in columns if column not in header]:
                raise ValueError(f"{path}: no column {absent[0]!r}, found {', '.join(map(repr, header)) or 'none'}")
            for row in reader:
                if None in row or None in row.values():
                    raise ValueError(f"{path}: line {reader.line_num} has not the {len(header)} fields of the header")
                yield row
    except (UnicodeDecodeError, csv.Error) as error:
        raise ValueError(f"{path}: no CSV in UTF-8 ({error})") from error


def _number(text: str) -> float | None:
    """A number that is written; None for an empty field, NaN, or what is no number ("Unknown")."""
    try:
        value = float(text)
    except ValueError:
        return None
    return value if value == value else None


def _truth(text: str) -> bool | None:
    """A truth value as tables write it; None where the field is empty."""
    return {"true": True, "1": True, "1.0": True, "false": False, "0": False, "0.0": False}.get(text.strip().lower())


def _some(sources: list[RecordSource], place: Path) -> list[RecordSource]:
    if not sources:
        raise ValueError(f"source: {place} names no record of this data set")
    return sources
