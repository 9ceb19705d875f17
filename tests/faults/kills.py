"""Jobs that are killed again and again: old or new, whole, and done again they end with the same bytes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
COMMANDS = ("train", "encode", "prepare", "results")


def missing() -> str:
    """Why nothing can be killed here; nothing where it can."""
    return "" if hasattr(os, "fork") else "needs fork"


def kill_command(job: str, count: int, seed: int) -> dict[str, int]:
    """Kill a job of the command line, or the writing of results, `count` times; see `tests.faults.killing`.

    Raises
    ------
    AssertionError
        If something was lost or half written, or other bytes came of it; says at which moment.
    """
    return _started("tests.faults.killing", job, count, seed)


def kill_training(count: int, seed: int) -> dict[str, int]:
    """Kill a training until it has ended, with one seed after another, until it was killed `count` times at least."""
    totals = {"at a change of a file": 0, "at a time": 0}
    while sum(totals.values()) < count:
        found = _started("tests.training.killed_runs", seed)
        if not found["time"] == found["write"] == found["whole"]:
            raise AssertionError(f"training, killed with seed {seed}: {found}")
        totals["at a change of a file"] += found["kills"]["write"]
        totals["at a time"] += found["kills"]["time"]
        seed += 1
    return totals


def _started(module: str, *arguments: object) -> Any:
    """What a module prints, started with a folder between its job, if it has one, and its numbers."""
    words = [word for word in arguments if isinstance(word, str)]
    numbers = [str(number) for number in arguments if not isinstance(number, str)]
    with tempfile.TemporaryDirectory(prefix="ecgbyte-faults-") as folder:
        done = subprocess.run(
            [sys.executable, "-m", module, *words, folder, *numbers],
            cwd=ROOT,
            env={**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": str(ROOT), "CUDA_VISIBLE_DEVICES": ""},
            capture_output=True,
            text=True,
        )
    if done.returncode != 0:
        raise AssertionError(done.stderr[-3000:])
    return json.loads(done.stdout)
