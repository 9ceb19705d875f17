"""From examples to batches: padded on the left, so that every answer starts where the prompt ends."""

from __future__ import annotations

from collections.abc import Sequence as Items
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import torch

from ecgbyte.training.examples import Example
from ecgbyte.training.sequences import IGNORED, Sequence, TruncationReport, build_sequence, report_truncation

if TYPE_CHECKING:
    from ecgbyte.models.ecg_tokens import ECGTokenMap


class _RememberingTokenizer:
    """A text tokenizer that encodes a text once: questions come back in every epoch, and in many samples."""

    def __init__(self, text_tokenizer: Any) -> None:
        self.bos_token_id = text_tokenizer.bos_token_id
        self.eos_token_id = text_tokenizer.eos_token_id
        self._text_tokenizer = text_tokenizer
        self._known: dict[str, list[int]] = {}

    def encode(self, text: str, **options: Any) -> list[int]:
        if text not in self._known:
            self._known[text] = list(self._text_tokenizer.encode(text, **options))
        return self._known[text]


class Collator:
    """Build the batches of a language model that reads ECGs.

    Parameters
    ----------
    token_map : ECGTokenMap
        Where the ECG tokens stand in the language model's vocabulary.
    text_tokenizer : transformers tokenizer
    max_length : int
        Positions a sequence may take; see `ecgbyte.training.sequences`.
    answer_room : int
        Positions kept for the answer and EOS.
    pad_to : "longest" or int
        The length of a batch: its longest sequence, or this many positions always (as published: 1,024).

    Raises
    ------
    ValueError
        If a length is not positive, or `pad_to` is shorter than `max_length`.

    Notes
    -----
    *Thread-safety*: instances hold settings and a memory of encoded texts, and may be shared.
    """

    def __init__(
        self,
        token_map: ECGTokenMap,
        text_tokenizer: Any,
        *,
        max_length: int = 1024,
        answer_room: int = 128,
        pad_to: Literal["longest"] | int = "longest",
    ) -> None:
        for name, value in (("max_length", max_length), ("answer_room", answer_room)):
            if not isinstance(value, int) or value < 1:
                raise ValueError(f"{name}: expected a positive integer, got {value!r}")
        if pad_to != "longest" and not (isinstance(pad_to, int) and pad_to >= max_length):
            raise ValueError(
                f"pad_to: expected 'longest' or an integer of max_length={max_length} at least, got {pad_to!r}"
            )
        if text_tokenizer.pad_token_id is None:
            raise ValueError("text_tokenizer: expected a pad token, got none (load_language_model adds one)")
        self.token_map = token_map
        self.text_tokenizer = text_tokenizer
        self._remembered = _RememberingTokenizer(text_tokenizer)
        self.max_length = max_length
        self.answer_room = answer_room
        self.pad_to = pad_to

    def settings(self) -> dict[str, int | str]:
        """Return what decides which tokens a sequence keeps, ready for JSON."""
        return {"max_length": self.max_length, "answer_room": self.answer_room, "pad_to": self.pad_to}

    def __call__(self, examples: Items[Example]) -> dict[str, torch.Tensor]:
        """Return the training batch of `examples`.

        Returns
        -------
        dict of str to torch.Tensor
            ``input_ids``, ``attention_mask``, ``position_ids`` and ``labels``, int64 [samples, positions];
            ``features``, float32 [samples, features], where the examples hold an encoder's features.
        """
        return self._batch([self.sequence(example) for example in examples])

    def prompts(self, examples: Items[Example]) -> dict[str, torch.Tensor]:
        """Return the batch for generation: the same without answers, and without ``labels``."""
        batch = self._batch([self.sequence(example, for_generation=True) for example in examples])
        del batch["labels"]
        return batch

    def sequence(self, example: Example, *, for_generation: bool = False) -> Sequence:
        """Return the sequence of one example, not padded."""
        return build_sequence(
            example,
            self.token_map,
            self._remembered,
            max_length=self.max_length,
            answer_room=self.answer_room,
            for_generation=for_generation,
        )

    def length(self, example: Example) -> int:
        """Return the positions that `example` takes in training, padding aside."""
        return len(self.sequence(example).input_ids)

    def truncation(self, examples: Items[Example]) -> TruncationReport:
        """Count the ECG tokens of `examples` that do not fit."""
        return report_truncation((self.sequence(example) for example in examples), examples)

    def _batch(self, sequences: list[Sequence]) -> dict[str, torch.Tensor]:
        if not sequences:
            raise ValueError("examples: expected one at least, got none")
        longest = max(len(sequence.input_ids) for sequence in sequences)
        width = longest if self.pad_to == "longest" else int(self.pad_to)
        shape = (len(sequences), width)
        input_ids = np.full(shape, self.text_tokenizer.pad_token_id, np.int64)
        labels = np.full(shape, IGNORED, np.int64)
        mask = np.zeros(shape, np.int64)
        for row, sequence in enumerate(sequences):
            first = width - len(sequence.input_ids)
            input_ids[row, first:] = sequence.input_ids
            labels[row, first:] = sequence.labels
            # The mask comes from the lengths, never from the pad id, which may be EOS.
            mask[row, first:] = 1
        batch = {
            "input_ids": torch.from_numpy(input_ids),
            "attention_mask": torch.from_numpy(mask),
            "position_ids": torch.from_numpy(np.maximum(mask.cumsum(axis=1) - 1, 0)),
            "labels": torch.from_numpy(labels),
        }
        features = [sequence.features for sequence in sequences if sequence.features is not None]
        if features:
            # Rows without an encoder's vector (text alone) have no <signal> position, so rows are matched by order.
            if len({vector.shape for vector in features}) > 1:
                raise ValueError(f"ecg: expected features of one length, got {sorted({v.size for v in features})}")
            batch["features"] = torch.from_numpy(np.stack(features))
        return batch
