"""Profiles: what a run of the harness does, as one flat TOML file each, read and checked here."""

from __future__ import annotations

import dataclasses
import json
import tomllib
import typing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ecgbyte.data.questions import REPORT_QUESTION_TYPE, SINGLE_QUESTION_TYPES
from ecgbyte.files import fingerprint
from ecgbyte.options import check_option

PROFILES_FOLDER = Path(__file__).resolve().parent / "profiles"
# None for synthetic records, which are made at any rate.
_SAMPLING_RATES: dict[str, tuple[int, ...] | None] = {"synthetic": None, "ptb-xl": (100, 500), "mimic-iv-ecg": (500,)}
QUESTION_SOURCES = ("generated", "ecg-qa", "ecg-chat", "generated+ecg-qa")
METHODS = ("ecg-byte", "merl", "text-only")


@dataclass(frozen=True)
class DataSettings:
    """Which records: ``synthetic`` (patients from a seed), ``ptb-xl`` or ``mimic-iv-ecg`` (from a folder that the user
    names). 0 records take the whole split.
    """

    dataset: str
    num_patients: int = 0
    sampling_rate: int = 500
    train_records: int = 0
    validation_records: int = 0
    test_records: int = 0
    segment_seconds: float = 2.0
    segments_per_record: int = 5

    def __post_init__(self) -> None:
        check_option("data.dataset", self.dataset, tuple(_SAMPLING_RATES))
        rates = _SAMPLING_RATES[self.dataset]
        if rates and self.sampling_rate not in rates:
            raise ValueError(
                f"data.sampling_rate: got {self.sampling_rate}, the records of {self.dataset} are at "
                f"{' or '.join(map(str, rates))} samples a second"
            )


@dataclass(frozen=True)
class TokenizerSettings:
    """How the ECG tokenizer is trained."""

    num_merges: int = 3500
    boundary: str = "lead"
    matching: str = "longest"
    amplitude_range: str = "global"


@dataclass(frozen=True)
class QuestionSettings:
    """Where the questions come from, how many each split gets, and of what; an empty list, or 0, means all.

    ``generated`` asks about the findings of the data set. There `minimum_count` training records must give an answer
    before training asks for it; held-out splits ask about the same attributes wherever 5 records allow it.
    ``ecg-qa`` and ``ecg-chat`` are read from files, in the folder that the user names, and dealt to the splits by their
    records; `train`, `validation` and `test` are then the most that are drawn. Of them only `question_types` holds for
    ECG-QA, and none for ECG-Chat, whose questions all ask for a report.
    ``generated+ecg-qa`` adds to the generated questions at most `ecgqa_train` and `ecgqa_held_out` (validation, test)
    of ECG-QA's. `ecgqa_version` says whether ECG-QA speaks in its templates' words or in varying ones.
    """

    train: int
    validation: int
    test: int
    question_types: tuple[str, ...] = ("single-verify", "single-choose", "single-query")
    finding_types: tuple[str, ...] = ()
    templates: tuple[str, ...] = ()
    paraphrases: int = 0
    minimum_count: int = 5
    source: str = "generated"
    ecgqa_version: str = "paraphrased"
    ecgqa_train: int = 0
    ecgqa_held_out: int = 0

    def __post_init__(self) -> None:
        check_option("questions.source", self.source, QUESTION_SOURCES)
        check_option("questions.ecgqa_version", self.ecgqa_version, ("paraphrased", "template"))
        for kind in self.question_types:
            check_option("questions.question_types", kind, (*SINGLE_QUESTION_TYPES, REPORT_QUESTION_TYPE))
        for name in ("train", "validation", "test", "paraphrases", "ecgqa_train", "ecgqa_held_out"):
            if getattr(self, name) < 0:
                raise ValueError(f"questions.{name}: got {getattr(self, name)}, expected 0 (all) or more")


@dataclass(frozen=True)
class ModelSettings:
    """The language model that every method gets."""

    name: str = "tiny"
    hidden_size: int = 128
    layers: int = 4
    heads: int = 4
    lora: bool = False
    initialisation: str = "waveform"
    train_embeddings: bool = True
    max_length: int = 1024


@dataclass(frozen=True)
class OptimiserSettings:
    """Training of the language model; the same for every method.

    `batch_size` counts segments. `questions_per_segment` questions about one segment share its positions; 1 computes
    every question apart, as published.
    """

    epochs: int
    batch_size: int = 16
    questions_per_segment: int = 1
    learning_rate: float = 1e-3
    schedule: str = "cosine"
    warmup_steps: int = 50
    weight_decay: float = 0.01
    precision: str = "no"
    checkpoint_every: int = 200


@dataclass(frozen=True)
class MerlSettings:
    """Stage 1 of the two-stage baseline."""

    epochs: int
    encoder: str = "tiny"
    text_encoder: str = "tiny"
    batch_size: int = 64
    learning_rate: float = 1e-3


@dataclass(frozen=True)
class EvaluationSettings:
    """Generation, intervals and the timing of padded against unpadded steps."""

    max_new_tokens: int = 32
    batch_size: int = 32
    bootstrap_resamples: int = 1000
    speed_rounds: int = 5
    padded_length: int = 1024


@dataclass(frozen=True)
class Profile:
    """One run of the harness, whole.

    Attributes
    ----------
    name : str
        Also the folder under ``results/``.
    scale : str
        ``"small run"`` or ``"full"``; a small run is marked wherever its numbers stand.
    note : str
        One sentence for the report.
    methods : tuple of str
        Of `METHODS`.
    seed : int
        Of everything drawn.
    """

    name: str
    scale: str
    note: str
    methods: tuple[str, ...]
    seed: int
    data: DataSettings
    tokenizer: TokenizerSettings
    questions: QuestionSettings
    model: ModelSettings
    training: OptimiserSettings
    merl: MerlSettings
    evaluation: EvaluationSettings

    def __post_init__(self) -> None:
        check_option("scale", self.scale, ("small run", "full"))
        for method in self.methods:
            check_option("methods", method, METHODS)
        if "ecg-byte" not in self.methods:
            raise ValueError("methods: expected 'ecg-byte' among them; the others are compared with it")
        if self.evaluation.padded_length < self.model.max_length:
            raise ValueError(
                f"evaluation.padded_length: got {self.evaluation.padded_length}, expected at least model.max_length, "
                f"{self.model.max_length}"
            )

    def settings(self) -> dict[str, Any]:
        """All settings as plain data."""
        return dataclasses.asdict(self)

    def fingerprint(self) -> str:
        """Identifies the settings."""
        return fingerprint(json.dumps(self.settings(), sort_keys=True))


def _build(kind: type, values: Any, where: str) -> Any:
    """A dataclass from a TOML table: unknown keys, missing keys and wrong types are errors that name their place."""
    if not isinstance(values, dict):
        raise ValueError(f"{where}: expected a table, got {type(values).__name__}")
    hints = typing.get_type_hints(kind)
    fields = {field.name: field for field in dataclasses.fields(kind)}
    unknown = sorted(set(values) - set(fields))
    if unknown:
        raise ValueError(f"{where}: unknown setting {unknown[0]!r}, expected one of {', '.join(sorted(fields))}")
    arguments = {}
    for name, field in fields.items():
        if name not in values:
            if field.default is dataclasses.MISSING:
                raise ValueError(f"{where}: the setting {name!r} is missing")
            continue
        value, hint = values[name], hints[name]
        if dataclasses.is_dataclass(hint):
            arguments[name] = _build(typing.cast(type, hint), value, f"{where}.{name}")
        elif hint == tuple[str, ...]:
            if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
                raise ValueError(f"{where}.{name}: got {value!r}, expected a list of strings")
            arguments[name] = tuple(value)
        elif hint is float and isinstance(value, int) and not isinstance(value, bool):
            arguments[name] = float(value)
        elif type(value) is not hint:
            raise ValueError(f"{where}.{name}: got {value!r}, expected {hint.__name__}")
        else:
            arguments[name] = value
    return kind(**arguments)


def profile_names() -> list[str]:
    """The profiles that come with the project, sorted."""
    return sorted(path.stem for path in PROFILES_FOLDER.glob("*.toml"))


def read_profile(name_or_path: str) -> Profile:
    """Read a profile by its name in ``experiments/profiles``, or from a file whose name ends in ``.toml``.

    Raises
    ------
    ValueError
        If there is no such profile, or a setting is unknown, missing or of the wrong type.
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
    return _build(Profile, {"name": path.stem, **values}, path.name)
