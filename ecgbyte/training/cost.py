"""Operations of training: counted as torch carries them out.

An operation is a multiplication or an addition of matrix products, convolutions and attention; the rest is small and
not counted. Attention counts every pair of a query and a key that stands in its block, also those that causality masks,
as `torch.utils.flop_counter` does.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np
import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode, sdpa_backward_flop_count, sdpa_flop_count

from ecgbyte.models.running import POSITION_MASKS, Batch, device_of, modes_restored


def count_step_flops(model: nn.Module, batch: Batch) -> int:
    """Count the operations of one training step, forward and backward; the optimiser's are not counted.

    The step is carried out. Weights, gradients, buffers (statistics of batch normalisation), the random state and the
    mode of `model` are afterwards as before.

    Parameters
    ----------
    model : torch.nn.Module
        ``model(**batch).loss`` is a scalar.
    batch : mapping
        Of tensors on the device of `model`.
    """
    gradients = [weight.grad for weight in model.parameters()]
    buffers = [value.clone() for value in model.buffers()]
    device = device_of(model)
    for weight in model.parameters():
        weight.grad = None
    try:
        with modes_restored(model), torch.random.fork_rng(devices=[device] if device.type == "cuda" else []):
            model.train()
            counted = count_flops(lambda: model(**batch).loss.backward())
    finally:
        with torch.no_grad():
            for value, before in zip(model.buffers(), buffers, strict=True):
                value.copy_(before)
        for weight, gradient in zip(model.parameters(), gradients, strict=True):
            weight.grad = gradient
    return counted


def count_flops(step: Callable[[], object]) -> int:
    """Count the operations of whatever `step` computes; also on torch's meta device, where nothing is computed."""
    with FlopCounterMode(display=False, custom_mapping=_attention()) as counter:
        step()
    return int(counter.get_total_flops())


def batch_size_of(batch: Batch) -> int:
    """Return the positions that a batch computes, padding included; of a batch without positions, its samples."""
    masks = [batch[name] for name in POSITION_MASKS if name in batch]
    if masks:
        return sum(int(mask.numel()) for mask in masks)
    tensors = [value for value in batch.values() if torch.is_tensor(value) and value.ndim > 0]
    if not tensors:
        raise ValueError("batch: expected a tensor of samples, got none")
    return len(tensors[0])


def run_flops(model: nn.Module, batches: Iterable[Batch], total: int) -> int:
    """Return the operations of a whole run, from some of its steps.

    Parameters
    ----------
    model : torch.nn.Module
    batches : iterable of mappings
        Steps of the run, of every length (`spread_over_sizes`): attention grows with the square of a sequence, so steps
        that are all short would count too little.
    total : int
        What the run computes, as `batch_size_of` counts it: `ecgbyte.training.settings.TrainingReport` has it as
        ``padded_positions``, or ``samples_seen`` where a batch has no positions.

    Raises
    ------
    ValueError
        If there is no batch, or `total` is negative.
    """
    if total < 0:
        raise ValueError(f"total: expected a number of positions or samples, got {total}")
    counted = measured = 0
    for batch in batches:
        counted += count_step_flops(model, batch)
        measured += batch_size_of(batch)
    if measured == 0:
        raise ValueError("batches: expected one at least, got none")
    return round(counted * total / measured)


def spread_over_sizes(sizes: Sequence[int] | np.ndarray, number: int) -> list[int]:
    """Return the indices of `number` items that stand for all: the middle ones of equal shares, ordered by size.

    Where there are fewer items than `number`, all are returned. Items of one size are told apart by their order.

    Raises
    ------
    ValueError
        If there are no items, or `number` is not positive.
    """
    if len(sizes) == 0 or number < 1:
        raise ValueError(f"sizes, number: expected items and a positive number, got {len(sizes)} and {number}")
    order = np.argsort(np.asarray(sizes), kind="stable")
    number = min(number, len(order))
    return [int(order[(2 * share + 1) * len(order) // (2 * number)]) for share in range(number)]


def _attention() -> dict[Any, Callable[..., int]]:
    """Fused attention: that on a CPU, which torch's counter does not know, and keys and values with fewer heads than
    queries, which older versions of it do not know.
    """

    def forward(query: Any, key: Any, value: Any, *_: Any, **__: Any) -> int:
        return int(sdpa_flop_count(query, _heads_as(query, key), _heads_as(query, value)))

    def backward(gradient: Any, query: Any, key: Any, value: Any, *_: Any, **__: Any) -> int:
        return int(sdpa_backward_flop_count(gradient, query, _heads_as(query, key), _heads_as(query, value)))

    kinds = ("flash_attention_for_cpu", "flash_attention", "efficient_attention", "cudnn_attention")
    known = [name for name in (f"_scaled_dot_product_{kind}" for kind in kinds) if hasattr(torch.ops.aten, name)]
    return {
        **{getattr(torch.ops.aten, name): forward for name in known},
        **{getattr(torch.ops.aten, f"{name}_backward"): backward for name in known},
    }


def _heads_as(query: Any, shape: Any) -> tuple[int, ...]:
    """The shape [samples, heads, positions, size] of keys or values, shared by as many heads as `query` has."""
    return (shape[0], query[1], *shape[2:])
