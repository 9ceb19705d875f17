"""The state of a run as tensors by name: parameters, optimiser and random numbers, in safetensors files."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import safetensors
import safetensors.torch
import torch
from accelerate import Accelerator

from ecgbyte.files import replacing
from ecgbyte.models.saved_folder import system_errors
from ecgbyte.training.processes import gather_rows, named_trained, on_cpu, parameter_name


def write_tensors(path: Path, tensors: Mapping[str, torch.Tensor]) -> None:
    """Write a safetensors file as `ecgbyte.files.replacing` does, without a second copy in memory.

    Raises
    ------
    OSError
        If it cannot be written.
    """
    with replacing(path) as partial, system_errors(path):
        safetensors.torch.save_file(dict(tensors), partial)


def read_tensors(path: Path) -> dict[str, torch.Tensor]:
    """Return the tensors of a safetensors file.

    Raises
    ------
    ValueError
        If the file is missing or damaged.
    """
    try:
        # Copies, so that a file which is deleted later is not held open.
        return {name: value.clone() for name, value in safetensors.torch.load_file(path).items()}
    except FileNotFoundError as error:
        raise ValueError(f"{path}: expected a safetensors file, got none") from error
    except safetensors.SafetensorError as error:
        raise ValueError(f"{path}: expected a safetensors file, got a damaged one ({error})") from error


def trained_state(model: torch.nn.Module) -> dict[str, torch.Tensor]:
    """Return the trained parameters and the persistent buffers of `model` by name, on the CPU."""
    return {name: on_cpu(value) for name, value in _trained_tensors(model).items()}


def load_trained_state(model: torch.nn.Module, path: Path) -> None:
    """Load into `model` what `trained_state` gave, checking names and shapes.

    Raises
    ------
    ValueError
        If the file is damaged, or its names or shapes are not those of `model`.
    """
    _put(model, read_tensors(path), path)


def put_trained_state(model: torch.nn.Module, tensors: Mapping[str, torch.Tensor]) -> None:
    """Put back into `model` what `trained_state` gave."""
    _put(model, tensors, Path("tensors"))


def _put(model: torch.nn.Module, stored: Mapping[str, torch.Tensor], path: Path) -> None:
    current = _trained_tensors(model)
    _check_names(path, set(stored), set(current))
    with torch.no_grad():
        for name, value in stored.items():
            _check_shape(path, name, value, current[name])
            current[name].copy_(value)


def optimizer_state(model: torch.nn.Module, optimizer: Any) -> dict[str, torch.Tensor]:
    """Return what the optimiser knows of each trained parameter, named ``<parameter>.<quantity>``, on the CPU.

    Adam's quantities are ``step``, ``exp_avg`` and ``exp_avg_sq``. A parameter that had no gradient yet has none.
    """
    return {
        f"{name}.{quantity}": on_cpu(value)
        for name, parameter in named_trained(model).items()
        for quantity, value in optimizer.state.get(parameter, {}).items()
    }


def load_optimizer_state(model: torch.nn.Module, optimizer: Any, path: Path) -> None:
    """Give `optimizer` what `optimizer_state` gave.

    Raises
    ------
    ValueError
        If the file is damaged, or holds state of other parameters or shapes.
    """
    parameters = named_trained(model)
    restored: dict[str, dict[str, torch.Tensor]] = {}
    for key, value in read_tensors(path).items():
        name, _, quantity = key.rpartition(".")
        if name not in parameters:
            raise ValueError(f"{path}: {key} belongs to no trained parameter of this model")
        parameter = parameters[name]
        if value.ndim == 0:
            # Adam counts its steps on the CPU.
            restored.setdefault(name, {})[quantity] = value
            continue
        _check_shape(path, key, value, parameter)
        restored.setdefault(name, {})[quantity] = value.to(parameter.device)
    for name, state in restored.items():
        optimizer.state[parameters[name]] = state


def random_state(accelerator: Accelerator) -> dict[str, torch.Tensor]:
    """Return the state of torch's random numbers, uint8 [processes, bytes], on the CPU and on each process's GPU.

    Every process must call it.
    """
    state = {"cpu": gather_rows(accelerator, torch.get_rng_state())}
    if accelerator.device.type == "cuda":
        state["cuda"] = gather_rows(accelerator, torch.cuda.get_rng_state(accelerator.device))
    return state


def load_random_state(accelerator: Accelerator, path: Path) -> None:
    """Restore what `random_state` gave.

    Raises
    ------
    ValueError
        If it is of another number of processes, or of another kind of device.
    """
    state = read_tensors(path)
    expected = {"cpu", "cuda"} if accelerator.device.type == "cuda" else {"cpu"}
    if set(state) != expected:
        raise ValueError(f"{path}: expected the random state of {sorted(expected)}, got that of {sorted(state)}")
    processes = len(state["cpu"])
    if processes != accelerator.num_processes:
        raise ValueError(
            f"{path}: expected a checkpoint of {accelerator.num_processes} processes, got one of {processes}; "
            "continue with as many as the run began with"
        )
    # Copies, because torch reads a state from where its storage begins, which is another process's.
    torch.set_rng_state(state["cpu"][accelerator.process_index].clone())
    if accelerator.device.type == "cuda":
        torch.cuda.set_rng_state(state["cuda"][accelerator.process_index].clone(), accelerator.device)


def _trained_tensors(model: torch.nn.Module) -> dict[str, torch.Tensor]:
    persistent = model.state_dict(keep_vars=True)
    buffers = {parameter_name(name): value for name, value in model.named_buffers() if name in persistent}
    return {**named_trained(model), **buffers}


def _check_names(path: Path, stored: set[str], current: set[str]) -> None:
    if stored != current:
        missing, unknown = sorted(current - stored), sorted(stored - current)
        raise ValueError(
            f"{path}: the parameters are not those of this model: {len(missing)} missing {missing[:3]}, "
            f"{len(unknown)} unknown {unknown[:3]}"
        )


def _check_shape(path: Path, name: str, value: torch.Tensor, target: torch.Tensor) -> None:
    if value.shape != target.shape:
        raise ValueError(f"{path}: {name} has shape {list(value.shape)}, this model expects {list(target.shape)}")
