"""Tables of training itself: which runs had converged, and which learning rates were tried."""

from __future__ import annotations

from collections.abc import Iterable

from experiments.rows.estimates import Cell, Estimate
from experiments.rows.groups import family, groups
from experiments.rows.metrics import METRICS
from experiments.rows.schema import ResultRow
from experiments.tables.notes import scale_notes
from experiments.tables.table import Table

_MEASURES = ("flat-at-end", "polarity-lowest", "token-counts-gap")


def convergence(rows: Iterable[ResultRow]) -> Table:
    """Every training run that was checked: whether it had converged, and by what."""
    rows = [row for row in rows if row.table == "convergence"]
    lines = []
    for _, group in groups(rows, "dataset", "method", "seed"):
        first, found = group[0], {row.metric: row for row in group}
        line: dict[str, Cell] = {"dataset": first.dataset, "method": first.method, "family": family(first.method)}
        line["seed"] = first.seed
        if "converged" in found:
            line["converged"] = "yes" if found["converged"].value == 1 else "no"
        line |= {METRICS[name].label: Estimate.of(found.get(name)) for name in _MEASURES}
        lines.append({**line, "scale": first.scale})
    notes = (
        "Converged: the validation score is flat over the last tenth of training, questions and their opposites "
        "(normal and abnormal, an axis and its opposite) are both told apart the right way round, and the answers "
        "are not below those of the linear token reader. What leans on a run that had not converged is not judged.",
        *scale_notes(rows),
    )
    columns = (
        "dataset",
        "method",
        "family",
        "seed",
        "converged",
        *(METRICS[name].label for name in _MEASURES),
        "scale",
    )
    return Table.of("convergence", "Which training runs had converged", columns, lines, notes)
