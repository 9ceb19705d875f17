"""Figures of what an answer looked at: an ECG on paper coloured by it, and the same beside its controls."""

from __future__ import annotations

import os
import textwrap
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ecgbyte.signals.leads import LEADS
from experiments.figures.ecg import check_signal
from experiments.figures.ecg_paper import draw_page, page_size
from experiments.figures.files import COLOURS, headline, new_figure, save_figure

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.cm import ScalarMappable
    from matplotlib.colors import Colormap, Normalize
    from matplotlib.figure import Figure

# What a model was not shown; the scale goes from a quarter of equal weights to four times as much.
UNSEEN = "#ececec"
_SCALE = 4
_STEPS = ("#0b3c78", "#3f8fd2", "#a3a3a3", "#e8743b", "#7a0010")
_PLACES = (0, 0.3, 0.5, 0.7, 1)


def attention_figure(
    signal: ArrayLike,
    relative: ArrayLike,
    path: str | os.PathLike[str],
    *,
    sampling_rate: float,
    title: str,
    question: str,
    reference: str,
    answer: str,
    note: str = "",
) -> Path:
    """Draw 12 leads on ECG paper, coloured by what the positions that predict the answer look at.

    Parameters
    ----------
    signal : array-like
        float [12 leads, samples] in mV, canonical order.
    relative : array-like
        float [12 leads, samples], above 0: the weight of each sample's token, where 1 is what every token would have
        if all had the same. NaN where the model was not shown the sample: drawn in light grey.
    path : path-like
        The PNG to write.
    sampling_rate : float
        Samples per second.
    title, question, reference, answer : str
        Stand above the page; `answer` is the model's.
    note : str
        Stands below it.

    Raises
    ------
    ValueError
        If the shapes differ or are not those of 12 leads, or `relative` has values below 0.
    """
    values, weights = check_signal("signal", signal), _check_relative("relative", relative)
    if values.shape != weights.shape:
        raise ValueError(f"relative: got shape {weights.shape}, expected that of the signal, {values.shape}")
    width, height = page_size(values, sampling_rate)
    figure, axes = new_figure(11.8, 0.4 * 10.8 * height / width + 1.5)
    drawn = draw_page(axes, values, sampling_rate, weights, colours=_colours(), norm=_norm(), missing=UNSEEN)
    _draw_scale(figure, drawn, axes)
    lines = [f"Question: {question}", f"Model: {answer or '(nothing)'}    Reference: {reference}"]
    wrapped = [part for line in lines for part in textwrap.wrap(line, 130)]
    figure.suptitle("\n".join([title, *wrapped]), x=0.01, ha="left", fontsize=11)
    scale = "25 mm/s, 10 mm/mV: a large square is 0.2 s by 0.5 mV."
    figure.supxlabel("\n".join(textwrap.wrap(f"{scale} {note}".strip(), 160)), x=0.01, ha="left", fontsize=9)
    return save_figure(figure, path)


def attention_maps_figure(
    maps: Mapping[tuple[str, str], ArrayLike],
    leads: Mapping[tuple[str, str], ArrayLike],
    path: str | os.PathLike[str],
    *,
    sampling_rate: float,
    title: str,
    note: str = "",
) -> Path:
    """Draw maps of lead and time, a row for each condition and a column for each measure, and the leads below.

    Parameters
    ----------
    maps : mapping of (str, str) to array-like
        From condition and measure, as labels, to float [12 leads, samples], as `relative` of `attention_figure`. Every
        condition has every measure.
    leads : mapping of (str, str) to array-like
        The same keys to float [12 leads], the mean weight of a lead's tokens, where 1 is what all would have if they
        had the same; NaN for a lead that was not shown.
    path, sampling_rate, title, note
        As in `attention_figure`.

    Raises
    ------
    ValueError
        If a map is missing, or an array has another shape.
    """
    conditions, measures = (list(dict.fromkeys(names)) for names in ([c for c, _ in maps], [m for _, m in maps]))
    keys = {(condition, measure) for condition in conditions for measure in measures}
    if not maps or keys != set(maps) or keys != set(leads):
        raise ValueError(
            f"maps, leads: got {sorted(maps)} and {sorted(leads)}, expected every measure of every condition in both"
        )
    figure, panels = new_figure(
        3.6 * len(measures) + 0.8,
        2.3 * len(conditions) + 3.2,
        rows=len(conditions) + 1,
        columns=len(measures),
        squeeze=False,
        height_ratios=[*[1.0] * len(conditions), 0.75],
    )
    colours = _colours()
    for (condition, measure), values in maps.items():
        row, column = conditions.index(condition), measures.index(measure)
        weights, axes = _check_relative(f"maps[{condition!r}, {measure!r}]", values), panels[row, column]
        seconds = weights.shape[1] / sampling_rate
        extent = (0, seconds, len(LEADS) - 0.5, -0.5)
        drawn = axes.imshow(weights, aspect="auto", interpolation="none", cmap=colours, norm=_norm(), extent=extent)
        axes.hlines(np.arange(0.5, len(LEADS) - 1), 0, seconds, color="white", linewidth=1.2)
        axes.set_title(f"{measure}: {condition}", fontsize=9, loc="left")
        axes.set_yticks(range(len(LEADS)), [""] * len(LEADS) if column else LEADS, fontsize=8)
        axes.tick_params(labelbottom=row == len(conditions) - 1, labelsize=8)
        if row == len(conditions) - 1:
            axes.set_xlabel("time (s)", fontsize=9)
    _draw_scale(figure, drawn, list(panels[:-1].ravel()))
    highest = max(float(np.nanmax(np.asarray(values, dtype=np.float64))) for values in leads.values())
    for (condition, measure), values in leads.items():
        place, axes = conditions.index(condition), panels[-1, measures.index(measure)]
        weights = np.asarray(values, dtype=np.float64)
        if weights.shape != (len(LEADS),):
            where = f"leads[{condition!r}, {measure!r}]"
            raise ValueError(f"{where}: got shape {weights.shape}, expected [{len(LEADS)} leads]")
        style = {"color": COLOURS[place % len(COLOURS)], "marker": "osD^vPX"[place % 7], "linewidth": 1}
        axes.plot(range(len(LEADS)), weights, label=condition, markersize=4, **style)
    for column, axes in enumerate(panels[-1]):
        axes.axhline(1, color="black", linewidth=1, linestyle="--")
        axes.set_xticks(range(len(LEADS)), LEADS, fontsize=7)
        axes.tick_params(labelleft=not column, axis="y", labelsize=8)
        # Room for the legend above the highest.
        axes.set_ylim(0, 1.1 * max(1.0, highest) + 0.25 * len(conditions) * max(1.0, highest) / 2)
    panels[-1, 0].set_ylabel("mean weight of\na lead's tokens", fontsize=9)
    panels[-1, 0].legend(frameon=False, fontsize=8, loc="upper left", borderaxespad=0)
    headline(figure, title)
    if note:
        figure.supxlabel("\n".join(textwrap.wrap(note, 150)), x=0.01, ha="left", fontsize=9)
    return save_figure(figure, path)


def _colours() -> Colormap:
    """Blue below equal weights, grey at them, orange to dark red above: told apart with all kinds of colour vision."""
    from matplotlib.colors import LinearSegmentedColormap

    return LinearSegmentedColormap.from_list("attention", list(zip(_PLACES, _STEPS, strict=True))).with_extremes(
        bad=UNSEEN
    )


def _norm() -> Normalize:
    """A quarter to four times equal weights, by logarithm."""
    from matplotlib.colors import LogNorm

    return LogNorm(1 / _SCALE, _SCALE, clip=True)


def _draw_scale(figure: Figure, drawn: ScalarMappable, axes: Axes | list[Axes]) -> None:
    """The bar that says what colours mean."""
    bar = figure.colorbar(drawn, ax=axes, extend="both", fraction=0.03, pad=0.01, shrink=0.7, aspect=25)
    ticks = [1 / _SCALE, 1 / 2, 1, 2, _SCALE]
    bar.set_ticks(ticks, labels=[f"{tick:g}" for tick in ticks], minor=False)
    bar.minorticks_off()
    bar.set_label("weight of the token\n(1: all tokens alike)", fontsize=9)


def _check_relative(name: str, relative: ArrayLike) -> NDArray[np.float64]:
    values = check_signal(name, relative)
    if (values < 0).any():
        raise ValueError(f"{name}: got {np.nanmin(values)}, expected 0 or more")
    return values
