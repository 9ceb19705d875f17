"""Numbers quoted from elsewhere, each with its source. They are printed apart from what the harness measures."""

from __future__ import annotations

import csv
import os
from dataclasses import dataclass
from pathlib import Path

from ecgbyte.checks import check_option
from experiments.rows.metrics import TABLES

PUBLISHED_NUMBERS = Path(__file__).resolve().parent / "published_numbers.csv"
_COLUMNS = ("table", "source", "note", "dataset", "method", "metric", "value", "std")


@dataclass(frozen=True)
class PublishedNumber:
    """One quoted number.

    Attributes
    ----------
    table : str
        The table of `experiments.rows.schema.TABLES` under which it is printed.
    source : str
        Where it was read.
    note : str
        The conditions, as far as the source states them.
    dataset, method, metric : str
        As the source names them; the data set is empty where the source states none.
    value : str
        As printed there.
    std : str
        Standard deviation as printed there, or empty.
    """

    table: str
    source: str
    note: str
    dataset: str
    method: str
    metric: str
    value: str
    std: str


def read_published_numbers(path: str | os.PathLike[str] = PUBLISHED_NUMBERS) -> list[PublishedNumber]:
    """Read the quoted numbers.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ValueError
        If a column is missing, a source is empty, a value is no number, or a number is given twice.
    """
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(f"path: there is no file {path}")
    with path.open(encoding="utf-8", newline="") as stream:
        reader = csv.DictReader(stream, strict=True)
        numbers = []
        try:
            if tuple(reader.fieldnames or ()) != _COLUMNS:
                raise ValueError(f"got the columns {reader.fieldnames}, expected {', '.join(_COLUMNS)}")
            for content in reader:
                numbers.append(_check(PublishedNumber(**content)))
        except (TypeError, ValueError, csv.Error) as error:
            raise ValueError(f"{path}, line {reader.line_num}: {error}") from error
    places = [(number.source, number.dataset, number.method, number.metric) for number in numbers]
    for place in places:
        if places.count(place) > 1:
            raise ValueError(f"{path}: {', '.join(place)} is given twice")
    return numbers


def _check(number: PublishedNumber) -> PublishedNumber:
    check_option("table", number.table, TABLES)
    for name in ("source", "note", "method", "metric"):
        if not getattr(number, name):
            raise ValueError(f"{name}: got an empty cell, expected content")
    float(number.value)
    if number.std:
        float(number.std)
    return number
