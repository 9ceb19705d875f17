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
from experiments.ecg_figures import check_signal
from experiments.ecg_paper import draw_page, page_size
from experiments.figure_files import COLOURS, new_figure, save_figure

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.cm import ScalarMappable
    from matplotlib.colors import Colormap, Normalize
    from matplotlib.figure import Figure

# What a model was not shown; the scale goes from a quarter of equal weights to four times as much.
UNSEEN = "#dcdcdc"
_SCALE = 4


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
    inches = 0.4 * 11.2 * height / width
    figure, axes = new_figure(11.8, inches + 2.4)
    drawn = draw_page(axes, values, sampling_rate, weights, colours=_colours(), norm=_norm(), missing=UNSEEN)
    _draw_scale(figure, drawn, axes)
    lines = [f"Question: {question}", f"Model: {answer or '(nothing)'}    Reference: {reference}"]
    wrapped = [part for line in lines for part in textwrap.wrap(line, 130)]
    figure.suptitle("\n".join([title, *wrapped]), x=0.01, ha="left", fontsize=11)
    scale = "25 mm/s, 10 mm/mV: a large square is 0.2 s by 0.5 mV."
    figure.supxlabel("\n".join(textwrap.wrap(f"{scale} {note}".strip(), 160)), x=0.01, ha="left", fontsize=9)
    return save_figure(figure, path)


def attention_maps_figure(
    maps: Mapping[str, ArrayLike],
    lead_shares: Mapping[str, ArrayLike],
    path: str | os.PathLike[str],
    *,
    sampling_rate: float,
    title: str,
    note: str = "",
) -> Path:
    """Draw maps of lead and time side by side, measures and controls alike, and the share of each lead below.

    Parameters
    ----------
    maps : mapping of str to array-like
        Label to float [12 leads, samples], as `relative` of `attention_figure`.
    lead_shares : mapping of str to array-like
        Label to float [12 leads], the share of the weight on the ECG that each lead has, 0 to 1.
    path, sampling_rate, title, note
        As in `attention_figure`.
    """
    if not maps or not lead_shares:
        raise ValueError(f"maps, lead_shares: got {len(maps)} and {len(lead_shares)}, expected at least one each")
    figure, panels = new_figure(
        max(8.0, 2.5 * len(maps)), 6.4, rows=2, columns=len(maps), squeeze=False, height_ratios=[2, 1.15]
    )
    for axes, (label, values) in zip(panels[0], maps.items(), strict=True):
        weights = _check_relative(f"maps[{label!r}]", values)
        colours = _colours().copy()
        colours.set_bad(UNSEEN)
        drawn = axes.imshow(
            weights,
            aspect="auto",
            interpolation="none",
            cmap=colours,
            norm=_norm(),
            extent=(0, weights.shape[1] / sampling_rate, len(LEADS) - 0.5, -0.5),
        )
        axes.set_title(label, fontsize=10)
        axes.set_xlabel("time (s)")
        axes.set_yticks(range(len(LEADS)), LEADS if axes is panels[0, 0] else [""] * len(LEADS))
        axes.hlines(np.arange(0.5, len(LEADS) - 1), *axes.get_xlim(), color="white", linewidth=1.5)
    _draw_scale(figure, drawn, panels[0, -1])
    grid = panels[1, 0].get_gridspec()
    for axes in panels[1]:
        axes.remove()
    below = figure.add_subplot(grid[1, :])
    below.spines[["top", "right"]].set_visible(False)
    markers = "osD^vPX"
    for place, (label, shares) in enumerate(lead_shares.items()):
        values = np.asarray(shares, dtype=np.float64)
        if values.shape != (len(LEADS),):
            raise ValueError(f"lead_shares[{label!r}]: got shape {values.shape}, expected [{len(LEADS)} leads]")
        style = {"color": COLOURS[place % len(COLOURS)], "marker": markers[place % len(markers)], "linewidth": 1}
        below.plot(range(len(LEADS)), 100 * values, label=label, **style)
    below.set_xticks(range(len(LEADS)), LEADS)
    below.set_ylabel("share of the\nECG's weight (%)")
    below.set_ylim(bottom=0)
    below.legend(frameon=False, fontsize=9, loc="center left", bbox_to_anchor=(1.0, 0.5))
    figure.suptitle("\n".join(textwrap.wrap(title, 120)), x=0.01, ha="left", fontsize=11)
    if note:
        figure.supxlabel("\n".join(textwrap.wrap(note, 150)), x=0.01, ha="left", fontsize=9)
    return save_figure(figure, path)


def _colours() -> Colormap:
    """From light grey through amber to a dark purple: ever darker, so that it reads without colours."""
    from matplotlib.colors import LinearSegmentedColormap

    return LinearSegmentedColormap.from_list("attention", ["#b9bcc4", "#e3a63c", "#d1495b", "#4a0d52"])


def _norm() -> Normalize:
    """A quarter to four times equal weights, by logarithm."""
    from matplotlib.colors import LogNorm

    return LogNorm(1 / _SCALE, _SCALE, clip=True)


def _draw_scale(figure: Figure, drawn: ScalarMappable, axes: Axes) -> None:
    """The bar that says what colours mean."""
    bar = figure.colorbar(drawn, ax=axes, extend="both", fraction=0.03, pad=0.01, shrink=0.9)
    ticks = [1 / _SCALE, 1 / 2, 1, 2, _SCALE]
    bar.set_ticks(ticks, labels=[f"{tick:g}" for tick in ticks], minor=False)
    bar.minorticks_off()
    bar.set_label("weight of the token\n(1: all tokens alike)", fontsize=9)


def _check_relative(name: str, relative: ArrayLike) -> NDArray[np.float64]:
    values = check_signal(name, relative)
    if (values < 0).any():
        raise ValueError(f"{name}: got {np.nanmin(values)}, expected 0 or more")
    return values
