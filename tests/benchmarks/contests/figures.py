"""The figures of ``results/benchmarks/``, drawn from its CSV files alone."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from experiments.figures.files import COLOURS, new_figure, save_figure
from tests.benchmarks.rows import BenchmarkRow, read_rows

from .results import CONTESTS_FILE, LENGTHS_FILE, SLOPES_FILE, read_slopes

if TYPE_CHECKING:
    from matplotlib.axes import Axes

# Contests with a panel each, and the bytes that memory moves for a symbol at least: read once, results written.
_PANELS = {
    "training-real": 1.0,
    "training-noise": 1.0,
    "encoding-longest": 1.0,
    "encoding-merge-order-batch": 1.0,
    "symbols": 5.0,
    "whole-record": 4.0,
    "preprocessing": 6.0,
    "encoding-longest-batch": 1.0,
}
_KERNELS = {"symbols": 5.0, "longest": 1.0, "merge-order": 1.0, "training": 1.0}
_OURS, _PEER, _LIMIT = COLOURS[0], "#BBBBBB", COLOURS[1]


def draw_figures(folder: Path) -> list[Path]:
    """Draw ``throughput.png`` and ``linear_cost.png`` from the CSV files in `folder`; returns the paths written."""
    contests = read_rows(folder / CONTESTS_FILE) if (folder / CONTESTS_FILE).exists() else []
    bandwidth = read_bandwidth(contests)
    written = []
    if any(row.contest in _PANELS and not row.skipped for row in contests):
        written.append(throughput_figure(contests, bandwidth, folder / "throughput.png"))
    if (folder / LENGTHS_FILE).exists():
        written.append(linear_cost_figure(folder, bandwidth, folder / "linear_cost.png"))
    return written


def read_bandwidth(rows: list[BenchmarkRow]) -> float:
    """Bytes a second that one thread reads from memory, measured in the same run; NaN where it was not."""
    found = [row for row in rows if row.contest == "memory-bandwidth" and row.contestant.startswith("read")]
    return found[0].symbols_per_second if found else float("nan")


def throughput_figure(rows: list[BenchmarkRow], bandwidth: float, path: Path) -> Path:
    """Bars of symbols a second, a panel a contest, ecgbyte first, with what memory bandwidth would allow as a line."""
    panels = [name for name in _PANELS if any(row.contest == name and not row.skipped for row in rows)]
    columns = 2
    lines = -(-len(panels) // columns)
    figure, axes = new_figure(13, 1.9 * lines + 0.6, rows=lines, columns=columns, squeeze=False)
    for name, panel in zip(panels, axes.flat, strict=False):
        _bars(panel, [row for row in rows if row.contest == name and not row.skipped], bandwidth / _PANELS[name])
    for panel in axes.flat[len(panels) :]:
        panel.set_axis_off()
    figure.suptitle(_title("Throughput, million symbols a second, one thread, log scale", rows), x=0.01, ha="left")
    figure.legend(
        [axes.flat[0].lines[0]] if axes.flat[0].lines else [],
        ["memory bandwidth of this machine (one thread reading), at the fewest bytes a symbol can cost"],
        loc="outside lower left",
        frameon=False,
    )
    return save_figure(figure, path)


def _bars(panel: Axes, rows: list[BenchmarkRow], limit: float) -> None:
    names = [_short(row) for row in rows]
    values = np.array([row.symbols_per_second for row in rows]) / 1e6
    fastest, slowest = max(values.max(), limit / 1e6 if np.isfinite(limit) else 0), values.min()
    colours = [_OURS if row.contestant.startswith("ecgbyte") else _PEER for row in rows]
    panel.barh(range(len(rows)), values, color=colours, height=0.7)
    panel.set_yticks(range(len(rows)), names, fontsize=9)
    panel.invert_yaxis()
    panel.set_xscale("log")
    panel.set_xlim(slowest / 4, fastest * 30)
    for place, (row, value) in enumerate(zip(rows, values, strict=True)):
        slower = "" if place == 0 else f"   {row.ratio:.3g} times as long"
        speed = f"{value:,.0f}" if value >= 1000 else f"{value:.3g}"
        box = {"facecolor": "white", "edgecolor": "none", "pad": 0.8}
        at = {"xytext": (4, 0), "textcoords": "offset points", "va": "center"}
        panel.annotate(f"{speed}{slower}", (value, place), fontsize=8.5, bbox=box, **at)
    if np.isfinite(limit):
        panel.axvline(limit / 1e6, color=_LIMIT, linewidth=1.2, linestyle="--")
    noise = ", adverse noise" if rows[0].corpus.startswith("N:") else ""
    panel.set_title(rows[0].work + noise, loc="left", fontsize=9)


def linear_cost_figure(folder: Path, bandwidth: float, path: Path) -> Path:
    """Seconds against symbols in log-log, a panel a kernel and a line an input, slopes in the legend."""
    rows = read_rows(folder / LENGTHS_FILE)
    slopes = {(slope.kernel, slope.input): slope for slope in read_slopes(folder / SLOPES_FILE)}
    kernels = [kernel for kernel in _KERNELS if any(key[0] == kernel for key in slopes)]
    figure, axes = new_figure(13, 8.5, rows=2, columns=2, squeeze=False)
    for kernel, panel in zip(kernels, axes.flat, strict=False):
        inputs = [key[1] for key in slopes if key[0] == kernel]
        for name, colour, marker in zip(inputs, COLOURS, "osD^vP*", strict=False):
            line = [row for row in rows if row.contest.startswith(f"linear-{kernel}-{name}-")]
            slope = slopes[kernel, name].slope
            lengths = [row.symbols for row in line]
            panel.plot(
                lengths, [row.seconds for row in line], marker=marker, color=colour, label=f"{name}, slope {slope:.2f}"
            )
        if np.isfinite(bandwidth):
            ends = np.array([min(row.symbols for row in rows), max(row.symbols for row in rows)])
            panel.plot(
                ends,
                ends * _KERNELS[kernel] / bandwidth,
                color="black",
                linewidth=1,
                linestyle="--",
                label="memory bandwidth",
            )
        panel.set_xscale("log")
        panel.set_yscale("log")
        target = max(slope.target for key, slope in slopes.items() if key[0] == kernel)
        panel.set_title(f"{kernel} (slope asked for: at most {target:g})", loc="left", fontsize=10)
        panel.set_xlabel("symbols")
        panel.set_ylabel("seconds")
        panel.legend(frameon=False, fontsize=9, loc="upper left")
    for panel in axes.flat[len(kernels) :]:
        panel.set_axis_off()
    figure.suptitle(_title("Time against length, one thread", rows), x=0.01, ha="left")
    return save_figure(figure, path)


def _short(row: BenchmarkRow) -> str:
    name = row.contestant.replace("published algorithm (compiled port)", "published algorithm\n(compiled port)")
    name = name.replace("(SciPy and PyWavelets, port)", "\n(SciPy, PyWavelets)")
    name = name.replace("(SciPy and PyWavelets)", "\n(SciPy, PyWavelets)")
    return name.replace("published algorithm (port: np.vectorize)", "published algorithm\n(port: np.vectorize)")


def _title(text: str, rows: list[BenchmarkRow]) -> str:
    row = rows[0]
    note = ", smoke run: not meaningful" if row.scale == "smoke" else ""
    return f"{text}\n{row.cpu}, {row.cores} cores, {row.instructions}, {row.compiler.split()[0]}{note}"
