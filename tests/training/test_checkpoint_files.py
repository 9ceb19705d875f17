"""Checkpoints whose JSON was altered: what is missing is named, with its file."""

from __future__ import annotations

import errno
import json
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file

from ecgbyte.training.checkpoints import (
    Progress,
    load_checkpoint,
    load_finished,
    newest_checkpoint,
    read_progress,
    save_checkpoint,
    save_finished,
)
from ecgbyte.training.processes import open_accelerator

PROGRESS = Progress(2, 1.5, 30, 4, [0.5, 0.25], [1e-3, 1e-4])
IDENTITY = {"seed": 3}
FOLLOWING = {"epoch": 0, "step_of_epoch": 2, "examples": [4, 1], "learning_rate": 1e-3}


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
    "keys",
    [("format_version",), ("identity",), ("progress",), ("following",), *(("progress", key) for key in vars(PROGRESS))],
)
def test_a_key_missing_from_a_checkpoint_is_named(keys: tuple[str, ...], tmp_path: Path) -> None:
    model, optimizer = model_and_optimizer()
    save_checkpoint(tmp_path, model, optimizer, PROGRESS, IDENTITY, following=FOLLOWING, accelerator=open_accelerator())
    assert read_progress(tmp_path, 2, IDENTITY) == (PROGRESS, FOLLOWING)
    alter(tmp_path / "checkpoints" / "step-00000002" / "progress.json", *keys)
    with pytest.raises(ValueError, match=rf"progress\.json: .*{keys[-1]}"):
        read_progress(tmp_path, 2, IDENTITY)


def test_a_checkpoint_holds_safetensors_and_json_alone_and_gives_all_back(tmp_path: Path) -> None:
    model, optimizer = model_and_optimizer()
    model(torch.ones(1, 2)).sum().backward()
    optimizer.step()
    accelerator = open_accelerator()
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(8)
        save_checkpoint(tmp_path, model, optimizer, PROGRESS, IDENTITY, following=FOLLOWING, accelerator=accelerator)
        drawn = torch.rand(3)
    folder = tmp_path / "checkpoints" / "step-00000002"
    assert {path.suffix for path in folder.iterdir()} == {".safetensors", ".json"}
    moments = load_file(folder / "optimizer.safetensors")
    assert sorted(moments) == sorted(f"{n}.{q}" for n in ("weight", "bias") for q in ("step", "exp_avg", "exp_avg_sq"))
    other, other_optimizer = model_and_optimizer()
    with torch.random.fork_rng(devices=[]):
        load_checkpoint(tmp_path, 2, other, other_optimizer, accelerator=accelerator)
        assert torch.equal(torch.rand(3), drawn)
    assert torch.equal(other.weight, model.weight)
    for first, second in zip(model.parameters(), other.parameters(), strict=True):
        expected, found = optimizer.state[first], other_optimizer.state[second]
        assert expected.keys() == found.keys() == {"step", "exp_avg", "exp_avg_sq"}
        assert all(torch.equal(expected[key], found[key]) and expected[key].abs().max() > 0 for key in expected)


@pytest.mark.parametrize(
    ("name", "tensors", "message"),
    [
        ("optimizer", {"other.exp_avg": torch.zeros(1, 2)}, "belongs to no trained parameter"),
        ("optimizer", {"weight.exp_avg": torch.zeros(3, 2)}, r"has shape \[3, 2\], this model expects \[1, 2\]"),
        ("model", {"weight": torch.zeros(1, 2)}, r"1 missing \['bias'\]"),
        ("random", {"cpu": torch.zeros(2, 8, dtype=torch.uint8)}, "a checkpoint of 1 processes, got one of 2"),
        ("random", {"cuda": torch.zeros(1, 8, dtype=torch.uint8)}, "expected the random state of"),
    ],
)
def test_state_of_something_else_is_refused(
    name: str, tensors: dict[str, torch.Tensor], message: str, tmp_path: Path
) -> None:
    model, optimizer = model_and_optimizer()
    accelerator = open_accelerator()
    save_checkpoint(tmp_path, model, optimizer, PROGRESS, IDENTITY, following=FOLLOWING, accelerator=accelerator)
    save_file(tensors, tmp_path / "checkpoints" / "step-00000002" / f"{name}.safetensors")
    with torch.random.fork_rng(devices=[]), pytest.raises(ValueError, match=message):
        load_checkpoint(tmp_path, 2, model, optimizer, accelerator=accelerator)


@pytest.mark.parametrize("key", ["format_version", "identity", "report"])
def test_a_key_missing_from_a_finished_run_is_named(key: str, tmp_path: Path) -> None:
    model, _ = model_and_optimizer()
    save_finished(tmp_path, model, {"steps": 2}, IDENTITY, accelerator=open_accelerator())
    assert load_finished(tmp_path, model, IDENTITY) == {"steps": 2}
    alter(tmp_path / "training.json", key)
    with pytest.raises(ValueError, match=rf"training\.json: .*{key}"):
        load_finished(tmp_path, model, IDENTITY)


@pytest.mark.parametrize("key", ["identity", "report"])
def test_a_part_that_is_no_object_is_named(key: str, tmp_path: Path) -> None:
    model, _ = model_and_optimizer()
    save_finished(tmp_path, model, {"steps": 2}, IDENTITY, accelerator=open_accelerator())
    alter(tmp_path / "training.json", key, value=[1])
    with pytest.raises(ValueError, match=rf"training\.json: {key}: expected an object, got list"):
        load_finished(tmp_path, model, IDENTITY)


def save_big_checkpoint(folder: Path, step: int, size: int) -> None:
    model = torch.nn.Linear(size, 1)
    progress = Progress(step, 1.5, 30, 4, [0.5], [1e-3])
    optimizer = torch.optim.AdamW(model.parameters())
    accelerator = open_accelerator()
    save_checkpoint(folder, model, optimizer, progress, IDENTITY, following=FOLLOWING, accelerator=accelerator)


def test_a_checkpoint_that_finds_the_disk_full_leaves_the_last_one(full_disk: Path) -> None:
    save_big_checkpoint(full_disk, 1, 10)
    with pytest.raises(OSError, match=r"no space left on the disk .*model\.safetensors'$") as caught:
        save_big_checkpoint(full_disk, 2, 100_000)
    assert caught.value.errno == errno.ENOSPC
    assert [path.name for path in (full_disk / "checkpoints").iterdir()] == ["step-00000001"]
    assert newest_checkpoint(full_disk) == 1
