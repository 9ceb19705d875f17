"""What the module of an encoder holds; `experiments.profiles.encoders.Encoder.module` leads there.

A two-stage method needs `pretrain` of each of its encoder's parts and `load`; a method without pretraining needs
`build_joint`. A module holds those that its entries use.
"""

from __future__ import annotations

import importlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

if TYPE_CHECKING:
    import numpy as np
    from torch import nn

    from ecgbyte.data.catalogue import RecordEntry
    from ecgbyte.models.joint import JointModel
    from ecgbyte.training.settings import TrainingReport
    from experiments.profiles.encoders import Encoder
    from experiments.steps.segments import Segments


class StageOne(NamedTuple):
    """What a stage 1 reports.

    Attributes
    ----------
    report : TrainingReport
    training_flops : int
        Operations of all steps.
    quality : dict
        Numbers on the validation records, before and after.
    """

    report: TrainingReport
    training_flops: int
    quality: dict[str, float]


class EncoderModule(Protocol):
    """The functions of an encoder's module."""

    @staticmethod
    def pretrain(
        folder: Path,
        segments: Segments,
        train_entries: Sequence[RecordEntry],
        validation_entries: Sequence[RecordEntry],
        settings: Any,
        seed: int,
    ) -> StageOne:
        """Stage 1 on the training records; the model is left in `folder`, where an interrupted run goes on."""
        ...

    @staticmethod
    def load(folders: Sequence[Path], *, faults: Sequence[str], seed: int) -> nn.Module:
        """A frozen encoder from what the stages 1 of its parts left: [batch, leads, samples] in mV to features.

        `faults` are the published ones to keep (`experiments.profiles.faults.FAULTS`), `seed` is of what they draw.
        """
        ...

    @staticmethod
    def build_joint(
        language_model: Any,
        token_map: Any,
        signals: np.ndarray,
        settings: Mapping[str, Any],
        *,
        seed: int,
        **training: Any,
    ) -> JointModel:
        """A language model behind this encoder, untrained; `signals` are of training records, `settings` those that
        the entry names as its joint settings.
        """
        ...


def module_of(encoder: Encoder) -> EncoderModule:
    """The module of an encoder."""
    # A module fits the protocol by the functions that it holds; which it needs, its entries say.
    module: Any = importlib.import_module(encoder.module)
    return module
