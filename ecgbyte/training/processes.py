"""One process or several: how they are found, agree on what to do, and put together what is spread over them."""

from __future__ import annotations

import os
from collections.abc import Iterable
from typing import Any

import numpy as np
import torch
from accelerate import Accelerator, DistributedDataParallelKwargs
from accelerate.utils import DistributedType

_REFUSED = (DistributedType.DEEPSPEED, DistributedType.FSDP, DistributedType.MEGATRON_LM, DistributedType.XLA)


def open_accelerator(**options: Any) -> Accelerator:
    """Return an `Accelerator` that joins the processes of ``accelerate launch`` or ``torchrun``, on CPUs too.

    What a launcher may set beside, and what would change the results silently, is refused: mixed precision and
    gradient accumulation are `TrainingSettings`' to say.

    Parameters
    ----------
    **options
        Of ``accelerate.Accelerator``, such as ``log_with``.

    Raises
    ------
    ValueError
        If the processes were not joined, or the launcher's settings are not ones that training follows.
    """
    world = int(os.environ.get("WORLD_SIZE", "1"))
    # Without this, each of several processes without a GPU takes itself for the only one.
    on_cpu = world > 1 and not torch.accelerator.is_available()
    # A batch need not use every trained parameter: one of text alone uses no projection of the ECG.
    accelerator = Accelerator(
        cpu=on_cpu, kwargs_handlers=[DistributedDataParallelKwargs(find_unused_parameters=True)], **options
    )
    if accelerator.num_processes != world:
        raise ValueError(
            f"processes: the launcher started {world}, accelerate sees {accelerator.num_processes}; "
            "call ecgbyte.training.processes.open_accelerator before any other Accelerator"
        )
    if accelerator.distributed_type in _REFUSED:
        raise ValueError(
            f"distributed_type: got {accelerator.distributed_type.value}, expected one process or several with DDP"
        )
    if os.environ.get("ACCELERATE_USE_FSDP", "false").lower() == "true":
        # On CPUs accelerate takes DDP without a word.
        raise ValueError("distributed_type: the launcher asks for FSDP, expected one process or several with DDP")
    if accelerator.mixed_precision != "no":
        raise ValueError(
            f"mixed_precision: the launcher says {accelerator.mixed_precision!r}, expected 'no': "
            "TrainingSettings.precision decides"
        )
    if accelerator.gradient_accumulation_steps != 1:
        raise ValueError(
            f"gradient_accumulation_steps: the launcher says {accelerator.gradient_accumulation_steps}, expected 1: "
            "TrainingSettings.gradient_accumulation decides"
        )
    return accelerator


def share(items: np.ndarray, accelerator: Accelerator) -> np.ndarray:
    """Return what this process takes of `items`; may be empty."""
    return items[accelerator.process_index :: accelerator.num_processes]


def process_seed(seed: int, process_index: int) -> int:
    """Return the seed of one process: the first has `seed` itself, the others have others."""
    if process_index == 0:
        return seed
    return int(np.random.SeedSequence([seed, process_index]).generate_state(1)[0])


def agree(accelerator: Accelerator, value: int) -> int:
    """Return the first process's `value` in every process."""
    if accelerator.num_processes == 1:
        return value
    mine = value if accelerator.is_main_process else 0
    return int(accelerator.reduce(torch.tensor(mine, device=accelerator.device), "sum"))


def gather_rows(accelerator: Accelerator, row: torch.Tensor) -> torch.Tensor:
    """Return the `row` of every process, [processes, ...], on the CPU; every process must call it."""
    rows = row[None]
    if accelerator.num_processes > 1:
        rows = accelerator.gather(rows.to(accelerator.device))
    return rows.cpu()


def on_cpu(tensor: torch.Tensor) -> torch.Tensor:
    """Return a tensor's values on the CPU, contiguous and without gradients."""
    return tensor.detach().cpu().contiguous()


def parameter_name(name: str) -> str:
    """Return a parameter's name without what torch.compile puts into it."""
    return name.replace("_orig_mod.", "")


def named_trained(model: torch.nn.Module) -> dict[str, torch.nn.Parameter]:
    """Return the trained parameters of `model` by name."""
    return {parameter_name(name): value for name, value in model.named_parameters() if value.requires_grad}


def total(accelerator: Accelerator, values: Iterable[float]) -> list[float]:
    """Return the sums of `values` over the processes, in double precision."""
    dtype = torch.float32 if accelerator.device.type == "mps" else torch.float64
    summed = accelerator.reduce(torch.tensor(list(values), dtype=dtype, device=accelerator.device), "sum")
    return [float(value) for value in summed]
