"""Methods that read one vector of a frozen encoder, which a stage 1 of its own has pretrained.

`experiments.steps.readers.random_features` reads those of an encoder that nothing has trained.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from torch import nn

from ecgbyte.models.language.ecg_tokens import add_signal_token
from ecgbyte.models.two_stage import TwoStageModel
from ecgbyte.training.examples import Example
from experiments.profiles.faults import UNTRAINED_FUSION
from experiments.steps.encoders.features import features_of, open_features
from experiments.steps.encoders.part import EncoderModule
from experiments.steps.readers.reading import BaseModel, Measured, Reading, ReadingModel
from experiments.steps.segments import Segments
from experiments.steps.views import ECGView, distinct_ecgs

if TYPE_CHECKING:
    from experiments.profiles.methods import Method
    from experiments.steps.study import Study


@dataclass(frozen=True)
class FeatureReader:
    """Opened on the parts of a frozen encoder and the features of every segment.

    Attributes
    ----------
    encoder_module : EncoderModule
        Loads the encoder.
    parts : tuple of Path
        The folders that its parts were left in, by their stages 1 or as they were drawn.
    features_folder : Path
    faults : tuple of str
        The published faults to keep.
    seed : int
        Of what the faults draw.
    """

    encoder_module: EncoderModule
    parts: tuple[Path, ...]
    features_folder: Path
    faults: tuple[str, ...]
    seed: int

    @cached_property
    def encoder(self) -> nn.Module:
        """The frozen encoder."""
        return self.encoder_module.load(self.parts, faults=self.faults, seed=self.seed)

    def view(self, segments: Segments) -> ECGView | None:
        """The features of every segment, float32 [features]."""
        return open_features(self.features_folder, segments)

    def read(self, signals: np.ndarray) -> Sequence[np.ndarray] | np.ndarray:
        """The features of any signals, float32 [signals, leads, samples] in mV."""
        return features_of(self.encoder, signals)

    def build(self, base: BaseModel, examples: Sequence[Example]) -> ReadingModel:
        """A language model behind one layer from features to a row of its own."""
        token_map = add_signal_token(base.language_model, base.text_tokenizer, seed=base.seed)
        features = distinct_ecgs(examples)
        model = TwoStageModel(
            base.language_model, token_map, features.shape[1], training_features=features, **base.training
        )
        if UNTRAINED_FUSION in self.faults:
            # No layer between the two encoders and the language model is trained in the published code.
            model.projection.requires_grad_(False)
        return ReadingModel(model, token_map)


def reading(study: Study, method: Method, seed: int) -> Reading:
    """Of a method that reads features."""
    pretraining = study.encoders.pretraining_tasks(method, seed)
    part = study.encoders.frozen_part(method)
    folders = tuple(task.step.folder for task in pretraining)
    features = study.encoders.features_task(method, seed, part, pretraining)
    return Reading(
        FeatureReader(part.module, folders, features.step.folder, method.faults, seed),
        (study.segments_task, *pretraining, features),
        (__name__, part.place),
        positions=1.0,
        pretraining=pretraining,
        measured=(Measured("features", (features,), "extraction_seconds"),),
    )
