"""Several processes, really launched: gloo on CPUs."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from accelerate.state import AcceleratorState, GradientState
from safetensors.torch import load_file

from ecgbyte.training.processes import open_accelerator, process_seed
from tests.training.launched_run import plain_run

ROOT = Path(__file__).resolve().parents[2]


def launch(command: list[str], what: str, folder: Path) -> subprocess.CompletedProcess[str]:
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("ACCELERATE_", "FSDP_"))}
    environment |= {"OMP_NUM_THREADS": "1", "PYTHONPATH": str(ROOT), "CUDA_VISIBLE_DEVICES": ""}
    return subprocess.run(
        [sys.executable, "-m", *command, "-m", "tests.training.launched_run", what, str(folder)],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        timeout=300,
    )


def results(what: str, folder: Path) -> list[dict[str, Any]]:
    return [json.loads((folder / f"{what}-{rank}.json").read_text()) for rank in range(2)]


def test_two_processes_train_one_model_and_continue_after_a_kill(tmp_path: Path) -> None:
    torchrun = ["torch.distributed.run", "--nproc_per_node", "2", "--master_port", "0", "--rdzv-backend", "c10d"]
    torchrun += ["--rdzv-endpoint", "localhost:0"]
    killed = launch(torchrun, "killed", tmp_path)
    assert killed.returncode != 0 and "SIGKILL" in killed.stderr, killed.stderr
    assert [path.name for path in (tmp_path / "dropout" / "checkpoints").iterdir()] == ["step-00000002"]

    done = launch(torchrun, "processes", tmp_path)
    assert done.returncode == 0, done.stderr
    first, second = results("processes", tmp_path)
    # The same in both processes: weights, reports, and what is loaded from a finished run.
    assert first == second and not first["training_mode"]
    assert first["resumed_from_step"] == 2 and first["resumed"] == first["uninterrupted"]
    assert first["loaded"] == first["plain"] and first["loaded_report"] == first["plain_report"]
    assert sorted(path.name for path in (tmp_path / "plain").iterdir()) == ["model.safetensors", "training.json"]

    model, report = plain_run(None)
    found = first["plain_report"]
    assert (found["processes"], report.processes) == (2, 1)
    assert found["losses"] == pytest.approx(report.losses, rel=1e-5)
    assert found["learning_rates"] == report.learning_rates
    assert [point["step"] for point in found["validation"]] == [0, 3, 5]
    for mine, theirs in zip(report.validation, found["validation"], strict=True):
        assert theirs["loss"] == pytest.approx(mine["loss"], rel=1e-5)
        assert theirs["samples_seen"] == mine["samples_seen"]
    assert (found["positions"], found["samples_seen"]) == (report.positions, report.samples_seen)
    stored = load_file(tmp_path / "plain" / "model.safetensors")
    for name, value in model.named_parameters():
        torch.testing.assert_close(stored[name], value.detach(), rtol=1e-3, atol=2e-5)


def test_processes_that_were_not_joined_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    open_accelerator()
    monkeypatch.setenv("WORLD_SIZE", "2")
    with pytest.raises(ValueError, match="the launcher started 2, accelerate sees 1"):
        open_accelerator()


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("ACCELERATE_GRADIENT_ACCUMULATION_STEPS", "4", "TrainingSettings.gradient_accumulation decides"),
        ("ACCELERATE_MIXED_PRECISION", "bf16", "TrainingSettings.precision decides"),
        ("ACCELERATE_USE_FSDP", "true", "asks for FSDP, expected one process or several with DDP"),
    ],
)
def test_settings_of_a_launcher_that_would_change_results_are_refused(
    name: str, value: str, message: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(name, value)
    monkeypatch.setenv("FSDP_VERSION", "2")
    # Accelerate reads the launcher's settings once a process.
    AcceleratorState._reset_state(reset_partial_state=True)
    GradientState._reset_state()
    try:
        with pytest.raises(ValueError, match=message):
            open_accelerator()
    finally:
        AcceleratorState._reset_state(reset_partial_state=True)
        GradientState._reset_state()


def test_processes_draw_different_numbers_and_the_first_those_of_the_seed() -> None:
    seeds = [process_seed(7, index) for index in range(50)]
    assert seeds[0] == 7 and len(set(seeds)) == 50 and process_seed(8, 1) != seeds[1]
    assert all(isinstance(seed, int) and 0 <= seed < 2**32 for seed in np.array(seeds).tolist())
