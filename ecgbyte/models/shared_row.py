"""Questions that share their ECG as one packed row: each ECG, then the questions about it, without padding."""

from __future__ import annotations

import itertools
from collections.abc import Mapping

import torch
from torch import Tensor

from ecgbyte.models.packed_attention import PackedLayout


def pack_shared(batch: Mapping[str, Tensor], wanted: Tensor) -> tuple[dict[str, Tensor], PackedLayout, Tensor]:
    """Lay out a batch of `ecgbyte.training.shared_prefix.SharedPrefixCollator` as one row.

    Parameters
    ----------
    batch : mapping of str to Tensor
    wanted : bool [samples, positions - 1]
        Which labels after the first position have a loss.

    Returns
    -------
    packed : dict of str to Tensor
        The batch with ``input_ids``, ``position_ids`` and ``attention_mask`` int64 [1, positions] of the row; ECGs keep
        their order, by which ``features`` are matched.
    layout : PackedLayout
    predicting : int64 [labels]
        The position of the row that predicts each label, in the order of samples and positions.
    """
    mask, suffix_mask = batch["attention_mask"].bool(), batch["suffix_attention_mask"].bool()
    lengths, suffix_lengths = mask.sum(dim=1).tolist(), suffix_mask.sum(dim=1).tolist()
    followers: list[list[int]] = [[] for _ in lengths]
    for sample, row in enumerate(batch["prefix_rows"].tolist()):
        followers[row].append(sample)
    layout = PackedLayout(
        [(first, [suffix_lengths[i] for i in mine]) for first, mine in zip(lengths, followers, strict=True)]
    )
    # Beginnings then questions, as they come without padding; `order` brings each beginning's questions behind it.
    starts = [0, *itertools.accumulate(lengths)]
    suffix_starts = [starts[-1] + before for before in (0, *itertools.accumulate(suffix_lengths))]
    order, place = [], torch.empty(len(suffix_lengths), dtype=torch.int64)
    filled = 0
    for row, mine in enumerate(followers):
        order.append(torch.arange(starts[row], starts[row + 1]))
        filled += lengths[row]
        for sample in mine:
            order.append(torch.arange(suffix_starts[sample], suffix_starts[sample + 1]))
            place[sample] = filled
            filled += suffix_lengths[sample]
    device = mask.device
    row_order = torch.cat(order).to(device)

    def row_of(values: Tensor, suffix_values: Tensor) -> Tensor:
        return torch.cat([values[mask], suffix_values[suffix_mask]])[row_order][None]

    packed = {name: value for name, value in batch.items() if not name.startswith("suffix_") and name != "prefix_rows"}
    packed["input_ids"] = row_of(batch["input_ids"], batch["suffix_ids"])
    packed["position_ids"] = row_of(batch["position_ids"], batch["suffix_position_ids"])
    packed["attention_mask"] = torch.ones_like(packed["input_ids"])
    samples, columns = wanted.nonzero(as_tuple=True)
    # Column c of `wanted` is predicted by column c of the padded questions, whose own positions end the row.
    padding = suffix_mask.shape[1] - torch.tensor(suffix_lengths, device=device)
    predicting = place.to(device)[samples] + columns - padding[samples]
    return packed, layout, predicting
