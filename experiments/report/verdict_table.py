"""The verdicts as a table."""

from __future__ import annotations

from collections.abc import Sequence

from experiments.tables.table import Table
from experiments.verdicts.parts import Verdict

_COLUMNS = {
    "about": "name",
    "claim": "claim",
    "verdict": "verdict",
    "number": "number_text",
    "depends on": "depends_on",
    "evidence": "evidence",
    "how it is decided": "note",
    "claimed by": "source",
}


def verdict_table(verdicts: Sequence[Verdict]) -> Table:
    """The verdicts as a table, one line each."""
    lines = [{column: str(getattr(verdict, name)) for column, name in _COLUMNS.items()} for verdict in verdicts]
    return Table.of("verdicts", "Claims and verdicts", tuple(_COLUMNS), lines)
