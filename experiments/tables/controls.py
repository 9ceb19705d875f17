"""Tables of the controls: the trained models with something else in place of the ECG."""

from __future__ import annotations

from collections.abc import Iterable

from experiments.rows.estimates import Cell, Estimate
from experiments.rows.groups import groups, most_seeds
from experiments.rows.metrics import INPUTS, METRICS
from experiments.rows.schema import ResultRow
from experiments.tables.notes import PLACE, interval_note, place, scale_notes
from experiments.tables.table import Table

CONTROL_METRICS = ("accuracy", "bleu-4", "roc-area-macro")
_NOTES = (
    "Differences are paired: the same questions, the same resampled patients. ROC area 0.5 is chance.",
    "A difference whose interval holds 0 is no evidence that the model uses the ECG.",
    "Subset `answer-balanced`: questions chosen so that after every text each answer is right equally often. Subset "
    "`ecg-needed`: questions that no method without the ECG got right; selected by mistakes, so what is right without "
    "the ECG is rare there by construction, and only differences of one model from itself mean something.",
)


def controls(rows: Iterable[ResultRow]) -> Table:
    """The same trained models with something else in place of the ECG, and what the ECG adds."""
    wanted = {*CONTROL_METRICS, *(f"{name}-difference" for name in CONTROL_METRICS)}
    tables = ("language-quality", "roc-areas", "controls")
    rows = most_seeds(row for row in rows if row.table in tables and row.metric in wanted)
    lines = []
    for _, group in groups(rows, "dataset", "split", "subset", "method", "seed", "input"):
        found = {row.metric: row for row in group}
        line: dict[str, Cell] = {**place(group[0]), "method": group[0].method, "input": group[0].input}
        line |= {"seeds": max(row.seeds for row in group), "n": max(row.n for row in group)}
        for name in CONTROL_METRICS:
            line[METRICS[name].label] = Estimate.of(found.get(name))
            line[f"{METRICS[name].label}, ECG minus this"] = Estimate.of(found.get(f"{name}-difference"))
        lines.append({**line, "scale": group[0].scale})
    labels = [METRICS[name].label for name in CONTROL_METRICS]
    values = [column for label in labels for column in (label, f"{label}, ECG minus this")]
    return Table.of(
        "controls",
        "Controls: what stands in the place of the ECG",
        (*PLACE, "method", "input", "n", *values, "scale"),
        lines,
        (interval_note(rows), *_NOTES, *scale_notes(rows)),
        parts="subset",
    )


def control_differences(rows: Iterable[ResultRow]) -> Table:
    """One line a method: accuracy with the ECG, and what is lost when each control stands in its place."""
    rows = list(rows)
    paired = most_seeds(row for row in rows if (row.table, row.metric) == ("controls", "accuracy-difference"))
    whole = most_seeds(
        row for row in rows if (row.table, row.metric, row.input) == ("language-quality", "accuracy", "ecg")
    )
    with_ecg = {_run(row): row for row in whole}
    inputs = [name for name in INPUTS if any(row.input == name for row in paired)]
    lines = []
    for _, group in groups(paired, "dataset", "split", "subset", "method", "seed"):
        first, found = group[0], {row.input: row for row in group}
        line: dict[str, Cell] = {**place(first), "method": first.method, "seeds": max(row.seeds for row in group)}
        line |= {"n": max(row.n for row in group), "accuracy with the ECG": Estimate.of(with_ecg.get(_run(first)))}
        line |= {f"minus {name}": Estimate.of(found.get(name)) for name in inputs}
        lines.append({**line, "scale": first.scale})
    minus = [f"minus {name}" for name in inputs or INPUTS[1:]]
    return Table.of(
        "control-differences",
        "What the ECG adds to accuracy, points, by control",
        (*PLACE, "method", "n", "accuracy with the ECG", *minus, "scale"),
        lines,
        (interval_note(paired), *_NOTES, *scale_notes(paired)),
        parts="subset",
    )


def _run(row: ResultRow) -> tuple[object, ...]:
    return row.dataset, row.split, row.subset, row.method, row.seed
