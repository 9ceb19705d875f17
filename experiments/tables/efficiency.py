"""The cost of training as tables: time, data and resources per method and stage, and their ratios."""

from __future__ import annotations

from collections.abc import Iterable

from experiments.rows.estimates import Cell, Estimate
from experiments.rows.groups import REFERENCE_METHOD, family, groups, layout_name, most_seeds
from experiments.rows.metrics import METRICS
from experiments.rows.schema import ResultRow
from experiments.rows.total_costs import RATE, SECONDS, TIMED_RATE, Cost, ratio, stage_costs, total_costs
from experiments.tables.notes import PLACE, place, scale_notes
from experiments.tables.table import Table

_COLUMNS = {
    SECONDS: "training time (s)",
    RATE: "time per 1,000 samples (s)",
    TIMED_RATE: "timed steps, per 1,000 samples (s)",
    "samples-seen": "samples seen",
    "distinct-records": "distinct ECGs",
    "steps": "optimiser steps",
    "tokens-seen": "ECG positions",
    "positions": "positions without padding",
    "padded-positions": "positions with padding",
    "training-flops": "operations (GFLOP)",
    "peak-memory": "peak memory (MB)",
    "data-wait-seconds": "waiting for batches (s)",
}
_SHARES = (
    f"time, times {REFERENCE_METHOD}'s",
    f"operations, times {REFERENCE_METHOD}'s",
    f"samples of {REFERENCE_METHOD} (%)",
    f"ECGs of {REFERENCE_METHOD} (%)",
)
_LINE = ("dataset", "split", "layout", "method", "family", "stage", "seeds", "time is", *_COLUMNS.values())
_NOTES = (
    "Mean over training runs, in brackets the smallest and the largest; of timed steps, those of the rounds.",
    "Projected: time of some timed steps, scaled to the samples of the whole training; a timed step holds as many "
    "questions as a step of training holds segments.",
    "A stage without a language model (tokenizer, stage 1, features) has no layout and counts in each as it is.",
)


def efficiency(rows: Iterable[ResultRow]) -> Table:
    """What each method's training takes in all its stages, in every layout, with ratios to the reference method."""
    rows = [row for row in rows if row.table == "efficiency"]
    totals = total_costs(rows)
    references = {(t.dataset, t.split, t.padding): t for t in totals if t.method == REFERENCE_METHOD}
    lines = []
    for total in totals:
        reference = references.get((total.dataset, total.split, total.padding))
        lines.append({**_line(total), **_ratios(total, reference), "scale": total.scale})
    notes = (
        f"Time ratio above 1: the method trains longer than {REFERENCE_METHOD} in the same layout; in brackets what "
        f"the smallest and largest times allow. Data ratio: samples (or ECGs) that {REFERENCE_METHOD} sees, as a share "
        "of what the method sees in all its stages. Both follow from the epochs that the profile gives each stage.",
        "Distinct ECGs, peak memory: of the stage that has most. No line where a stage was not timed in that layout.",
        *_NOTES,
        *scale_notes(rows),
    )
    columns = (*_LINE, *_SHARES, "scale")
    return Table.of("efficiency", "Training time, data and operations", columns, lines, notes, parts="layout")


def efficiency_by_stage(rows: Iterable[ResultRow]) -> Table:
    """What each stage of each method's training takes, in every layout."""
    rows = [row for row in rows if row.table == "efficiency"]
    lines = [{**_line(cost), "scale": cost.scale} for cost in stage_costs(rows)]
    return Table.of(
        "efficiency-by-stage",
        "Training time, data and operations by stage",
        (*_LINE, "scale"),
        lines,
        (*_NOTES, *scale_notes(rows)),
        parts="layout",
    )


def validation(rows: Iterable[ResultRow]) -> Table:
    """The validation loss at the end of training; the time and samples it took to reach a given one."""
    wanted = ("validation-loss", "seconds-to-validation-loss", "samples-to-validation-loss")
    labels = {name: f"{METRICS[name].label} ({METRICS[name].unit})" for name in wanted}
    rows = most_seeds(row for row in rows if row.table == "efficiency" and row.metric in wanted)
    lines: list[dict[str, Cell]] = []
    for _, group in groups(rows, "dataset", "split", "method", "stage", "padding", "variant", "seed"):
        first, found = group[0], {row.metric: row for row in group}
        line: dict[str, Cell] = {**place(first), "method": first.method, "family": family(first.method)}
        line |= {"stage": first.stage or None, "layout": layout_name(first.padding), "loss": first.variant or None}
        line |= {labels[name]: Estimate.of(found.get(name)) for name in wanted}
        lines.append({**line, "seeds": max(row.seeds for row in group), "scale": first.scale})
    notes = (
        "A method that never reached the given loss has no time. Time and samples are of all stages. Losses of methods "
        "compare, because all of them are of the same answers; those of stage 1 are of something else and stand apart.",
        *scale_notes(rows),
    )
    columns = (*PLACE, "method", "family", "stage", "layout", "loss", *labels.values(), "scale")
    return Table.of("validation", "Validation loss, and time to reach it", columns, lines, notes)


def _line(cost: Cost) -> dict[str, Cell]:
    line: dict[str, Cell] = {"dataset": cost.dataset, "split": cost.split, "layout": layout_name(cost.padding)}
    line |= {"method": cost.method, "family": family(cost.method), "stage": cost.stage, "seeds": cost.seeds}
    line["time is"] = cost.basis or None
    return {**line, **{label: cost.values.get(name) for name, label in _COLUMNS.items()}}


def _ratios(total: Cost, reference: Cost | None) -> dict[str, Cell]:
    if total is reference:
        # Its ratios to itself are 1, whatever the spread of its times.
        return {name: Estimate(cell.value, digits=cell.digits) for name, cell in _shares(total, total).items() if cell}
    return dict(_shares(total, reference))


def _shares(total: Cost, reference: Cost | None) -> dict[str, Estimate | None]:
    mine, its = total.values, {} if reference is None else reference.values
    values = (
        ratio(mine.get(SECONDS), its.get(SECONDS)),
        ratio(mine.get("training-flops"), its.get("training-flops")),
        ratio(its.get("samples-seen"), mine.get("samples-seen"), factor=100),
        ratio(its.get("distinct-records"), mine.get("distinct-records"), factor=100),
    )
    return dict(zip(_SHARES, values, strict=True))
