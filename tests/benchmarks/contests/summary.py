"""The table that a run of the benchmarks prints at its end."""

from __future__ import annotations

from collections.abc import Iterator

from tests.benchmarks.rows import BenchmarkRow

from .results import Results
from .targets import BATCH_AIM, in_batches, reached


def duration(seconds: float) -> str:
    """Three digits and a unit.

    >>> [duration(value) for value in (12.34, 0.01234, 0.00001234, 321.0)]
    ['12.3 s', '12.3 ms', '12.3 us', '321 s']
    """
    for factor, unit in ((1, "s"), (1e3, "ms"), (1e6, "us")):
        value = seconds * factor
        if value >= 1 or unit == "us":
            break
    return f"{value:.0f} {unit}" if value >= 100 else f"{value:.3g} {unit}"


def summary_lines(results: Results) -> Iterator[str]:
    """Every row by contest, then every target with what was reached."""
    contest = ""
    for row in results.rows:
        if row.contest != contest:
            contest = row.contest
            yield ""
            yield f"{row.work} [{row.corpus}]"
        yield "  " + _line(row)
    yield ""
    yield "targets (shown, not asserted):"
    for entry in reached(results.rows):
        aim = f", aim {entry.target.aim:g}" if entry.target.aim else ""
        yield (
            f"  {entry.fastest.ratio:8.2f} times as fast (at least {entry.target.least:g}{aim}): "
            f"{entry.first.work}, against {entry.fastest.contestant}"
        )
    for row in in_batches(results.rows):
        yield f"  {row.symbols_per_second / 1e6:8.0f} million symbols/s (aim {BATCH_AIM[1] / 1e6:.0f}): {row.work}"
    for slope in results.slopes:
        yield f"  {slope.slope:8.2f} slope (at most {slope.target:g}): {slope.kernel}, {slope.input} input"
    slowest = sorted(results.seconds.items(), key=lambda item: -item[1])[:5]
    yield "contests that took longest: " + ", ".join(f"{name} {seconds:.0f} s" for name, seconds in slowest)


def _line(row: BenchmarkRow) -> str:
    threads = f", {row.threads} threads" if row.threads > 1 else ""
    name = f"{row.contestant} {row.version}{threads}"
    if row.skipped:
        return f"{name:52} skipped: {row.skipped}"
    spread = f"[{row.ratio_lower:.3g}, {row.ratio_upper:.3g}]"
    return (
        f"{name:52} {duration(row.seconds):>9} ({duration(row.seconds_min)} to {duration(row.seconds_max)}) "
        f"{row.symbols_per_second / 1e6:9.4g} M/s  ratio {row.ratio:8.3g} {spread}  {row.check}"
    )
