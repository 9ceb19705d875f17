"""Figures of what training cost: time by stage and layout, resources, and accuracy beside cost."""

from __future__ import annotations

import math
import os
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from experiments.figures.files import COLOURS, new_figure, save_figure
from experiments.figures.method_axes import (
    FAMILY_COLOURS,
    MARKERS,
    dot,
    height_of,
    label_methods,
    seeds_of,
    spread,
    title_of,
)
from experiments.figures.quality import quality_rows
from experiments.rows.groups import family, layout_name, layout_order, method_order
from experiments.rows.metrics import METRICS
from experiments.rows.schema import ResultRow
from experiments.rows.total_costs import SECONDS, Cost, stage_costs, total_costs

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_RESOURCES = ("training-flops", "peak-memory", "data-wait-seconds")


def training_time_figure(rows: Iterable[ResultRow], path: str | os.PathLike[str]) -> Path | None:
    """Stacked bars of training time by stage, one panel a data set and layout; None where none was timed whole."""
    rows = [row for row in rows if row.table == "efficiency"]
    # A method of which a stage was not timed has no sum, and a bar of its other stages alone would look like one.
    totals = {_key(total): total for total in total_costs(rows) if SECONDS in total.values}
    stages = [stage for stage in stage_costs(rows) if _key(stage) in totals and SECONDS in stage.values]
    if not stages:
        return None
    places = sorted({(s.dataset, s.padding) for s in stages}, key=lambda place: (place[0], layout_order(place[1])))
    methods = sorted({stage.method for stage in stages}, key=method_order)
    names = sorted({stage.stage for stage in stages})
    several = len({dataset for dataset, _ in places}) > 1
    columns = min(2, len(places))
    lines = math.ceil(len(places) / columns)
    size = (2.4 + 4.2 * columns, 0.5 + height_of(len(methods)) * lines)
    figure, panels = new_figure(*size, rows=lines, columns=columns, sharey=True, squeeze=False)
    for (dataset, padding), axes in zip(places, np.ravel(panels), strict=False):
        label_methods(axes, methods)
        ends = dict.fromkeys(methods, 0.0)
        for stage in (s for s in stages if (s.dataset, s.padding) == (dataset, padding)):
            seconds = stage.values[SECONDS].value
            colour = COLOURS[names.index(stage.stage) % len(COLOURS)]
            style = {"color": colour, "edgecolor": "white", "hatch": "///" if stage.basis == "projected" else None}
            axes.barh(methods.index(stage.method), seconds, left=ends[stage.method], height=0.7, **style)
            ends[stage.method] += seconds
        for total in totals.values():
            if (total.dataset, total.padding) == (dataset, padding) and not math.isnan(total.values[SECONDS].low):
                value, height = total.values[SECONDS], methods.index(total.method)
                axes.plot([value.low, value.high], [height, height], color="black", linewidth=1.2)
        axes.set_xlabel("training time (s)", fontsize=9)
        axes.set_title(layout_name(padding) + (f", {dataset}" if several else ""), loc="left", fontsize=10)
    for axes in np.ravel(panels)[len(places) :]:
        axes.set_visible(False)
    first = np.ravel(panels)[0]
    for name in names:
        first.barh(0, 0, color=COLOURS[names.index(name) % len(COLOURS)], label=name)
    if any(stage.basis == "projected" for stage in stages):
        first.barh(0, 0, color="white", edgecolor="grey", hatch="///", label="projected from timed steps")
    handles = first.get_legend_handles_labels()
    figure.legend(*handles, ncols=3, loc="outside lower center", fontsize=9)
    figure.suptitle(title_of("Training time by stage", rows), x=0.01, ha="left", fontsize=11)
    return save_figure(figure, path)


def resources_figure(rows: Iterable[ResultRow], path: str | os.PathLike[str]) -> Path | None:
    """Operations, peak memory and waiting of whole trainings, one panel each; None where none was measured."""
    rows = [row for row in rows if row.table == "efficiency"]
    totals = [total for total in total_costs(rows) if any(name in total.values for name in _RESOURCES)]
    measures = [name for name in _RESOURCES if any(name in total.values for total in totals)]
    if not measures:
        return None
    methods = sorted({total.method for total in totals}, key=method_order)
    datasets = sorted({total.dataset for total in totals})
    paddings = sorted({total.padding for total in totals}, key=layout_order)
    size = (2.0 + 2.6 * len(measures), 0.5 + height_of(len(methods)) * len(datasets))
    figure, panels = new_figure(*size, rows=len(datasets), columns=len(measures), sharey=True, squeeze=False)
    for dataset, line in zip(datasets, panels, strict=True):
        for name, axes in zip(measures, line, strict=True):
            label_methods(axes, methods)
            for place, (padding, lift) in enumerate(zip(paddings, spread(len(paddings)), strict=True)):
                style = {"colour": COLOURS[place % len(COLOURS)], "marker": MARKERS[place % len(MARKERS)]}
                for total in totals:
                    if (total.dataset, total.padding) == (dataset, padding) and name in total.values:
                        height = methods.index(total.method) + lift
                        dot(axes, total.values[name], height, **style, markersize=4)
                axes.plot([], [], style["marker"], color=style["colour"], label=layout_name(padding))
            values = [total.values[name].value for total in totals if name in total.values]
            if min(values) > 0 and max(values) / min(values) > 20:
                axes.set_xscale("log")
            axes.set_xlabel(f"{METRICS[name].label} ({METRICS[name].unit})", fontsize=9)
    handles = np.ravel(panels)[0].get_legend_handles_labels()
    figure.legend(*handles, ncols=min(3, len(paddings)), loc="outside lower center", fontsize=9)
    figure.suptitle(title_of("What training takes, all stages", rows), x=0.01, ha="left", fontsize=11)
    return save_figure(figure, path)


def accuracy_cost_figure(rows: Iterable[ResultRow], path: str | os.PathLike[str]) -> Path | None:
    """Accuracy against operations and against seconds of the whole training; None where not both were measured.

    A method's cost is that of the first layout, in the order of the tables, at which its training was measured; times
    that are projected do not stand here.
    """
    from matplotlib.ticker import LogLocator, NullFormatter, StrMethodFormatter

    rows = list(rows)
    answered = [row for row in quality_rows(rows) if row.metric == "accuracy" and row.subset == "all"]
    spent: dict[tuple[str, str], Cost] = {}
    for total in total_costs(rows):
        if total.basis == "measured":
            spent.setdefault((total.dataset, total.method), total)
    pairs = [(row, spent[row.dataset, row.method]) for row in answered if (row.dataset, row.method) in spent]
    measures = [name for name in ("training-flops", SECONDS) if any(name in cost.values for _, cost in pairs)]
    if not measures:
        return None
    numbers = {name: place for place, name in enumerate(sorted({row.method for row, _ in pairs}, key=method_order), 1)}
    figure, panels = new_figure(2 + 5 * len(measures), 5.2, columns=len(measures), sharey=True, squeeze=False)
    for name, axes in zip(measures, panels[0], strict=True):
        axes.set_xscale("log")
        for row, cost in pairs:
            if name in cost.values and cost.values[name].value > 0:
                _numbered_point(axes, row, cost.values[name].value, numbers[row.method])
        axes.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        axes.xaxis.set_major_formatter(StrMethodFormatter("{x:,.0f}"))
        axes.xaxis.set_minor_formatter(NullFormatter())
        axes.margins(x=0.1)
        axes.set_xlabel(f"{METRICS[name].label}, all stages ({METRICS[name].unit})", fontsize=9)
        axes.grid(color="#dddddd", linewidth=0.6)
        axes.set_axisbelow(True)
    panels[0][0].set_ylabel("accuracy (%)")
    handles = [panels[0][0].plot([], [], "o", color=FAMILY_COLOURS[family(name)])[0] for name in numbers]
    names = [f"{number} {name}" for name, number in numbers.items()]
    figure.legend(handles, names, loc="outside right upper", fontsize=8, frameon=False)
    title = f"Accuracy against what training takes, {seeds_of(answered)}"
    figure.suptitle(title_of(title, answered), x=0.01, ha="left", fontsize=11)
    return save_figure(figure, path)


def _numbered_point(axes: Axes, row: ResultRow, cost: float, number: int) -> None:
    """A point with its interval, and the number by which the legend names it."""
    colour = FAMILY_COLOURS[family(row.method)]
    if not math.isnan(row.ci_low):
        axes.plot([cost] * 2, [row.ci_low, row.ci_high], color=colour, linewidth=1, alpha=0.5, zorder=1)
    axes.plot([cost], [row.value], "o", color=colour, markersize=11, alpha=0.9, zorder=2)
    style = {"color": "white", "fontsize": 7, "ha": "center", "va": "center_baseline", "zorder": 3}
    axes.text(cost, row.value, str(number), **style)


def _key(cost: Cost) -> tuple[str, ...]:
    return cost.dataset, cost.split, cost.padding, cost.method
