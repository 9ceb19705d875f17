"""The records that a command works on: read, preprocessed, cut, and rejected with a reason where that fails."""

from __future__ import annotations

import csv
import io
import math
import os
import sys
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ecgbyte.cli.record_search import FoundRecords, RecordFile
from ecgbyte.files import write_atomically
from ecgbyte.signals.amplitude_histogram import AmplitudeHistogram
from ecgbyte.signals.preprocess import Preprocessor
from ecgbyte.signals.reading.assembly import ReadingOptions
from ecgbyte.signals.reading.reader import read_record_with
from ecgbyte.signals.records import Record, Remark
from ecgbyte.signals.segments import cut_segments, leftover_samples, samples_per_segment
from ecgbyte.tokenizer import stored_preprocessing
from ecgbyte.tokenizer.input_signals import check_same_recording, checked_signal

# What may be wrong with one record, its file or the packages that its format needs, and must not end a batch.
REASONS = (ValueError, OSError, ImportError, MemoryError, ArithmeticError, RecursionError)
TOKENIZER_HELP = "the tokenizer: a file, a folder with one, or a name such as ptb-xl-3500, which comes with ecgbyte"
_REJECTED_COLUMNS = ("record", "file", "reason")


def preprocessor_from_settings(settings: Mapping[str, Any] | None) -> Preprocessor | None:
    """The preprocessing that a tokenizer file names, or None where it names none.

    Raises
    ------
    ValueError
        If this version of ecgbyte does not know these settings, or they ask for too much work; the message says how to
        go on without.
    """
    try:
        return stored_preprocessing.preprocessor_from_settings(settings)
    except ValueError as error:
        raise ValueError(f"{error}; records that are preprocessed already go with --no-preprocess") from error


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
    if not begins_with(path, header):
        raise ValueError(
            f"--rejected: {path} exists and is no list of rejected records (its first line is not {header!r}); "
            "name another file with --rejected"
        )


def begins_with(path: Path, header: str) -> bool:
    """Whether a file begins with this line, in ASCII."""
    if not path.is_file():
        return False
    with path.open("rb") as stream:
        return stream.readline(len(header) + 2).rstrip(b"\r\n") == header.encode("ascii")


@dataclass(frozen=True)
class ReadAs:
    """Which reader read a record, and what it found and did."""

    reader: str
    remarks: tuple[Remark, ...]


class RecordFiles:
    """Records as a tokenizer takes them, read from their files again at each iteration.

    A record that cannot be read or preprocessed is rejected once, with its reason, and left out from then on.

    Parameters
    ----------
    files : sequence of RecordFile
    preprocessor : Preprocessor or None
    segment_seconds : float or None
        Length of the segments; None for whole records.
    options : ReadingOptions, optional
        How to read the files.
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
        options: ReadingOptions | None = None,
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
        self.amplitudes = AmplitudeHistogram(1 / 64)
        self._options = options or ReadingOptions(fallback=True)
        self._read: dict[RecordFile, ReadAs] = {}
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
            record = read_record_with(file.path, self._options, file.record_id)
            if self._preprocessor is not None:
                record = self._preprocessor.apply(record)
            if self._uniform and self._first is not None:
                check_same_recording("record", record, self._first.sampling_rate, self._first.lead_names)
            checked_signal("record", record, None)
            records = [record]
            if self._segment_seconds is not None:
                records = cut_segments(record, self._segment_seconds)
                self._leftovers[file] = leftover_samples(record, self._segment_seconds)
        except REASONS as error:
            self.reject(file, error)
            return []
        self._first = self._first or record
        self._note(file, record)
        return records

    def _note(self, file: RecordFile, record: Record) -> None:
        """Count what was read how, once for each record."""
        if file in self._read:
            return
        self._read[file] = ReadAs(record.reader or "unknown", record.remarks)
        self.amplitudes.add(record.signal)

    def reject(self, file: RecordFile, reason: Exception) -> None:
        """Note that a record cannot be used, and say so on standard error."""
        self.rejections[file] = " ".join((str(reason) or type(reason).__name__).split())
        self._read.pop(file, None)
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

    def report_remarks(self) -> None:
        """Say on standard error how many records each reader read, what was done to them, and which are in doubt."""
        readers = Counter(how.reader for how in self._read.values())
        if set(readers) - {"wfdb"}:
            _say("read by", readers)
        remarks = [(file, remark) for file, how in self._read.items() for remark in how.remarks]
        if done := Counter(remark.reason for _, remark in remarks if not remark.doubt):
            _say("on reading", done)
        first = {remark.reason: (file, remark) for file, remark in reversed(remarks) if remark.doubt}
        counts = Counter(remark.reason for _, remark in remarks if remark.doubt)
        for reason, (file, remark) in first.items():
            self.warn(f"{counts[reason]} records in doubt, {reason}: {file.name}: {remark.text}")

    def read_as(self, file: RecordFile) -> ReadAs:
        """How a record was read; of one that is rejected or not read yet nothing is known."""
        return self._read.get(file, ReadAs("unknown", ()))

    def warn(self, message: str) -> None:
        """Say something on standard error that the user should look at."""
        print(f"warning: {message}", file=sys.stderr)

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
        writer.writerows([file.name, file.where, reason] for file, reason in self.rejections.items())
        write_atomically(path, stream.getvalue())


def _say(what: str, counts: Counter[str]) -> None:
    print(f"note: {what}: " + ", ".join(f"{name} {count}" for name, count in counts.items()), file=sys.stderr)


def report_others(found: FoundRecords) -> None:
    """Say on standard error which files of the folders are no records."""
    if found.others:
        shown = ", ".join(file.name for file in found.others[:3])
        more = ", ..." if len(found.others) > 3 else ""
        print(f"note: {len(found.others)} other files are no records: {shown}{more}", file=sys.stderr)
