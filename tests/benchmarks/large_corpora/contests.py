"""Training time and memory against the size of the corpus: every measurement in a fresh process, a row each in one CSV.

A row is kept as soon as it is there, so a run that was stopped goes on where it was.
"""

from __future__ import annotations

import dataclasses
import json
import math
import sys
import time
from collections.abc import Iterable
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from ecgbyte.files import fingerprint
from tests.benchmarks.machine import describe_machine, version_of
from tests.benchmarks.rows import BenchmarkRow, read_rows, write_rows

from .checks import check_first_merges, check_round_trips
from .memory import run_watched
from .training import OURS

ROOT = Path(__file__).resolve().parents[3]
CHECKED_MERGES = 3
# Corpora up to this size are trained on several times, for the spread.
REPEATED_UP_TO, ROUNDS = 2e7, 5
FEWEST_LOOKS = 10
CHECKED_RECORDS = 6
BANDWIDTH = "memory-bandwidth"


def records_for(corpus: Path, symbols: float) -> int:
    """How many whole records of a corpus come nearest below a number of symbols; at least 1."""
    rows, length = np.load(corpus, mmap_mode="r").shape
    return max(1, int(min(rows * length, symbols) // length))


def described(corpus: Path, records: int) -> tuple[str, str]:
    """The corpus in words, and a fingerprint of the records that are used: of 64 of them, which lie evenly apart."""
    mapped = np.load(corpus, mmap_mode="r")
    chosen = np.unique(np.linspace(0, records - 1, 64).astype(np.int64))
    made = corpus.with_suffix(".json")
    words = "PTB-XL, 100 Hz originals resampled to 250 Hz"
    if made.exists():
        how = json.loads(made.read_text(encoding="utf-8"))
        words += f", repeated with noise of {how['noise_mv']:g} mV"
    return f"{words}, {records} records", fingerprint(str(records), np.asarray(mapped[chosen]))


def train_measured(
    corpus: Path, contestant: str, records: int, merges: int, *, scale: str, processes: int
) -> BenchmarkRow:
    """Train once in a fresh process, check what was learnt, and return the row.

    ``peak_bytes`` is the memory above what was resident before the call: above the input, for those that hold it. For
    a memory map it is anonymous memory, for pages of the file are the system's.
    """
    words, corpus_fingerprint = described(corpus, records)
    symbols = records * np.load(corpus, mmap_mode="r").shape[1]
    rounds = ROUNDS if symbols <= REPEATED_UP_TO else 1
    with TemporaryDirectory() as folder:
        output = Path(folder, "merges.npy")
        command = [sys.executable, "-m", "tests.benchmarks.large_corpora.training", str(corpus), contestant]
        text, looks = run_watched([*command, str(records), str(merges), str(rounds), str(output)], ROOT)
        found = json.loads(text)
        learnt = np.load(output) if contestant in OURS else None
    row = BenchmarkRow(
        **dataclasses.asdict(describe_machine(scale)),
        contest=f"corpus-size-{symbols}",
        work=f"training, {merges} merges, {symbols} symbols",
        contestant=contestant,
        version=version_of("ecgbyte" if contestant in OURS else contestant),
        corpus=words,
        corpus_fingerprint=corpus_fingerprint,
        symbols=symbols,
        merges=merges,
        note=found["note"],
        skipped=found["skipped"],
    )
    if row.skipped:
        return row
    seen = [memory for when, memory in looks if found["begin"] <= when <= found["end"]]
    # Of a call that lasted a few looks only, the peak of the anonymous memory is not known.
    anonymous = max(seen) if len(seen) >= FEWEST_LOOKS else math.nan
    above = found["resident_peak"] - found["resident_before"]
    if contestant == "ecgbyte, memory map":
        above = anonymous - found["anonymous_before"]
    of_it = "" if math.isnan(anonymous) else f", anonymous {anonymous}"
    before = f"before {found['resident_before']} bytes"
    used = f"processor time {found['processor_seconds']:.4g} s"
    notes = [row.note, used, f"whole process, resident: peak {found['resident_peak']}, {before}{of_it}"]
    check = found["check"]
    if learnt is not None:
        check_first_merges(corpus, records, learnt[:CHECKED_MERGES], processes)
        chosen = np.linspace(0, records - 1, CHECKED_RECORDS).astype(np.int64)
        mapped = np.load(corpus, mmap_mode="r")
        check_round_trips((np.asarray(mapped[index]) for index in chosen), learnt)
        notes.append(f"merges {fingerprint(learnt)}")
        check = f"first {CHECKED_MERGES} merges counted by NumPy; {CHECKED_RECORDS} records encoded and decoded"
    return dataclasses.replace(
        row,
        **_times(found["seconds"]),
        symbols_per_second=symbols / float(np.median(found["seconds"])),
        peak_bytes=float(above),
        check=check,
        note="; ".join(filter(None, notes)),
    )


def _times(seconds: list[float]) -> dict[str, float | int]:
    """The columns of a row that tell the times of its rounds."""
    lower, median, upper = (float(value) for value in np.percentile(seconds, [25, 50, 75]))
    columns = {"seconds": median, "seconds_lower": lower, "seconds_upper": upper}
    return {"rounds": len(seconds), "calls": 1, "seconds_min": min(seconds), "seconds_max": max(seconds), **columns}


def bandwidth_row(scale: str) -> BenchmarkRow:
    """How fast NumPy reads an array that is larger than any cache; ``symbols`` are its bytes."""
    source = np.arange(1 << 26, dtype=np.int64)
    times = []
    for _ in range(5):
        begin = time.perf_counter()
        bits = int(np.bitwise_or.reduce(source))
        times.append(time.perf_counter() - begin)
    assert bits == source.size - 1
    return BenchmarkRow(
        **dataclasses.asdict(describe_machine(scale)),
        contest=BANDWIDTH,
        work="reading memory; symbols are bytes",
        contestant="read (NumPy)",
        version=version_of("numpy"),
        symbols=source.nbytes,
        **_times(times),
        symbols_per_second=source.nbytes / float(np.median(times)),
        ratio=1.0,
        check="the bits of the numbers",
    )


def with_ratios(rows: Iterable[BenchmarkRow]) -> list[BenchmarkRow]:
    """Fill the ratios, time over that of the first contestant of the same contest, and sort by size."""
    contests: dict[str, list[BenchmarkRow]] = {}
    for row in sorted(rows, key=lambda row: (row.contest != BANDWIDTH, row.symbols)):
        contests.setdefault(row.contest, []).append(row)
    finished = []
    for contest in contests.values():
        contest.sort(key=lambda row: (row.contestant not in OURS, row.contestant))
        first = contest[0].seconds
        for row in contest:
            ratio = row.seconds / first if math.isfinite(row.seconds) else math.nan
            finished.append(dataclasses.replace(row, ratio=ratio, ratio_lower=ratio, ratio_upper=ratio))
    return finished


def keep(path: Path, row: BenchmarkRow) -> None:
    """Write a row into the file of results, in the place of an earlier one with the same key."""
    rows = {earlier.key: earlier for earlier in (read_rows(path) if path.exists() else [])}
    rows[row.key] = row
    path.parent.mkdir(parents=True, exist_ok=True)
    write_rows(path, with_ratios(rows.values()))
