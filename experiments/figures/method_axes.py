"""Figures with one line a method: dots with intervals, methods in families, many of them readable at once."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from experiments.figures.files import COLOURS, GRID
from experiments.rows.estimates import Estimate
from experiments.rows.groups import family, method_order
from experiments.rows.schema import ResultRow

if TYPE_CHECKING:
    from matplotlib.axes import Axes

# Those of the palette, and two more of its contrast.
FAMILY_COLOURS = {
    "end to end": COLOURS[0],
    "two-stage": COLOURS[1],
    "as published": COLOURS[2],
    "no pretraining": COLOURS[3],
    "random encoder": "#5C5C00",
    "linear reader": COLOURS[5],
    "trivial": COLOURS[4],
    "untrained": "#546674",
    "other": COLOURS[6],
}


def methods_in(rows: Iterable[ResultRow]) -> list[str]:
    """The methods of some rows, by family."""
    return sorted({row.method for row in rows}, key=method_order)


def height_of(lines: int, least: float = 2.6) -> float:
    """Inches for a panel with so many lines."""
    return max(least, 0.27 * lines + 1.2)


def label_methods(axes: Axes, methods: Sequence[str]) -> None:
    """Methods down the left side in the colours of their families, with a thin line between families."""
    axes.set_yticks(range(len(methods)), methods, fontsize=9)
    axes.set_ylim(len(methods) - 0.4, -0.6)
    axes.tick_params(axis="y", length=0)
    # A panel that shares its left side with another has no names of its own.
    for label, method in zip(axes.get_yticklabels(), methods, strict=False):
        label.set_color(FAMILY_COLOURS[family(method)])
    for place, (above, below) in enumerate(itertools.pairwise(methods)):
        if family(above) != family(below):
            axes.axhline(place + 0.5, color="#bbbbbb", linewidth=0.6)
    axes.grid(axis="x", color=GRID, linewidth=0.6)
    axes.set_axisbelow(True)


def dot(
    axes: Axes,
    value: Estimate,
    height: float,
    colour: str,
    marker: str = "o",
    *,
    markersize: float = 5,
    hollow: bool = False,
) -> None:
    """One value at a height, with its interval where it has one."""
    if not math.isnan(value.low):
        axes.plot([value.low, value.high], [height, height], color=colour, linewidth=1.6, solid_capstyle="butt")
    fill = "white" if hollow else colour
    axes.plot([value.value], [height], marker, color=colour, markerfacecolor=fill, markersize=markersize)


def spread(number: int, width: float = 0.6) -> list[float]:
    """Heights around a line at which `number` dots stand, top to bottom."""
    return [width * ((place + 0.5) / number - 0.5) for place in range(number)]


def title_of(text: str, rows: Sequence[ResultRow]) -> str:
    """A title with the data sets, and the mark of a small run."""
    datasets = ", ".join(sorted({row.dataset for row in rows}))
    small = "; small run" if any(row.scale == "small run" for row in rows) else ""
    return f"{text} ({datasets}{small})"


def seeds_of(rows: Sequence[ResultRow]) -> str:
    """What the intervals of answers are over."""
    most = max((row.seeds for row in rows), default=1)
    return f"95 % intervals over {most} training runs and patients" if most > 1 else "95 % intervals over patients"
