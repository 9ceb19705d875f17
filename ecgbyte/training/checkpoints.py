"""Checkpoints that survive a kill at any moment, and the folder of a finished run.

Layout of a run's folder::

    checkpoints/step-00000200/    only while the run is not finished
        model.safetensors         trained parameters and buffers
        optimizer.safetensors     <parameter>.step, <parameter>.exp_avg, <parameter>.exp_avg_sq
        random.safetensors        cpu, cuda: uint8 [processes, bytes], the random state of every process
        best.safetensors          the weights of the best validation so far, where these are kept
        progress.json             what is run, how far it is, and what schedule and sampler give next
    model.safetensors             trained parameters and buffers at the end
    training.json                 what was run, and its report; written last, so where it stands the run is finished

A checkpoint is written into a folder with a temporary name, which is then renamed. Only parameters that are trained,
and buffers (running means of batch norms), are stored. With several processes the first one writes.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any

import torch
from accelerate import Accelerator

from ecgbyte.files import write_atomically
from ecgbyte.training.tensors import (
    load_optimizer_state,
    load_random_state,
    load_trained_state,
    optimizer_state,
    random_state,
    read_tensors,
    trained_state,
    write_tensors,
)

_FINISHED_VERSION = 1
_CHECKPOINT_VERSION = 2
_PREFIX = "step-"


@dataclass
class Progress:
    """Where a run stands after `step` steps of the optimiser."""

    step: int = 0
    seconds: float = 0.0
    positions: int = 0
    padded_positions: int = 0
    losses: list[float] = field(default_factory=list)
    learning_rates: list[float] = field(default_factory=list)
    data_wait_seconds: float = 0.0
    validation_seconds: float = 0.0
    validation: list[dict[str, Any]] = field(default_factory=list)
    peak_memory_bytes: int = 0


def is_finished(folder: Path) -> bool:
    """Whether the run of `folder` came to its end."""
    return (folder / "training.json").exists()


def newest_checkpoint(folder: Path) -> int | None:
    """Return the step of the newest checkpoint of `folder`; None where there is none."""
    found = sorted((folder / "checkpoints").glob(f"{_PREFIX}*"))
    return int(found[-1].name.removeprefix(_PREFIX)) if found else None


def save_checkpoint(
    folder: Path,
    model: torch.nn.Module,
    optimizer: Any,
    progress: Progress,
    identity: dict[str, Any],
    *,
    following: dict[str, Any],
    accelerator: Accelerator,
    best: Mapping[str, torch.Tensor] | None = None,
) -> None:
    """Write a checkpoint into ``folder/checkpoints`` and remove the older ones. Every process must call it.

    `following` is what schedule and sampler give for the next step, ready for JSON: a continued run must find the same.
    `best` are the weights of the best validation so far, where these are kept.
    """
    tensors = {
        "model": trained_state(model),
        "optimizer": optimizer_state(model, optimizer),
        "random": random_state(accelerator),
        **({} if best is None else {"best": dict(best)}),
    }
    if not accelerator.is_main_process:
        return
    checkpoints = folder / "checkpoints"
    checkpoints.mkdir(parents=True, exist_ok=True)
    final = _path_of(folder, progress.step)
    partial = checkpoints / f".{final.name}.partial"
    for leftover in (partial, final):
        if leftover.exists():
            shutil.rmtree(leftover)
    partial.mkdir()
    description = {
        "format_version": _CHECKPOINT_VERSION,
        "identity": identity,
        "progress": asdict(progress),
        "following": following,
    }
    try:
        for name, content in tensors.items():
            write_tensors(partial / f"{name}.safetensors", content)
        write_atomically(partial / "progress.json", json.dumps(description))
        partial.rename(final)
    except BaseException:
        shutil.rmtree(partial)
        raise
    for other in sorted(checkpoints.iterdir()):
        if other != final:
            shutil.rmtree(other)


def read_progress(folder: Path, step: int, identity: dict[str, Any]) -> tuple[Progress, dict[str, Any]]:
    """Return how far the checkpoint at `step` is, and its ``following``.

    Raises
    ------
    ValueError
        If the checkpoint is of another run (other settings, examples or parameters), or its JSON is missing, damaged
        or lacks a key.
    """
    path = _path_of(folder, step) / "progress.json"
    content = _read_json(path, _CHECKPOINT_VERSION, ("progress", "following"))
    names = [item.name for item in fields(Progress)]
    _check_keys(path, content["progress"], names, "progress: ")
    _check_identity(path.parent, content["identity"], identity)
    return Progress(**{name: content["progress"][name] for name in names}), dict(content["following"])


def load_checkpoint(
    folder: Path, step: int, model: torch.nn.Module, optimizer: Any, *, accelerator: Accelerator
) -> None:
    """Restore parameters, optimiser and random state of the checkpoint at `step`. Every process must call it.

    Raises
    ------
    ValueError
        If a file is damaged, or not of this model and number of processes.
    """
    path = _path_of(folder, step)
    load_trained_state(model, path / "model.safetensors")
    load_optimizer_state(model, optimizer, path / "optimizer.safetensors")
    load_random_state(accelerator, path / "random.safetensors")


def load_best(folder: Path, step: int) -> dict[str, torch.Tensor]:
    """Return the weights of the best validation that the checkpoint at `step` holds.

    Raises
    ------
    ValueError
        If the file is missing or damaged.
    """
    return read_tensors(_path_of(folder, step) / "best.safetensors")


def save_finished(
    folder: Path,
    model: torch.nn.Module,
    report: dict[str, Any],
    identity: dict[str, Any],
    *,
    accelerator: Accelerator,
) -> None:
    """Write the end of a run and remove its checkpoints. Every process must call it."""
    tensors = trained_state(model)
    if not accelerator.is_main_process:
        return
    folder.mkdir(parents=True, exist_ok=True)
    write_tensors(folder / "model.safetensors", tensors)
    content = {"format_version": _FINISHED_VERSION, "identity": identity, "report": report}
    write_atomically(folder / "training.json", json.dumps(content, indent=1))
    remove_checkpoints(folder)


def remove_checkpoints(folder: Path) -> None:
    """Remove the checkpoints of a finished run, or what a kill during this left of them."""
    if (folder / "checkpoints").exists():
        shutil.rmtree(folder / "checkpoints")


def load_finished(folder: Path, model: torch.nn.Module, identity: dict[str, Any]) -> dict[str, Any]:
    """Load the parameters of a finished run into `model` and return its report.

    Raises
    ------
    ValueError
        If the folder holds another run, or a file that is missing, damaged or lacks a key.
    """
    content = _read_json(folder / "training.json", _FINISHED_VERSION, ("report",))
    _check_identity(folder, content["identity"], identity)
    load_trained_state(model, folder / "model.safetensors")
    return dict(content["report"])


def _path_of(folder: Path, step: int) -> Path:
    return folder / "checkpoints" / f"{_PREFIX}{step:08d}"


def _read_json(path: Path, version: int, parts: tuple[str, ...]) -> dict[str, Any]:
    """The content of a file of this format: an identity, and more parts."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise ValueError(f"{path}: missing in this process; output_folder must be seen by all processes") from error
    except (ValueError, RecursionError) as error:
        raise ValueError(f"{path}: expected JSON, got a damaged file ({error})") from error
    found = content.get("format_version") if isinstance(content, dict) else None
    if found != version:
        raise ValueError(f"{path}: expected format_version {version}, got {found!r}")
    _check_keys(path, content, ("identity", *parts))
    for name in ("identity", *parts):
        if not isinstance(content[name], dict):
            raise ValueError(f"{path}: {name}: expected an object, got {type(content[name]).__name__}")
    return dict(content)


def _check_keys(path: Path, content: Mapping[str, Any], keys: Iterable[str], where: str = "") -> None:
    for key in keys:
        if key not in content:
            raise ValueError(f"{path}: {where}the key {key!r} is missing")


def _check_identity(path: Path, stored: dict[str, Any], expected: dict[str, Any]) -> None:
    different = sorted(key for key in stored.keys() | expected.keys() if stored.get(key) != expected.get(key))
    if different:
        details = "; ".join(f"{key}: stored {stored.get(key)!r}, now {expected.get(key)!r}" for key in different)
        raise ValueError(f"output_folder: {path} holds another run ({details}); name another folder or delete this one")
