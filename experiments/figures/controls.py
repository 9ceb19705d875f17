"""Figures of the controls: what stands in the place of the ECG, and what the ECG adds."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

import numpy as np

from experiments.figures.files import COLOURS, new_figure, save_figure
from experiments.figures.method_axes import (
    MARKERS,
    dot,
    height_of,
    label_methods,
    methods_in,
    seeds_of,
    spread,
    title_of,
)
from experiments.rows.estimates import Estimate
from experiments.rows.groups import BALANCED, most_seeds
from experiments.rows.metrics import INPUTS, METRICS
from experiments.rows.schema import ResultRow

_WHOLE = {("language-quality", "accuracy"), ("roc-areas", "roc-area-macro")}


def controls_figure(rows: Iterable[ResultRow], path: str | os.PathLike[str]) -> Path | None:
    """Accuracy and mean ROC area of each method under every input; None without rows."""
    rows = most_seeds(row for row in rows if row.subset == "all" and (row.table, row.metric) in _WHOLE)
    if not rows:
        return None
    metrics = [name for name in ("accuracy", "roc-area-macro") if any(row.metric == name for row in rows)]
    inputs = [name for name in INPUTS if any(row.input == name for row in rows)]
    methods, datasets = methods_in(rows), sorted({row.dataset for row in rows})
    size = (2.2 + 4 * len(metrics), 1.3 * height_of(len(methods)) * len(datasets))
    figure, panels = new_figure(*size, rows=len(datasets), columns=len(metrics), sharey=True, squeeze=False)
    for dataset, line in zip(datasets, panels, strict=True):
        for metric, axes in zip(metrics, line, strict=True):
            label_methods(axes, methods)
            found = [row for row in rows if row.metric == metric and row.dataset == dataset]
            for name, lift in zip(inputs, spread(len(inputs), 0.75), strict=True):
                style = {"colour": COLOURS[inputs.index(name)], "marker": MARKERS[inputs.index(name)]}
                for row in (row for row in found if row.input == name):
                    value = Estimate(row.value, row.ci_low, row.ci_high)
                    dot(axes, value, methods.index(row.method) + lift, **style, markersize=4)
                axes.plot([], [], style["marker"], color=style["colour"], label=name)
            if metric == "roc-area-macro":
                axes.axvline(0.5, color="black", linewidth=1, linestyle="--")
            label = f"{METRICS[metric].label} ({METRICS[metric].unit})"
            axes.set_xlabel(label + (f", {dataset}" if len(datasets) > 1 else ""), fontsize=9)
    handles = np.ravel(panels)[0].get_legend_handles_labels()
    figure.legend(*handles, ncols=min(3, len(inputs)), loc="outside lower center", fontsize=9)
    title = f"Controls: what stands in the place of the ECG, {seeds_of(rows)}"
    figure.suptitle(title_of(title, rows), x=0.01, ha="left", fontsize=11)
    return save_figure(figure, path)


def control_differences_figure(rows: Iterable[ResultRow], path: str | os.PathLike[str]) -> Path | None:
    """What the ECG adds to accuracy over every control, on all questions and on balanced ones; None without."""
    chosen = {"all": COLOURS[0], BALANCED: COLOURS[1]}
    rows = most_seeds(
        row for row in rows if (row.table, row.metric) == ("controls", "accuracy-difference") and row.subset in chosen
    )
    if not rows:
        return None
    inputs = [name for name in INPUTS if any(row.input == name for row in rows)]
    methods, datasets = methods_in(rows), sorted({row.dataset for row in rows})
    subsets = [name for name in chosen if any(row.subset == name for row in rows)]
    size = (2.0 + 2.4 * len(inputs), 1.1 * height_of(len(methods)) * len(datasets))
    options = {"rows": len(datasets), "columns": len(inputs), "sharey": True, "sharex": True, "squeeze": False}
    figure, panels = new_figure(*size, **options)
    for dataset, line in zip(datasets, panels, strict=True):
        for name, axes in zip(inputs, line, strict=True):
            label_methods(axes, methods)
            axes.axvline(0, color="black", linewidth=1)
            for subset, lift in zip(subsets, spread(len(subsets), 0.5), strict=True):
                marker = MARKERS[subsets.index(subset)]
                for row in rows:
                    if (row.dataset, row.input, row.subset) == (dataset, name, subset):
                        value = Estimate(row.value, row.ci_low, row.ci_high)
                        dot(axes, value, methods.index(row.method) + lift, chosen[subset], marker, markersize=4)
                label = "all questions" if subset == "all" else "answer-balanced questions"
                axes.plot([], [], marker, color=chosen[subset], label=label)
            axes.set_xlabel(f"minus {name} (points)" + (f", {dataset}" if len(datasets) > 1 else ""), fontsize=9)
    handles = np.ravel(panels)[0].get_legend_handles_labels()
    figure.legend(*handles, ncols=2, loc="outside lower center", fontsize=9)
    title = f"What the ECG adds to accuracy, {seeds_of(rows)}"
    figure.suptitle(title_of(title, rows), x=0.01, ha="left", fontsize=11)
    return save_figure(figure, path)
