"""Where the leads lie on ECG paper: 25 mm for a second, 10 mm for a mV, rows as far apart as their traces need.

The layouts take a window of the record, 10 s at most. A lead in a column shows the quarter of the window that is that
column's, as on a printout, so all leads of a column are simultaneous.

======  ==================================================================================
layout  rows
======  ==================================================================================
3x4     three rows of four leads, a quarter of the window each; lead II over the window
6x2     six rows of two leads, limb and chest, a quarter each; lead II over half and half
12x1    every lead over the whole window
======  ==================================================================================

``scripts/paper.js`` follows the same rules in the page; a test holds the two together.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ecgbyte.checks import check_option

MM_PER_SECOND = 25.0
MM_PER_MV = 10.0
WINDOW_SECONDS = 10.0
# Left of the traces stands the calibration pulse; right of them a large square stays free.
LEFT_MM = 15.0
RIGHT_MM = 5.0
LABEL_MM = 4.0
# Between a trace and whatever is next to it.
ROOM_MM = 1.5
PULSE_MM = 10.0
# The ticks between two leads reach so far above and below the zero line.
TICK_MM = 5.0
# A lead's name stands above the first part of its trace, in seconds; that of a rhythm strip also tells its time.
LABEL_SECONDS = 0.45
RHYTHM_LABEL_SECONDS = 1.1
RHYTHM_LEAD = "II"
# More than this is no ECG, and would need more than a metre of paper for a row.
LARGEST_MV = 100.0

LAYOUTS = ("3x4", "6x2", "12x1")
_COLUMNS = {
    "3x4": (("I", "aVR", "V1", "V4"), ("II", "aVL", "V2", "V5"), ("III", "aVF", "V3", "V6")),
    "6x2": (("I", "V1"), ("II", "V2"), ("III", "V3"), ("aVR", "V4"), ("aVL", "V5"), ("aVF", "V6")),
}


@dataclass(frozen=True)
class Panel:
    """A stretch of one lead on the paper.

    Attributes
    ----------
    lead : int
        Its row in the signal.
    start, stop : int
        First sample and one past the last.
    left : float
        Where it begins, in mm from the left edge.
    label : float
        The foot of the lead's name, in mm above the row's zero line.
    rhythm : bool
        Whether it belongs to a rhythm strip.
    """

    lead: int
    start: int
    stop: int
    left: float
    label: float
    rhythm: bool


@dataclass(frozen=True)
class Row:
    """A row of the paper: its panels and, in mm from the upper edge, its top, zero line and bottom."""

    panels: tuple[Panel, ...]
    top: float
    zero: float
    bottom: float


@dataclass(frozen=True)
class Paper:
    """The rows of one sheet, from top to bottom, and its size in mm (multiples of 5)."""

    rows: tuple[Row, ...]
    width: float
    height: float


def lay_out(
    signal: NDArray[np.floating], sampling_rate: float, lead_names: Sequence[str], layout: str, first: int = 0
) -> Paper:
    """Place the leads of a signal on paper so that no row touches another.

    Parameters
    ----------
    signal : float [leads, samples]
        In mV.
    sampling_rate : float
        Samples a second.
    lead_names : sequence of str
        Of the rows of `signal`.
    layout : {"3x4", "6x2", "12x1"}
        A signal without one of the twelve leads of the first two leaves its place empty.
    first : int
        The sample that the window begins with.

    Returns
    -------
    Paper

    Raises
    ------
    ValueError
        If the layout is unknown, `first` is no sample, or a sample lies beyond 100 mV.
    """
    check_option("layout", layout, LAYOUTS)
    samples = signal.shape[1]
    if not 0 <= first < samples:
        raise ValueError(f"first: got {first}, expected a sample, 0 to {samples - 1}")
    check_amplitude(signal, lead_names)
    stop = min(samples, first + math.floor(WINDOW_SECONDS * sampling_rate + 0.5))
    rows = []
    upper = 0.0
    for planned in _planned_rows(list(lead_names), layout, first, stop):
        panels = []
        top, bottom = PULSE_MM + ROOM_MM, -TICK_MM - 0.5
        for lead, start, end, column_start, rhythm in planned:
            trace = signal[lead, start:end].astype(np.float64) * MM_PER_MV
            label_seconds = RHYTHM_LABEL_SECONDS if rhythm else LABEL_SECONDS
            label_samples = max(1, math.floor(label_seconds * sampling_rate))
            label = max(0.0, float(trace[:label_samples].max())) + ROOM_MM
            left = LEFT_MM + (start - column_start) / sampling_rate * MM_PER_SECOND
            panels.append(Panel(lead, start, end, left, label, rhythm))
            top = max(top, float(trace.max()) + ROOM_MM, label + LABEL_MM)
            bottom = min(bottom, float(trace.min()) - ROOM_MM)
        zero = math.ceil((upper + top) / 5) * 5
        rows.append(Row(tuple(panels), zero - top, zero, zero - bottom))
        upper = zero - bottom
    right = max(
        panel.left + (panel.stop - panel.start) / sampling_rate * MM_PER_SECOND for row in rows for panel in row.panels
    )
    return Paper(tuple(rows), math.ceil((right + RIGHT_MM) / 5) * 5, math.ceil((upper + ROOM_MM) / 5) * 5)


def check_amplitude(signal: NDArray[np.floating], lead_names: Sequence[str]) -> None:
    """Raise ValueError where a sample lies further from zero than any ECG, which no paper is large enough for."""
    lead, sample = np.unravel_index(np.abs(signal).argmax(), signal.shape)
    if abs(signal[lead, sample]) > LARGEST_MV:
        raise ValueError(
            f"signal: got {signal[lead, sample]:g} mV in lead {lead_names[lead]} at sample {sample}, expected at most "
            f"{LARGEST_MV:g} mV to show on ECG paper"
        )


_Planned = tuple[int, int, int, int, bool]


def _planned_rows(names: list[str], layout: str, first: int, stop: int) -> list[list[_Planned]]:
    """Of each row: lead, first sample, one past the last, the sample at the left edge, and whether it is rhythm."""
    columns = _COLUMNS.get(layout)
    if columns is None:
        return [[(lead, first, stop, first, False)] for lead in range(len(names))]
    quarters = [first + (stop - first) * k // 4 for k in range(5)]
    rows = []
    for row in columns:
        panels = [
            (names.index(lead), quarters[k], quarters[k + 1], first, False)
            for k, lead in enumerate(row)
            if lead in names and quarters[k] < quarters[k + 1]
        ]
        if panels:
            rows.append(panels)
    rhythm = names.index(RHYTHM_LEAD) if RHYTHM_LEAD in names else 0
    borders = [first, stop] if layout == "3x4" else [first, quarters[2], stop]
    for start, end in itertools.pairwise(borders):
        if start < end:
            rows.append([(rhythm, start, end, start, True)])
    return rows
