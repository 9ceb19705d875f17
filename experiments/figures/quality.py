"""Figures of answers measured against references: by method, by question type, and as differences."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from experiments.figures.data import FigureData
from experiments.figures.files import headline, new_figure
from experiments.figures.method_axes import (
    FAMILY_COLOURS,
    dot,
    height_of,
    label_methods,
    methods_in,
    seeds_of,
    spread,
    title_of,
)
from experiments.rows.estimates import Estimate
from experiments.rows.groups import (
    AGAINST,
    NOISE_QUESTIONS,
    at_own_input,
    family,
    headline_rows,
    most_seeds,
    subset_order,
)
from experiments.rows.metrics import METRICS
from experiments.rows.schema import ResultRow

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_COLUMNS = 5
_SHOWN = ("accuracy", "bleu-4", "rouge-l", "meteor", "bertscore-f1")


def answers_at_own_input(rows: Iterable[ResultRow]) -> list[ResultRow]:
    """Language quality of every method at its own input, over the most seeds there are."""
    return at_own_input(most_seeds(row for row in rows if row.table == "language-quality"))


def language_quality_figure(data: FigureData) -> Figure | None:
    """Accuracy, BLEU-4, ROUGE-L, METEOR and BERTScore of all methods, one panel each; None without rows.

    Several data sets have a line of panels each.
    """
    rows = [row for row in headline_rows(answers_at_own_input(data.rows)) if row.metric in _SHOWN]
    metrics = [name for name in _SHOWN if any(row.metric == name for row in rows)]
    labels = {name: f"{METRICS[name].label} ({METRICS[name].unit})" for name in metrics}
    panels = {name: [row for row in rows if row.metric == name] for name in metrics}
    return _panels(panels, labels, rows, f"Language quality, {seeds_of(rows)}")


def question_types_figure(data: FigureData) -> Figure | None:
    """Accuracy of all methods on each type of question, and on those that need the ECG; None without such rows."""
    rows = [
        row for row in answers_at_own_input(data.rows) if row.metric == "accuracy" and row.subset != NOISE_QUESTIONS
    ]
    subsets = sorted({row.subset for row in rows}, key=subset_order)
    if len(subsets) < 2:
        return None
    panels = {name: [row for row in rows if row.subset == name] for name in subsets}
    labels = {name: f"{'all questions' if name == 'all' else name}: accuracy (%)" for name in subsets}
    return _panels(panels, labels, rows, f"Accuracy by type of question, {seeds_of(rows)}")


def comparisons_figure(data: FigureData) -> Figure | None:
    """How much better each method answers than the one that most are compared with; None without paired tests."""
    wanted = {"accuracy-difference": "accuracy", "bleu-4-difference": "bleu-4"}
    rows = headline_rows(most_seeds(r for r in data.rows if r.table == "comparisons" and r.metric in wanted))
    if not rows:
        return None
    against, _ = Counter(sorted(row.variant for row in rows)).most_common(1)[0]
    rows = [row for row in rows if row.variant == against]
    panels = {name: [row for row in rows if row.metric == name] for name in wanted}
    panels = {name: found for name, found in panels.items() if found}
    labels = {name: f"{METRICS[wanted[name]].label}, difference (points)" for name in panels}
    title = f"Difference from {against.removeprefix(AGAINST)}, {seeds_of(rows)}"
    return _panels(panels, labels, rows, title, zero=True)


def _panels(
    panels: Mapping[str, Sequence[ResultRow]],
    labels: Mapping[str, str],
    rows: Sequence[ResultRow],
    title: str,
    *,
    zero: bool = False,
) -> Figure | None:
    """At most `_COLUMNS` panels in a line, lines of their own for each data set, one line in a panel a method."""
    if not rows:
        return None
    methods, datasets = methods_in(rows), sorted({row.dataset for row in rows})
    columns = min(_COLUMNS, len(panels))
    lines = -(-len(panels) // columns)
    width, height = 2.0 + 2.5 * columns, height_of(len(methods)) * len(datasets) * lines
    figure, grid = new_figure(width, height, rows=len(datasets) * lines, columns=columns, sharey=True, squeeze=False)
    for dataset, part in zip(datasets, np.split(grid, len(datasets)), strict=True):
        for panel in part.flat[len(panels) :]:
            panel.set_visible(False)
        for (name, found), panel in zip(panels.items(), part.flat, strict=False):
            label_methods(panel, methods)
            for place, method in enumerate(methods):
                chosen = [row for row in found if (row.method, row.dataset) == (method, dataset)]
                for row, lift in zip(chosen, spread(len(chosen)), strict=True):
                    value = Estimate(row.value, row.ci_low, row.ci_high)
                    dot(panel, value, place + lift, FAMILY_COLOURS[family(method)])
            if zero:
                panel.axvline(0, color="black", linewidth=1)
            panel.set_xlabel(labels[name] + (f", {dataset}" if len(datasets) > 1 else ""), fontsize=9)
    headline(figure, title_of(title, rows))
    return figure
