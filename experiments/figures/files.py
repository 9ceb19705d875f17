"""What all figures share: size, fonts, colours, and how a PNG is made. Needs no display."""

from __future__ import annotations

import io
import os
import textwrap
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ecgbyte.files import write_atomically

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

# Contrast of at least 4.5 to white, as text needs; told apart with every common kind of colour vision.
COLOURS = ["#0072B2", "#D23B00", "#00805E", "#A0217F", "#6E3B00", "#2B2490", "#404040"]
# Told apart without colour too.
MARKERS = ["o", "s", "^", "D", "v", "P", "X", "<", ">", "*"]
GRID = "#dddddd"
RESOLUTION = 150
# Inches of a letter of a title at 11 points, on average and with some room.
_LETTER_WIDTH = 0.08
# How far a colour of the palette may lie from the one that was drawn, of 255.
_TOLERANCE = 20


def new_figure(width: float, height: float, *, rows: int = 1, columns: int = 1, **options: Any) -> tuple[Figure, Any]:
    """A figure of `width` by `height` inches and its axes, without frames above and to the right.

    *Thread-safety*: makes its own figure and touches no state of pyplot.
    """
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), dpi=RESOLUTION, layout="constrained")
    panels = figure.subplots(rows, columns, **options)
    for axes in figure.axes:
        axes.spines[["top", "right"]].set_visible(False)
    return figure, panels


def logarithmic(axes: Axes, name: str, *, marks: Sequence[float] = (1, 2, 5)) -> None:
    """A logarithmic scale for axis ``"x"`` or ``"y"``, marked in plain numbers at these multiples of powers of ten."""
    from matplotlib.ticker import LogLocator, NullFormatter, StrMethodFormatter

    axes.set(**{f"{name}scale": "log"})
    axis = axes.xaxis if name == "x" else axes.yaxis
    axis.set_major_locator(LogLocator(subs=marks))
    axis.set_major_formatter(StrMethodFormatter("{x:,.10g}"))
    axis.set_minor_formatter(NullFormatter())


def headline(figure: Figure, text: str) -> None:
    """The figure's title, above on the left, in as many lines as its width needs."""
    lines = textwrap.wrap(text, int(figure.get_figwidth() / _LETTER_WIDTH))
    figure.suptitle("\n".join(lines), x=0.01, ha="left", fontsize=11)


def legend_below(figure: Figure, axes: Axes, *, columns: int = 3) -> None:
    """The legend of one panel, below all of them."""
    figure.legend(*axes.get_legend_handles_labels(), ncols=columns, loc="outside lower center", fontsize=9)


def legend_entry(axes: Axes, label: str, colour: str, marker: str = "o", *, hollow: bool = False) -> None:
    """A marker in the legend that stands nowhere in the panel."""
    axes.plot([], [], marker, color=colour, markerfacecolor="white" if hollow else colour, label=label)


def colour_and_marker(place: int) -> tuple[str, str]:
    """What the `place`-th of several series is drawn with."""
    return COLOURS[place % len(COLOURS)], MARKERS[place % len(MARKERS)]


def to_png(figure: Figure) -> bytes:
    """A figure as PNG without a date or a version in it: same figure, same bytes.

    Its colours stand in a palette, which keeps files small, where that changes none of them visibly; else as drawn.
    """
    from PIL import Image

    drawn, packed = io.BytesIO(), io.BytesIO()
    figure.savefig(drawn, format="png", dpi=RESOLUTION)
    with Image.open(drawn) as opened:
        image = opened.convert("RGB")
    small = image.quantize(256, method=Image.Quantize.MAXCOVERAGE, dither=Image.Dither.NONE)
    off = np.abs(np.asarray(small.convert("RGB")).astype(int) - np.asarray(image).astype(int)).max()
    kept = small if off <= _TOLERANCE else image
    kept.save(packed, format="png", optimize=True, dpi=(RESOLUTION, RESOLUTION))
    return packed.getvalue()


def save_figure(figure: Figure, path: str | os.PathLike[str]) -> Path:
    """Write a figure as PNG, as `to_png` makes it."""
    write_atomically(path, to_png(figure))
    return Path(path)
