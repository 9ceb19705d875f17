"""Attention over one row that holds many sequences end to end, each seeing itself alone.

A padded batch computes what is masked away; a row of packed sequences has no padding. Linear layers do not mind, and
attention is taken sequence by sequence here, causal and without any mask, so nothing grows with the square of the row.
Sequences may share a beginning (`PackedLayout`): it is computed once, and what follows sees it and itself. On a GPU,
where so many small calls take longer than what they spare, one call takes them all, padded for it alone.

The implementation is registered with transformers under `PACKED_ATTENTION`, an extension point of that library
(https://huggingface.co/docs/transformers/attention_interface): any model whose attention goes through it can be packed.
Without a layout it is transformers' ``"sdpa"``, so a model that was packed once generates as before.
"""

from __future__ import annotations

import inspect
import itertools
from collections.abc import Sequence
from functools import cached_property
from typing import Any

import torch
from torch import Tensor

from ecgbyte.models.running import is_gpu

PACKED_ATTENTION = "ecgbyte_packed"
# Padded lengths are multiples of it: torch's fused attention copies masks of other lengths at every call.
_LENGTH_STEP = 16


class PackedLayout:
    """Where the sequences of a packed row lie.

    Parameters
    ----------
    groups : sequence of (int, sequence of int)
        In the order of the row: the length of a beginning, and the lengths of what follows it, each by itself. A
        sequence that shares nothing is a beginning that nothing follows.
    lent : bool
        Whether beginnings have keys and values only (`ecgbyte.models.language.lent_keys`), and queries come from the
        rest alone.

    Raises
    ------
    ValueError
        If there is no group, or a length is not positive.

    Notes
    -----
    *Thread-safety*: not safe; a layout belongs to one forward pass and its backward pass.
    """

    def __init__(self, groups: Sequence[tuple[int, Sequence[int]]], *, lent: bool = False) -> None:
        if not groups or any(length < 1 for first, rest in groups for length in (first, *rest)):
            raise ValueError(f"groups: expected positive lengths, got {list(groups)}")
        self.groups = [(first, tuple(rest)) for first, rest in groups]
        self.lent = lent
        # How often attention was taken: a layer that mixes positions in another way would go unnoticed else.
        self.calls = 0
        self._padded: tuple[Tensor, Tensor, Tensor] | None = None

    @cached_property
    def sizes(self) -> list[int]:
        """Positions of each group."""
        return [first + sum(rest) for first, rest in self.groups]

    @property
    def longest(self) -> int:
        """Positions of the longest sequence, with its beginning."""
        return max(first + max(rest, default=0) for first, rest in self.groups)

    @cached_property
    def masks(self) -> list[Tensor | None]:
        """What the positions after each beginning see of their group, bool [1, 1, positions after it, group]."""
        # A single position sees everything and needs no mask.
        return [_mask(first, rest) if sum(rest) > 1 else None for first, rest in self.groups]

    def padded_on(self, device: torch.device, dtype: torch.dtype) -> tuple[Tensor, Tensor, Tensor]:
        """The groups as rows of one length, for a single call of attention; made once.

        Returns
        -------
        taken : int64 [groups * length]
            Of each place in the padded rows: the position of the packed row that stands there. Padding repeats some
            position; nothing sees it.
        places : int64 [positions]
            Of each position of the packed row: its place in the padded rows.
        mask : dtype [groups, 1, length, length]
            0 where a place sees another, else -inf. Padding sees itself, as a softmax of nothing is NaN.
        """
        if self._padded is None:
            length = -(-max(self.sizes) // _LENGTH_STEP) * _LENGTH_STEP
            # Of each place: its sequence in the group, 0 for the beginning; padding has numbers of its own.
            number = torch.arange(-1, -1 - length, -1).repeat(len(self.groups), 1)
            for row, (size, (first, rest)) in enumerate(zip(self.sizes, self.groups, strict=True)):
                number[row, :size] = torch.arange(1 + len(rest)).repeat_interleave(torch.tensor([first, *rest]))
            number = number.to(device)
            filled = number >= 0
            taken = (filled.flatten().cumsum(0) - 1).clamp(min=0)
            own = number[:, :, None] == number[:, None, :]
            seen = (own | (number == 0)[:, None, :]).tril()
            mask = torch.zeros(seen.shape, dtype=dtype, device=device).masked_fill(~seen, -torch.inf)
            self._padded = taken, filled.flatten().nonzero()[:, 0], mask[:, None]
        return self._padded

    def masks_on(self, device: torch.device) -> list[Tensor | None]:
        """Return `masks` on `device`, moved once."""
        self.masks = [None if mask is None else mask.to(device) for mask in self.masks]
        return self.masks


def _mask(first: int, rest: tuple[int, ...]) -> Tensor:
    owner = torch.repeat_interleave(torch.arange(len(rest)), torch.tensor(rest))
    own = (owner[:, None] == owner[None, :]).tril()
    return torch.cat([torch.ones(len(own), first, dtype=torch.bool), own], dim=1)[None, None]


def packed_attention(
    module: torch.nn.Module,
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attention_mask: Tensor | None,
    *,
    packed_layout: PackedLayout | None = None,
    **options: Any,
) -> tuple[Tensor, None]:
    """Take attention within each sequence of a packed row; without a layout, as transformers' ``"sdpa"``.

    Parameters
    ----------
    module : torch.nn.Module
        The attention layer that calls.
    query, key, value : float [1, heads, positions, head size]
        Keys and values may have fewer heads.
    attention_mask : Tensor or None
        Read without a layout only.
    packed_layout : PackedLayout or None

    Returns
    -------
    float [1, positions, heads, head size], and None

    Raises
    ------
    ValueError
        If the layer has a sliding window shorter than a sequence, attention sinks or a position bias.
    """
    from transformers.integrations.sdpa_attention import sdpa_attention_forward

    if packed_layout is None:
        plain: tuple[Tensor, None] = sdpa_attention_forward(module, query, key, value, attention_mask, **options)
        return plain
    window = options.get("sliding_window")
    if window is not None and window < packed_layout.longest:
        raise ValueError(
            f"packed_layout: a sequence of {packed_layout.longest} positions is longer than the model's sliding window "
            f"of {window}; use padded batches"
        )
    for name in ("s_aux", "position_bias"):
        if options.get(name) is not None:
            raise ValueError(f"packed_layout: attention with {name} cannot be packed; use padded batches")
    packed_layout.calls += 1

    def attend(q: Tensor, k: Tensor, v: Tensor, mask: Tensor | None, causal: bool) -> Tensor:
        output, _ = sdpa_attention_forward(module, q, k, v, mask, **{**options, "is_causal": causal})
        return output

    if is_gpu(query.device) and not packed_layout.lent:
        taken, places, mask = packed_layout.padded_on(query.device, query.dtype)
        heads = [query.shape[1], key.shape[1], value.shape[1]]
        # One copy of the three, [groups, heads, length, head size].
        joint = torch.cat([query, key, value], dim=1)[0].index_select(1, taken)
        q, k, v = joint.unflatten(1, (len(mask), -1)).transpose(0, 1).split(heads, dim=1)
        return attend(q, k, v, mask, causal=False).flatten(0, 1).index_select(0, places)[None], None
    # One split for all groups: slices one by one would each get a gradient as long as the row.
    query_sizes = [sum(rest) if packed_layout.lent else first + sum(rest) for first, rest in packed_layout.groups]
    pieces = zip(
        packed_layout.groups,
        packed_layout.masks_on(query.device),
        query.split(query_sizes, dim=2),
        key.split(packed_layout.sizes, dim=2),
        value.split(packed_layout.sizes, dim=2),
        strict=True,
    )
    outputs = []
    for (first, rest), mask, q, k, v in pieces:
        if not packed_layout.lent:
            first_query, q = q.split([first, sum(rest)], dim=2)
            outputs.append(attend(first_query, k[:, :, :first], v[:, :, :first], None, causal=True))
        if rest:
            outputs.append(attend(q, k, v, mask, causal=False))
    return torch.cat(outputs, dim=1), None


def is_attention_alone(language_model: Any) -> bool:
    """Whether all layers of a model are attention that goes through transformers' attention interface.

    Such a model keeps to masks and to transformers' cache of keys and values.
    """
    configuration = _text_configuration(language_model)
    kinds = set(getattr(configuration, "layer_types", None) or ()) - {"full_attention", "sliding_attention"}
    attends = bool(getattr(language_model, "_supports_attention_backend", False))
    return attends and not kinds and not getattr(language_model, "_is_stateful", False)


def why_not_packed(language_model: Any, *, longest: int | None = None, shared: bool = False) -> str | None:
    """Return why a model cannot compute packed rows, or None where it can.

    Parameters
    ----------
    language_model : transformers causal language model
        Not wrapped by peft.
    longest : int or None
        Positions of the longest sequence, where known: a longer sliding window changes nothing.
    shared : bool
        Whether sequences share beginnings, which only `packed_attention` can do; rows without may also go through
        flash attention.
    """
    configuration = _text_configuration(language_model)
    accepted = inspect.signature(language_model.forward).parameters
    name = type(language_model).__name__
    if not getattr(language_model, "_supports_attention_backend", False):
        return f"the attention of {name} does not go through transformers' attention interface"
    if getattr(language_model, "_is_stateful", False):
        return f"{name} has recurrent layers, which would mix the sequences of a row"
    if "position_ids" not in accepted or not any(p.kind is p.VAR_KEYWORD for p in accepted.values()):
        return f"{name}.forward takes no position_ids or no further options"
    implementation = configuration._attn_implementation
    if implementation not in ("sdpa", PACKED_ATTENTION) and (shared or not _is_flash(implementation)):
        return f"the attention implementation of {name} is {implementation!r}, expected 'sdpa'"
    kinds = set(getattr(configuration, "layer_types", None) or ()) - {"full_attention", "sliding_attention"}
    if kinds:
        return f"{name} has layers of kind {', '.join(sorted(kinds))}, which would mix the sequences of a row"
    window = getattr(configuration, "sliding_window", None)
    if window is not None and (longest is None or window < longest):
        return f"{name} has a sliding window of {window} positions"
    return None


def pack_options(language_model: Any, layout: PackedLayout) -> dict[str, Any]:
    """Return what `language_model` is called with to compute a packed row, and choose `packed_attention` for it.

    Where the model has flash attention, that is told where sequences end and does the rest.

    The mask is one of no entries: transformers passes a mask of four dimensions on as it is, and an attention that did
    not know the layout would fail on it rather than let sequences see each other.
    """
    from transformers import AttentionInterface, AttentionMaskInterface
    from transformers.masking_utils import sdpa_mask

    configuration = language_model.config
    if _is_flash(configuration._attn_implementation):
        ends = torch.tensor([0, *itertools.accumulate(layout.sizes)], dtype=torch.int32, device=language_model.device)
        return {
            "attention_mask": None,
            "cu_seq_lens_q": ends,
            "cu_seq_lens_k": ends,
            "max_length_q": layout.longest,
            "max_length_k": layout.longest,
        }
    if configuration._attn_implementation != PACKED_ATTENTION:
        AttentionInterface.register(PACKED_ATTENTION, packed_attention)
        AttentionMaskInterface.register(PACKED_ATTENTION, sdpa_mask)
        # The gradient may be computed long after this call (gradient checkpointing), so the choice stays.
        configuration._attn_implementation = PACKED_ATTENTION
    return {"packed_layout": layout, "attention_mask": torch.empty(1, 1, 0, 0, device=language_model.device)}


def check_every_layer_was_packed(language_model: Any, layout: PackedLayout) -> None:
    """Raise RuntimeError if fewer layers took `packed_attention` than `language_model` has."""
    layers = count_layers(language_model)
    if layout.calls < layers and not _is_flash(language_model.config._attn_implementation):
        raise RuntimeError(
            f"packed rows: only {layout.calls} of {layers} layers of {type(language_model).__name__} took attention "
            "within sequences, the others may have mixed them; use padded batches"
        )


def count_layers(language_model: Any) -> int:
    """Return the layers of a transformers model."""
    return int(_text_configuration(language_model).num_hidden_layers)


def _is_flash(implementation: str | None) -> bool:
    return implementation is not None and implementation.startswith("flash_attention")


def _text_configuration(language_model: Any) -> Any:
    configuration = language_model.config
    return configuration.get_text_config() if hasattr(configuration, "get_text_config") else configuration
