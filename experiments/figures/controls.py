"""Figures of the controls: what stands in the place of the ECG, and what the ECG adds."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from experiments.figures.data import FigureData
from experiments.figures.files import colour_and_marker, headline, legend_below, legend_entry, new_figure
from experiments.figures.method_axes import dot, height_of, label_methods, methods_in, seeds_of, spread, title_of
from experiments.rows.estimates import Estimate
from experiments.rows.groups import BALANCED, headline_rows, most_seeds
from experiments.rows.metrics import METRICS
from experiments.rows.schema import INPUTS

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_WHOLE = {("language-quality", "accuracy"), ("roc-areas", "roc-area-macro")}


def controls_figure(data: FigureData) -> Figure | None:
    """Accuracy and mean ROC area of each method under every input; None without rows."""
    rows = headline_rows(most_seeds(row for row in data.rows if (row.table, row.metric) in _WHOLE))
    if not rows:
        return None
    metrics = [name for name in ("accuracy", "roc-area-macro") if any(row.metric == name for row in rows)]
    inputs = [name for name in INPUTS if any(row.input == name for row in rows)]
    methods, datasets = methods_in(rows), sorted({row.dataset for row in rows})
    width, height = 2.2 + 4 * len(metrics), 1.3 * height_of(len(methods)) * len(datasets)
    figure, panels = new_figure(width, height, rows=len(datasets), columns=len(metrics), sharey=True, squeeze=False)
    for dataset, line in zip(datasets, panels, strict=True):
        for metric, axes in zip(metrics, line, strict=True):
            label_methods(axes, methods)
            found = [row for row in rows if row.metric == metric and row.dataset == dataset]
            for place, (name, lift) in enumerate(zip(inputs, spread(len(inputs), 0.75), strict=True)):
                colour, marker = colour_and_marker(place)
                for row in (row for row in found if row.input == name):
                    value = Estimate(row.value, row.ci_low, row.ci_high)
                    dot(axes, value, methods.index(row.method) + lift, colour, marker, markersize=4)
                legend_entry(axes, name, colour, marker)
            if metric == "roc-area-macro":
                axes.axvline(0.5, color="black", linewidth=1, linestyle="--")
            label = f"{METRICS[metric].label} ({METRICS[metric].unit})"
            axes.set_xlabel(label + (f", {dataset}" if len(datasets) > 1 else ""), fontsize=9)
    legend_below(figure, np.ravel(panels)[0])
    headline(figure, title_of(f"Controls: what stands in the place of the ECG, {seeds_of(rows)}", rows))
    return figure


def control_differences_figure(data: FigureData) -> Figure | None:
    """What the ECG adds to accuracy over every control, on all questions and on balanced ones; None without."""
    rows = most_seeds(row for row in data.rows if (row.table, row.metric) == ("controls", "accuracy-difference"))
    # The headline's questions, and those of them whose text gives nothing away.
    rows = [*headline_rows(rows), *(row for row in rows if row.subset == BALANCED)]
    if not rows:
        return None
    inputs = [name for name in INPUTS if any(row.input == name for row in rows)]
    methods, datasets = methods_in(rows), sorted({row.dataset for row in rows})
    subsets = sorted({row.subset for row in rows}, key=lambda name: name == BALANCED)
    figure, panels = new_figure(
        2.0 + 2.4 * len(inputs),
        1.1 * height_of(len(methods)) * len(datasets),
        rows=len(datasets),
        columns=len(inputs),
        sharey=True,
        sharex=True,
        squeeze=False,
    )
    for dataset, line in zip(datasets, panels, strict=True):
        for name, axes in zip(inputs, line, strict=True):
            label_methods(axes, methods)
            axes.axvline(0, color="black", linewidth=1)
            for place, (subset, lift) in enumerate(zip(subsets, spread(len(subsets), 0.5), strict=True)):
                colour, marker = colour_and_marker(place)
                for row in rows:
                    if (row.dataset, row.input, row.subset) == (dataset, name, subset):
                        value = Estimate(row.value, row.ci_low, row.ci_high)
                        dot(axes, value, methods.index(row.method) + lift, colour, marker, markersize=4)
                legend_entry(axes, f"{subset} questions", colour, marker)
            axes.set_xlabel(f"minus {name} (points)" + (f", {dataset}" if len(datasets) > 1 else ""), fontsize=9)
    legend_below(figure, np.ravel(panels)[0])
    headline(figure, title_of(f"What the ECG adds to accuracy, {seeds_of(rows)}", rows))
    return figure
