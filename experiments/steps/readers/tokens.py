"""Methods that read the ids of the ECG tokenizer, as tokens of the language model."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ecgbyte.models.end_to_end import EndToEndModel
from ecgbyte.models.language.ecg_tokens import add_ecg_tokens
from ecgbyte.tokenizer.ecg_tokenizer import ECGTokenizer
from ecgbyte.training.examples import Example
from experiments.profiles.faults import ALL_IDS_IN_ANSWERS, FROZEN_MEAN_ROWS
from experiments.steps.readers.reading import BaseModel, Measured, Reading, ReadingModel
from experiments.steps.segments import Segments
from experiments.steps.tokenizer_training import open_tokenizer
from experiments.steps.tokens import open_tokens, tokens_of
from experiments.steps.views import ECGView

if TYPE_CHECKING:
    from experiments.profiles.methods import Method
    from experiments.steps.study import Study


@dataclass(frozen=True)
class TokenReader:
    """Opened on a trained tokenizer and the encoded segments.

    Attributes
    ----------
    tokenizer_folder, tokens_folder : Path
        Of the two steps.
    matching : str
        How the tokenizer cuts symbols into tokens.
    faults : tuple of str
        The published faults to keep.
    """

    tokenizer_folder: Path
    tokens_folder: Path
    matching: str
    faults: tuple[str, ...] = ()

    @cached_property
    def tokenizer(self) -> ECGTokenizer:
        """The ECG tokenizer."""
        return open_tokenizer(self.tokenizer_folder, self.matching)

    def view(self, segments: Segments) -> ECGView | None:
        """The ids of every segment, int32 [tokens]."""
        return open_tokens(self.tokens_folder, segments)

    def read(self, signals: np.ndarray) -> Sequence[np.ndarray] | np.ndarray:
        """The ids of any signals, float32 [signals, leads, samples] in mV."""
        return tokens_of(self.tokenizer, signals)

    def build(self, base: BaseModel, examples: Sequence[Example]) -> ReadingModel:
        """A language model with the ECG tokens in its vocabulary."""
        return self.build_with(base, {})

    def build_with(self, base: BaseModel, options: Mapping[str, Any], lead_markers: Sequence[str] = ()) -> ReadingModel:
        """The same with options of `EndToEndModel`, and markers of leads."""
        frozen = FROZEN_MEAN_ROWS in self.faults
        token_map = add_ecg_tokens(
            base.language_model,
            base.text_tokenizer,
            self.tokenizer,
            initialisation="as-published" if frozen else base.initialisation,
            lead_markers=lead_markers,
            seed=base.seed,
        )
        training = {**base.training, "train_embeddings": base.train_token_rows and not frozen}
        if ALL_IDS_IN_ANSWERS in self.faults:
            training["answer_vocabulary"] = "all"
        return ReadingModel(EndToEndModel(base.language_model, token_map, **training, **options), token_map)


def reading(study: Study, method: Method, seed: int) -> Reading:
    """Of a method that reads tokens."""
    tasks = study.tokenizer_of(method)
    return Reading(
        TokenReader(tasks.trained.step.folder, tasks.encoded.step.folder, method.matching, method.faults),
        (tasks.segments, tasks.trained, tasks.measured, tasks.encoded),
        (__name__,),
        positions=tasks.expected_positions,
        measured=(Measured("tokenizer", (tasks.trained, tasks.encoded)),),
    )
