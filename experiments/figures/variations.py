"""Figures of runs with one thing changed: settings, data sets; and of the tokens."""

from __future__ import annotations

import math
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
from experiments.rows.groups import most_seeds
from experiments.rows.metrics import METRICS
from experiments.rows.schema import ResultRow
from experiments.rows.variants import BASE, TOKENIZER_METRICS, split_variant, variant_order
from experiments.tables.variations import transfer_rows

_ABLATED = ("accuracy", "bleu-4")


def ablations_figure(rows: Iterable[ResultRow], path: str | os.PathLike[str]) -> Path | None:
    """Accuracy and BLEU-4 at every value of every setting, one panel a setting, the unchanged run as a line; or None.

    Raises
    ------
    ValueError
        If the rows hold ablations of several methods or data sets, which one figure cannot.
    """
    rows = most_seeds(
        row for row in rows if row.table == "ablations" and row.metric in _ABLATED and row.subset == "all"
    )
    rows = [row for row in rows if row.input == "ecg"]
    settings = sorted({split_variant(row.variant)[0] for row in rows} - {BASE})
    if not settings:
        return None
    if len({(row.method, row.dataset) for row in rows}) > 1:
        raise ValueError("rows: got ablations of several methods or data sets, expected those of one")
    columns = min(3, len(settings))
    lines = math.ceil(len(settings) / columns)
    figure, panels = new_figure(
        3.9 * columns, 0.4 + 2.6 * lines, rows=lines, columns=columns, sharex=True, squeeze=False
    )
    for setting, axes in zip(settings, np.ravel(panels), strict=False):
        variants = sorted({r.variant for r in rows if split_variant(r.variant)[0] == setting}, key=variant_order)
        for place, metric in enumerate(_ABLATED):
            style = {"colour": COLOURS[place], "marker": MARKERS[place]}
            base = next((r for r in rows if r.metric == metric and split_variant(r.variant)[0] == BASE), None)
            if base is not None:
                axes.axvline(base.value, color=style["colour"], linewidth=1, linestyle="--")
                if not math.isnan(base.ci_low):
                    axes.axvspan(base.ci_low, base.ci_high, color=style["colour"], alpha=0.1, linewidth=0)
            for row in (row for row in rows if row.metric == metric and row.variant in variants):
                value, lift = Estimate(row.value, row.ci_low, row.ci_high), spread(2, 0.4)[place]
                dot(axes, value, variants.index(row.variant) + lift, **style)
            axes.plot([], [], style["marker"], color=style["colour"], label=METRICS[metric].label)
        axes.set_yticks(range(len(variants)), [split_variant(variant)[1] for variant in variants], fontsize=9)
        axes.set_ylim(len(variants) - 0.5, -0.5)
        axes.set_title(setting, loc="left", fontsize=10)
        axes.set_xlabel("points", fontsize=9)
        axes.tick_params(axis="x", labelbottom=True)
        axes.grid(axis="x", color="#dddddd", linewidth=0.6)
    for axes in np.ravel(panels)[len(settings) :]:
        axes.set_visible(False)
    handles = np.ravel(panels)[0].get_legend_handles_labels()
    figure.legend(*handles, ncols=2, loc="outside lower center", fontsize=9)
    title = f"One setting changed; dashed, shaded: unchanged; {seeds_of(rows)}"
    figure.suptitle(title_of(title, rows), x=0.01, ha="left", fontsize=11)
    return save_figure(figure, path)


def transfer_figure(rows: Iterable[ResultRow], path: str | os.PathLike[str]) -> Path | None:
    """Accuracy of methods on data sets they were not trained on, beside that at home; None without transfer."""
    of_figure = ("accuracy", "all", "ecg")
    moved = [row for row in transfer_rows(rows) if (row.metric, row.subset, row.input) == of_figure]
    if not moved:
        return None
    methods = methods_in(moved)
    places = sorted({(row.trained_on or row.dataset, row.dataset) for row in moved})
    places.sort(key=lambda place: (place[0], place[0] != place[1], place[1]))
    figure, axes = new_figure(7.5, 0.6 + 1.3 * height_of(len(methods)))
    label_methods(axes, methods)
    for number, (place, lift) in enumerate(zip(places, spread(len(places)), strict=True)):
        style = {"colour": COLOURS[number % len(COLOURS)], "marker": MARKERS[number % len(MARKERS)]}
        for row in moved:
            if (row.trained_on or row.dataset, row.dataset) == place:
                value = Estimate(row.value, row.ci_low, row.ci_high)
                dot(axes, value, methods.index(row.method) + lift, **style)
        label = f"trained on {place[0]}, tested on {'it' if place[0] == place[1] else place[1]}"
        axes.plot([], [], style["marker"], color=style["colour"], label=label)
    axes.set_xlabel("accuracy (%)", fontsize=9)
    figure.legend(*axes.get_legend_handles_labels(), ncols=2, loc="outside lower center", fontsize=9)
    small = "; small run" if any(row.scale == "small run" for row in moved) else ""
    figure.suptitle(f"Transfer between data sets, {seeds_of(moved)}{small}", x=0.01, ha="left", fontsize=11)
    return save_figure(figure, path)


def tokenizer_figure(rows: Iterable[ResultRow], path: str | os.PathLike[str]) -> Path | None:
    """Every measure of the tokens, one panel each, by data set and method; None without rows."""
    rows = most_seeds(row for row in rows if row.table == "tokenizer" and not row.variant and row.subset == "all")
    lines = sorted({(row.dataset, row.trained_on, row.method) for row in rows})
    metrics = [name for name in TOKENIZER_METRICS if any(row.metric == name for row in rows)]
    if not metrics:
        return None
    names = [f"{method}\n{data}" + (f" (from {origin})" if origin else "") for data, origin, method in lines]
    columns, methods = min(4, len(metrics)), methods_in(rows)
    height = math.ceil(len(metrics) / columns)
    size = (2.0 + 2.6 * columns, 0.5 + height * (0.9 + 0.42 * len(lines)))
    figure, panels = new_figure(*size, rows=height, columns=columns, sharey=True, squeeze=False)
    for metric, axes in zip(metrics, np.ravel(panels), strict=False):
        for row in (row for row in rows if row.metric == metric):
            place = lines.index((row.dataset, row.trained_on, row.method))
            colour = COLOURS[methods.index(row.method) % len(COLOURS)]
            axes.barh(place, row.value, height=0.6, color=colour)
            axes.annotate(f" {row.value:,.{METRICS[metric].digits}f}", (row.value, place), va="center", fontsize=8)
        axes.set_yticks(range(len(lines)), names, fontsize=8)
        axes.set_ylim(len(lines) - 0.5, -0.5)
        axes.margins(x=0.3)
        axes.set_title(f"{METRICS[metric].label}\n({METRICS[metric].unit})", loc="left", fontsize=8)
        axes.tick_params(axis="x", labelsize=8)
    for axes in np.ravel(panels)[len(metrics) :]:
        axes.set_visible(False)
    figure.suptitle(title_of("Tokens", rows), x=0.01, ha="left", fontsize=11)
    return save_figure(figure, path)
