"""A value with its interval, as tables, figures and verdicts show it."""

from __future__ import annotations

import math
from typing import NamedTuple

from experiments.rows.metrics import METRICS
from experiments.rows.schema import ResultRow


class Estimate(NamedTuple):
    """A value, its interval (NaN, NaN where there is none) and the digits after the point that people read."""

    value: float
    low: float = math.nan
    high: float = math.nan
    digits: int = 2

    @classmethod
    def of(cls, row: ResultRow | None) -> Estimate | None:
        """The value of a row, None for no row."""
        return None if row is None else cls(row.value, row.ci_low, row.ci_high, METRICS[row.metric].digits)


Cell = str | int | Estimate | None


def cell_text(cell: Cell) -> str:
    """A cell as people read it."""
    if cell is None:
        return ""
    if not isinstance(cell, Estimate):
        return f"{cell:,}" if isinstance(cell, int) else cell
    value = f"{cell.value:,.{cell.digits}f}"
    if math.isnan(cell.low):
        return value
    return f"{value} [{cell.low:,.{cell.digits}f}, {cell.high:,.{cell.digits}f}]"
