"""The labels of a batch: which have a loss, where they are predicted, and the mean loss over them."""

from __future__ import annotations

from collections.abc import Mapping

from torch import Tensor
from torch.nn.functional import cross_entropy

from ecgbyte.models.language.packed_attention import PackedLayout

IGNORED = -100


def wanted_labels(batch: Mapping[str, Tensor]) -> Tensor:
    """Return which labels after the first position have a loss, bool [samples, positions - 1].

    Raises
    ------
    ValueError
        If none has.
    """
    wanted = batch["labels"][:, 1:] != IGNORED
    if not bool(wanted.any()):
        raise ValueError("labels: expected one at least that is not -100 after the first position, got none")
    return wanted


def packed_labels(batch: Mapping[str, Tensor], wanted: Tensor) -> tuple[PackedLayout, Tensor]:
    """Return the layout of a batch of `ecgbyte.training.packing.PackedCollator`, and where its labels are predicted."""
    layout = PackedLayout([(length, ()) for length in batch["sequence_lengths"].tolist()])
    return layout, wanted[0].nonzero()[:, 0]


def answer_loss(logits: Tensor, targets: Tensor, batch: Mapping[str, Tensor]) -> Tensor:
    """Return the mean loss over the labels of a batch, weighted where it has ``label_weights``; float32 scalar."""
    if "label_weights" not in batch:
        return cross_entropy(logits, targets)
    weights = batch["label_weights"][:, 1:][wanted_labels(batch)]
    return (cross_entropy(logits, targets, reduction="none") * weights).sum() / weights.sum()


def positions_from_first(wanted: Tensor) -> int:
    """Return how many of the last positions hold every position that predicts a wanted label, and one after them."""
    return wanted.shape[1] + 1 - int(wanted.any(dim=0).nonzero()[0])
