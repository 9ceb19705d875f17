"""Methods that read one vector of an encoder that nothing has trained; all else is as after a stage 1."""

from __future__ import annotations

from typing import TYPE_CHECKING

from experiments.steps.readers.features import FeatureReader
from experiments.steps.readers.reading import Measured, Reading

if TYPE_CHECKING:
    from experiments.profiles.methods import Method
    from experiments.steps.study import Study


def reading(study: Study, method: Method, seed: int) -> Reading:
    """Of a method that reads features of a random encoder."""
    drawn = study.encoders.random_encoder_task(method.encoder, seed)
    part = study.encoders.frozen_part(method)
    features = study.encoders.features_task(method, seed, part, (drawn,))
    return Reading(
        FeatureReader(part.module, (drawn.step.folder,), features.step.folder, method.faults, seed),
        (study.segments_task, drawn, features),
        (__name__, part.place),
        positions=1.0,
        measured=(Measured("features", (features,), "extraction_seconds"),),
    )
