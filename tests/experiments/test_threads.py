"""Threads change the bits of sums, so every process of the harness has one, whatever the environment says."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
CODE = """
import sys, torch
from pathlib import Path
from experiments.profiles.profile import read_profile
from experiments.run import open_study
open_study(read_profile("smoke"), Path(sys.argv[1]), {})
print(torch.get_num_threads())
"""


@pytest.mark.parametrize("threads", ["1", "3", "3,2"])
def test_one_thread_whatever_the_environment_says(threads: str, tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", CODE, str(tmp_path)],
        cwd=ROOT,
        env={**os.environ, "OMP_NUM_THREADS": threads, "MKL_NUM_THREADS": "3"},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout == "1\n"
