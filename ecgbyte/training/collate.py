"""From examples to batches: padded on the left, so that every answer starts where the prompt ends."""

from __future__ import annotations

from collections.abc import Sequence as Items
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import torch

from ecgbyte.checks import check_option
from ecgbyte.training.examples import Example
from ecgbyte.training.prompt_forms import prompt_form
from ecgbyte.training.sequences import (
    AS_PUBLISHED_SPECIAL_TOKENS,
    IGNORED,
    TRUNCATIONS,
    Sequence,
    TruncationReport,
    answer_ids,
    build_sequence,
    report_truncation,
)

if TYPE_CHECKING:
    from ecgbyte.models.language.ecg_tokens import ECGTokenMap


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
    signal_positions : int
        Positions that a signal takes (`ecgbyte.models.joint.JointModel.signal_positions`); 1 for everything else.
    truncation : "ecg-end" or "as-published"
        What becomes of an ECG that does not fit; see `ecgbyte.training.sequences`. As published, sequences may take 4
        positions more than `max_length`, prompts are never cut, and so prompts are padded to their longest.
    form : "published", "chat" or None
        How question and ECG stand in a prompt (`ecgbyte.training.prompt_forms`). None: in the text tokenizer's own chat
        template, where it has one.
    padding_in_labels : bool
        A fault of the published two-stage code, on for its ``as-published`` row alone: padding is no -100 in the
        labels but the pad token, to be predicted like an answer, and so is BOS after it. At 1,024 positions that is
        about 1,000 targets for each few of the answer. Needs `pad_to` as a number. Padding is told from EOS by where
        the sequence begins, never by its id, so that a pad token which is EOS does no harm to the answer's own EOS.

    Raises
    ------
    ValueError
        If a length is not positive, `pad_to` is shorter than a sequence may be, an option is unknown, or
        `padding_in_labels` is asked for without a fixed length.

    Notes
    -----
    The published fault is in ``ECGCLIPFinetune._prepare_training`` (``willxxy/ECG-Byte``, ``ecg_byte/data_loader.py``):
    labels are padded with the pad id, and the lines that should replace it by -100 compare a list with a number.

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
        signal_positions: int = 1,
        truncation: str = "ecg-end",
        form: str | None = None,
        padding_in_labels: bool = False,
    ) -> None:
        lengths = {"max_length": max_length, "answer_room": answer_room, "signal_positions": signal_positions}
        for name, value in lengths.items():
            if not isinstance(value, int) or value < 1:
                raise ValueError(f"{name}: expected a positive integer, got {value!r}")
        check_option("truncation", truncation, TRUNCATIONS)
        on_top = AS_PUBLISHED_SPECIAL_TOKENS if truncation == "as-published" else 0
        if pad_to != "longest" and not (isinstance(pad_to, int) and pad_to >= max_length + on_top):
            longest = f"max_length={max_length}" + (f" and {on_top} special tokens" if on_top else "")
            raise ValueError(f"pad_to: expected 'longest' or an integer of {longest} at least, got {pad_to!r}")
        if padding_in_labels and pad_to == "longest":
            raise ValueError("padding_in_labels: expected a number of positions as pad_to, got 'longest'")
        if text_tokenizer.pad_token_id is None:
            raise ValueError("text_tokenizer: expected a pad token, got none (load_language_model adds one)")
        self.token_map = token_map
        self.text_tokenizer = text_tokenizer
        self.form = prompt_form(text_tokenizer, form)
        self._remembered = _RememberingTokenizer(text_tokenizer)
        self.max_length = max_length
        self.answer_room = answer_room
        self.pad_to = pad_to
        self.signal_positions = signal_positions
        self.truncation_rule = truncation
        self.padding_in_labels = padding_in_labels

    def settings(self) -> dict[str, int | str]:
        """Return what decides which tokens a sequence keeps and which are labels, ready for JSON.

        Options that are off are left out, so that runs from before they existed can be continued.
        """
        settings: dict[str, int | str] = {
            "max_length": self.max_length,
            "answer_room": self.answer_room,
            "pad_to": self.pad_to,
        }
        if self.signal_positions != 1:
            settings["signal_positions"] = self.signal_positions
        if self.truncation_rule != TRUNCATIONS[0]:
            settings["truncation"] = self.truncation_rule
        if self.form.name != "published":
            settings["form"] = self.form.name
        if self.padding_in_labels:
            settings["padding_in_labels"] = True
        return settings

    def __call__(self, examples: Items[Example]) -> dict[str, torch.Tensor]:
        """Return the training batch of `examples`.

        Returns
        -------
        dict of str to torch.Tensor
            ``input_ids``, ``attention_mask``, ``position_ids`` and ``labels``, int64 [samples, positions];
            ``label_weights`` float32 [samples, positions], where an example's weight is not 1; ``features``, where the
            examples hold them: float32 [samples with an ECG, features] of an encoder, or float32 [samples with an ECG,
            leads, samples] of signals in mV.
        """
        batch = self.with_answers(examples)
        if self.padding_in_labels:
            targets = batch["attention_mask"] == 0
            if self.text_tokenizer.bos_token_id is not None:
                # What follows a padded position is BOS, or padding too; the last position is never padded.
                targets = targets | targets.roll(1, dims=1)
            batch["labels"] = torch.where(targets, batch["input_ids"], batch["labels"])
        return batch

    def with_answers(self, examples: Items[Example]) -> dict[str, torch.Tensor]:
        """Return the training batch with labels on answers and EOS alone, whatever `padding_in_labels` says."""
        return self._batch([self.sequence(example) for example in examples])

    def prompts(self, examples: Items[Example]) -> dict[str, torch.Tensor]:
        """Return the batch for generation: the same without answers, and without ``labels``."""
        pad_to = "longest" if self.truncation_rule == "as-published" else self.pad_to
        batch = self._batch([self.sequence(example, for_generation=True) for example in examples], pad_to)
        batch.pop("label_weights", None)
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
            signal_positions=self.signal_positions,
            truncation=self.truncation_rule,
            form=self.form,
            for_generation=for_generation,
        )

    def answer_ids(self, answer: str) -> list[int]:
        """Return the ids of an answer as it stands after a prompt, without EOS."""
        return answer_ids(self._remembered, answer, self.form)

    def length(self, example: Example) -> int:
        """Return the positions that `example` takes in training, padding aside."""
        return len(self.sequence(example).input_ids)

    def truncation(self, examples: Items[Example]) -> TruncationReport:
        """Count the ECG tokens of `examples` that do not fit."""
        return report_truncation((self.sequence(example) for example in examples), examples)

    def _batch(
        self, sequences: list[Sequence], pad_to: Literal["longest"] | int | None = None
    ) -> dict[str, torch.Tensor]:
        pad_to = self.pad_to if pad_to is None else pad_to
        if not sequences:
            raise ValueError("examples: expected one at least, got none")
        longest = max(len(sequence.input_ids) for sequence in sequences)
        width = longest if pad_to == "longest" else int(pad_to)
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
        if any(sequence.weight != 1.0 for sequence in sequences):
            weights = torch.tensor([sequence.weight for sequence in sequences])
            batch["label_weights"] = weights[:, None].expand(shape).contiguous()
        features = stack_features(sequences)
        if features is not None:
            batch["features"] = features
        return batch


def stack_features(sequences: Items[Sequence]) -> torch.Tensor | None:
    """Stack what stands at ``<signal>``, float32 [samples with an ECG, ...]; None where no sample has any.

    Samples without it (text alone) have no ``<signal>`` position, so rows are matched by order.

    Raises
    ------
    ValueError
        If vectors have different lengths or signals different shapes.
    """
    features = [sequence.features for sequence in sequences if sequence.features is not None]
    if not features:
        return None
    shapes = sorted({array.shape for array in features})
    if len(shapes) > 1:
        if all(len(shape) == 1 for shape in shapes):
            raise ValueError(f"ecg: expected features of one length, got {[shape[0] for shape in shapes]}")
        raise ValueError(f"ecg: expected signals of one shape [leads, samples], got {shapes}")
    return torch.from_numpy(np.stack(features))
