"""Figures of runs with one thing changed: settings, and data sets."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from experiments.figures.data import FigureData
from experiments.figures.files import COLOURS, GRID, colour_and_marker, headline, legend_below, legend_entry, new_figure
from experiments.figures.method_axes import dot, height_of, label_methods, methods_in, seeds_of, spread, title_of
from experiments.rows.estimates import Estimate
from experiments.rows.groups import method_order, most_seeds
from experiments.rows.metrics import METRICS
from experiments.rows.variants import BASE, split_variant, transfer_beside_home, variant_order

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_ABLATED = ("accuracy", "bleu-4")


def ablations_figure(data: FigureData) -> Figure | None:
    """Accuracy and BLEU-4 at every value of every setting, a line each, the unchanged run as a band; None without.

    Raises
    ------
    ValueError
        If the rows hold ablations of several data sets, which one figure cannot.
    """
    rows = most_seeds(
        row
        for row in data.rows
        if (row.table, row.subset, row.input) == ("ablations", "all", "ecg") and row.metric in _ABLATED
    )
    # Other methods with a setting changed stand in the table alone, for want of a band each.
    first = min((row.method for row in rows), key=method_order, default="")
    rows = [row for row in rows if row.method == first]
    variants = sorted({row.variant for row in rows if split_variant(row.variant)[0] != BASE}, key=variant_order)
    if not variants:
        return None
    if len({(row.dataset, row.split) for row in rows}) > 1:
        raise ValueError("ablations: got rows of several data sets, expected those of one")
    metrics = [name for name in _ABLATED if any(row.metric == name for row in rows)]
    figure, panels = new_figure(
        3.6 + 3.6 * len(metrics), 1.3 + 0.27 * len(variants), columns=len(metrics), sharey=True, squeeze=False
    )
    settings = [split_variant(variant)[0] for variant in variants]
    for place, (metric, axes) in enumerate(zip(metrics, panels[0], strict=True)):
        for row in (row for row in rows if row.metric == metric):
            value = Estimate(row.value, row.ci_low, row.ci_high)
            if row.variant in variants:
                dot(axes, value, variants.index(row.variant), COLOURS[place])
            else:
                axes.axvline(value.value, color=COLOURS[place], linewidth=1, linestyle="--")
                if not math.isnan(value.low):
                    axes.axvspan(value.low, value.high, color=COLOURS[place], alpha=0.12, linewidth=0)
        names = [
            f"{setting} = {split_variant(variant)[1]}" for setting, variant in zip(settings, variants, strict=True)
        ]
        axes.set_yticks(range(len(variants)), names, fontsize=9)
        axes.set_ylim(len(variants) - 0.4, -0.6)
        axes.tick_params(axis="y", length=0)
        for line in range(1, len(variants)):
            if settings[line] != settings[line - 1]:
                axes.axhline(line - 0.5, color="#bbbbbb", linewidth=0.6)
        axes.set_xlabel(f"{METRICS[metric].label} ({METRICS[metric].unit})", fontsize=9)
        axes.grid(axis="x", color=GRID, linewidth=0.6)
        axes.set_axisbelow(True)
    headline(figure, title_of(f"One setting changed; dashed, shaded: none changed; {seeds_of(rows)}", rows))
    return figure


def transfer_figure(data: FigureData) -> Figure | None:
    """Accuracy of methods on data sets they were not trained on, beside that at home; None without transfer.

    Tests on different questions are named apart, by how many there were.
    """
    moved = [
        row
        for row in transfer_beside_home(data.rows)
        if (row.metric, row.subset, row.input) == ("accuracy", "all", "ecg")
    ]
    if not moved:
        return None
    methods = methods_in(moved)
    tests = sorted(
        {(row.trained_on or row.dataset, row.dataset, row.n) for row in moved},
        key=lambda test: (test[0], test[0] != test[1], test[1:]),
    )
    figure, axes = new_figure(8, 0.6 + 1.3 * height_of(len(methods)))
    label_methods(axes, methods)
    for place, (test, lift) in enumerate(zip(tests, spread(len(tests)), strict=True)):
        colour, marker = colour_and_marker(place)
        for row in moved:
            if (row.trained_on or row.dataset, row.dataset, row.n) == test:
                value = Estimate(row.value, row.ci_low, row.ci_high)
                dot(axes, value, methods.index(row.method) + lift, colour, marker)
        trained, tested, n = test
        where = "it" if trained == tested else tested
        legend_entry(axes, f"trained on {trained}, tested on {where} ({n:,} questions)", colour, marker)
    axes.set_xlabel("accuracy (%)", fontsize=9)
    legend_below(figure, axes, columns=2)
    small = "; small run" if any(row.scale == "small run" for row in moved) else ""
    headline(figure, f"Transfer between data sets, {seeds_of(moved)}{small}")
    return figure
