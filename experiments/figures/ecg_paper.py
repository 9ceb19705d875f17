"""Twelve leads on paper as ECGs are printed on: small squares of 0.04 s by 0.1 mV, large ones of 0.2 s by 0.5 mV."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ecgbyte.signals.leads import LEADS

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.collections import LineCollection

# Columns of the printed page, top to bottom.
_THREE_ROWS = (("I", "aVR", "V1", "V4"), ("II", "aVL", "V2", "V5"), ("III", "aVF", "V3", "V6"))
_SIX_ROWS = (("I", "V1"), ("II", "V2"), ("III", "V3"), ("aVR", "V4"), ("aVL", "V5"), ("aVF", "V6"))
_ONE_COLUMN = tuple((lead,) for lead in LEADS)
# mV that stay free around a trace, and seconds between the leads of a row.
_ROOM = 0.3
_GAP = 0.16
# The calibration pulse before each row: 1 mV for 0.2 s, between stretches of the zero line.
_PULSE = ((0.04, 0.12, 0.12, 0.32, 0.32, 0.4), (0.0, 0.0, 1.0, 1.0, 0.0, 0.0))
_PULSE_SECONDS = 0.48
_GRID = {"small": ("#f6dede", 0.4), "large": ("#ecb9b9", 0.8)}


def page_layout(seconds: float) -> tuple[tuple[str, ...], ...]:
    """Rows of leads for traces of that length: 3 by 4 as printed up to 2.5 s, 6 by 2 up to 5 s, else 12 by 1."""
    if seconds <= 2.5:
        return _THREE_ROWS
    return _SIX_ROWS if seconds <= 5 else _ONE_COLUMN


def page_size(signal: NDArray[np.float64], sampling_rate: float) -> tuple[float, float]:
    """Width and height of the page of a signal [leads, samples] in the units of the axes: seconds and mV."""
    seconds = signal.shape[1] / sampling_rate
    rows = page_layout(seconds)
    tops, bottoms = _row_extents(signal, rows)
    width = _PULSE_SECONDS + len(rows[0]) * seconds + (len(rows[0]) - 1) * _GAP
    return width, float(np.sum(tops - bottoms))


def draw_page(
    axes: Axes,
    signal: NDArray[np.float64],
    sampling_rate: float,
    values: NDArray[np.float64],
    *,
    colours: Any,
    norm: Any,
    missing: str,
) -> LineCollection:
    """Draw a signal, float [12 leads, samples] in mV, on paper, each piece of a trace in the colour of its value.

    A calibration pulse of 1 mV and 0.2 s stands before every row, and leads in a row stand apart.

    Parameters
    ----------
    axes : matplotlib Axes
        One second is as wide as 2.5 mV are high, as at 25 mm/s and 10 mm/mV.
    signal, sampling_rate
        Canonical order of leads; samples per second.
    values : float64 [12 leads, samples]
        NaN is drawn in the colour `missing`, dotted.
    colours, norm
        Colour map and norm of `values`.

    Returns
    -------
    LineCollection
        For a colour bar.
    """
    from matplotlib.collections import LineCollection

    seconds = signal.shape[1] / sampling_rate
    rows = page_layout(seconds)
    tops, bottoms = _row_extents(signal, rows)
    starts = np.concatenate([[0], np.cumsum(tops - bottoms)[:-1]])
    width, height = page_size(signal, sampling_rate)
    time = np.arange(signal.shape[1]) / sampling_rate
    segments, shown = [], []
    for row, leads in enumerate(rows):
        zero = -(starts[row] + tops[row])
        axes.plot(_PULSE[0], zero + np.array(_PULSE[1]), color="black", linewidth=1, solid_joinstyle="miter")
        for column, lead in enumerate(leads):
            index = LEADS.index(lead)
            left = _PULSE_SECONDS + column * (seconds + _GAP)
            points = np.stack([left + time, zero + signal[index]], axis=1)
            segments.append(np.stack([points[:-1], points[1:]], axis=1))
            # The piece between two samples belongs to the token of the first.
            shown.append(values[index, :-1])
            axes.text(left + 0.03, -starts[row] - 0.08, lead, ha="left", va="top", fontsize=9, fontweight="bold")
    axes.set_xlim(0, width)
    axes.set_ylim(-height, 0)
    axes.set_aspect(0.4)
    _draw_squares(axes, width, height)
    pieces, numbers = np.concatenate(segments), np.concatenate(shown)
    unseen = np.isnan(numbers)
    # Stronger where the value is higher, so that the picture reads without colours, too.
    strength = np.clip(np.asarray(norm(np.where(unseen, 1, numbers)), dtype=np.float64), 0, 1)
    traces = LineCollection(
        list(pieces[~unseen]), cmap=colours, norm=norm, linewidths=0.9 + 1.5 * strength[~unseen], capstyle="round"
    )
    traces.set_array(numbers[~unseen])
    axes.add_collection(traces)
    axes.add_collection(LineCollection(list(pieces[unseen][::2]), colors=missing, linewidths=0.8))
    return traces


def _row_extents(
    signal: NDArray[np.float64], rows: tuple[tuple[str, ...], ...]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The top and bottom of each row, in mV from its zero line: what its traces need, in steps of half a mV."""
    places = [[LEADS.index(lead) for lead in leads] for leads in rows]
    # The pulse needs 1 mV.
    highest = np.array([max(1.0, signal[row].max()) for row in places]) + _ROOM
    lowest = np.array([signal[row].min() for row in places]) - _ROOM / 3
    return np.maximum(0.5, np.ceil(highest * 2) / 2), np.minimum(-0.5, np.floor(lowest * 2) / 2)


def _draw_squares(axes: Axes, width: float, height: float) -> None:
    for name, second, millivolt in (("small", 0.04, 0.1), ("large", 0.2, 0.5)):
        colour, line = _GRID[name]
        upright = np.arange(0, width + second / 2, second)
        level = -np.arange(0, height + millivolt / 2, millivolt)
        axes.vlines(upright, -height, 0, colors=colour, linewidths=line, zorder=0)
        axes.hlines(level, 0, width, colors=colour, linewidths=line, zorder=0)
    axes.set_xticks([])
    axes.set_yticks([])
    axes.spines[:].set_visible(False)
