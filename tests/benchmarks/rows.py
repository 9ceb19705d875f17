"""The rows of ``results/benchmarks/*.csv``: one row a contestant of a contest, the columns written once, here.

A contest is one piece of work on one input. Its first contestant is the one whose speed is looked at (ecgbyte, as a
rule); ``ratio`` says how many times as long each other one takes. A contestant that could not run has a row with the
reason in ``skipped`` and no figures.
"""

from __future__ import annotations

import csv
import io
import math
import os
from collections.abc import Iterable
from dataclasses import dataclass, fields
from pathlib import Path

from ecgbyte.files import write_atomically


@dataclass(frozen=True, kw_only=True)
class Machine:
    """Where and with what a run was made; the columns that all rows of a run share.

    Attributes
    ----------
    cpu : str
        The model, as the system names it.
    cores : int
        That this process may use.
    instructions : str
        The vector instructions that the kernels chose: ``"portable"``, ``"avx2"`` or ``"avx512"``.
    compiler, flags : str
        Of the kernels.
    python, numpy, os : str
        Versions.
    commit : str
        Of this repository; ``"+"`` at the end where files differ from it.
    date : str
        When the run began, UTC, ISO 8601.
    load_average : float
        Of the minute before the run began; NaN where the system tells none.
    scale : str
        ``"smoke"``, ``"default"`` or ``"full"``; only figures of the last two mean anything.
    """

    cpu: str
    cores: int
    instructions: str
    compiler: str
    flags: str
    python: str
    numpy: str
    os: str
    commit: str
    date: str
    load_average: float
    scale: str


@dataclass(frozen=True, kw_only=True)
class BenchmarkRow(Machine):
    """What one contestant took for one piece of work.

    Attributes
    ----------
    contest : str
        A short name without spaces, such as ``"training-real-1e7"``; with `contestant` and `threads` the key of a row.
    work : str
        The same in words.
    contestant, version : str
        Such as ``"rustbpe"``, ``"0.1.0"``.
    threads : int
        That the contestant was told to use.
    corpus, corpus_fingerprint : str
        The input in words, and its `ecgbyte.files.fingerprint`.
    symbols : int
        Of the input (samples, for a signal) in one call.
    merges : int
        Learnt, or in the vocabulary; 0 where there are none.
    rounds, calls : int
        Rounds, and calls in each: short work is repeated and divided.
    seconds, seconds_min, seconds_max, seconds_lower, seconds_upper : float
        Of one call: median, least, most and the quartiles over the rounds.
    symbols_per_second : float
        `symbols` divided by `seconds`.
    ratio, ratio_lower, ratio_upper : float
        `seconds` divided by that of the contest's first contestant; the quartiles are those of the ratios of single
        rounds.
    peak_bytes : float
        The most memory in use above the input, in bytes; NaN where it was not measured.
    check : str
        What the output was compared with, and that it agreed.
    note : str
        What a reader must know to read the row rightly.
    skipped : str
        Why there are no figures; empty where there are.
    """

    contest: str
    work: str
    contestant: str
    version: str = ""
    threads: int = 1
    corpus: str = ""
    corpus_fingerprint: str = ""
    symbols: int = 0
    merges: int = 0
    rounds: int = 0
    calls: int = 0
    seconds: float = math.nan
    seconds_min: float = math.nan
    seconds_max: float = math.nan
    seconds_lower: float = math.nan
    seconds_upper: float = math.nan
    symbols_per_second: float = math.nan
    ratio: float = math.nan
    ratio_lower: float = math.nan
    ratio_upper: float = math.nan
    peak_bytes: float = math.nan
    check: str = ""
    note: str = ""
    skipped: str = ""

    @property
    def key(self) -> tuple[str, str, int]:
        """What no two rows of one file may share."""
        return self.contest, self.contestant, self.threads


# What was measured stands first in the file, the machine last.
_MACHINE = [field.name for field in fields(Machine)]
COLUMNS = [field.name for field in fields(BenchmarkRow) if field.name not in _MACHINE] + _MACHINE
_TYPES = {field.name: field.type for field in fields(BenchmarkRow)}


def check_rows(rows: Iterable[BenchmarkRow]) -> list[BenchmarkRow]:
    """Return the rows as a list if no two share a key and each has figures and a check, or a reason for having none.

    Raises
    ------
    ValueError
        Naming the row at fault.
    """
    found: dict[tuple[str, str, int], BenchmarkRow] = {}
    for row in rows:
        if row.key in found:
            raise ValueError(f"rows: two of contest, contestant, threads {row.key}")
        measured = math.isfinite(row.seconds) and row.seconds > 0
        if measured == bool(row.skipped):
            raise ValueError(f"rows: {row.key} has seconds {row.seconds} and skipped {row.skipped!r}, expected one")
        if measured and not row.check:
            raise ValueError(f"rows: {row.key} does not say what its output was compared with")
        found[row.key] = row
    return list(found.values())


def write_rows(path: str | os.PathLike[str], rows: Iterable[BenchmarkRow]) -> None:
    """Write rows as CSV, in one step and in the order given; NaN becomes an empty cell.

    Raises
    ------
    ValueError
        As `check_rows`.
    """
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    for row in check_rows(rows):
        writer.writerow([_written(getattr(row, column)) for column in COLUMNS])
    write_atomically(path, text.getvalue())


def read_rows(path: str | os.PathLike[str]) -> list[BenchmarkRow]:
    """Read what `write_rows` wrote.

    Raises
    ------
    ValueError
        If the columns are not those of this version, a cell is not of its type, or as `check_rows`.
    """
    with Path(path).open(encoding="utf-8", newline="") as stream:
        reader = csv.reader(stream)
        header = next(reader, [])
        if header != COLUMNS:
            raise ValueError(f"{path}: columns {header}, expected {COLUMNS}")
        return check_rows(
            BenchmarkRow(**{column: _read(column, cell) for column, cell in zip(COLUMNS, cells, strict=True)})
            for cells in reader
        )


def _written(value: str | int | float) -> str:
    if isinstance(value, float):
        return "" if math.isnan(value) else f"{value:.6g}"
    return str(value)


def _read(column: str, cell: str) -> str | int | float:
    if _TYPES[column] == "float":
        return float(cell) if cell else math.nan
    return int(cell) if _TYPES[column] == "int" else cell
