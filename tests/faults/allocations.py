"""Memory that runs out in the kernels: the right result or a MemoryError, nothing kept, and the next call works."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SOURCE = Path(__file__).with_name("failing_allocations.c")


def missing() -> str:
    """Why memory cannot be made to run out here; nothing where it can."""
    if not sys.platform.startswith("linux"):
        return "failing allocations are preloaded on Linux alone"
    return "" if shutil.which("gcc") else "no gcc to compile failing_allocations.c with"


def run_out(count: int) -> dict[str, tuple[int, int]]:
    """Let each of the first `count` allocations of every kind of call fail.

    Returns
    -------
    dict
        From the kind of call to how many times memory ran out, and how many of these calls gave the right result.

    Raises
    ------
    AssertionError
        If a call went wrong or the process ended; names the kind.
    """
    with tempfile.TemporaryDirectory(prefix="ecgbyte-faults-") as folder:
        library = Path(folder) / "failing_allocations.so"
        command = ["gcc", "-O1", "-fPIC", "-shared", "-o", str(library), str(SOURCE)]
        subprocess.run(command, check=True, capture_output=True)
        done = subprocess.run(
            [sys.executable, "-m", "tests.faults.allocating", str(count)],
            cwd=ROOT,
            env={**os.environ, "LD_PRELOAD": str(library), "PYTHONPATH": str(ROOT), "PYTHONMALLOC": "pymalloc"},
            capture_output=True,
            text=True,
        )
    if done.returncode != 0:
        raise AssertionError(f"exit {done.returncode} (below 0: by a signal):\n{done.stderr[-2000:]}")
    return {name: (times, right) for name, (times, right) in json.loads(done.stdout).items()}
