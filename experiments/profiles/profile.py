"""Profiles: what a run of the harness does, as one flat TOML file each, read and checked here."""

from __future__ import annotations

import dataclasses
import json
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ecgbyte.checks import check_option
from ecgbyte.files import fingerprint
from experiments.profiles.ablations import check_ablations
from experiments.profiles.encoders import encoder_tables, find_encoder
from experiments.profiles.input_settings import (
    LEAKY,
    DataSettings,
    PreprocessingSettings,
    QuestionSettings,
    TokenizerSettings,
)
from experiments.profiles.methods import METHODS, REFERENCE_METHOD, Method
from experiments.profiles.plus_settings import PlusSettings
from experiments.profiles.settings import (
    AblationSettings,
    AsPublishedSettings,
    EvaluationSettings,
    ModelSettings,
    OptimiserSettings,
    TransferSettings,
)
from experiments.profiles.settings_reading import build_settings
from experiments.profiles.unused_settings import refuse_unused

PROFILES_FOLDER = Path(__file__).resolve().parent


def _default_encoders() -> dict[str, Any]:
    return {name: kind() for name, kind in encoder_tables().items()}


@dataclass(frozen=True)
class Profile:
    """One run of the harness, whole.

    Attributes
    ----------
    name : str
        Also the folder under ``results/`` and ``work/``: a plain file name.
    scale : str
        ``"small run"`` or ``"full"``; a small run is marked wherever its numbers stand.
    note : str
        One sentence for the report.
    methods : tuple of str
        Names from `experiments.profiles.methods.METHODS`.
    seed : int
        Of the choice of records, the questions and the resampling.
    training_seeds : tuple of int
        One training run of every method for each; they share records, questions and tokenizers.
    encoders : mapping
        From the name of each encoder that has settings of its own to them.

    Raises
    ------
    ValueError
        If a setting is out of range, contradicts another, or would be accepted and ignored.
    """

    name: str
    scale: str
    note: str
    methods: tuple[str, ...]
    seed: int
    data: DataSettings
    questions: QuestionSettings
    training: OptimiserSettings
    training_seeds: tuple[int, ...] = (0,)
    preprocessing: PreprocessingSettings = field(default_factory=PreprocessingSettings)
    tokenizer: TokenizerSettings = field(default_factory=TokenizerSettings)
    model: ModelSettings = field(default_factory=ModelSettings)
    encoders: Mapping[str, Any] = field(default_factory=_default_encoders, metadata={"tables": encoder_tables})
    plus: PlusSettings = field(default_factory=PlusSettings)
    as_published: AsPublishedSettings = field(default_factory=AsPublishedSettings)
    ablations: AblationSettings = field(default_factory=AblationSettings)
    transfer: TransferSettings = field(default_factory=TransferSettings)
    evaluation: EvaluationSettings = field(default_factory=EvaluationSettings)

    def __post_init__(self) -> None:
        _check_name(self.name)
        check_option("scale", self.scale, ("small run", "full"))
        for method in (*self.methods, *self.transfer.methods):
            check_option("methods", method, tuple(METHODS))
        if REFERENCE_METHOD not in self.methods:
            raise ValueError(f"methods: expected {REFERENCE_METHOD!r} among them; the others are compared with it")
        for name, values in (("methods", self.methods), ("training_seeds", self.training_seeds)):
            if len(set(values)) < len(values) or not values:
                raise ValueError(f"{name}: got {list(values)}, expected one at least and none twice")
        if min(self.seed, *self.training_seeds) < 0:
            raise ValueError(
                f"seed, training_seeds: got {self.seed} and {list(self.training_seeds)}, expected 0 or more"
            )
        if self.data.dataset in self.transfer.datasets:
            raise ValueError(
                f"transfer.datasets: {self.data.dataset!r} is the data set of the training; expected others"
            )
        if self.data.split == LEAKY and self.questions.source != "generated":
            raise ValueError(
                f"data.split: got {LEAKY!r}, expected 'patient' with questions.source={self.questions.source!r}: "
                "questions in files go with their records"
            )
        missing = set(self.transfer.methods) - set(self.methods)
        if missing:
            raise ValueError(f"transfer.methods: {sorted(missing)[0]!r} is not one of the profile's methods")
        for name in self.transfer.methods:
            if not METHODS[name].is_trained:
                raise ValueError(f"transfer.methods: {name!r} trains no language model, expected methods that do")
        if self.evaluation.padded_length < self.model.max_length:
            raise ValueError(
                f"evaluation.padded_length: got {self.evaluation.padded_length}, expected at least model.max_length, "
                f"{self.model.max_length}"
            )
        refuse_unused(self)
        self.plus.frame_samples(self.data.segment_seconds, self.preprocessing.target_rate)

    @property
    def all_methods(self) -> tuple[Method, ...]:
        """The entries of its methods."""
        return tuple(METHODS[name] for name in self.methods)

    def encoder(self, name: str) -> Any:
        """The settings of an encoder, or those that it goes by."""
        return self.encoders[find_encoder(name).table]

    def settings(self) -> dict[str, Any]:
        """All settings as plain data."""
        return dataclasses.asdict(self)

    def fingerprint(self) -> str:
        """Identifies the settings."""
        return fingerprint(json.dumps(self.settings(), sort_keys=True))


def profile_names() -> list[str]:
    """The profiles that come with the project, sorted."""
    return sorted(path.stem for path in PROFILES_FOLDER.glob("*.toml"))


def read_profile(name_or_path: str) -> Profile:
    """Read a profile by its name in ``experiments/profiles``, or from a file whose name ends in ``.toml``.

    Raises
    ------
    ValueError
        If there is no such profile, or a setting is unknown, missing, of the wrong type, senseless, or read by nothing.
    """
    if name_or_path.endswith(".toml"):
        path = Path(name_or_path)
        if not path.is_file():
            raise ValueError(f"profile: there is no file {path}")
    else:
        check_option("profile", name_or_path, profile_names())
        path = PROFILES_FOLDER / f"{name_or_path}.toml"
    try:
        values = tomllib.loads(path.read_text(encoding="utf-8"))
    except tomllib.TOMLDecodeError as error:
        raise ValueError(f"profile: {path} is not valid TOML: {error}") from error
    except RecursionError as error:
        raise ValueError(f"profile: {path} is nested too deep to be read") from error
    profile: Profile = build_settings(Profile, {"name": path.stem, **values}, path.name)
    check_ablations(profile)
    return profile


def _check_name(name: str) -> None:
    """It names folders under ``results/`` and ``work/``, and may not lead out of them."""
    if name != name.strip() or name in ("", ".", "..") or any(sign in name for sign in ("/", "\\", ":", "\0")):
        raise ValueError(f"name: got {name!r}, expected a plain file name, without separators; it names a folder")
