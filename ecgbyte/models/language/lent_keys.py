"""Keys and values of ECGs, lent to the questions about them: one forward pass for the ECGs, one for the questions.

An ECG's own output is never read, only what questions see of it: the keys and values of each layer. So the pass over
the ECGs ends in the last layer as soon as they are known, and neither attention nor the rest of that layer is computed.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from transformers import DynamicCache

from ecgbyte.models.language.packed_attention import PackedLayout


class LentKeys(DynamicCache):
    """Takes the place of transformers' cache in both passes.

    Parameters
    ----------
    layout : PackedLayout
        Of the questions' pass: beginnings and what follows them.
    layers : int
        Layers of the model.

    Notes
    -----
    *Thread-safety*: not safe; it belongs to one forward pass.
    """

    def __init__(self, layout: PackedLayout, layers: int) -> None:
        super().__init__()
        self.layout = layout
        self._last = layers - 1
        self._known: dict[int, tuple[Tensor, Tensor]] = {}
        self.lending = False

    def update(
        self, key_states: Tensor, value_states: Tensor, layer_idx: int, *args: Any, **kwargs: Any
    ) -> tuple[Tensor, Tensor]:
        """Keep the keys and values of the beginnings; in the second pass, put them before those of the questions.

        Both are float [1, heads, positions, head size].

        Raises
        ------
        EveryKeyKnown
            In the pass over the beginnings, from the last layer.
        """
        if self.lending:
            keys, values = self._known[layer_idx]
            return self._join(keys, key_states), self._join(values, value_states)
        self._known[layer_idx] = (key_states, value_states)
        if layer_idx == self._last:
            raise EveryKeyKnown
        return key_states, value_states

    def _join(self, beginnings: Tensor, questions: Tensor) -> Tensor:
        """Each beginning, then the questions about it."""
        firsts = beginnings.split([first for first, _ in self.layout.groups], dim=2)
        rests = questions.split([sum(rest) for _, rest in self.layout.groups], dim=2)
        return torch.cat([part for pair in zip(firsts, rests, strict=True) for part in pair], dim=2)


class EveryKeyKnown(Exception):
    """The pass over the beginnings may end."""
