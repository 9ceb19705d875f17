"""Several questions about one ECG in one step, with the ECG's positions computed once.

An ECG takes hundreds of positions, a question a dozen. Questions about the same ECG have the same beginning,
``BOS <sig_start> ... <sig_end>``, which a causal model computes alike for all of them. Here it is computed once and its
keys and values are lent to every question; loss and gradients are those of the questions apart (a test compares them).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence as Items
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from ecgbyte.training.collate import Collator, stack_features
from ecgbyte.training.examples import Example
from ecgbyte.training.sequences import IGNORED, Sequence, TruncationReport


@dataclass(frozen=True, eq=False)
class ExampleGroup:
    """Examples about one ECG, trained in the same step.

    Attributes
    ----------
    record_id : str
        The record of all of them.
    examples : tuple of Example
        At least one.
    """

    record_id: str
    examples: tuple[Example, ...]

    @property
    def num_samples(self) -> int:
        """How many samples the group counts for."""
        return len(self.examples)


def group_examples(examples: Items[Example], largest: int) -> list[ExampleGroup]:
    """Put each record's examples together, in their order, `largest` at a time.

    Groups come in the order of their first examples.

    Only records count, not what stands for the ECG, so that every method meets the same groups. Members need not share
    an ECG; where they do not, `SharedPrefixCollator` computes each ECG by itself.

    Raises
    ------
    ValueError
        If `largest` is not positive.
    """
    if largest < 1:
        raise ValueError(f"largest: expected a positive number, got {largest}")
    met: Counter[str] = Counter()
    groups: dict[tuple[str, int], list[Example]] = {}
    for example in examples:
        groups.setdefault((example.record_id, met[example.record_id] // largest), []).append(example)
        met[example.record_id] += 1
    return [ExampleGroup(members[0].record_id, tuple(members)) for members in groups.values()]


class GroupCollator:
    """Batches of `ExampleGroup` in which nothing is shared: the sequences of all examples, each by itself.

    With it a method whose layout is another (padded as published, packed) still meets the same questions together in
    a step as methods that share beginnings.

    Parameters
    ----------
    collator : Collator or PackedCollator
        Makes the batch of all examples of the groups.
    """

    def __init__(self, collator: Any) -> None:
        self.collator = collator

    def __call__(self, groups: Items[ExampleGroup]) -> dict[str, torch.Tensor]:
        """Return the training batch of `collator`, the examples of a group side by side."""
        batch: dict[str, torch.Tensor] = self.collator(_examples_of(groups))
        return batch

    def settings(self) -> dict[str, int | str]:
        """Return what decides which tokens a sequence keeps, ready for JSON."""
        return {**self.collator.settings(), "groups": "apart"}

    def length(self, group: ExampleGroup) -> int:
        """Return the positions of the longest example of a group, by which batches are put together."""
        return max(int(self.collator.length(example)) for example in group.examples)

    def truncation(self, groups: Items[ExampleGroup]) -> TruncationReport:
        """Count the ECG tokens that do not fit, over all samples."""
        report: TruncationReport = self.collator.truncation(_examples_of(groups))
        return report


def _examples_of(groups: Items[ExampleGroup]) -> list[Example]:
    return [example for group in groups for example in group.examples]


class SharedPrefixCollator:
    """Batches of `ExampleGroup`: each different beginning once, each question and answer by itself.

    Parameters
    ----------
    collator : Collator
        Builds the sequences; its ``pad_to`` does not apply, the beginnings and the rests are padded to their longest.

    Raises
    ------
    ValueError
        If the text tokenizer has no BOS token: text alone would have no beginning. If the collator has padding among
        its labels: beginnings carry none.
    """

    def __init__(self, collator: Collator) -> None:
        if not collator.form.before:
            raise ValueError("collator: its text tokenizer has no BOS token, so sequences may share no beginning")
        if collator.padding_in_labels:
            raise ValueError(
                "collator: padding_in_labels makes targets of the padding of every question, which questions that "
                "share a beginning do not have; give the collator itself to train, with single examples"
            )
        self.collator = collator

    def __call__(self, groups: Items[ExampleGroup]) -> dict[str, torch.Tensor]:
        """Return the training batch.

        Returns
        -------
        dict of str to torch.Tensor
            Of the beginnings: ``input_ids``, ``attention_mask``, ``position_ids``, int64 [beginnings, positions], and
            ``features`` as in `Collator`. Of the questions with their answers: ``suffix_ids``,
            ``suffix_attention_mask``, ``suffix_position_ids`` and ``labels``, int64 [samples, positions],
            ``label_weights`` float32 of the same shape where an example's weight is not 1, and ``prefix_rows`` int64
            [samples], which beginning each belongs to. Both are padded on the left.
        """
        return self._shared([self.collator.sequence(example) for example in _examples_of(groups)])

    def prompts(self, examples: Items[Example]) -> dict[str, torch.Tensor]:
        """Return the batch for generation: the same of single examples without answers, and without ``labels``."""
        batch = self._shared([self.collator.sequence(example, for_generation=True) for example in examples])
        batch.pop("label_weights", None)
        del batch["labels"]
        return batch

    def _shared(self, sequences: list[Sequence]) -> dict[str, torch.Tensor]:
        cuts = [self.beginning(sequence) for sequence in sequences]
        if any(len(row.labels) == cut or row.labels[cut] != IGNORED for row, cut in zip(sequences, cuts, strict=True)):
            raise ValueError(
                "examples: expected a question in each; one without would lose the first token of its answer"
            )
        rows: dict[tuple[bytes, bytes], int] = {}
        prefixes: list[Sequence] = []
        prefix_rows = []
        for sequence, cut in zip(sequences, cuts, strict=True):
            key = (sequence.input_ids[:cut].tobytes(), sequence.features_key())
            if key not in rows:
                rows[key] = len(prefixes)
                prefixes.append(sequence)
            prefix_rows.append(rows[key])
        lengths = dict(zip(prefix_rows, cuts, strict=True))
        first = self._pad([sequence.input_ids[: lengths[row]] for row, sequence in enumerate(prefixes)])
        rest = self._pad([sequence.input_ids[cut:] for sequence, cut in zip(sequences, cuts, strict=True)])
        labels = self._pad([sequence.labels[cut:] for sequence, cut in zip(sequences, cuts, strict=True)], IGNORED)
        batch = {
            "input_ids": first[0],
            "attention_mask": first[1],
            "position_ids": first[2],
            "suffix_ids": rest[0],
            "suffix_attention_mask": rest[1],
            "suffix_position_ids": rest[2] + torch.tensor(cuts)[:, None],
            "labels": labels[0],
            "prefix_rows": torch.tensor(prefix_rows),
        }
        if any(sequence.weight != 1.0 for sequence in sequences):
            weights = torch.tensor([sequence.weight for sequence in sequences])
            batch["label_weights"] = weights[:, None].expand(batch["labels"].shape).contiguous()
        features = stack_features(prefixes)
        if features is not None:
            batch["features"] = features
        return batch

    def settings(self) -> dict[str, int | str]:
        """Return what decides which tokens a sequence keeps, ready for JSON."""
        return self.collator.settings()

    def length(self, group: ExampleGroup) -> int:
        """Return the positions of a group's ECG, by which batches are put together."""
        return self.beginning(self.collator.sequence(group.examples[0]))

    def truncation(self, groups: Items[ExampleGroup]) -> TruncationReport:
        """Count the ECG tokens that do not fit, over all samples."""
        return self.collator.truncation(_examples_of(groups))

    def beginning(self, sequence: Sequence) -> int:
        """Return the positions before the question: what stands before the ECG (BOS), and the ECG's block."""
        ends = np.flatnonzero(sequence.input_ids == self.collator.token_map.end_id)
        return int(ends[0]) + 1 if len(ends) else len(self.collator.form.before)

    def _pad(self, rows: list[np.ndarray], fill: int | None = None) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """Values, mask and positions within the row, padded on the left to the longest row."""
        shape = (len(rows), max(len(row) for row in rows))
        values = np.full(shape, self.collator.text_tokenizer.pad_token_id if fill is None else fill, np.int64)
        mask = np.zeros(shape, np.int64)
        for place, row in enumerate(rows):
            values[place, shape[1] - len(row) :] = row
            mask[place, shape[1] - len(row) :] = 1
        positions = np.maximum(mask.cumsum(axis=1) - 1, 0)
        return torch.from_numpy(values), torch.from_numpy(mask), torch.from_numpy(positions)
