"""Batches without padding: the sequences of a batch end to end in one row, each seeing itself alone.

Loss and gradients are those of the padded batch (a test compares them). Attention is taken sequence by sequence, so no
mask is made and memory grows with the positions, not with the square of the row
(`ecgbyte.models.language.packed_attention`).
"""

from __future__ import annotations

from collections.abc import Sequence as Items

import torch

from ecgbyte.training.collate import Collator
from ecgbyte.training.examples import Example
from ecgbyte.training.sequences import IGNORED, TruncationReport

_OF_POSITIONS = ("input_ids", "attention_mask", "position_ids", "labels", "label_weights")


class PackedCollator:
    """Batches of one row that holds the sequences of all its examples.

    Parameters
    ----------
    collator : Collator
        Builds the sequences; its ``pad_to`` does not apply.

    Raises
    ------
    ValueError
        If the collator makes labels of padding, which a packed row does not have.

    Notes
    -----
    A model that cannot keep the sequences apart refuses the batch with a `ValueError`
    (`ecgbyte.models.language.packed_attention.why_not_packed`). *Thread-safety*: as `Collator`.
    """

    def __init__(self, collator: Collator) -> None:
        if collator.padding_in_labels:
            raise ValueError(
                "collator: padding_in_labels makes targets of the padding of every sample, which packed rows do not "
                "have; give the collator itself to train"
            )
        self.collator = collator

    def __call__(self, examples: Items[Example]) -> dict[str, torch.Tensor]:
        """Return the training batch of `examples`.

        Returns
        -------
        dict of str to torch.Tensor
            ``input_ids``, ``attention_mask`` (all 1), ``position_ids`` (from 0 in each sequence) and ``labels``, int64
            [1, positions]; ``sequence_lengths`` int64 [samples]; ``label_weights`` and what stands for ECGs as in
            `Collator`.
        """
        padded = self.collator(examples)
        kept = padded["attention_mask"].bool()
        batch = {name: part[kept][None] if name in _OF_POSITIONS else part for name, part in padded.items()}
        lengths = kept.sum(dim=1)
        # Nothing comes before the first position of a sequence that could predict it.
        batch["labels"][0, lengths.cumsum(0) - lengths] = IGNORED
        batch["sequence_lengths"] = lengths
        return batch

    def settings(self) -> dict[str, int | str]:
        """Return what decides which tokens a sequence keeps, ready for JSON."""
        return {**self.collator.settings(), "pad_to": "packed"}

    def length(self, example: Example) -> int:
        """Return the positions that `example` takes."""
        return self.collator.length(example)

    def truncation(self, examples: Items[Example]) -> TruncationReport:
        """Count the ECG tokens that do not fit."""
        return self.collator.truncation(examples)
