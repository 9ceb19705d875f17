"""From WFDB files to prepared records on disk, beside the published steps and plain wfdb, SciPy and multiprocessing.

    python -m tests.benchmarks.preparing PTB_XL_FOLDER --write

PTB_XL_FOLDER is the published folder with ``records500``, since the published steps work at 500 Hz alone. Everybody
gives signals at 250 Hz. What ecgbyte prepares is compared with the same steps written out in SciPy and PyWavelets.
Processor time counts all processes, so it can be told from what else the machine does; wall time is given beside it.
"""

from __future__ import annotations

import argparse
import csv
import dataclasses
import io
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from multiprocessing import get_context
from pathlib import Path

import numpy as np

from tests.benchmarks.contests.published_chain import corrected_chain, published_chain
from tests.benchmarks.machine import describe_machine

ROOT = Path(__file__).resolve().parent.parent.parent
RESULTS = ROOT / "results" / "benchmarks" / "preparing.csv"
TOLERANCE_MV = 1.5e-3  # the contest of the chain alone allows 1e-3, a shard is off by half a step
COLUMNS = (
    "contestant",
    "records",
    "processes",
    "rounds",
    "cpu_seconds",
    "wall_seconds",
    "records_per_cpu_second",
    "cpu_ratio",
    "bytes_per_record",
    "check",
)
ABOUT = ("cpu", "cores", "python", "numpy", "commit", "date", "load_average")


def published_record(stem: str, target: str) -> None:
    """One record as the published code does it: wfdb, its filters, a pickled dictionary in an ``.npy`` file."""
    import wfdb

    samples, fields = wfdb.rdsamp(stem)
    filtered = published_chain(samples)
    np.save(target, {"ecg": filtered.T, "fs": 250, "leads": fields["sig_name"]}, allow_pickle=True)


def plain_record(stem: str, target: str) -> None:
    """One record with wfdb and SciPy, without the faults of the published steps, in an ``.npy`` file."""
    import wfdb

    samples, _ = wfdb.rdsamp(stem)
    np.save(target, corrected_chain(np.ascontiguousarray(samples.T)).astype(np.float32))


def with_pool(work: Callable[[str, str], None], processes: int) -> Callable[[Sequence[str], Path], None]:
    """Do the records one after another, or by a pool of processes."""

    def run(stems: Sequence[str], folder: Path) -> None:
        pairs = [(stem, str(folder / f"{Path(stem).name}.npy")) for stem in stems]
        if processes == 1:
            for pair in pairs:
                work(*pair)
            return
        with get_context("spawn").Pool(processes) as pool:
            pool.starmap(work, pairs, chunksize=16)

    return run


def with_ecgbyte(processes: int) -> Callable[[Sequence[str], Path], None]:
    """``ecgbyte prepare`` on the same records, blocks of 64."""

    def run(stems: Sequence[str], folder: Path) -> None:
        from ecgbyte.prepared.preparation import prepare
        from ecgbyte.prepared.settings import PreparationSettings
        from ecgbyte.prepared.sources import RecordSource
        from ecgbyte.prepared.storage import Storage
        from ecgbyte.signals.preprocess import Preprocessor

        sources = [RecordSource(Path(stem).name, f"{stem}.hea", f"{Path(stem).name}.hea") for stem in stems]
        settings = PreparationSettings(Preprocessor(target_rate=250), keep_flat_leads=True, records_per_shard=64)
        prepare(sources, settings, Storage(folder), workers=processes, progress=False)

    return run


CONTESTANTS: dict[str, tuple[Callable[[Sequence[str], Path], None], int]] = {
    "ecgbyte prepare": (with_ecgbyte(1), 1),
    "ecgbyte prepare, 2 processes": (with_ecgbyte(2), 2),
    "wfdb, SciPy and multiprocessing": (with_pool(plain_record, 2), 2),
    "published steps (port)": (with_pool(published_record, 1), 1),
}


def check(stems: Sequence[str], folder: Path) -> str:
    """Compare what ecgbyte prepared with the steps written out; returns what was checked."""
    import wfdb

    from ecgbyte.prepared.folder import PreparedFolder

    prepared = PreparedFolder(folder)
    left_out = prepared.manifest["counts"]["rejected"]
    worst, compared = 0.0, 0
    for stem in stems[:: max(1, len(stems) // 20)]:
        record = prepared.read(Path(stem).name)
        expected = corrected_chain(np.ascontiguousarray(wfdb.rdsamp(stem)[0].T))
        if not any(remark.reason == "constant padding" for remark in record.remarks):
            worst = max(worst, float(np.abs(record.signal - expected).max()))
            compared += 1
    assert worst <= TOLERANCE_MV and not left_out, (worst, left_out)
    return f"{compared} records within {worst:.2g} mV of the same steps in SciPy and PyWavelets; none rejected"


def processor_seconds() -> float:
    """Of this process and all that it waited for."""
    own, others = resource.getrusage(resource.RUSAGE_SELF), resource.getrusage(resource.RUSAGE_CHILDREN)
    return own.ru_utime + own.ru_stime + others.ru_utime + others.ru_stime


def one_round(name: str, stems: Sequence[str], folder: Path) -> None:
    """What a process of its own measures, so that imports count for all alike."""
    start, wall = processor_seconds(), time.perf_counter()
    CONTESTANTS[name][0](stems, folder)
    print(processor_seconds() - start, time.perf_counter() - wall)


def measured(name: str, root: Path, records: int, folder: Path) -> tuple[float, float]:
    """Processor and wall seconds of one round, in a new process."""
    command = [sys.executable, "-m", "tests.benchmarks.preparing", str(root), "--records", str(records)]
    command += ["--round", name, "--output", str(folder)]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    done = subprocess.run(command, cwd=ROOT, env=environment, check=True, capture_output=True, text=True)
    processor, wall = done.stdout.split()
    return float(processor), float(wall)


def stems_in(root: Path, records: int) -> list[str]:
    """The first records at 500 Hz, without those that are duplicates of others."""
    from ecgbyte.data.sets.ptbxl import REMOVED_DUPLICATES

    found = sorted(str(header.with_suffix("")) for header in (root / "records500").rglob("*.hea"))
    return [stem for stem in found if int(Path(stem).name.partition("_")[0]) not in REMOVED_DUPLICATES][:records]


def main() -> None:
    """Hold the contest and print, or write, its table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("root", type=Path, help="PTB-XL with records500")
    parser.add_argument("--records", type=int, default=200)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--write", action="store_true", help=f"write {RESULTS.relative_to(ROOT)}")
    parser.add_argument("--round", choices=CONTESTANTS, help=argparse.SUPPRESS)
    parser.add_argument("--output", type=Path, help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    stems = stems_in(chosen.root, chosen.records)
    if chosen.round is not None:
        one_round(chosen.round, stems, chosen.output)
        return
    times: dict[str, list[tuple[float, float]]] = {name: [] for name in CONTESTANTS}
    sizes, checked = {}, ""
    with tempfile.TemporaryDirectory() as place:
        for number in range(chosen.rounds):
            for name in CONTESTANTS:  # in turn, so that what else the machine does falls on all
                folder = Path(place, f"{number}-{name}".replace(" ", "-"))
                folder.mkdir()
                times[name].append(measured(name, chosen.root, chosen.records, folder))
                sizes[name] = sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())
                if name.startswith("ecgbyte") and number == 0:
                    checked = check(stems, folder)
    about = dataclasses.asdict(describe_machine("full"))
    base = float(np.median([processor for processor, _ in times["ecgbyte prepare"]]))
    stream = io.StringIO()
    writer = csv.DictWriter(stream, (*COLUMNS, *ABOUT), lineterminator="\n")
    writer.writeheader()
    for name, rounds in times.items():
        processor, wall = (float(np.median(column)) for column in zip(*rounds, strict=True))
        writer.writerow(
            {
                "contestant": name,
                "records": len(stems),
                "processes": CONTESTANTS[name][1],
                "rounds": len(rounds),
                "cpu_seconds": f"{processor:.3f}",
                "wall_seconds": f"{wall:.3f}",
                "records_per_cpu_second": f"{len(stems) / processor:.1f}",
                "cpu_ratio": f"{processor / base:.2f}",
                "bytes_per_record": round(sizes[name] / len(stems)),
                "check": checked if name.startswith("ecgbyte") else "",
                **{column: about[column] for column in ABOUT},
            }
        )
    print(stream.getvalue())
    if chosen.write:
        RESULTS.write_text(stream.getvalue(), encoding="utf-8")


if __name__ == "__main__":
    main()
