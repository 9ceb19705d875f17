"""What a run of the benchmarks found, kept until its end and then written as CSV and figures."""

from __future__ import annotations

import csv
import io
from dataclasses import astuple, dataclass, fields
from pathlib import Path

from ecgbyte.files import write_atomically
from tests.benchmarks.rows import BenchmarkRow, check_rows, write_rows

CONTESTS_FILE, LENGTHS_FILE, SLOPES_FILE = "contests.csv", "linear_cost.csv", "slopes.csv"


@dataclass(frozen=True)
class Slope:
    """How time grows with length: the slope of the straight line through log(length), log(seconds).

    Attributes
    ----------
    kernel, input : str
        Such as ``"longest"``, ``"constant"``.
    slope : float
        By least squares over the median times; 1 is linear.
    target : float
        What the project asks for, at most.
    shortest, longest, points : int
        Lengths in symbols, and how many.
    """

    kernel: str
    input: str
    slope: float
    target: float
    shortest: int
    longest: int
    points: int


class Results:
    """Collects rows of one run."""

    def __init__(self, scale: str) -> None:
        self.scale = scale
        self.rows: list[BenchmarkRow] = []
        self.lengths: list[BenchmarkRow] = []
        self.slopes: list[Slope] = []
        self.seconds: dict[str, float] = {}

    def add(self, rows: list[BenchmarkRow], seconds: float) -> None:
        """Take the rows of one contest, and how long it took to hold it."""
        self.rows.extend(check_rows(rows))
        self.seconds[rows[0].contest] = seconds

    def add_lengths(self, rows: list[BenchmarkRow], slope: Slope) -> None:
        """Take the rows of one input at several lengths."""
        self.lengths.extend(check_rows(rows))
        self.slopes.append(slope)

    def write(self, folder: Path) -> list[Path]:
        """Write the CSV files and figures that there are rows for; returns their paths."""
        from .figures import draw_figures

        folder.mkdir(parents=True, exist_ok=True)
        written = []
        for name, rows in ((CONTESTS_FILE, self.rows), (LENGTHS_FILE, self.lengths)):
            if rows:
                write_rows(folder / name, rows)
                written.append(folder / name)
        if self.slopes:
            write_slopes(folder / SLOPES_FILE, self.slopes)
            written.append(folder / SLOPES_FILE)
        return written + draw_figures(folder)


def write_slopes(path: Path, slopes: list[Slope]) -> None:
    """Write slopes as CSV, in one step."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow([field.name for field in fields(Slope)])
    for slope in slopes:
        writer.writerow([f"{value:.4g}" if isinstance(value, float) else value for value in astuple(slope)])
    write_atomically(path, text.getvalue())


def read_slopes(path: Path) -> list[Slope]:
    """Read what `write_slopes` wrote.

    Raises
    ------
    ValueError
        If the columns are not those of this version.
    """
    with path.open(encoding="utf-8", newline="") as stream:
        reader = csv.reader(stream)
        header = next(reader, [])
        if header != [field.name for field in fields(Slope)]:
            raise ValueError(f"{path}: columns {header}, expected {[field.name for field in fields(Slope)]}")
        kinds = {"str": str, "float": float, "int": int}
        return [Slope(*(kinds[f.type](cell) for f, cell in zip(fields(Slope), row, strict=True))) for row in reader]
