"""Embedding rows that stay as they are while everything else is trained.

A mask on gradients would not do: weight decay moves a row without any gradient, and so does Adam's memory of earlier
steps. Here the frozen rows are no parameter at all but a buffer, so that no optimiser ever sees them; the other rows
are a parameter of their own. Where the output layer is tied to the embedding, it is tied to both.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn


class PartlyFrozenEmbedding(nn.Module):
    """An embedding of which some rows are trained and the others are not.

    Parameters
    ----------
    weight : Tensor
        Float [rows, hidden], copied.
    frozen_ids : sequence of int
        The rows that stay.
    padding_idx : int or None
        As in `torch.nn.Embedding`: a row that gets no gradient from being looked up.

    Raises
    ------
    ValueError
        If there is no row to freeze or none to train, or an id is out of range.
    """

    trained_rows: nn.Parameter
    frozen_rows: Tensor
    place: Tensor

    def __init__(self, weight: Tensor, frozen_ids: Sequence[int], padding_idx: int | None = None) -> None:
        super().__init__()
        frozen = torch.zeros(len(weight), dtype=torch.bool)
        ids = torch.tensor(sorted(set(frozen_ids)), dtype=torch.int64)
        if len(ids) == 0 or int(ids[0]) < 0 or int(ids[-1]) >= len(weight) or len(ids) == len(weight):
            raise ValueError(f"frozen_ids: expected some but not all of the ids 0..{len(weight) - 1}, got {len(ids)}")
        frozen[ids] = True
        weight = weight.detach()
        self.trained_rows = nn.Parameter(weight[~frozen].clone())
        self.register_buffer("frozen_rows", weight[frozen].clone())
        # Of each id: its row among the trained ones, and after these among the frozen ones.
        place = torch.empty(len(weight), dtype=torch.int64)
        place[~frozen] = torch.arange(int((~frozen).sum()))
        place[frozen] = torch.arange(len(self.trained_rows), len(weight))
        self.register_buffer("place", place.to(weight.device))
        self.padding_idx = padding_idx
        self._padding_place = None if padding_idx is None or frozen[padding_idx] else int(place[padding_idx])

    @property
    def weight(self) -> Tensor:
        """All rows in their order, float [rows, hidden]; a copy through which gradients reach the trained rows."""
        return torch.cat([self.trained_rows, self.frozen_rows])[self.place]

    def forward(self, token_ids: Tensor) -> Tensor:
        """Int64 [...] to float [..., hidden]."""
        place = self.place[token_ids]
        num_trained = len(self.trained_rows)
        is_frozen = place >= num_trained
        trained = nn.functional.embedding(place.masked_fill(is_frozen, 0), self.trained_rows, self._padding_place)
        kept = nn.functional.embedding((place - num_trained).clamp(min=0), self.frozen_rows)
        # Where a row is frozen, the gradient of the row that was looked up in its place is zero.
        return torch.where(is_frozen[..., None], kept, trained)

    def logits(self, hidden: Tensor) -> Tensor:
        """The tied output layer: float [..., hidden] to float [..., rows]."""
        parts = [nn.functional.linear(hidden, rows) for rows in (self.trained_rows, self.frozen_rows)]
        return torch.cat(parts, dim=-1)[..., self.place]


class _TiedOutput(nn.Module):
    """The output layer of a `PartlyFrozenEmbedding`; it owns no weight."""

    def __init__(self, embedding: PartlyFrozenEmbedding) -> None:
        super().__init__()
        # In a tuple, so that the embedding's weights are not saved twice.
        self._embedding = (embedding,)

    @property
    def weight(self) -> Tensor:
        return self._embedding[0].weight

    def forward(self, hidden: Tensor) -> Tensor:
        return self._embedding[0].logits(hidden)


def freeze_rows(language_model: Any, frozen_ids: Sequence[int]) -> None:
    """Freeze rows of a language model's embedding, and of its output layer where the two are tied, in place.

    An output layer with weights of its own is trained whole.

    Raises
    ------
    ValueError
        If the tied output layer has a bias, or the ids are out of range.
    """
    old, output = language_model.get_input_embeddings(), language_model.get_output_embeddings()
    tied = output is not None and output.weight is old.weight
    if tied and getattr(output, "bias", None) is not None:
        raise ValueError("language_model: expected a tied output layer without bias, got one with it")
    embedding = PartlyFrozenEmbedding(old.weight, frozen_ids, old.padding_idx)
    language_model.set_input_embeddings(embedding)
    if tied:
        language_model.set_output_embeddings(_TiedOutput(embedding))


def restore_plain_embedding(language_model: Any) -> None:
    """Undo `freeze_rows` with the rows as they are now, in place: what transformers can save."""
    partly = language_model.get_input_embeddings()
    weight = nn.Parameter(partly.weight.detach().clone())
    rows, hidden = weight.shape
    embedding = nn.Embedding(rows, hidden, padding_idx=partly.padding_idx, device="meta")
    embedding.weight = weight
    language_model.set_input_embeddings(embedding)
    if isinstance(language_model.get_output_embeddings(), _TiedOutput):
        output = nn.Linear(hidden, rows, bias=False, device="meta")
        output.weight = weight
        language_model.set_output_embeddings(output)
