"""Figures of what training cost: time by layout and stage, resources, and accuracy beside cost."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

import numpy as np

from experiments.figures.data import FigureData
from experiments.figures.files import (
    COLOURS,
    GRID,
    colour_and_marker,
    headline,
    legend_below,
    legend_entry,
    logarithmic,
    new_figure,
)
from experiments.figures.method_axes import (
    FAMILY_COLOURS,
    dot,
    height_of,
    label_methods,
    seeds_of,
    spread,
    title_of,
)
from experiments.figures.quality import answers_at_own_input
from experiments.rows.groups import family, headline_rows, layout_name, layout_order, method_order
from experiments.rows.metrics import METRICS
from experiments.rows.schema import ResultRow
from experiments.rows.total_costs import SECONDS, Cost, stage_costs, total_costs

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_RESOURCES = ("training-flops", "peak-memory")


def training_time_figure(data: FigureData) -> Figure | None:
    """The time of whole trainings in every layout, on one scale, and how it divides into stages; None without times.

    A method's stages are those of the layout at which its training was measured whole, as far as there is one.
    """
    rows = [row for row in data.rows if row.table == "efficiency"]
    # A method of which a stage was not timed has no sum, and a point of its other stages alone would look like one.
    totals = [total for total in total_costs(rows) if SECONDS in total.values]
    if not totals:
        return None
    methods = sorted({total.method for total in totals}, key=method_order)
    datasets = sorted({total.dataset for total in totals})
    width, height = 12.0, 0.6 + 1.15 * height_of(len(methods)) * len(datasets)
    ratios = [1.7, 1]
    figure, panels = new_figure(
        width, height, rows=len(datasets), columns=2, sharey=True, sharex="col", squeeze=False, width_ratios=ratios
    )
    chosen = _trained_layouts(totals)
    stages = [stage for stage in stage_costs(rows) if SECONDS in stage.values]
    names = sorted({stage.stage for stage in stages})
    for dataset, (times, shares) in zip(datasets, panels, strict=True):
        of = f", {dataset}" if len(datasets) > 1 else ""
        _by_layout(times, [total for total in totals if total.dataset == dataset], methods, totals)
        times.set_title(f"all stages, in every layout{of}", loc="left", fontsize=10)
        label_methods(shares, methods)
        _stage_shares(
            shares,
            [s for s in stages if s.dataset == dataset and chosen.get((dataset, s.method)) == s.padding],
            methods,
            names,
        )
        shares.set_title(f"by stage, as trained{of}", loc="left", fontsize=10)
    panels[-1, 0].set_xlabel("training time (s)", fontsize=9)
    panels[-1, 1].set_xlabel("share of the training time (%)", fontsize=9)
    handles = [axes.get_legend_handles_labels() for axes in panels[0]]
    figure.legend(*(a + b for a, b in zip(*handles, strict=True)), ncols=4, loc="outside lower center", fontsize=9)
    headline(figure, title_of("Training time", rows))
    return figure


def _trained_layouts(totals: Iterable[Cost]) -> dict[tuple[str, str], str]:
    """The layout in which each method was trained: the first that was measured whole, else the first of all."""
    chosen: dict[tuple[str, str], str] = {}
    for total in sorted(totals, key=lambda total: total.basis != "measured"):
        chosen.setdefault((total.dataset, total.method), total.padding)
    return chosen


def _by_layout(axes: Axes, totals: Sequence[Cost], methods: Sequence[str], known: Sequence[Cost]) -> None:
    """One marker a layout, all on one logarithmic scale; hollow where the time is projected from some timed steps."""
    paddings = sorted({total.padding for total in known}, key=layout_order)
    label_methods(axes, methods)
    logarithmic(axes, "x")
    for place, (padding, lift) in enumerate(zip(paddings, spread(len(paddings)), strict=True)):
        colour, marker = colour_and_marker(place)
        for total in totals:
            if total.padding == padding:
                hollow = total.basis == "projected"
                dot(axes, total.values[SECONDS], methods.index(total.method) + lift, colour, marker, hollow=hollow)
        legend_entry(axes, layout_name(padding), colour, marker)
    if any(total.basis == "projected" for total in known):
        legend_entry(axes, "hollow: projected from timed steps", COLOURS[-1], hollow=True)


def _stage_shares(axes: Axes, stages: Sequence[Cost], methods: Sequence[str], names: Sequence[str]) -> None:
    """Bars that are 100 % long, divided into stages."""
    whole = {method: sum(s.values[SECONDS].value for s in stages if s.method == method) for method in methods}
    ends = dict.fromkeys(methods, 0.0)
    for stage in stages:
        share = 100 * stage.values[SECONDS].value / whole[stage.method]
        colour = COLOURS[names.index(stage.stage) % len(COLOURS)]
        height = methods.index(stage.method)
        axes.barh(height, share, left=ends[stage.method], height=0.65, color=colour, edgecolor="white", alpha=0.85)
        ends[stage.method] += share
    for place, name in enumerate(names):
        axes.barh(0, 0, color=COLOURS[place % len(COLOURS)], alpha=0.85, label=name)
    axes.set_xlim(0, 100)


def resources_figure(data: FigureData) -> Figure | None:
    """Operations and peak memory of whole trainings, one panel each; None where none was measured."""
    rows = [row for row in data.rows if row.table == "efficiency"]
    totals = [total for total in total_costs(rows) if any(name in total.values for name in _RESOURCES)]
    measures = [name for name in _RESOURCES if any(name in total.values for total in totals)]
    if not measures:
        return None
    methods = sorted({total.method for total in totals}, key=method_order)
    datasets = sorted({total.dataset for total in totals})
    paddings = sorted({total.padding for total in totals}, key=layout_order)
    width, height = 2.2 + 3.4 * len(measures), 0.5 + height_of(len(methods)) * len(datasets)
    figure, panels = new_figure(width, height, rows=len(datasets), columns=len(measures), sharey=True, squeeze=False)
    for dataset, line in zip(datasets, panels, strict=True):
        for name, axes in zip(measures, line, strict=True):
            label_methods(axes, methods)
            for place, (padding, lift) in enumerate(zip(paddings, spread(len(paddings)), strict=True)):
                colour, marker = colour_and_marker(place)
                for total in totals:
                    if (total.dataset, total.padding) == (dataset, padding) and name in total.values:
                        height = methods.index(total.method) + lift
                        dot(axes, total.values[name], height, colour, marker, markersize=4)
                legend_entry(axes, layout_name(padding), colour, marker)
            values = [total.values[name].value for total in totals if name in total.values]
            if min(values) > 0 and max(values) / min(values) > 20:
                # These numbers are long.
                logarithmic(axes, "x", marks=(1, 3))
            axes.set_xlabel(f"{METRICS[name].label} ({METRICS[name].unit})", fontsize=9)
    legend_below(figure, np.ravel(panels)[0])
    headline(figure, title_of("What training takes, all stages", rows))
    return figure


def accuracy_cost_figure(data: FigureData) -> Figure | None:
    """Accuracy against operations and against seconds of the whole training; None where not both were measured.

    A method's cost is that of the first layout, in the order of the tables, at which its training was measured; times
    that are projected do not stand here.
    """
    answered = headline_rows(row for row in answers_at_own_input(data.rows) if row.metric == "accuracy")
    spent: dict[tuple[str, str], Cost] = {}
    for total in total_costs(data.rows):
        if total.basis == "measured":
            spent.setdefault((total.dataset, total.method), total)
    pairs = [(row, spent[row.dataset, row.method]) for row in answered if (row.dataset, row.method) in spent]
    measures = [name for name in ("training-flops", SECONDS) if any(name in cost.values for _, cost in pairs)]
    if not measures:
        return None
    numbers = {name: place for place, name in enumerate(sorted({row.method for row, _ in pairs}, key=method_order), 1)}
    figure, panels = new_figure(2 + 5 * len(measures), 5.2, columns=len(measures), sharey=True, squeeze=False)
    for name, axes in zip(measures, panels[0], strict=True):
        logarithmic(axes, "x")
        for row, cost in pairs:
            if name in cost.values and cost.values[name].value > 0:
                _numbered_point(axes, row, cost.values[name].value, numbers[row.method])
        axes.margins(x=0.1)
        axes.set_xlabel(f"{METRICS[name].label}, all stages ({METRICS[name].unit})", fontsize=9)
        axes.grid(color=GRID, linewidth=0.6)
        axes.set_axisbelow(True)
    panels[0][0].set_ylabel("accuracy (%)")
    handles = [panels[0][0].plot([], [], "o", color=FAMILY_COLOURS[family(name)])[0] for name in numbers]
    names = [f"{number} {name}" for name, number in numbers.items()]
    figure.legend(handles, names, loc="outside right upper", fontsize=8, frameon=False)
    headline(figure, title_of(f"Accuracy against what training takes, {seeds_of(answered)}", answered))
    return figure


def _numbered_point(axes: Axes, row: ResultRow, cost: float, number: int) -> None:
    """A point with its interval, and the number by which the legend names it."""
    colour = FAMILY_COLOURS[family(row.method)]
    if not math.isnan(row.ci_low):
        axes.plot([cost] * 2, [row.ci_low, row.ci_high], color=colour, linewidth=1, alpha=0.5, zorder=1)
    axes.plot([cost], [row.value], "o", color=colour, markersize=11, alpha=0.9, zorder=2)
    axes.text(cost, row.value, str(number), color="white", fontsize=7, ha="center", va="center_baseline", zorder=3)
