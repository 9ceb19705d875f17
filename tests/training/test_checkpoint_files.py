"""Checkpoints whose JSON was altered: what is missing is named, with its file."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch

from ecgbyte.training.checkpoints import Progress, load_checkpoint, load_finished, save_checkpoint, save_finished

PROGRESS = Progress(2, 1.5, 30, 4, [0.5, 0.25], [1e-3, 1e-4])
IDENTITY = {"seed": 3}


def model_and_optimizer() -> tuple[torch.nn.Module, Any]:
    model = torch.nn.Linear(2, 1)
    return model, torch.optim.AdamW(model.parameters())


def alter(path: Path, *keys: str, value: Any = None) -> None:
    """Delete the key, or write another value."""
    content = json.loads(path.read_text())
    inner = content
    for key in keys[:-1]:
        inner = inner[key]
    if value is None:
        del inner[keys[-1]]
    else:
        inner[keys[-1]] = value
    path.write_text(json.dumps(content))


@pytest.mark.parametrize(
    "keys", [("format_version",), ("identity",), ("progress",), *(("progress", key) for key in vars(PROGRESS))]
)
def test_a_key_missing_from_a_checkpoint_is_named(keys: tuple[str, ...], tmp_path: Path) -> None:
    model, optimizer = model_and_optimizer()
    save_checkpoint(tmp_path, model, optimizer, PROGRESS, IDENTITY)
    assert load_checkpoint(tmp_path, model, optimizer, IDENTITY) == PROGRESS
    alter(tmp_path / "checkpoints" / "step-00000002" / "progress.json", *keys)
    with pytest.raises(ValueError, match=rf"progress\.json: .*{keys[-1]}"):
        load_checkpoint(tmp_path, model, optimizer, IDENTITY)


@pytest.mark.parametrize("key", ["format_version", "identity", "report"])
def test_a_key_missing_from_a_finished_run_is_named(key: str, tmp_path: Path) -> None:
    model, _ = model_and_optimizer()
    save_finished(tmp_path, model, {"steps": 2}, IDENTITY)
    assert load_finished(tmp_path, model, IDENTITY) == {"steps": 2}
    alter(tmp_path / "training.json", key)
    with pytest.raises(ValueError, match=rf"training\.json: .*{key}"):
        load_finished(tmp_path, model, IDENTITY)


@pytest.mark.parametrize("key", ["identity", "report"])
def test_a_part_that_is_no_object_is_named(key: str, tmp_path: Path) -> None:
    model, _ = model_and_optimizer()
    save_finished(tmp_path, model, {"steps": 2}, IDENTITY)
    alter(tmp_path / "training.json", key, value=[1])
    with pytest.raises(ValueError, match=rf"training\.json: {key}: expected an object, got list"):
        load_finished(tmp_path, model, IDENTITY)
