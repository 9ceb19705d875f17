"""Methods that read the signal itself, through layers trained together with the language model: no pretraining."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from ecgbyte.models.language.ecg_tokens import add_signal_token
from ecgbyte.training.examples import Example
from experiments.steps.encoders.part import EncoderModule
from experiments.steps.readers.reading import BaseModel, Reading, ReadingModel
from experiments.steps.segments import Segments
from experiments.steps.views import SCALE_SAMPLE, ECGView, distinct_ecgs, signal_view

if TYPE_CHECKING:
    from experiments.profiles.methods import Method
    from experiments.steps.study import Study


@dataclass(frozen=True)
class SignalReader:
    """Opened on the segments.

    Attributes
    ----------
    encoder_module : EncoderModule
        Builds the layers.
    settings : mapping
        Those of the encoder's settings that count for them.
    """

    encoder_module: EncoderModule
    settings: Mapping[str, Any]

    def view(self, segments: Segments) -> ECGView | None:
        """Every segment, float32 [leads, samples] in mV."""
        return signal_view(segments)

    def read(self, signals: np.ndarray) -> Sequence[np.ndarray] | np.ndarray:
        """The signals, float32 [signals, leads, samples] in mV, as they are."""
        return signals

    def build(self, base: BaseModel, examples: Sequence[Example]) -> ReadingModel:
        """A language model behind the encoder, or behind linear patches."""
        token_map = add_signal_token(base.language_model, base.text_tokenizer, seed=base.seed)
        signals = distinct_ecgs(examples, limit=SCALE_SAMPLE)
        model = self.encoder_module.build_joint(base.language_model, token_map, signals, self.settings, **base.training)
        return ReadingModel(model, token_map, model.signal_positions)


def reading(study: Study, method: Method, seed: int) -> Reading:
    """Of a method that reads signals."""
    part = study.encoders.joint_part(method.encoder)
    return Reading(
        SignalReader(part.module, part.settings),
        (study.segments_task,),
        (__name__, part.place),
        settings={"encoder": dict(part.settings)},
        positions=part.positions,
        operations=part.operations,
    )
