"""Jobs that are killed at moments chosen by a seed: ``python -m tests.faults.killing JOB FOLDER COUNT SEED``.

Started by `tests.faults.kills`. One process imports what is needed and forks; its children work and are killed by
SIGKILL, which no handler sees. Each time what was there before is whole, or what is new, and the same job done again
finishes with the bytes of one that was never stopped.
"""

from __future__ import annotations

import contextlib
import io
import json
import random
import shutil
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ecgbyte.cli import main as command
from tests.cli.cli_examples import QUICK, write_record
from tests.faults.moments import changes_of, in_child

_RECORDS = 6


def _ecgbyte(*arguments: object) -> None:
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()) as told:
        code = command([str(argument) for argument in arguments])
    if code != 1:  # one of the records is cut
        raise RuntimeError(f"exit {code}: {told.getvalue()}")


def _write_results(folder: Path, value: float) -> None:
    from experiments.profiles.profile import read_profile
    from experiments.report import results_folder
    from tests.experiments.report.test_results_folder import outcome

    # Figures and pages are drawn from the files that are written here.
    results_folder._draw_example = lambda *_: None  # type: ignore[assignment]
    results_folder.write_token_usage = lambda path, usages: path.write_text("{}")  # type: ignore[assignment]
    results_folder.write_ecgs = lambda path, *_: path.write_text("{}")  # type: ignore[assignment]
    results_folder.draw_results = lambda folder: []  # type: ignore[assignment]
    results_folder.write_results(outcome(folder.parent, value), read_profile("smoke"), folder / "results")


def _train(folder: Path, merges: str) -> None:
    (folder / "out").mkdir(exist_ok=True)
    _ecgbyte(
        "train", folder.parent / "records", "-o", folder / "out" / "tokenizer.json", *QUICK, "--num-merges", merges
    )


def _encode(folder: Path, tokenizer: str) -> None:
    _ecgbyte(
        "encode", folder.parent / "records", "-t", folder.parent / tokenizer, "-o", folder / "out", "--no-progress"
    )


def _prepare(folder: Path) -> None:
    options = ["--target-rate", "100", "--records-per-shard", "2", "--no-progress", "--no-estimate"]
    _ecgbyte("prepare", folder.parent / "records", "-o", folder / "out", *options)


# For each job: what was done before, and what is killed.
JOBS: dict[str, tuple[Callable[[Path], object], Callable[[Path], object]]] = {
    "train": (lambda folder: _train(folder, "10"), lambda folder: _train(folder, "30")),
    "encode": (lambda folder: _encode(folder, "old.json"), lambda folder: _encode(folder, "new.json")),
    "prepare": (lambda folder: None, _prepare),
    "results": (lambda folder: _write_results(folder, 20.0), lambda folder: _write_results(folder, 22.0)),
}


def contents(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()
    }


def check_whole(found: dict[str, bytes], old: dict[str, bytes], new: dict[str, bytes]) -> None:
    """Each file that has the name of a result is the old one or the new one, whole, and none is lost.

    Parameters
    ----------
    found, old, new : dict
        From a file's place to its bytes. Files of other names (those being written) are left out.

    Raises
    ------
    AssertionError
        If that is not so; names the file.
    """
    for name, data in found.items():
        if (name in old or name in new) and data not in (old.get(name), new.get(name)):
            raise AssertionError(f"{name}: {len(data)} bytes that are neither the old nor the new ones")
    lost = {name for name in old if name in new} - set(found)
    if lost:
        raise AssertionError(f"{', '.join(sorted(lost))}: was there before and is lost")


def _set_up(folder: Path) -> None:
    for seed in range(_RECORDS):
        write_record(folder / "records", f"r{seed}", seed)
    cut = folder / "records" / "r3.dat"
    cut.write_bytes(cut.read_bytes()[:500])
    for name, merges in (("old", "10"), ("new", "30")):
        _ecgbyte("train", folder / "records", "-o", folder / f"{name}.json", *QUICK, "--num-merges", merges)


def main(job: str, folder: Path, count: int, seed: int) -> dict[str, Any]:
    """Kill a job `count` times; returns how often at a change of a file, at a time, and how often it ended before."""
    generator = random.Random(seed)
    before, do = JOBS[job]
    _set_up(folder)
    for name in ("old", "whole"):
        (folder / name).mkdir()
    # What is imported here is there in every child.
    before(folder / "old")
    before(folder / "whole")
    started = time.perf_counter()
    changes = changes_of(lambda: do(folder / "whole"))
    took = time.perf_counter() - started
    old, whole = contents(folder / "old"), contents(folder / "whole")
    totals = {"at a change of a file": 0, "at a time": 0, "ended before": 0}
    place = folder / "tried"
    for turn in range(count):
        shutil.copytree(folder / "old", place)
        by_time = turn % 3 == 0
        moment: dict[str, Any] = (
            {"seconds": generator.uniform(0, took)} if by_time else {"calls": generator.randrange(changes)}
        )
        ended = in_child(lambda: do(place), **moment)
        totals["ended before" if ended else "at a time" if by_time else "at a change of a file"] += 1
        try:
            check_whole(contents(place), old, whole)
            in_child(lambda: do(place))
            if contents(place) != whole:
                raise AssertionError("done again, it ends with other files than one that was never stopped")
        except AssertionError as error:
            raise AssertionError(f"{job}, killed at {moment}: {error}") from error
        shutil.rmtree(place)
    return totals


if __name__ == "__main__":
    print(json.dumps(main(sys.argv[1], Path(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4]))))
