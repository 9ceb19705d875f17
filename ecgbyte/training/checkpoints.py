"""Checkpoints that survive a kill at any moment, and the folder of a finished run.

Layout of a run's folder::

    checkpoints/step-00000200/    model.safetensors, optimizer.pt, progress.json (only while the run is not finished)
    model.safetensors             trained parameters and buffers at the end
    training.json                 what was run, and its report; written last, so where it stands the run is finished

A checkpoint is written into a folder with a temporary name, which is then renamed. Only parameters that are trained,
and buffers (running means of batch norms), are stored.
"""

from __future__ import annotations

import io
import json
import shutil
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import safetensors
import safetensors.torch
import torch

from ecgbyte.files import write_atomically

_FORMAT_VERSION = 1
_PREFIX = "step-"


@dataclass
class Progress:
    """Where a run stands after `step` steps of the optimiser."""

    step: int
    seconds: float
    positions: int
    padded_positions: int
    losses: list[float]
    learning_rates: list[float]


def trained_state(model: torch.nn.Module) -> dict[str, torch.Tensor]:
    """Return the trained parameters and the persistent buffers of `model` by name, on the CPU."""
    persistent = model.state_dict(keep_vars=True)
    tensors: dict[str, torch.Tensor] = {name: value for name, value in model.named_parameters() if value.requires_grad}
    tensors |= {name: value for name, value in model.named_buffers() if name in persistent}
    return {name: value.detach().cpu().contiguous() for name, value in tensors.items()}


def load_trained_state(model: torch.nn.Module, path: Path) -> None:
    """Load into `model` what `trained_state` gave, checking names and shapes.

    Raises
    ------
    ValueError
        If the file is damaged, or its names or shapes are not those of `model`.
    """
    try:
        stored = safetensors.torch.load_file(path)
    except safetensors.SafetensorError as error:
        raise ValueError(f"{path}: expected a safetensors file, got a damaged one ({error})") from error
    current = trained_state(model)
    if set(stored) != set(current):
        missing, unknown = sorted(set(current) - set(stored)), sorted(set(stored) - set(current))
        raise ValueError(
            f"{path}: the parameters are not those of this model: {len(missing)} missing {missing[:3]}, "
            f"{len(unknown)} unknown {unknown[:3]}"
        )
    for name, value in stored.items():
        if value.shape != current[name].shape:
            raise ValueError(
                f"{path}: {name} has shape {list(value.shape)}, this model expects {list(current[name].shape)}"
            )
    targets: dict[str, torch.Tensor] = {**dict(model.named_parameters()), **dict(model.named_buffers())}
    with torch.no_grad():
        for name, value in stored.items():
            targets[name].copy_(value)


def save_checkpoint(
    folder: Path, model: torch.nn.Module, optimizer: Any, progress: Progress, identity: dict[str, Any]
) -> None:
    """Write a checkpoint into ``folder/checkpoints`` and remove the older ones."""
    checkpoints = folder / "checkpoints"
    checkpoints.mkdir(parents=True, exist_ok=True)
    final = checkpoints / f"{_PREFIX}{progress.step:08d}"
    partial = checkpoints / f".{final.name}.partial"
    for leftover in (partial, final):
        if leftover.exists():
            shutil.rmtree(leftover)
    partial.mkdir()
    write_atomically(partial / "model.safetensors", safetensors.torch.save(trained_state(model)))
    random_state = {"cpu": torch.get_rng_state()}
    if torch.cuda.is_available():
        random_state["cuda"] = torch.cuda.get_rng_state()
    stream = io.BytesIO()
    torch.save({"optimizer": optimizer.state_dict(), "random": random_state}, stream)
    write_atomically(partial / "optimizer.pt", stream.getvalue())
    content = {"format_version": _FORMAT_VERSION, "identity": identity, "progress": vars(progress)}
    write_atomically(partial / "progress.json", json.dumps(content))
    partial.rename(final)
    for other in sorted(checkpoints.iterdir()):
        if other != final:
            shutil.rmtree(other)


def load_checkpoint(folder: Path, model: torch.nn.Module, optimizer: Any, identity: dict[str, Any]) -> Progress | None:
    """Restore the newest checkpoint of ``folder``: parameters, optimiser and random state. None where there is none.

    Raises
    ------
    ValueError
        If the checkpoint is of another run (other settings, examples or parameters), or its JSON is damaged or lacks
        a key.
    """
    found = sorted((folder / "checkpoints").glob(f"{_PREFIX}*"))
    if not found:
        return None
    path = found[-1] / "progress.json"
    content = _read_json(path, "progress")
    names = [item.name for item in fields(Progress)]
    _check_keys(path, content["progress"], names, "progress: ")
    _check_identity(found[-1], content["identity"], identity)
    load_trained_state(model, found[-1] / "model.safetensors")
    state = torch.load(found[-1] / "optimizer.pt", weights_only=True, map_location="cpu")
    optimizer.load_state_dict(state["optimizer"])
    torch.set_rng_state(state["random"]["cpu"])
    if torch.cuda.is_available() and "cuda" in state["random"]:
        torch.cuda.set_rng_state(state["random"]["cuda"])
    return Progress(**{name: content["progress"][name] for name in names})


def save_finished(folder: Path, model: torch.nn.Module, report: dict[str, Any], identity: dict[str, Any]) -> None:
    """Write the end of a run and remove its checkpoints."""
    folder.mkdir(parents=True, exist_ok=True)
    write_atomically(folder / "model.safetensors", safetensors.torch.save(trained_state(model)))
    content = {"format_version": _FORMAT_VERSION, "identity": identity, "report": report}
    write_atomically(folder / "training.json", json.dumps(content, indent=1))
    shutil.rmtree(folder / "checkpoints", ignore_errors=True)


def load_finished(folder: Path, model: torch.nn.Module, identity: dict[str, Any]) -> dict[str, Any] | None:
    """Load the parameters of a finished run into `model` and return its report; None if the run is not finished.

    Raises
    ------
    ValueError
        If the folder holds another run, or a file that is damaged or lacks a key.
    """
    if not (folder / "training.json").exists():
        return None
    content = _read_json(folder / "training.json", "report")
    _check_identity(folder, content["identity"], identity)
    load_trained_state(model, folder / "model.safetensors")
    return dict(content["report"])


def _read_json(path: Path, part: str) -> dict[str, Any]:
    """The content of a file of this format: an identity, and one more part."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise ValueError(f"{path}: expected JSON, got a damaged file ({error})") from error
    version = content.get("format_version") if isinstance(content, dict) else None
    if version != _FORMAT_VERSION:
        raise ValueError(f"{path}: expected format_version {_FORMAT_VERSION}, got {version!r}")
    _check_keys(path, content, ("identity", part))
    for name in ("identity", part):
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
