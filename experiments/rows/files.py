"""Rows as ``runs.csv``, and back."""

from __future__ import annotations

import csv
import io
import json
import math
import os
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from ecgbyte.files import fingerprint, write_atomically
from experiments.rows.schema import COLUMNS, FLOATS, INTEGERS, ResultRow, check_rows, compact_json

# Columns that many rows share, long texts: they stand once in a file of their own.
_SHARED = ("configuration", "versions")
CONFIGURATIONS_FILE = "configurations.json"


def write_rows(path: str | os.PathLike[str], rows: Iterable[ResultRow]) -> None:
    """Write rows as CSV, sorted by key, numbers rounded to six digits after the point: same results, same bytes.

    Configurations and versions, which many rows share, stand once each in ``configurations.json`` beside the file; the
    rows name them by their fingerprints.

    Raises
    ------
    ValueError
        As `check_rows`.
    FileNotFoundError
        If the folder of `path` does not exist.
    """
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(COLUMNS)
    shared: dict[str, Any] = {}
    for row in check_rows(rows):
        cells = {name: format_cell(getattr(row, name)) for name in COLUMNS}
        for name in _SHARED:
            reference = fingerprint(cells[name])
            shared.setdefault(reference, json.loads(cells[name]))
            cells[name] = reference
        writer.writerow(cells.values())
    content = json.dumps(shared, indent=1, sort_keys=True) + "\n"
    write_atomically(Path(path).with_name(CONFIGURATIONS_FILE), content)
    write_atomically(path, stream.getvalue())


def read_rows(path: str | os.PathLike[str]) -> list[ResultRow]:
    """Read what `write_rows` wrote and check all of it.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ValueError
        If the columns are others, a cell cannot be what its column holds, or as `check_rows`; the line is named.
    """
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(f"path: there is no file {path}")
    with path.open(encoding="utf-8", newline="") as stream:
        reader = csv.reader(stream, strict=True)
        try:
            header = tuple(next(reader, ()))
            if header != COLUMNS:
                raise ValueError(f"expected the columns {', '.join(COLUMNS)}; got {', '.join(header) or 'none'}")
            texts = _read_shared(path.with_name(CONFIGURATIONS_FILE))
            rows = [_parse(cells, texts) for cells in reader]
        except (ValueError, TypeError, csv.Error) as error:
            raise ValueError(f"{path}, line {max(reader.line_num, 1)}: {error}") from error
    return check_rows(rows)


def _read_shared(path: Path) -> dict[str, str]:
    """The texts that rows name by their fingerprints; none where there is no file."""
    if not path.is_file():
        return {}
    texts = {name: compact_json(content) for name, content in json.loads(path.read_text(encoding="utf-8")).items()}
    for name, text in texts.items():
        if fingerprint(text) != name:
            raise ValueError(f"{path.name}: what stands under {name} is something else, it has been changed")
    return texts


def _parse(cells: Sequence[str], texts: Mapping[str, str]) -> ResultRow:
    if len(cells) != len(COLUMNS):
        raise ValueError(f"expected {len(COLUMNS)} cells, got {len(cells)}")
    content: dict[str, str | int | float] = {}
    for name, cell in zip(COLUMNS, cells, strict=True):
        try:
            if name in INTEGERS:
                content[name] = int(cell)
            elif name in FLOATS:
                content[name] = float(cell) if cell else math.nan
            elif name in _SHARED and cell.startswith("sha256:"):
                if cell not in texts:
                    raise ValueError(f"{name}: {cell} is not in {CONFIGURATIONS_FILE}")
                content[name] = texts[cell]
            else:
                content[name] = cell
        except ValueError as error:
            if name in _SHARED:
                raise
            raise ValueError(f"{name}: got {cell!r}, expected a number") from error
    return ResultRow(**content)  # type: ignore[arg-type]


def format_cell(value: str | int | float) -> str:
    """A value as the CSV files hold it: at most six digits after the point, NaN as an empty cell."""
    if isinstance(value, float):
        if math.isnan(value):
            return ""
        digits = f"{value:.6f}".rstrip("0").rstrip(".")
        return "0" if digits == "-0" else digits
    return str(value)
