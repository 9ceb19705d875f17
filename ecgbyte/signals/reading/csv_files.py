"""Reading tables in text files: a column a lead and a row a sample, with or without names, units and times."""

from __future__ import annotations

import io
import re
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from ecgbyte.signals.reading.arrays import LEAD_NAMES, RATE_NAMES, UNIT_NAMES, signals_of_array
from ecgbyte.signals.reading.limits import MAX_SIGNALS, MAX_TEXT_BYTES, check_shape, check_size, check_values
from ecgbyte.signals.reading.recorded_signals import RecordedSignal, RecordedSignals, split_unit
from ecgbyte.signals.records import Remark

READER = "csv"
_HEAD_BYTES = 1 << 16
_DELIMITERS = (",", ";", "\t", " ")
# Columns that say when a sample was taken, and how many seconds one of their units is.
_TIMES = ("time", "times", "t", "elapsed time", "seconds", "sec", "timestamp", "time_s", "time_ms", "ms")
_SECONDS = {"s": 1.0, "sec": 1.0, "seconds": 1.0, "ms": 1e-3, "us": 1e-6}
_COUNTERS = ("", "index", "sample", "samples", "sample #", "unnamed: 0")
_SETTING = re.compile(r"#?\s*(?P<name>[A-Za-z][A-Za-z _]{0,40})\s*[:=,]\s*(?P<value>\S[^,;]{0,100}?)\s*[,;]*", re.ASCII)
# Times are written with a few digits only, so single steps are off; their line may not be.
_LARGEST_JITTER = 0.75
_RATE_PRECISION = 5e-4


@dataclass
class _Layout:
    """How a table is written, from its first lines."""

    delimiter: str
    skip: int
    names: list[str] | None
    units: list[str] | None
    decimal_comma: bool
    rows_are_leads: bool
    settings: dict[str, str] = field(default_factory=dict)


def looks_like_table(head: str) -> bool:
    """Whether text, the first 4 kB of a file or so, begins as a table of numbers that this module reads."""
    lines = head.splitlines()
    try:
        layout = _layout(lines[:-1] if len(lines) > 3 else lines)
    except ValueError:
        return False
    return layout is not None


def column_names(path: Path) -> list[str] | None:
    """What the first lines of a table name its columns (or rows), without units; None where they are not named."""
    with path.open("rb") as stream:
        lines = stream.read(_HEAD_BYTES).decode("utf-8-sig", "ignore").splitlines()
    layout = _layout(lines[:-1] if len(lines) > 3 else lines)
    if layout is None or (layout.names is None and not layout.rows_are_leads):
        return None
    names = layout.names or [_cells(line, layout.delimiter)[0] for line in lines[layout.skip :] if line.strip()]
    return [split_unit(name)[0] for name in names]


def read_csv(path: Path, num_leads: int) -> RecordedSignals:
    """Read a table.

    The separator may be a comma, a semicolon (with decimal commas), a tab or blanks. Lines before the table may say
    ``# sampling_rate: 500`` and ``# units: uV``. A column of times gives the rate; one of sample numbers is left out.
    Empty cells and ``nan`` are invalid samples.

    Parameters
    ----------
    path : Path
    num_leads : int
        How many leads are asked for.

    Raises
    ------
    ValueError
        If it is no table of numbers, rows differ in length, or the times are not evenly spaced.
    """
    check_size(path, MAX_TEXT_BYTES)
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError:
        text = path.read_text(encoding="latin-1")
    layout = _layout(text[:_HEAD_BYTES].splitlines())
    if layout is None:
        raise ValueError(f"path: {path} is no table of numbers, a column a lead and a row a sample")
    table = _table(path, text, layout)
    remarks: list[Remark] = []
    rate = _stated_rate(path, layout)
    unit = next((value for name, value in layout.settings.items() if name in UNIT_NAMES), None)
    if layout.names is None:
        check_shape(path, table.shape)
        names = _named_in_settings(layout, table, num_leads)
        signals = signals_of_array(str(path), table, num_leads, names=names, sampling_rate=rate, unit=unit)
        return RecordedSignals(READER, path.stem, signals)
    check_values(path, table.shape[1], table.shape[0])
    if table.shape[1] != len(layout.names) or not len(table):
        raise ValueError(f"path: {path} names {len(layout.names)} columns and has rows of {table.shape[1]}")
    found = []
    for column, name in enumerate(layout.names):
        plain, own_unit = split_unit(name)
        values = np.ascontiguousarray(table[:, column])
        stated = own_unit or (layout.units[column] if layout.units else None) or unit
        if column == 0 and (seconds := _seconds(plain, stated)) is not None:
            measured = _rate_of_times(path, values * seconds)
            rate = measured if rate is None else rate
            continue
        if column == 0 and plain.lower() in _COUNTERS and len(layout.names) > 1:
            remarks.append(Remark("column left out", f"the column {name!r} counts the samples"))
            continue
        found.append(RecordedSignal(plain, values, rate, stated))
    return RecordedSignals(READER, path.stem, found, remarks=remarks)


def _layout(lines: list[str]) -> _Layout | None:
    """How the table is written that begins in these lines; None where there is none."""
    settings: dict[str, str] = {}
    start = 0
    while start < len(lines):
        line = lines[start].strip()
        found = _SETTING.fullmatch(line)
        name = found["name"].strip().lower().replace(" ", "_") if found is not None else ""
        known = name in (*RATE_NAMES, *LEAD_NAMES, *UNIT_NAMES)
        if found is not None and known and (line.startswith("#") or not _is_header(lines[start:])):
            settings[name] = found["value"]
        elif line and not line.startswith("#"):
            break
        start += 1
    rest = [line for line in lines[start : start + 50] if line.strip()]
    for delimiter in _DELIMITERS:
        layout = _layout_with(rest, delimiter, start)
        if layout is not None:
            layout.settings = settings
            return layout
    return None


def _is_header(lines: list[str]) -> bool:
    """Whether the first line names as many columns as the lines after it have."""
    cells = {line.count(",") for line in lines[:3] if line.strip()}
    return len(cells) == 1 and len(lines) > 2


def _layout_with(lines: list[str], delimiter: str, start: int) -> _Layout | None:
    comma = delimiter == ";" and not any("." in line for line in lines[2:]) and any("," in line for line in lines[2:])
    rows = [_cells(line, delimiter) for line in lines]
    if not rows or not 1 <= len(rows[0]) <= MAX_SIGNALS + 1:
        return None
    kinds = [[_is_number(cell, comma) for cell in row] for row in rows]
    named = 0
    while named < min(2, len(rows)) and not all(kinds[named]):
        named += 1
    body = rows[named:]
    if len(rows) > 1 and named and all(len(row) > 2 and not row[0] and all(row[1:]) for row in kinds):
        # The name of a lead at the start of each row.
        return _Layout(delimiter, start, None, None, comma, rows_are_leads=True)
    if not body or not all(all(row) for row in kinds[named:]) or len({len(row) for row in rows}) > 1:
        return None
    if len(rows[0]) == 1 and delimiter != _DELIMITERS[0]:
        return None
    if named and sum(not cell for cell in kinds[0]) < max(1, len(rows[0]) - 1):
        return None
    units = rows[1] if named == 2 else None
    return _Layout(delimiter, start + named, rows[0] if named else None, units, comma, rows_are_leads=False)


def _cells(line: str, delimiter: str) -> list[str]:
    cells = line.split() if delimiter == " " else line.rstrip("\n").split(delimiter)
    return [cell.strip().strip("'\"").strip() for cell in cells]


def _is_number(cell: str, comma: bool) -> bool:
    if not cell:
        return True
    try:
        float(cell.replace(",", ".") if comma else cell)
    except ValueError:
        return False
    return True


def _table(path: Path, text: str, layout: _Layout) -> np.ndarray:
    """The numbers, float64 [rows, columns], without the names of rows, which go to the layout."""
    lines = text.splitlines()[layout.skip :]
    lines = [line for line in lines if line.strip() and not line.startswith("#")]
    if layout.rows_are_leads:
        cells = [_cells(line, layout.delimiter) for line in lines]
        if len({len(row) for row in cells}) > 1:
            raise ValueError(f"path: {path} has rows of several lengths, expected a lead and its samples in each")
        layout.names = [row[0] for row in cells]
        lines = [layout.delimiter.join(row[1:]) for row in cells]
    content = "\n".join(lines)
    if layout.decimal_comma:
        content = content.replace(",", ".")
    content = content.replace('"', "").replace("'", "")
    blank = layout.delimiter == " "
    try:
        table = np.loadtxt(io.StringIO(content), delimiter=None if blank else layout.delimiter, comments=None, ndmin=2)
    except ValueError:
        table = _with_empty_cells(path, content.splitlines(), layout.delimiter, layout.skip)
    return table.T if layout.rows_are_leads else table


def _with_empty_cells(path: Path, lines: list[str], delimiter: str, skipped: int) -> np.ndarray:
    rows = [_cells(line, delimiter) for line in lines]
    width = len(rows[0])
    for number, row in enumerate(rows):
        if len(row) != width or not all(_is_number(cell, comma=False) for cell in row):
            raise ValueError(
                f"path: {path}, row {skipped + number + 1}: got {delimiter.join(row)[:100]!r}, expected {width} numbers"
            )
    return np.array([[float(cell) if cell else np.nan for cell in row] for row in rows])


def _stated_rate(path: Path, layout: _Layout) -> float | None:
    for name, value in layout.settings.items():
        if name in RATE_NAMES:
            number = re.match(r"[\d.]+", value)
            if number is None:
                raise ValueError(f"path: {path} states the sampling rate {value!r}, expected a number of Hz")
            return float(number[0])
    return None


def _named_in_settings(layout: _Layout, table: np.ndarray, num_leads: int) -> list[str] | None:
    text = next((value for name, value in layout.settings.items() if name in LEAD_NAMES), None)
    if text is None:
        return None
    names = text.split()
    return names if len(names) in table.shape else None


def _seconds(name: str, unit: str | None) -> float | None:
    """How many seconds one unit of a column of times is; None where it is no such column."""
    lower = name.lower()
    if lower not in _TIMES:
        return None
    if lower.endswith("ms"):
        return 1e-3
    return _SECONDS.get((unit or "s").lower(), 1.0)


def _rate_of_times(path: Path, times: np.ndarray) -> float:
    """Samples a second from the time of each, which may be rounded but must be even."""
    steps = np.arange(len(times))
    if len(times) < 2 or not np.isfinite(times).all() or times[-1] <= times[0]:
        raise ValueError(f"path: {path} has times that do not go up, so they give no sampling rate")
    step = (times[-1] - times[0]) / (len(times) - 1)
    jitter = float(np.abs((times - times[0]) / step - steps).max())
    if jitter > _LARGEST_JITTER:
        raise ValueError(
            f"path: {path} has times that are not even: one is {jitter:.3g} samples off; are rows missing?"
        )
    rate = 1 / step
    whole = round(rate)
    return float(whole) if whole and abs(rate - whole) <= _RATE_PRECISION * whole else float(rate)
