"""Rows put together for a table: in groups, in one order, with what every table says of them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from experiments.results_rows import INPUTS, ResultRow
from experiments.table_rendering import Cell

REFERENCE_METHOD = "ecg-byte"

_ORDER: dict[str, Callable[[ResultRow], tuple[object, ...]]] = {
    "input": lambda row: (INPUTS.index(row.input),),
    "subset": lambda row: (row.subset != "all", row.subset),
    "metric": lambda row: (not row.metric.endswith("-macro"), row.metric),
    "method": lambda row: (row.method != REFERENCE_METHOD, row.method),
}


def groups(rows: Iterable[ResultRow], *names: str) -> list[tuple[tuple[str | int, ...], list[ResultRow]]]:
    """Rows that agree in the named columns; the reference method, the real ECG and the whole come first."""
    rows = sorted(rows, key=lambda row: tuple(_ORDER[n](row) if n in _ORDER else (getattr(row, n),) for n in names))
    groups: dict[tuple[str | int, ...], list[ResultRow]] = {}
    for row in rows:
        groups.setdefault(tuple(getattr(row, name) for name in names), []).append(row)
    return list(groups.items())


def place(row: ResultRow) -> dict[str, Cell]:
    """The columns with which a line of a table starts."""
    return {"dataset": row.dataset, "split": row.split, "subset": row.subset, "seed": row.seed}


def scale_notes(rows: Iterable[ResultRow]) -> list[str]:
    """The note below a table that holds values of a small run."""
    if any(row.scale == "small run" for row in rows):
        return ["Small run: few records and a small model; not comparable with published values."]
    return []


def without_empty(lines: Sequence[dict[str, Cell]]) -> list[dict[str, Cell]]:
    """Leave out columns that no row fills."""
    filled = [column for column in (lines[0] if lines else ()) if any(line[column] is not None for line in lines)]
    return [{column: line[column] for column in filled} for line in lines]
