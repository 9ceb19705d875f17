"""Finding the records that a command is to work on: in folders, in lists and by name, in files of any known format."""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from ecgbyte.signals.leads import LEADS, canonical_lead_name
from ecgbyte.signals.reading.csv_files import column_names
from ecgbyte.signals.reading.detection import format_of
from ecgbyte.signals.reading.reader import record_ids
from ecgbyte.signals.reading.wfdb_record import header_of, signal_files

_LEFT_OUT_FOLDERS = ("__MACOSX",)
_NO_NAME = re.compile(r"[^\w.+=@-]", re.ASCII)


@dataclass(frozen=True)
class RecordFile:
    """A record on disk.

    Attributes
    ----------
    name : str
        Its path below the folder that was given, with ``/`` and without ending, or its file name; of a file that holds
        many records with ``#`` and its id. Names what is made of it.
    path : Path
        The file; of a WFDB record its header.
    record_id : str or None
        Which record of a file that holds many.
    """

    name: str
    path: Path
    record_id: str | None = None

    @property
    def where(self) -> str:
        """The file, and which of its records it is."""
        return str(self.path) if self.record_id is None else f"{self.path}#{self.record_id}"


@dataclass
class FoundRecords:
    """What a search found.

    Attributes
    ----------
    files : list of RecordFile
    others : list of Path
        Files in the folders that are no records and belong to none.
    """

    files: list[RecordFile] = field(default_factory=list)
    others: list[Path] = field(default_factory=list)


def find_records(paths: Sequence[str], list_files: Sequence[str], max_records: int | None = None) -> FoundRecords:
    """Find records in the order in which they were named; within a folder, sorted.

    In a folder every file that has the content of a known format is a record, but for hidden ones (``._x.hea``,
    ``.ipynb_checkpoints``), what belongs to a WFDB header, and tables that name no lead.

    Raises
    ------
    FileNotFoundError
        If a path is neither a folder nor a record, or there is no file for ``--list``.
    ValueError
        If a folder holds no record, a record is named twice, a list is no text, or there is none at all.
    """
    if max_records is not None and max_records < 1:
        raise ValueError(f"--max-records: got {max_records}, expected at least 1")
    found = FoundRecords()
    for text in paths:
        path = Path(text)
        if path.is_dir():
            _search_folder(path, found)
        elif path.is_file() or header_of(path).is_file():
            found.files += _records_of(_bare(path).name, _file_of(path))
        else:
            raise FileNotFoundError(f"{path}: neither a folder nor a record; there is no {header_of(path)}")
    for text in list_files:
        folder = Path(text).parent
        for entry in _lines(text):
            relative = Path(entry)
            inside = not relative.is_absolute() and ".." not in relative.parts
            name = _bare(relative).as_posix() if inside else _bare(relative).name
            found.files += _records_of(name, _file_of(folder / relative))
    if not found.files:
        raise ValueError("no records given: name records or folders, or a file of records with --list")
    seen: dict[tuple[Path, str | None], RecordFile] = {}
    for record in found.files:
        other = seen.setdefault((record.path.resolve(), record.record_id), record)
        if other is not record:
            raise ValueError(f"{record.path}: this record is named twice")
    found.files = _distinct(found.files)[:max_records]
    return found


def _search_folder(folder: Path, found: FoundRecords) -> None:
    files = sorted(_files_below(folder), key=lambda file: file.relative_to(folder).parts)
    headers = [file for file in files if file.suffix == ".hea"]
    # What stands beside a header under its name (signals, annotations) or is named by it belongs to it.
    stems = {header.with_suffix("") for header in headers}
    owned: set[Path] = set()
    for header in headers:
        try:
            owned |= signal_files(header)
        except (ValueError, OSError):
            continue  # a record that will be rejected with its reason
    before = len(found.files)
    for file in files:
        if file in owned or (file.suffix != ".hea" and file.with_suffix("") in stems):
            continue
        if file.suffix == ".hea" or _is_record(file):
            found.files += _records_of(_bare(file.relative_to(folder)).as_posix(), file)
        else:
            found.others.append(file)
    if len(found.files) == before:
        raise ValueError(f"{folder}: no .hea file in this folder or below, nor a file of another format that is known")


def _files_below(folder: Path) -> Iterator[Path]:
    for place, folders, names in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith(".") and name not in _LEFT_OUT_FOLDERS)
        yield from (Path(place, name) for name in names if not name.startswith("."))


def _is_record(file: Path) -> bool:
    """Whether the content of a file is that of a record, as far as a search goes."""
    kind = format_of(file)
    if kind == "npz":
        from ecgbyte.signals.reading.numpy_files import is_encoding

        return not is_encoding(file)
    if kind == "csv":
        names = column_names(file)
        return names is None or any(_is_lead(name) for name in names)
    return kind is not None


def _is_lead(name: str) -> bool:
    try:
        return canonical_lead_name(name) in LEADS
    except ValueError:
        return False


def _records_of(name: str, file: Path) -> list[RecordFile]:
    """The one record of a file, or each of many."""
    try:
        ids = record_ids(file)
    except (ValueError, OSError, ImportError):
        ids = None  # reading it will say what is wrong
    if ids is None:
        return [RecordFile(name, file)]
    return [RecordFile(f"{name}#{_NO_NAME.sub('_', record_id)}", file, record_id) for record_id in ids]


def _distinct(files: list[RecordFile]) -> list[RecordFile]:
    """The records, with the ending in the name of those that would else be called like another: a.csv beside a.npy."""
    counts = Counter(file.name for file in files)
    return [
        RecordFile(f"{file.name}{file.path.suffix}", file.path, file.record_id)
        if counts[file.name] > 1 and file.path.suffix not in ("", ".hea")
        else file
        for file in files
    ]


def _lines(list_file: str) -> list[str]:
    if not Path(list_file).exists() or Path(list_file).is_dir():
        raise FileNotFoundError(f"--list: there is no file {list_file}")
    try:
        lines = Path(list_file).read_text(encoding="utf-8").splitlines()
    except UnicodeDecodeError as error:
        raise ValueError(f"--list: {list_file} is no text in UTF-8 ({error})") from error
    return [line.strip() for line in lines if line.strip() and not line.strip().startswith("#")]


def _file_of(path: Path) -> Path:
    """The file of a record that is named: the header where there is one, else the path as it is."""
    header = header_of(path)
    if header.is_file() and (not path.is_file() or format_of(path) in (None, "mat")):
        return header
    return path


def _bare(path: Path) -> Path:
    return path.with_suffix("") if path.suffix in _ENDINGS else path


# Endings that do not belong to a record's name.
_ENDINGS = frozenset(
    ".hea .dat .mat .npy .npz .csv .txt .tsv .h5 .hdf5 .scp .xml .dcm .edf .mwf .mfer .ecg".split()  # noqa: SIM905
)
