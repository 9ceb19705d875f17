"""Training on large corpora: all of PTB-XL (6.5e8 symbols) and the paper's own size (200,000 ECGs, 6e9 symbols).

::

    python -m tests.benchmarks.large_corpora prepare --ptbxl DIR --folder WORK    # 3.3 GB
    python -m tests.benchmarks.large_corpora repeat --folder WORK                 # 6 GB
    python -m tests.benchmarks.large_corpora train WORK/symbols.npy               # all of PTB-XL
    python -m tests.benchmarks.large_corpora train WORK/repeated.npy
    python -m tests.benchmarks.large_corpora scaling WORK/repeated.npy --peers    # time and memory against size
    python -m tests.benchmarks.large_corpora draw

Each command can be stopped and started again. Rows and figures go to ``results/benchmarks`` (``--results``). Linux
only: memory is read from /proc.
"""

from __future__ import annotations

import argparse
import itertools
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from tqdm import tqdm

from tests.benchmarks.machine import usable_cores
from tests.benchmarks.rows import BenchmarkRow, read_rows

from .contests import ROOT, bandwidth_row, keep, records_for, train_measured
from .figures import draw
from .recordings import SYMBOLS_FILE, prepare
from .repeated import repeat
from .training import OURS, PEERS

RESULTS = ROOT / "results" / "benchmarks"
RESULTS_FILE = "large_corpora.csv"
REPEATED_FILE = "repeated.npy"
SIZES = (1e5, 1e6, 1e7, 1e8)
PEER_SIZES = (1e6, 1e7)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m tests.benchmarks.large_corpora",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--results", type=Path, default=RESULTS, help="where rows and figures go")
    parser.add_argument("--processes", type=int, default=usable_cores(), help="for preparing and checking")
    parser.add_argument(
        "--scale", default="full", choices=["smoke", "default", "full"], help="as written into the rows"
    )
    commands = parser.add_subparsers(dest="command", required=True)
    preparing = commands.add_parser("prepare", help="preprocess PTB-XL and write its symbols")
    preparing.add_argument("--ptbxl", type=Path, required=True, help="the folder of PTB-XL as published")
    preparing.add_argument("--folder", type=Path, required=True)
    preparing.add_argument("--sampling-rate", type=int, default=100, choices=[100, 500], help="of the originals")
    preparing.add_argument("--max-records", type=int)
    repeating = commands.add_parser("repeat", help="repeat the prepared recordings with added noise")
    repeating.add_argument("--folder", type=Path, required=True)
    repeating.add_argument("--records", type=int, default=200_000)
    repeating.add_argument("--noise-mv", type=float, default=0.01, help="standard deviation, from the second turn on")
    repeating.add_argument("--seed", type=int, default=0)
    training = commands.add_parser("train", help="train on a whole file")
    training.add_argument("corpus", type=Path)
    training.add_argument("--form", default=OURS[2], choices=OURS)
    training.add_argument("--symbols", type=float, default=float("inf"), help="only whole records of the first so many")
    scaling = commands.add_parser("scaling", help="train on growing parts of a file")
    scaling.add_argument("corpus", type=Path)
    scaling.add_argument("--sizes", type=float, nargs="+", default=SIZES)
    scaling.add_argument("--peers", action="store_true", help=f"also {', '.join(PEERS)}")
    scaling.add_argument("--peer-sizes", type=float, nargs="+", default=PEER_SIZES)
    for command in (training, scaling):
        command.add_argument("--merges", type=int, default=3500)
        command.add_argument("--again", action="store_true", help="measure again what is in the results")
    commands.add_parser("draw", help="draw the figures anew")
    return parser


def _measure(options: argparse.Namespace, wanted: Sequence[tuple[str, float]]) -> None:
    """Measure (contestant, symbols) one by one; keep each row at once."""
    file = options.results / RESULTS_FILE
    known = {row.key for row in read_rows(file)} if file.exists() and not options.again else set()
    keep(file, bandwidth_row(options.scale))
    length = np.load(options.corpus, mmap_mode="r").shape[1]
    for contestant, symbols in tqdm(wanted, desc="training", unit=" runs", file=sys.stderr):
        records = records_for(options.corpus, symbols)
        if (f"corpus-size-{records * length}", contestant, 1) not in known:
            row = train_measured(
                options.corpus,
                contestant,
                records,
                options.merges,
                scale=options.scale,
                processes=options.processes,
            )
            keep(file, row)
            print(_line(row), flush=True)
    for path in draw(read_rows(file), options.results):
        print(f"wrote {path}")


def _line(row: BenchmarkRow) -> str:
    if row.skipped:
        return f"{row.contestant}, {row.symbols} symbols: skipped, {row.skipped}"
    return (
        f"{row.contestant}, {row.symbols} symbols: {row.seconds:.4f} s, "
        f"{row.peak_bytes / row.symbols:.2f} bytes a symbol above the input; {row.note}"
    )


def main(arguments: Sequence[str] | None = None) -> None:
    options = _parser().parse_args(arguments)
    if options.command == "prepare":
        prepare(
            options.ptbxl,
            options.folder,
            sampling_rate=options.sampling_rate,
            max_records=options.max_records,
            processes=options.processes,
        )
        print(f"wrote {options.folder / SYMBOLS_FILE}")
    elif options.command == "repeat":
        repeat(
            options.folder,
            options.folder / REPEATED_FILE,
            records=options.records,
            noise_mv=options.noise_mv,
            seed=options.seed,
            processes=options.processes,
        )
        print(f"wrote {options.folder / REPEATED_FILE}")
    elif options.command == "train":
        _measure(options, [(options.form, options.symbols)])
    elif options.command == "scaling":
        wanted = list(itertools.product(OURS, options.sizes))
        if options.peers:
            wanted += itertools.product(PEERS, options.peer_sizes)
        _measure(options, sorted(wanted, key=lambda run: run[1]))
    else:
        for path in draw(read_rows(options.results / RESULTS_FILE), options.results):
            print(f"wrote {path}")
