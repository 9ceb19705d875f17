"""What must be the same for a run to be continued, or its end to be loaded."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import torch

from ecgbyte.files import fingerprint
from ecgbyte.training.settings import TrainingSettings

# Settings that change neither the weights nor what the report says of them.
_WITHOUT_EFFECT = ("checkpoint_every", "validate_every")


def run_identity(
    settings: TrainingSettings,
    examples: Any,
    trained: Mapping[str, torch.Tensor],
    collate: Any,
    validation: Sequence[Any] | None = None,
    validation_score: str | None = None,
) -> dict[str, Any]:
    """Return what identifies a run, ready for JSON: settings, examples, shapes of the trained parameters, collation.

    Validation changes no weight, but the report holds its losses; it counts where there is one.
    """
    fields = {name: value for name, value in settings.to_dict().items() if name not in _WITHOUT_EFFECT}
    shapes = "\n".join(f"{name} {list(value.shape)}" for name, value in trained.items())
    identity = {
        **fields,
        "examples": examples_fingerprint(examples),
        "parameters": fingerprint(shapes),
        "collate": collate.settings() if hasattr(collate, "settings") else {},
    }
    if validation is not None:
        identity["validation"] = {"examples": examples_fingerprint(validation), "every": settings.validate_every}
        if validation_score is not None:
            identity["validation"]["score"] = validation_score
    return identity


def examples_fingerprint(examples: Any) -> str:
    """Return what tells a sequence of examples, or `ecgbyte.training.epochs.EpochExamples`, from others."""
    if hasattr(examples, "identity"):
        return str(examples.identity())
    return fingerprint(*(part for example in examples for part in _parts(example)))


def _parts(example: Any) -> Iterator[str | bytes | np.ndarray]:
    yield str(example.record_id)
    for entry in dataclasses.fields(example) if dataclasses.is_dataclass(example) else ():
        value = getattr(example, entry.name)
        if isinstance(value, torch.Tensor):
            value = value.detach().cpu().numpy()
        if isinstance(value, str | bytes | np.ndarray):
            yield value
        elif isinstance(value, tuple) and value and all(dataclasses.is_dataclass(item) for item in value):
            for item in value:
                yield from _parts(item)
        elif value is None or isinstance(value, int | float | tuple):
            yield repr(value)
