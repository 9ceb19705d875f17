"""Questions that share their ECG without padding: each ECG, then the questions about it, as one packed row or two."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from ecgbyte.models.language.packed_attention import PackedLayout

Row = dict[str, Tensor]


def split_shared(batch: Mapping[str, Tensor], wanted: Tensor) -> tuple[Row, Row, PackedLayout, Tensor]:
    """Lay out a batch of `ecgbyte.training.shared_prefix.SharedPrefixCollator` as a row of ECGs and one of questions.

    Parameters
    ----------
    batch : mapping of str to Tensor
    wanted : bool [samples, positions - 1]
        Which labels after the first position have a loss.

    Returns
    -------
    beginnings : dict of str to Tensor
        The batch with ``input_ids``, ``position_ids`` and ``attention_mask`` int64 [1, positions] of the ECGs, in their
        order, by which ``features`` are matched.
    questions : dict of str to Tensor
        The same three of the questions with their answers, those about the first ECG first.
    layout : PackedLayout
        Of questions that see the ECGs' keys and values.
    predicting : int64 [labels]
        The position of the questions' row that predicts each label, in the order of samples and positions.
    """
    mask = batch["attention_mask"].bool()
    rows = batch["prefix_rows"]
    # A stable order: questions about an ECG keep theirs.
    order = torch.argsort(rows, stable=True)
    suffix_mask = batch["suffix_attention_mask"].bool()
    suffix_lengths = suffix_mask.sum(dim=1)
    rests: list[list[int]] = [[] for _ in range(len(mask))]
    for row, length in zip(rows[order].tolist(), suffix_lengths[order].tolist(), strict=True):
        rests[row].append(length)
    layout = PackedLayout(list(zip(mask.sum(dim=1).tolist(), rests, strict=True)), lent=True)
    own = {name: value for name, value in batch.items() if not name.startswith("suffix_") and name != "prefix_rows"}
    beginnings = own | _row(batch["input_ids"][mask], batch["position_ids"][mask])
    kept = suffix_mask[order]
    questions = _row(batch["suffix_ids"][order][kept], batch["suffix_position_ids"][order][kept])
    starts = torch.empty_like(suffix_lengths)
    starts[order] = suffix_lengths[order].cumsum(0) - suffix_lengths[order]
    samples, columns = wanted.nonzero(as_tuple=True)
    # Column c of `wanted` is predicted by column c of the questions as they came, padded on the left.
    padding = suffix_mask.shape[1] - suffix_lengths
    return beginnings, questions, layout, starts[samples] + columns - padding[samples]


def pack_shared(batch: Mapping[str, Tensor], wanted: Tensor) -> tuple[Row, PackedLayout, Tensor]:
    """Lay out the same batch as one row: each ECG, then the questions about it.

    Returns
    -------
    packed : dict of str to Tensor
        The batch with ``input_ids``, ``position_ids`` and ``attention_mask`` int64 [1, positions] of the row.
    layout : PackedLayout
    predicting : int64 [labels]
        As in `split_shared`, of this row.
    """
    beginnings, questions, lent, predicting = split_shared(batch, wanted)
    layout = PackedLayout(lent.groups)
    firsts, rests = [first for first, _ in lent.groups], [sum(rest) for _, rest in lent.groups]
    packed = dict(beginnings)
    for name in ("input_ids", "position_ids", "attention_mask"):
        pairs = zip(beginnings[name].split(firsts, dim=1), questions[name].split(rests, dim=1), strict=True)
        packed[name] = torch.cat([part for pair in pairs for part in pair], dim=1)
    # A question moves behind its ECG and all the ECGs before it.
    before = torch.tensor(firsts).cumsum(0).repeat_interleave(torch.tensor(rests)).to(predicting.device)
    return packed, layout, predicting + before[predicting]


def _row(input_ids: Tensor, position_ids: Tensor) -> Row:
    return {
        "input_ids": input_ids[None],
        "position_ids": position_ids[None],
        "attention_mask": torch.ones_like(input_ids)[None],
    }
