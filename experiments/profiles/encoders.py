"""The ECG encoders, by name: an encoder is its module and one entry here.

The module is one of `experiments.steps.encoders` (or of anyone's). What it may hold is in
`experiments.steps.encoders.part`; which of it an entry needs follows from what its methods do with it.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from ecgbyte.checks import check_option
from experiments.profiles.faults import IDENTICAL_REPORTS, RECORD_NORMALISATION


@dataclass(frozen=True)
class StageOneSettings:
    """What every stage 1 is told, and the size of the encoder wherever it is used.

    `size` is ``"tiny"``, ``"base"`` (as published) or a pretrained model's folder or hub name.
    """

    epochs: int = 2
    size: str = "tiny"
    batch_size: int = 64
    learning_rate: float = 1e-3

    def __post_init__(self) -> None:
        for name in ("epochs", "batch_size"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name}: got {getattr(self, name)}, expected 1 or more")
        if not (math.isfinite(self.learning_rate) and self.learning_rate > 0):
            raise ValueError(f"learning_rate: got {self.learning_rate}, expected a positive number")
        if not self.size:
            raise ValueError("size: got '', expected a size, or a pretrained model's folder or hub name")


@dataclass(frozen=True)
class MerlSettings(StageOneSettings):
    """MERL reads samples and reports. `text_encoder` is ``"tiny"`` (from scratch), ``"minilm"`` or a pretrained one's
    name; as published, `identical_reports` is ``"as-published"``.
    """

    text_encoder: str = "tiny"
    identical_reports: str = "positives"

    def __post_init__(self) -> None:
        super().__post_init__()
        check_option("identical_reports", self.identical_reports, ("positives", "as-published"))


@dataclass(frozen=True)
class VitSettings(StageOneSettings):
    """The vision transformer reads pictures; as published, `normalisation` is ``"record"``."""

    normalisation: str = "fixed"

    def __post_init__(self) -> None:
        super().__post_init__()
        check_option("normalisation", self.normalisation, ("fixed", "record"))


@dataclass(frozen=True)
class ClipSettings(MerlSettings):
    """CLIP reads pictures and reports; for it the `text_encoder` ``"tiny"`` is CLIP's own text tower."""

    normalisation: str = "fixed"

    def __post_init__(self) -> None:
        super().__post_init__()
        check_option("normalisation", self.normalisation, ("fixed", "record"))


@dataclass(frozen=True)
class PatchSettings:
    """Linear patches: see `ecgbyte.models.linear_patches.LinearPatches`."""

    layout: str = "all-leads"
    samples: int = 25

    def __post_init__(self) -> None:
        check_option("layout", self.layout, ("lead", "all-leads"))
        if self.samples < 1:
            raise ValueError(f"samples: got {self.samples}, expected 1 or more")


def _one_position(settings: Any, leads: int, samples: float) -> float:
    return 1.0


def _operations_by_size(settings: StageOneSettings) -> float:
    """Of the encoders in their smallest and in their published size."""
    return 1.5e8 if settings.size == "tiny" else 5e10


def _patches(settings: PatchSettings, leads: int, samples: float) -> float:
    return samples / settings.samples * (leads if settings.layout == "lead" else 1)


@dataclass(frozen=True)
class Encoder:
    """One ECG encoder.

    Attributes
    ----------
    name : str
        As methods and the profile's tables ``[encoders.NAME]`` call it.
    module : str
        Where its code is.
    settings : type or None
        The dataclass of ``[encoders.NAME]``; None where it goes by the settings of another one, `settings_of`.
    parts : tuple of str
        The encoders whose stage 1 it uses: itself, or several. Empty: it has no stage 1.
    joint_settings : tuple of str
        The settings that count where it is trained together with the language model.
    random_settings : tuple of str
        The settings that count where it is frozen as it was drawn.
    settings_of : str
        Empty, or the encoder by whose settings it goes where it has none of its own.
    expected_positions : callable
        Where it is trained together with the language model, from its settings, the number of leads and the samples of
        a lead to the positions that a segment takes.
    expected_operations : callable
        From its settings to the operations of one segment in one training step, for planning.
    deviation : callable or None
        From the settings of its stage 1 to where that differs from the published one, in a sentence.
    """

    name: str
    module: str
    settings: type | None
    parts: tuple[str, ...] = ()
    joint_settings: tuple[str, ...] = ("size",)
    random_settings: tuple[str, ...] = ("size",)
    settings_of: str = ""
    expected_positions: Callable[[Any, int, float], float] = _one_position
    expected_operations: Callable[[Any], float] = _operations_by_size
    deviation: Callable[[Any], str] | None = None

    @property
    def table(self) -> str:
        """The table ``[encoders.NAME]`` that it goes by."""
        return self.settings_of or self.name


def _reads_reports(name: str, published: str) -> Callable[[Any], str]:
    return lambda settings: (
        f"Stage 1 of {name} sees the profile's own training records and their reports, {settings.epochs} epochs; size "
        f"{settings.size!r}, text encoder {settings.text_encoder!r} (published: MIMIC-IV-ECG, 20 epochs, {published})."
    )


_OF_PICTURES = ("size", "normalisation")
_ALL = (
    Encoder(
        "merl",
        "experiments.steps.encoders.merl",
        MerlSettings,
        ("merl",),
        deviation=_reads_reports("merl", "ResNet101 and MedCPT"),
    ),
    Encoder(
        "vit",
        "experiments.steps.encoders.vit",
        VitSettings,
        ("vit",),
        random_settings=_OF_PICTURES,
        deviation=lambda settings: (
            f"Stage 1 of vit sees the profile's own training records, {settings.epochs} epochs; size {settings.size!r} "
            "(published: MIMIC-IV-ECG, 20 epochs, ViT-B/16)."
        ),
    ),
    Encoder(
        "clip",
        "experiments.steps.encoders.clip",
        ClipSettings,
        ("clip",),
        random_settings=_OF_PICTURES,
        deviation=_reads_reports("clip", "CLIP ViT-B/32"),
    ),
    Encoder(
        "clip-vit",
        "experiments.steps.encoders.clip_vit",
        None,
        ("clip", "vit"),
        random_settings=_OF_PICTURES,
        settings_of="clip",
    ),
    Encoder(
        "linear-patches",
        "experiments.steps.encoders.linear_patches",
        PatchSettings,
        joint_settings=("layout", "samples"),
        expected_positions=_patches,
        expected_operations=lambda settings: 0.0,
    ),
)
ENCODERS = {encoder.name: encoder for encoder in _ALL}


def keeping(settings: Any, faults: Sequence[str]) -> Any:
    """Settings of a stage 1 with those of the published faults kept that it can have."""
    published = {
        RECORD_NORMALISATION: {"normalisation": "record"},
        IDENTICAL_REPORTS: {"identical_reports": "as-published"},
    }
    names = {field.name for field in dataclasses.fields(settings)}
    changes = {name: value for fault in faults for name, value in published.get(fault, {}).items() if name in names}
    return dataclasses.replace(settings, **changes)


def find_encoder(name: str) -> Encoder:
    """The encoder called `name`.

    Raises
    ------
    ValueError
        If there is none.
    """
    return ENCODERS[check_option("encoder", name, tuple(ENCODERS))]


def encoder_tables() -> dict[str, type]:
    """The dataclass of each table ``[encoders.NAME]`` that a profile may have."""
    return {name: encoder.settings for name, encoder in ENCODERS.items() if encoder.settings is not None}
