"""A run that the system kills at any moment goes on, and ends with the same bits."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_runs_killed_again_and_again_end_with_the_same_bits(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "tests.training.killed_runs", str(tmp_path), "11"],
        cwd=ROOT,
        env={**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": str(ROOT), "CUDA_VISIBLE_DEVICES": ""},
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found["kills"]["time"] >= 1 and found["kills"]["write"] >= 4, found["kills"]
    assert found["whole"]["files"] == ["model.safetensors", "training.json"]
    assert found["time"] == found["whole"]
    assert found["write"] == found["whole"]
