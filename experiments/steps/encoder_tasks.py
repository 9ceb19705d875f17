"""The encoders of a profile's methods as tasks: stage 1, drawing, features; and what a reader takes of them."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from ecgbyte.signals.leads import LEADS
from experiments.profiles import expected_cost
from experiments.profiles.encoders import find_encoder, keeping
from experiments.profiles.methods import Method
from experiments.steps.encoders import random_encoder
from experiments.steps.encoders.features import extract_all
from experiments.steps.encoders.part import EncoderModule, module_of
from experiments.steps.encoders.stage_one import pretrain_encoder
from experiments.steps.work_folder import Step, Task

if TYPE_CHECKING:
    from experiments.steps.study import Study


class EncoderPart(NamedTuple):
    """An encoder as a reader takes it: its module, where that is, the settings that count, and what it is expected to
    take in the language model and beside it.
    """

    module: EncoderModule
    place: str
    settings: Mapping[str, Any] = {}
    positions: float = 1.0
    operations: float = 0.0


class EncoderTasks:
    """The encoders of a study's methods.

    Parameters
    ----------
    study : Study
        Data and profile.
    """

    def __init__(self, study: Study) -> None:
        self._study = study

    def pretraining_tasks(self, method: Method, seed: int) -> tuple[Task, ...]:
        """The stages 1 of the parts of a method's encoder, with the published faults that it keeps there."""
        return tuple(self._pretraining_task(part, seed, method.faults) for part in find_encoder(method.encoder).parts)

    def _pretraining_task(self, name: str, seed: int, faults: tuple[str, ...]) -> Task:
        encoder, settings = find_encoder(name), keeping(self._study.profile.encoder(name), faults)
        step = self._study.work.step(
            f"pretrain-{name}",
            {**dataclasses.asdict(settings), **self._study.dealt, "seed": seed},
            (self._study.segments_task.step,),
            modules=("experiments.steps.encoders.stage_one", encoder.module),
        )

        def build(folder: Path) -> dict[str, Any]:
            kept = self._study.splits()
            return pretrain_encoder(
                folder, module_of(encoder), self._study.segments, kept["train"], kept["validation"], settings, seed
            )

        return Task(step, build, operations=expected_cost.pretraining_operations(self._study.profile, name))

    def random_encoder_task(self, name: str, seed: int) -> Task:
        """An encoder that nothing has trained, drawn from the training seed."""
        encoder, settings = find_encoder(name), self._study.profile.encoder(name)
        recipe = {key: getattr(settings, key) for key in encoder.random_settings}
        step = self._study.work.step(
            f"draw-{name}",
            {**recipe, **self._study.dealt, "seed": seed},
            (self._study.segments_task.step,),
            modules=(random_encoder.__name__,),
        )

        def build(folder: Path) -> dict[str, Any]:
            return random_encoder.draw_encoder(
                folder, name, self._study.segments, self._study.splits()["train"], recipe, seed
            )

        return Task(step, build)

    def features_task(self, method: Method, seed: int, part: EncoderPart, left: tuple[Task, ...]) -> Task:
        """The features of a method's frozen encoder, which `part` loads from what earlier tasks left."""
        before: tuple[Step, ...] = tuple(task.step for task in left)
        step = self._study.work.step(
            f"features-{method.name}",
            {"seed": seed, "faults": list(method.faults)},
            before,
            modules=("experiments.steps.encoders.features", part.place),
        )

        def build(folder: Path) -> dict[str, Any]:
            folders = [step.folder for step in before]
            return extract_all(folder, part.module, folders, self._study.segments, faults=method.faults, seed=seed)

        return Task(step, build)

    def frozen_part(self, method: Method) -> EncoderPart:
        """A method's encoder, which a stage 1 of its own has pretrained, or which stays as it was drawn."""
        if method.random_encoder:
            module: Any = random_encoder
            return EncoderPart(module, random_encoder.__name__)
        encoder = find_encoder(method.encoder)
        return EncoderPart(module_of(encoder), encoder.module)

    def joint_part(self, name: str) -> EncoderPart:
        """An encoder, or linear patches, to be trained together with the language model."""
        encoder, settings = find_encoder(name), self._study.profile.encoder(name)
        return EncoderPart(
            module_of(encoder),
            encoder.module,
            {key: getattr(settings, key) for key in encoder.joint_settings},
            encoder.expected_positions(settings, len(LEADS), expected_cost.lead_samples(self._study.profile)),
            encoder.expected_operations(settings),
        )
