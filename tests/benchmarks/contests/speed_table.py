"""What pages say about speed, made of ``results/benchmarks/*.csv`` and nothing else.

``python -m tests.benchmarks.contests.speed_table`` writes the tables of ``results/benchmarks/README.md`` and the
README's cell that compares with ECG-Byte's own code, each between its two markers.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path

from ecgbyte.files import write_atomically
from tests.benchmarks.machine import ROOT
from tests.benchmarks.rows import BenchmarkRow, read_rows

from .results import CONTESTS_FILE, SLOPES_FILE, read_slopes
from .summary import duration
from .targets import BATCH_AIM, Reached, in_batches, reached

BEGIN = "<!-- speed: written by `python -m tests.benchmarks.contests.speed_table` from results/benchmarks -->"
CELL_BEGIN = "<!-- speed -->"
END = "<!-- end of speed -->"
README = ROOT / "README.md"
RESULTS = ROOT / "results" / "benchmarks"
SPEED_PAGE = RESULTS / "README.md"
# Contests against the published algorithm, and what their work is in the README's words.
_PUBLISHED = {"whole-record": "from millivolts to tokens", "preprocessing": "filters", "training-published": "training"}
LARGE_FILE = "large_corpora.csv"
LEAST_LARGE = 9e6  # symbols; the smaller corpora are in the file and its figures


def speed_block(folder: Path = RESULTS) -> str:
    """The block from marker to marker."""
    rows = read_rows(folder / CONTESTS_FILE)
    lines = [BEGIN, "", *_machine(rows[0]), "", *_ratios(rows), ""]
    if (folder / LARGE_FILE).exists():
        lines += [*_large(read_rows(folder / LARGE_FILE)), ""]
    if (folder / SLOPES_FILE).exists():
        lines += [_slopes(folder / SLOPES_FILE), ""]
    lines += [
        "![throughput](throughput.png)",
        "",
        "![time against length](linear_cost.png)",
        "",
        END,
    ]
    return "\n".join(lines)


def speed_cell(folder: Path = RESULTS) -> str:
    """The README's cell, from marker to marker: how many times as fast as this project's port of the published code.

    Raises
    ------
    ValueError
        If a contest with the published algorithm has no figures.
    """
    rows = read_rows(folder / CONTESTS_FILE)
    parts = []
    for contest, work in _PUBLISHED.items():
        peers = [
            row for row in rows if row.contest == contest and row.contestant.startswith("published") and not row.skipped
        ]
        if not peers:
            raise ValueError(f"{CONTESTS_FILE}: expected figures of contest {contest} for the published algorithm")
        parts.append(f"{work} {float(f'{peers[0].ratio:.3g}'):,.4g} times")
    return f"{CELL_BEGIN}{', '.join(parts)} as fast{END}"


def with_block(page: str, block: str) -> str:
    """`page` with `block` in the place of the one that it holds.

    Raises
    ------
    ValueError
        If the block's markers do not each stand in it once, in order.
    """
    begin_mark = next(mark for mark in (BEGIN, CELL_BEGIN) if block.startswith(mark))
    before, begin, rest = page.partition(begin_mark)
    _, end, after = rest.partition(END)
    if not begin or not end or begin_mark in rest or END in after:
        raise ValueError(f"page: expected {begin_mark!r} and then {END!r}, once each")
    return before + block + after


def pages(folder: Path = RESULTS) -> dict[Path, str]:
    """The pages with their blocks made again."""
    blocks = {SPEED_PAGE: speed_block(folder), README: speed_cell(folder)}
    return {path: with_block(path.read_text(encoding="utf-8"), block) for path, block in blocks.items()}


def _machine(row: BenchmarkRow) -> Iterator[str]:
    yield (
        f"One run ({row.date[:10]}, scale `{row.scale}`) on {row.cpu}, {row.cores} cores, {row.compiler}, "
        f"{row.python}, instructions: {row.instructions}. One thread unless said, medians of interleaved "
        "rounds, quartiles of the ratios of single rounds in brackets."
    )


def _ratios(rows: list[BenchmarkRow]) -> Iterator[str]:
    yield "| work | ecgbyte | fastest of the others | times as fast | asked for |"
    yield "| --- | ---: | --- | ---: | ---: |"
    for entry in reached(rows):
        yield _ratio(entry)
    for row in in_batches(rows):
        speed, aim = row.symbols_per_second / 1e6, BATCH_AIM[1] / 1e6
        yield f"| {row.work} | {duration(row.seconds)} | | {speed:.0f} million symbols/s | aim {aim:.0f} |"


def _ratio(entry: Reached) -> str:
    first, other, target = entry.first, entry.fastest, entry.target
    name = "one thread" if other.contestant == first.contestant else f"{other.contestant} {_version(other)}".strip()
    aim = f" (aim {target.aim:g})" if target.aim else ""
    return (
        f"| {first.work}{_noise(first)} | {duration(first.seconds)} | {name}: {duration(other.seconds)} | "
        f"{other.ratio:.3g} [{other.ratio_lower:.3g}, {other.ratio_upper:.3g}] | {target.least:g}{aim} |"
    )


def _version(row: BenchmarkRow) -> str:
    return "" if "port" in row.contestant else row.version


def _noise(row: BenchmarkRow) -> str:
    return ", adverse noise" if row.corpus.startswith("N:") else ""


def _large(rows: list[BenchmarkRow]) -> Iterator[str]:
    yield "| training on large corpora | symbols | time | memory over the input, bytes a symbol | others (memory) |"
    yield "| --- | ---: | ---: | ---: | --- |"
    for row in rows:
        if row.skipped or not row.merges or row.symbols < LEAST_LARGE or not row.contestant.startswith("ecgbyte"):
            continue
        measured = [peer for peer in rows if peer.contest == row.contest and not peer.skipped]
        others = [peer for peer in measured if not peer.contestant.startswith("ecgbyte")]
        if row.contestant != "ecgbyte":  # they stand beside the array in memory, which is the form they take
            others = []
        told = ", ".join(f"{peer.contestant} {duration(peer.seconds)}{_memory(peer, ' (%s)')}" for peer in others)
        threads = f", {row.threads} threads" if row.threads > 1 else ""
        name = f"{row.contestant}, {row.merges:,} merges{threads}"
        yield f"| {name} | {row.symbols:,} | {duration(row.seconds)} | {_memory(row, '%s')} | {told} |"


def _memory(row: BenchmarkRow, form: str) -> str:
    return "" if math.isnan(row.peak_bytes) else form % f"{row.peak_bytes / row.symbols:.2f}"


def _slopes(path: Path) -> str:
    worst: dict[str, tuple[float, str, float]] = {}
    slopes = read_slopes(path)
    for slope in slopes:
        worst[slope.kernel] = max(worst.get(slope.kernel, (0.0, "", 0.0)), (slope.slope, slope.input, slope.target))
    parts = [
        f"{kernel} {slope:.2f} ({name} input; at most {target:g} asked for)"
        for kernel, (slope, name, target) in worst.items()
    ]
    lengths = f"{slopes[0].shortest:,} to {slopes[0].longest:,} symbols"
    return f"Time grows linearly with length: steepest slopes in log-log from {lengths}: {', '.join(parts)}."


if __name__ == "__main__":
    for path, text in pages().items():
        write_atomically(path, text)
