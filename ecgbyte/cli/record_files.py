"""The records that a command works on: found, read, preprocessed, cut, and rejected with a reason where that fails."""

from __future__ import annotations

import argparse
import csv
import io
import math
import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ecgbyte.files import write_atomically
from ecgbyte.signals.preprocess import CHAIN_VERSION, Preprocessor
from ecgbyte.signals.reading.reader import read_record
from ecgbyte.signals.records import Record
from ecgbyte.signals.segments import cut_segments, leftover_samples, samples_per_segment
from ecgbyte.tokenizer.input_signals import check_same_recording, checked_signal

_REJECTED_COLUMNS = ("record", "file", "reason")


@dataclass(frozen=True)
class RecordFile:
    """A WFDB record on disk.

    Attributes
    ----------
    name : str
        Its path below the folder that was given, with ``/``, or its file name; names what is made of it.
    path : Path
        Without ``.hea`` or ``.dat``.
    """

    name: str
    path: Path


def add_record_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments that choose records, the same for every command."""
    parser.add_argument(
        "records",
        nargs="*",
        metavar="RECORD_OR_FOLDER",
        help="a WFDB record (with or without .hea or .dat), or a folder: every .hea file in it and below, sorted",
    )
    parser.add_argument(
        "--list",
        action="append",
        default=[],
        metavar="FILE",
        help="a file with one record a line, relative to the file's folder; empty lines and lines with # are skipped",
    )
    parser.add_argument("--max-records", type=int, metavar="N", help="take the first N records only")
    parser.add_argument(
        "--segment-seconds", type=float, metavar="S", help="cut each record into segments of S seconds (default: whole)"
    )
    parser.add_argument(
        "--rejected",
        metavar="FILE",
        help="where records that could not be used are listed, with reasons, as CSV (default: beside the output); "
        "an older list there is replaced, another file is not",
    )
    parser.add_argument("--no-progress", action="store_true", help="no progress bars on standard error")


def find_records(paths: Sequence[str], list_files: Sequence[str], max_records: int | None = None) -> list[RecordFile]:
    """Find records in the order in which they were named; within a folder, sorted.

    Raises
    ------
    FileNotFoundError
        If a path is neither a folder nor a record, or there is no file for ``--list``.
    ValueError
        If a folder holds no record, a record is named twice, a list is no text, or there is none at all.
    """
    if max_records is not None and max_records < 1:
        raise ValueError(f"--max-records: got {max_records}, expected at least 1")
    found: list[RecordFile] = []
    for text in paths:
        path = Path(text)
        if path.is_dir():
            headers = sorted(path.rglob("*.hea"), key=lambda header: header.relative_to(path).parts)
            if not headers:
                raise ValueError(f"{path}: no .hea file in this folder or below")
            found.extend(RecordFile(_name(header.relative_to(path)), _bare(header)) for header in headers)
        elif _header(path).is_file():
            found.append(RecordFile(_bare(path).name, _bare(path)))
        else:
            raise FileNotFoundError(f"{path}: neither a folder nor a record; there is no {_header(path)}")
    for text in list_files:
        folder = Path(text).parent
        for line in _lines(text):
            entry = line.strip()
            if entry and not entry.startswith("#"):
                relative = Path(entry)
                inside = not relative.is_absolute() and ".." not in relative.parts
                found.append(RecordFile(_name(relative) if inside else _bare(relative).name, _bare(folder / relative)))
    if not found:
        raise ValueError("no records given: name records or folders, or a file of records with --list")
    seen: dict[Path, RecordFile] = {}
    for record in found:
        other = seen.setdefault(record.path.resolve(), record)
        if other is not record:
            raise ValueError(f"{record.path}: this record is named twice")
    return found[:max_records]


def preprocessor_from_settings(settings: Mapping[str, Any] | None) -> Preprocessor | None:
    """The preprocessing that a tokenizer file names, or None where it names none.

    Raises
    ------
    ValueError
        If this version of ecgbyte does not know these settings.
    """
    if settings is None:
        return None
    known = dict(settings)
    version = known.pop("chain_version", None)
    if version == 1 and "leave_out_padding" not in known:
        known["leave_out_padding"] = False
    elif version != CHAIN_VERSION:
        raise ValueError(
            f"preprocessing: the tokenizer was trained with version {version!r} of the chain, this ecgbyte has "
            f"{CHAIN_VERSION}; preprocess the records yourself and give --no-preprocess"
        )
    try:
        return Preprocessor(**known)
    except TypeError as error:
        raise ValueError(f"preprocessing: the tokenizer's settings {known} are not understood: {error}") from error


def check_rejected_path(path: Path, *, made: Path | None = None) -> None:
    """Make sure, before any work, that the list of rejected records can be written and replaces no other file.

    Parameters
    ----------
    path : Path
    made : Path or None
        A folder that the command itself makes.

    Raises
    ------
    FileNotFoundError
        If its folder does not exist.
    PermissionError
        If nothing can be written there.
    ValueError
        If something stands there that is no list of rejected records.
    """
    folder = path.parent
    if not folder.is_dir() and (made is None or folder.resolve() != made.resolve()):
        raise FileNotFoundError(f"--rejected: the folder {folder} of {path.name!r} does not exist")
    if folder.is_dir() and not os.access(folder, os.W_OK | os.X_OK):
        raise PermissionError(f"--rejected: nothing can be written to the folder {folder}")
    if not path.exists():
        return
    header = ",".join(_REJECTED_COLUMNS)
    if path.is_file():
        with path.open("rb") as stream:
            if stream.readline(len(header) + 2).rstrip(b"\r\n") == header.encode("ascii"):
                return
    raise ValueError(
        f"--rejected: {path} exists and is no list of rejected records (its first line is not {header!r}); "
        "name another file with --rejected"
    )


class RecordFiles:
    """Records as a tokenizer takes them, read from their files again at each iteration.

    A record that cannot be read or preprocessed is rejected once, with its reason, and left out from then on.

    Parameters
    ----------
    files : sequence of RecordFile
    preprocessor : Preprocessor or None
    segment_seconds : float or None
        Length of the segments; None for whole records.
    uniform : bool
        Also reject records that differ in rate or leads from the first.
    sampling_rate : float or None
        Of the records after preprocessing, where it is known; `segment_seconds` must go with it.

    Raises
    ------
    ValueError
        If `segment_seconds` is not positive and finite, or no whole number of samples.
    """

    def __init__(
        self,
        files: Sequence[RecordFile],
        preprocessor: Preprocessor | None,
        segment_seconds: float | None,
        *,
        uniform: bool = False,
        sampling_rate: float | None = None,
    ) -> None:
        if segment_seconds is not None:
            if not (math.isfinite(segment_seconds) and segment_seconds > 0):
                raise ValueError(f"--segment-seconds: got {segment_seconds}, expected more than 0")
            if sampling_rate is not None:
                try:
                    samples_per_segment(sampling_rate, segment_seconds)
                except ValueError as error:
                    raise ValueError(f"--segment-seconds: {error}") from error
        self.files = list(files)
        self.rejections: dict[RecordFile, str] = {}
        self._preprocessor = preprocessor
        self._segment_seconds = segment_seconds
        self._uniform = uniform
        self._first: Record | None = None
        self._leftovers: dict[RecordFile, int] = {}

    def __length_hint__(self) -> int:
        # Unknown where records are cut into segments.
        return NotImplemented if self._segment_seconds is not None else len(self.files) - len(self.rejections)

    def __iter__(self) -> Iterator[Record]:
        for file in self.files:
            yield from self.read(file)

    def read(self, file: RecordFile) -> list[Record]:
        """The record or its segments; nothing where it is rejected."""
        if file in self.rejections:
            return []
        try:
            record = read_record(file.path)
            if self._preprocessor is not None:
                record = self._preprocessor.apply(record)
            if self._uniform and self._first is not None:
                check_same_recording("record", record, self._first.sampling_rate, self._first.lead_names)
            checked_signal("record", record, None)
            records = [record]
            if self._segment_seconds is not None:
                records = cut_segments(record, self._segment_seconds)
                self._leftovers[file] = leftover_samples(record, self._segment_seconds)
        except (ValueError, OSError) as error:
            self.reject(file, error)
            return []
        self._first = self._first or record
        return records

    def reject(self, file: RecordFile, reason: Exception) -> None:
        """Note that a record cannot be used, and say so on standard error."""
        self.rejections[file] = " ".join(str(reason).split())
        print(f"rejected {file.name}: {self.rejections[file]}", file=sys.stderr)

    def report_leftovers(self) -> None:
        """Say on standard error how many samples belonged to no whole segment."""
        left_out = [samples for samples in self._leftovers.values() if samples]
        if left_out:
            print(
                f"note: {len(left_out)} records are no multiple of {self._segment_seconds:g} s; {sum(left_out)} "
                "samples a lead at their ends were left out",
                file=sys.stderr,
            )

    @contextmanager
    def rejections_written(self, path: Path) -> Iterator[None]:
        """Write the rejected records at the end of a block, also where an error or Ctrl-C ends it.

        After an early end with nothing rejected so far an older list stays.
        """
        finished = False
        try:
            yield
            finished = True
        finally:
            if finished or self.rejections:
                self.write_rejections(path)
            if self.rejections and not finished:
                print(f"{len(self.rejections)} records rejected, see {path}", file=sys.stderr)

    def write_rejections(self, path: Path) -> None:
        """Write the rejected records as CSV with the columns record, file and reason.

        An older list in the same place is replaced even where nothing was rejected this time; where there is none,
        no empty one is written.
        """
        if not self.rejections and not path.exists():
            return
        stream = io.StringIO()
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(_REJECTED_COLUMNS)
        writer.writerows([file.name, f"{file.path}.hea", reason] for file, reason in self.rejections.items())
        write_atomically(path, stream.getvalue())


def _lines(list_file: str) -> list[str]:
    if not Path(list_file).exists() or Path(list_file).is_dir():
        raise FileNotFoundError(f"--list: there is no file {list_file}")
    try:
        return Path(list_file).read_text(encoding="utf-8").splitlines()
    except UnicodeDecodeError as error:
        raise ValueError(f"--list: {list_file} is no text in UTF-8 ({error})") from error


def _bare(path: Path) -> Path:
    return path.with_suffix("") if path.suffix in (".hea", ".dat") else path


def _header(path: Path) -> Path:
    bare = _bare(path)
    return bare.with_name(f"{bare.name}.hea")


def _name(path: Path) -> str:
    return _bare(path).as_posix()
