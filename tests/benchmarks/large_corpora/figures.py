"""Figures of training time and memory against the size of the corpus."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from experiments.figures.files import new_figure, save_figure
from tests.benchmarks.rows import BenchmarkRow

from .contests import BANDWIDTH


def draw(rows: Sequence[BenchmarkRow], folder: Path) -> list[Path]:
    """Draw ``large_corpora_time.png`` and ``large_corpora_memory.png``; returns their paths.

    The line of the memory bandwidth says how long it takes to read the symbols once, a byte each, as fast as this
    machine read memory in the same run.
    """
    lines: dict[str, list[BenchmarkRow]] = {}
    for row in sorted(rows, key=lambda row: row.symbols):
        if row.contest != BANDWIDTH and not row.skipped:
            lines.setdefault(row.contestant, []).append(row)
    bandwidth = next((row.symbols_per_second for row in rows if row.contest == BANDWIDTH), None)
    written = []
    for name, label, value in (
        ("time", "seconds", lambda row: row.seconds),
        ("memory", "bytes a symbol above the input", lambda row: row.peak_bytes / row.symbols),
    ):
        figure, axes = new_figure(7, 4.5)
        for contestant, points in lines.items():
            ours = contestant.startswith("ecgbyte")
            style = {"marker": "o", "linewidth": 2.0} if ours else {"marker": "s", "linestyle": "--"}
            axes.plot([row.symbols for row in points], [value(row) for row in points], label=contestant, **style)
        if name == "time" and bandwidth:
            ends = [min(row.symbols for line in lines.values() for row in line)]
            ends.append(max(row.symbols for line in lines.values() for row in line))
            label_of_line = f"memory bandwidth, {bandwidth / 1e9:.0f} GB/s"
            axes.plot(ends, [end / bandwidth for end in ends], color="grey", linestyle=":", label=label_of_line)
        axes.set(xscale="log", yscale="log", xlabel="symbols of the corpus", ylabel=label)
        merges = max(row.merges for line in lines.values() for row in line)
        axes.set_title(f"Training {merges} merges, one thread")
        axes.grid(alpha=0.3)
        axes.legend(fontsize="small")
        written.append(save_figure(figure, folder / f"large_corpora_{name}.png"))
    return written
