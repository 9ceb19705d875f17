"""What every table says of its lines: where they belong, how small the run is, what the brackets hold."""

from __future__ import annotations

from collections.abc import Iterable

from experiments.rows.estimates import Cell
from experiments.rows.schema import ResultRow

PLACE = ("dataset", "split", "subset", "seed", "seeds")


def place(row: ResultRow) -> dict[str, Cell]:
    """The columns `PLACE`, with which a line of a table starts."""
    seed = row.seed if row.seeds == 1 else None
    return {"dataset": row.dataset, "split": row.split, "subset": row.subset, "seed": seed, "seeds": row.seeds}


def scale_notes(rows: Iterable[ResultRow]) -> list[str]:
    """The note below a table that holds values of a small run."""
    if any(row.scale == "small run" for row in rows):
        return ["Small run: few records and a small model; not comparable with published values."]
    return []


def interval_note(rows: Iterable[ResultRow]) -> str:
    """What the brackets of a table of answers hold."""
    most = max((row.seeds for row in rows), default=1)
    if most > 1:
        return (
            f"Mean over training runs of several seeds (column `seeds`; at most {most}); in brackets: 95 % interval "
            "over training runs and patients, a t interval (`ecgbyte.metrics.training_runs`)."
        )
    return "In brackets: 95 % interval, bootstrap over patients; it does not contain the spread over training seeds."
