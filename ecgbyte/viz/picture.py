"""A picture of tokens on ECG paper, at true size: 25 mm for a second, 10 mm for a mV."""

from __future__ import annotations

import io
import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ecgbyte.checks import check_option
from ecgbyte.files import write_atomically
from ecgbyte.signals.records import Record
from ecgbyte.tokenizer.ecg_tokenizer import ECGTokenizer
from ecgbyte.tokenizer.encoding import Encoding
from ecgbyte.viz.measures import check_token, with_merges
from ecgbyte.viz.paper import LEFT_MM, MM_PER_MV, MM_PER_SECOND, PULSE_MM, TICK_MM, Panel, Paper, Row, lay_out
from ecgbyte.viz.printout import SPEED_AND_GAIN, unknown_filter_line
from ecgbyte.viz.shapes import CLIPPED_COLOUR, PAPER_COLOUR, SHAPES, token_shapes

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

PICTURES = (".png", ".svg")
_MM_PER_INCH = 25.4
# Under the paper, for the filter line and the legend.
_FOOT_MM = 13.0
_HEAD_MM = 8.0
_DPI = 160
_MARK_COLOUR = "#ffd23f"


def plot_tokens(
    record: Record,
    tokenizer: ECGTokenizer,
    path: str | os.PathLike[str] | None = None,
    *,
    num_merges: int | None = None,
    layout: str = "3x4",
    first_second: float = 0.0,
    token: int | None = None,
    decoded: bool = False,
    filter_line: str | None = None,
    title: str | None = None,
) -> Figure:
    """Draw a record on ECG paper, each token a stretch of colour by its shape; what the range cuts off is red.

    Parameters
    ----------
    record : Record
        As the tokenizer takes it: preprocessed, of its rate and leads.
    tokenizer : ECGTokenizer
        With a range.
    path : path-like, optional
        Where to save the picture too, ``.png`` or ``.svg``; the same arguments give the same bytes with the same
        version of matplotlib.
    num_merges : int, optional
        Use only so many of the first merges.
    layout : {"3x4", "6x2", "12x1"}
        See `ecgbyte.viz.paper`.
    first_second : float
        Where the window of 10 s begins, in seconds.
    token : int, optional
        Mark every place of this token.
    decoded : bool
        Also draw what the tokens decode to, in black.
    filter_line : str, optional
        What was done to the record, see `ecgbyte.viz.filter_line`.
    title : str, optional
        Above the paper; the record's id, its number of tokens and that of the marked one where nothing is said.

    Returns
    -------
    matplotlib.figure.Figure
        Not registered with pyplot, so there is nothing to close.

    Raises
    ------
    ImportError
        If matplotlib is missing.
    FileNotFoundError
        If the folder of `path` does not exist.
    TypeError, ValueError
        If an argument does not fit, or `ecgbyte.ECGTokenizer.encode` refuses the record.
    """
    try:
        from matplotlib.figure import Figure
    except ImportError as error:
        raise ImportError("plot_tokens needs matplotlib: pip install 'ecgbyte[viz]'") from error
    if not isinstance(record, Record):
        raise TypeError(f"record: got {type(record).__name__}, expected an ecgbyte Record")
    if path is not None:
        check_option("path: ending of the file", Path(path).suffix, PICTURES)
    if num_merges is not None:
        tokenizer = with_merges(tokenizer, num_merges)
    check_token(token, tokenizer)
    encoding = tokenizer.encode(record)
    first = round(first_second * record.sampling_rate)
    paper = lay_out(record.signal, record.sampling_rate, record.lead_names, layout, first)
    size = (paper.width / _MM_PER_INCH, (paper.height + _HEAD_MM + _FOOT_MM) / _MM_PER_INCH)
    figure = Figure(figsize=size, dpi=_DPI, facecolor="white")
    axes = figure.add_axes((0, 0, 1, 1))
    # One unit is a mm of paper, downwards.
    axes.set_xlim(0, paper.width)
    axes.set_ylim(paper.height + _FOOT_MM, -_HEAD_MM)
    axes.set_axis_off()
    _draw_paper(axes, paper, record)
    drawn = tokenizer.decode(encoding) if decoded else None
    shapes = token_shapes(tokenizer.vocabulary)
    for row in paper.rows:
        for panel in row.panels:
            _draw_tokens(axes, record, encoding, shapes, row, panel, token)
            _draw_clipped(axes, record, encoding, row, panel)
            if drawn is not None:
                axes.plot(*_points(drawn, record, row, panel), color="#111111", linewidth=0.5)
    heading = f"{record.record_id}: {encoding.num_tokens:,} tokens for {encoding.num_symbols:,} samples"
    if token is not None:
        times = int(np.count_nonzero(encoding.ids == token))
        heading += f", {times:,} of them token {token}"
    axes.text(1, -2.5, title or heading, fontsize=10, fontweight="bold", va="baseline")
    line = filter_line or unknown_filter_line(tokenizer.preprocessing, record.sampling_rate)
    axes.text(1, paper.height + 4.5, f"{SPEED_AND_GAIN}  ·  {line}", fontsize=7.5, family="monospace")
    _draw_legend(axes, paper, encoding)
    if path is not None:
        _save(figure, Path(path))
    return figure


def _draw_paper(axes: Axes, paper: Paper, record: Record) -> None:
    from matplotlib.patches import Rectangle

    axes.add_patch(Rectangle((0, 0), paper.width, paper.height, facecolor=PAPER_COLOUR, edgecolor="none", zorder=0))
    for step, colour, width in ((1, "#f6d9d6", 0.25), (5, "#e9b0ab", 0.5)):
        style: dict[str, Any] = {"colors": colour, "linewidths": width, "zorder": 0.5}
        axes.vlines(np.arange(0, paper.width + 1, step), 0, paper.height, **style)
        axes.hlines(np.arange(0, paper.height + 1, step), 0, paper.width, **style)
    for row in paper.rows:
        pulse = np.array([(-12.5, 0), (-10, 0), (-10, -PULSE_MM), (-5, -PULSE_MM), (-5, 0), (-2.5, 0)])
        axes.plot(LEFT_MM + pulse[:, 0], row.zero + pulse[:, 1], color="#222222", linewidth=0.8)
        for place, panel in enumerate(row.panels):
            if place:
                for end in (-TICK_MM, TICK_MM):
                    tick = [row.zero + end, row.zero + 0.4 * end]
                    axes.plot([panel.left] * 2, tick, color="#222222", linewidth=0.8)
            name = record.lead_names[panel.lead]
            if panel.rhythm:
                seconds = [f"{round(sample / record.sampling_rate, 2):g}" for sample in (panel.start, panel.stop)]
                name += f" ({seconds[0]} to {seconds[1]} s)"
            axes.text(panel.left + 1.2, row.zero - panel.label, name, fontsize=9, fontweight="bold", va="baseline")


def _points(
    signal: NDArray[np.floating], record: Record, row: Row, panel: Panel
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Where the samples of a panel lie, in mm: two float64 [samples]."""
    samples = np.arange(panel.start, panel.stop)
    x = panel.left + (samples - panel.start) / record.sampling_rate * MM_PER_SECOND
    return x, row.zero - MM_PER_MV * signal[panel.lead, samples].astype(np.float64)


def _tokens_in(encoding: Encoding, panel: Panel) -> Iterator[tuple[int, int, int]]:
    """Place in the encoding, first sample and one past the last, of every token that a panel shows, whole or in part.

    A token that goes on into the next lead, as with boundary "record", counts there, too.
    """
    samples = encoding.shape[1]
    begins = encoding.leads.astype(np.int64) * samples + encoding.offsets[:, 0]
    ends = np.append(begins[1:], encoding.num_symbols)
    offset = panel.lead * samples
    shown = np.flatnonzero((begins < offset + panel.stop) & (ends > offset + panel.start))
    for place in shown.tolist():
        yield place, max(panel.start, int(begins[place]) - offset), min(panel.stop, int(ends[place]) - offset)


def _draw_tokens(
    axes: Axes, record: Record, encoding: Encoding, shapes: NDArray[np.uint8], row: Row, panel: Panel, token: int | None
) -> None:
    from matplotlib.collections import LineCollection
    from matplotlib.patches import Rectangle

    x, y = _points(record.signal, record, row, panel)
    pieces, colours = [], []
    for place, start, stop in _tokens_in(encoding, panel):
        # The line from a sample to the next belongs to the token of the first.
        part = slice(start - panel.start, stop - panel.start + 1)
        shape = SHAPES[shapes[encoding.ids[place]]]
        if len(x[part]) > 1:
            pieces.append(np.stack([x[part], y[part]], axis=1))
            colours.append(shape.light if place % 2 else shape.dark)
        if encoding.ids[place] == token:
            right = panel.left + (stop - panel.start) / record.sampling_rate * MM_PER_SECOND
            top, bottom = y[part].min() - 2.2, y[part].max() + 2.2
            mark = Rectangle((x[part][0], top), right - x[part][0], bottom - top, facecolor=_MARK_COLOUR, zorder=1)
            mark.set_gid("occurrence")
            axes.add_patch(mark)
    axes.add_collection(LineCollection(pieces, colors=colours, linewidths=1.3, capstyle="round", zorder=3))


def _draw_clipped(axes: Axes, record: Record, encoding: Encoding, row: Row, panel: Panel) -> None:
    """In red, what lies outside the range; dashed, the end of the range."""
    shown = record.signal[panel.lead : panel.lead + 1, panel.start : panel.stop]
    x, y = _points(record.signal, record, row, panel)
    right = panel.left + (panel.stop - panel.start) / record.sampling_rate * MM_PER_SECOND
    for limit, outside in ((encoding.high, shown[0] > encoding.high), (encoding.low, shown[0] < encoding.low)):
        if not outside.any():
            continue
        level = row.zero - MM_PER_MV * limit
        axes.hlines(level, panel.left, right, colors=CLIPPED_COLOUR, linewidths=0.5, linestyles="dashed", zorder=2)
        red = np.where(outside, y, np.nan)
        axes.plot(
            x, red, color=CLIPPED_COLOUR, linewidth=2, zorder=4, solid_capstyle="round", marker=".", markersize=1.5
        )


def _draw_legend(axes: Axes, paper: Paper, encoding: Encoding) -> None:
    entries = [(shape.name, shape.dark, shape.light) for shape in SHAPES]
    if encoding.clipped:
        entries.append((f"outside the range: {100 * encoding.clipped:.1f} %", CLIPPED_COLOUR, CLIPPED_COLOUR))
    # Names of this size take about 1.45 mm a letter.
    widths = [9 + 1.45 * len(name) for name, _, _ in entries]
    shrink = min(1.0, (paper.width - 2) / sum(widths))
    left, y = 1.0, paper.height + 9.5
    for (name, dark, light), width in zip(entries, widths, strict=True):
        axes.plot([left, left + 2.5], [y, y], color=dark, linewidth=3, solid_capstyle="butt")
        axes.plot([left + 2.5, left + 5], [y, y], color=light, linewidth=3, solid_capstyle="butt")
        axes.text(left + 6, y + 1, name, fontsize=7.5 * shrink, va="baseline")
        left += width * shrink


def _save(figure: Figure, path: Path) -> None:
    import matplotlib

    stream = io.BytesIO()
    # Without a fixed salt and with a date, the same drawing would be another file each time.
    with matplotlib.rc_context({"svg.hashsalt": "ecgbyte", "svg.fonttype": "none"}):
        kind = path.suffix[1:]
        figure.savefig(stream, format=kind, metadata={"Date": None} if kind == "svg" else {"Software": None})
    write_atomically(path, stream.getvalue())
