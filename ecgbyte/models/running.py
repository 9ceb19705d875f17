"""Running a model: its batches, where they are computed, and evaluation mode for a while."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import torch
from torch import nn

# Names of a model's arguments and their values, mostly tensors [samples, ...].
Batch = Mapping[str, Any]
# Of a batch's positions in a language model: their sizes are what is computed, their sums what is no padding.
# See `ecgbyte.training.shared_prefix` for the second.
POSITION_MASKS = ("attention_mask", "suffix_attention_mask")


def device_of(model: nn.Module) -> torch.device:
    """Return the device of the model's weights."""
    return next(model.parameters()).device


def is_gpu(device: torch.device) -> bool:
    """Whether tensors are computed on a GPU there; on torch's meta device nothing is."""
    return device.type not in ("cpu", "meta")


def to_device(batch: Batch, device: torch.device) -> dict[str, Any]:
    """Return `batch` with its tensors on `device`."""
    return {name: value.to(device) if torch.is_tensor(value) else value for name, value in batch.items()}


@contextmanager
def modes_restored(model: nn.Module) -> Iterator[None]:
    """Put every module back into the mode it was in: parts may be kept in evaluation mode while others train."""
    modes = [(module, module.training) for module in model.modules()]
    try:
        yield
    finally:
        for module, training in modes:
            module.training = training


@contextmanager
def evaluation_mode(model: nn.Module) -> Iterator[torch.device]:
    """Evaluation mode, then every module as it was.

    Yields
    ------
    torch.device
        Of the model's weights. Gradients are computed as before; use it with ``torch.no_grad()`` where none are wanted.
    """
    with modes_restored(model):
        model.eval()
        yield device_of(model)
