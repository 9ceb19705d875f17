"""The verdicts as a table."""

from __future__ import annotations

from collections.abc import Sequence

from experiments.tables.table import Table
from experiments.verdicts.parts import Verdict

_COLUMNS = {
    "claim": "claim",
    "verdict": "verdict",
    "evidence": "evidence",
    "how it is decided": "note",
    "claimed by": "source",
    "where": "where",
}


def verdict_table(verdicts: Sequence[Verdict]) -> Table:
    """The verdicts as a table, one line each."""
    lines = [{column: str(getattr(verdict, name)) for column, name in _COLUMNS.items()} for verdict in verdicts]
    return Table.of("verdicts", "Claims and verdicts", tuple(_COLUMNS), lines)
