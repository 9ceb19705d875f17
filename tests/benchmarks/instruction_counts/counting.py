"""Instruction counts of fixed inputs, held to the committed figures: a gate for speed that no busy machine disturbs.

``python -m tests.benchmarks.instruction_counts`` (``tox -e instructions``) counts with valgrind's callgrind the work of
`tests.benchmarks.instruction_counts.work`, once in the portable loops and once in the AVX2 ones. It fails where

- a count differs by more than 3 % from ``figures.csv``, in either direction: a faster kernel renews the
  figures too (``--write``), so that they stay true;
- cost grows faster than the input: from 4 n to 16 n symbols the slope of log(instructions) over log(symbols) may be 1.1
  at most, 1.2 for training and from signal to ids, on ECG-like, constant and periodic input; and from n to 4 n symbols,
  where long sequences begin to be cut into pieces, the instructions a symbol may double, since pieces that cannot be
  joined (those of a constant input meet nowhere) are encoded once more;
- the portable and the AVX2 loops give different bytes.

Counts depend on the compiler and, a little, on the Python that calls the kernels. Where either differs from what the
figures were recorded with, they are not compared, and the report says so; slopes and bytes are checked all the same.
Without valgrind nothing can be counted: the exit status is then 0 with a notice, or 1 with ``--require-valgrind``.
"""

from __future__ import annotations

import argparse
import csv
import io
import itertools
import json
import math
import os
import platform
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, fields
from pathlib import Path

from ecgbyte._ext import symbols as built_kernel
from ecgbyte.files import write_atomically

FIGURES = Path(__file__).with_name("figures.csv")
ROOT = Path(__file__).resolve().parents[3]
INSTRUCTION_SETS = ("portable", "avx2")
TOLERANCE_PERCENT = 3
# Leads of 40,000 samples fill six of the matcher's eight lanes, leads of 160,000 five: no growth, but a slope.
STEEPEST = {"training": 1.2, "signal to ids": 1.2}
STEEPEST_OTHERS = 1.1
LARGEST_STEP = 2.0
# Where samples lie exactly on the borders of symbols, blocks of them are computed twice, by loops whose first and last
# turns depend on where arrays happen to lie in memory (3 % were seen). Those counts are told, not compared.
WORK_ON_SAMPLES, INPUTS_OFF_BORDERS = ("symbols", "signal to ids"), ("ecg-like",)
RENEW = "python -m tests.benchmarks.instruction_counts --write"


@dataclass(frozen=True)
class Count:
    """Instructions of one call on one input, and what they were counted with."""

    work: str
    input: str
    symbols: int
    instruction_set: str
    instructions: int
    compiler: str
    python: str
    valgrind: str

    @property
    def what(self) -> tuple[str, str, int, str]:
        """What was counted: the same in the committed figures and in a new run."""
        return self.work, self.input, self.symbols, self.instruction_set


def built_with(extension: Path) -> str:
    """The compiler that built an extension module, such as ``GCC 12.2.0``, from the note that it leaves in the file."""
    content = extension.read_bytes()
    if found := re.search(rb"clang version (\d[\w.]*)", content):
        return f"clang {found[1].decode()}"
    if found := re.search(rb"GCC: \([^)]*\) (\d[\w.]*)", content):
        return f"GCC {found[1].decode()}"
    return "unknown"


def instructions_of(profile: Path) -> int:
    """The total that callgrind wrote into one of its files."""
    found = re.search(r"^totals: (\d+)$", profile.read_text(encoding="utf-8"), flags=re.MULTILINE)
    if not found:
        raise ValueError(f"{profile}: no line of totals, expected a file of callgrind")
    return int(found[1])


def count_instructions(instruction_set: str, valgrind: str) -> tuple[list[Count], list[str]]:
    """Run the work under callgrind: the counts, and the fingerprints of the results in the same order."""
    environment = {key: value for key, value in os.environ.items() if not key.startswith(("ECGBYTE_", "PYTHON"))}
    path = os.pathsep.join([str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])])
    environment |= {"ECGBYTE_INSTRUCTIONS": instruction_set, "PYTHONHASHSEED": "0", "PYTHONPATH": path}
    environment |= {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
    with tempfile.TemporaryDirectory() as folder:
        profile = Path(folder, "profile")
        command = [valgrind, "--tool=callgrind", "--dump-before=getppid", f"--callgrind-out-file={profile}"]
        command += [sys.executable, "-m", "tests.benchmarks.instruction_counts.work"]
        done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True)
        if done.returncode != 0:
            raise RuntimeError(f"the counted work failed with status {done.returncode}:\n{done.stderr}")
        works = json.loads(done.stdout)
        # File 2 k - 1 ends where work k begins (counting from 1), file 2 k where it ends.
        written = len(list(profile.parent.glob("profile.*")))
        if written != 2 * len(works):
            raise RuntimeError(f"callgrind wrote {written} files for {len(works)} works, expected two for each")
        totals = [instructions_of(profile.with_name(f"profile.{2 * k}")) for k in range(1, len(works) + 1)]
    version = subprocess.run([valgrind, "--version"], capture_output=True, text=True, check=True).stdout.strip()
    made_by = (built_with(Path(built_kernel.__file__)), platform.python_version().rpartition(".")[0], version)
    counts = [
        Count(work, name, symbols, instruction_set, total, *made_by)
        for (work, name, symbols, _), total in zip(works, totals, strict=True)
    ]
    return counts, [made for *_, made in works]


def longest(counts: Iterable[Count]) -> list[Count]:
    """The counts of the longest inputs: those that are committed."""
    counts = list(counts)
    most = max(count.symbols for count in counts)
    return [count for count in counts if count.symbols == most]


def steep_costs(counts: Sequence[Count]) -> list[str]:
    """Where cost grows faster than the input, one line for each; between every two lengths, not only on average.

    From the last length but one to the last by the slope, before that by the factor of instructions a symbol.
    """
    lines: dict[tuple[str, str, str], list[Count]] = {}
    for count in counts:
        lines.setdefault((count.work, count.input, count.instruction_set), []).append(count)
    found = []
    for (work, name, instruction_set), line in lines.items():
        line.sort(key=lambda count: count.symbols)
        for short, long in itertools.pairwise(line):
            growth, longer = long.instructions / short.instructions, long.symbols / short.symbols
            if long is line[-1]:
                measure, found_here, most = (
                    "slope",
                    math.log(growth) / math.log(longer),
                    STEEPEST.get(work, STEEPEST_OTHERS),
                )
            else:
                measure, found_here, most = "instructions a symbol grow by a factor of", growth / longer, LARGEST_STEP
            if found_here > most:
                found.append(
                    f"{work}, {name}, {instruction_set}: {measure} {found_here:.3f} from {short.symbols} to "
                    f"{long.symbols} symbols, expected at most {most}"
                )
    return found


def differing_makers(committed: Sequence[Count], counted: Sequence[Count]) -> list[str]:
    """Why the counts cannot be held to the committed figures, one line for each reason."""
    return [
        f"the figures were recorded with {maker} {before}, this is {now}"
        for maker in ("compiler", "python")
        for before, now in [(getattr(committed[0], maker), getattr(counted[0], maker))]
        if before != now
    ]


def changed_counts(committed: Sequence[Count], counted: Sequence[Count]) -> list[str]:
    """Counts that left the tolerance, and work that only one of the two has, one line for each."""
    before = {count.what: count for count in committed}
    found = []
    for count in counted:
        name = ", ".join(map(str, count.what[:2])) + f", {count.instruction_set}"
        known = before.pop(count.what, None)
        if known is None:
            found.append(f"{name}: not among the committed figures")
            continue
        change = count.instructions / known.instructions - 1
        if count.work in WORK_ON_SAMPLES and count.input not in INPUTS_OFF_BORDERS:
            continue
        if 100 * abs(count.instructions - known.instructions) > TOLERANCE_PERCENT * known.instructions:
            found.append(f"{name}: {count.instructions:,} instructions, {change:+.1%} against {known.instructions:,}")
    sets = {count.instruction_set for count in counted}
    found += [f"{', '.join(map(str, what))}: not counted" for what in before if what[3] in sets]
    return found


def read_figures(path: Path) -> list[Count]:
    with path.open(encoding="utf-8", newline="") as stream:
        rows = csv.DictReader(stream)
        return [Count(**row | {key: int(row[key]) for key in ("symbols", "instructions")}) for row in rows]


def write_figures(path: Path, counts: Sequence[Count]) -> None:
    text = io.StringIO()
    writer = csv.DictWriter(text, [field.name for field in fields(Count)], lineterminator="\n")
    writer.writeheader()
    writer.writerows(map(asdict, counts))
    write_atomically(path, text.getvalue())


def usable_sets() -> list[str]:
    """The instruction sets that can be counted here: callgrind offers AVX2 where the machine has it."""
    cpu = Path("/proc/cpuinfo")
    has_avx2 = cpu.exists() and re.search(r"^flags\s*:.*\bavx2\b", cpu.read_text(), flags=re.MULTILINE) is not None
    return [name for name in INSTRUCTION_SETS if has_avx2 or name == "portable"]


def report(counts: Sequence[Count]) -> None:
    for count in counts:
        per_symbol = count.instructions / count.symbols
        print(f"{count.work:22} {count.input:9} {count.instruction_set:9} {count.instructions:13,} {per_symbol:9.2f}")


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.instruction_counts", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("--write", action="store_true", help=f"renew {FIGURES.name} with what is counted now")
    parser.add_argument("--require-valgrind", action="store_true", help="fail where valgrind is not installed")
    options = parser.parse_args(arguments)
    valgrind = shutil.which("valgrind")
    if valgrind is None:
        print(
            "NOTICE: instructions are NOT counted: valgrind is not installed",
            file=sys.stderr,
        )
        return 1 if options.require_valgrind or options.write else 0
    sets = usable_sets()
    with ThreadPoolExecutor(len(sets)) as pool:
        results = list(pool.map(lambda name: count_instructions(name, valgrind), sets))
    every = [count for counts, _ in results for count in counts]
    counted = longest(every)
    print(f"{counted[0].compiler}, Python {counted[0].python}, {counted[0].valgrind}; instructions, and each symbol")
    report(counted)
    problems = steep_costs(every)
    if any(made != results[0][1] for _, made in results):
        problems.append("the instruction sets give different bytes")
    if options.write:
        if len(sets) < len(INSTRUCTION_SETS):
            print("ERROR: figures are written on a machine with AVX2 only", file=sys.stderr)
            return 1
        write_figures(FIGURES, counted)
        print(f"wrote {FIGURES}")
    else:
        committed = read_figures(FIGURES)
        if differing := differing_makers(committed, counted):
            print(f"NOTICE: counts are NOT compared with {FIGURES.name}: {'; '.join(differing)}", file=sys.stderr)
        else:
            if len(sets) < len(INSTRUCTION_SETS):
                print("NOTICE: the AVX2 loops are NOT counted: this machine has none", file=sys.stderr)
            changed = changed_counts(committed, counted)
            problems += changed
            if changed:
                problems.append(f"beyond {TOLERANCE_PERCENT} % of {FIGURES.name}; if that is meant, renew it: {RENEW}")
    for problem in problems:
        print(f"ERROR: {problem}", file=sys.stderr)
    return 1 if problems else 0
