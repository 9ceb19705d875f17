"""Profiles: what a run of the harness does, as one flat TOML file each, read and checked here."""

from __future__ import annotations

import dataclasses
import json
import tomllib
import typing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ecgbyte.checks import check_option
from ecgbyte.data.questions.question import REPORT_QUESTION_TYPE, SINGLE_QUESTION_TYPES
from ecgbyte.files import fingerprint
from experiments.profiles.methods import ENCODERS, METHODS
from experiments.profiles.settings_reading import build_settings

PROFILES_FOLDER = Path(__file__).resolve().parent
# None for synthetic records, which are made at any rate.
_SAMPLING_RATES: dict[str, tuple[int, ...] | None] = {"synthetic": None, "ptb-xl": (100, 500), "mimic-iv-ecg": (500,)}
QUESTION_SOURCES = ("generated", "ecg-qa", "ecg-chat", "generated+ecg-qa")


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
    """How the ECG tokenizer is trained: on at most `records` training records, or all (0), drawn as `sampling` says."""

    num_merges: int = 3500
    boundary: str = "lead"
    matching: str = "longest"
    amplitude_range: str = "global"
    alphabet_size: int = 26
    sampling: str = "random"
    records: int = 0

    def __post_init__(self) -> None:
        check_option("tokenizer.sampling", self.sampling, ("random", "clusters"))


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
    """The language model that every method gets.

    `train_embeddings` is for the rows of the ECG tokens: with ``lora``, and in full training, false leaves them as
    they start (as published).
    """

    name: str = "tiny"
    hidden_size: int = 128
    layers: int = 4
    heads: int = 4
    lora: bool = False
    lora_rank: int = 16
    lora_alpha: int = 32
    lora_dropout: float = 0.05
    initialisation: str = "waveform"
    train_embeddings: bool = True
    max_length: int = 1024


@dataclass(frozen=True)
class OptimiserSettings:
    """Training of the language model; the same for every method.

    `batch_size` counts segments. `questions_per_segment` questions about one segment share its positions; 1 computes
    every question apart, as published. `validate_every` counts steps; 0 leaves validation out.
    """

    epochs: int
    batch_size: int = 16
    questions_per_segment: int = 1
    learning_rate: float = 1e-3
    optimizer: str = "adamw"
    schedule: str = "cosine"
    warmup_steps: int = 50
    weight_decay: float = 0.01
    precision: str = "no"
    checkpoint_every: int = 200
    validate_every: int = 0


@dataclass(frozen=True)
class EncoderSettings:
    """Stage 1 of a two-stage method, and the size of its encoder wherever it is used.

    `size` is ``"tiny"``, ``"base"`` (as published) or a pretrained model's folder or hub name; `text_encoder` is
    ``"tiny"`` (from scratch; for CLIP its own text tower), ``"minilm"`` or a pretrained one's name. As published,
    `normalisation` is ``"record"`` and `identical_reports` is ``"as-published"``.
    """

    epochs: int = 2
    size: str = "tiny"
    text_encoder: str = "tiny"
    batch_size: int = 64
    learning_rate: float = 1e-3
    normalisation: str = "fixed"
    identical_reports: str = "positives"


@dataclass(frozen=True)
class PatchSettings:
    """Linear patches: see `ecgbyte.models.linear_patches.LinearPatches`."""

    layout: str = "all-leads"
    samples: int = 25


@dataclass(frozen=True)
class AsPublishedSettings:
    """What methods named ``-as-published`` are trained with: padding to a fixed length, kept in the labels."""

    padded_length: int = 1024


@dataclass(frozen=True)
class AblationSettings:
    """Runs of ``ecg-byte`` with settings changed one at a time, at a budget of their own.

    `changes` are such as ``"tokenizer.num_merges=500"`` (see
    `experiments.profiles.settings_reading.change_settings`); each is
    compared with a run of the same budget without a change. `budget` is a change that all of them get.
    """

    changes: tuple[str, ...] = ()
    budget: str = ""
    seeds: tuple[int, ...] = (0,)


@dataclass(frozen=True)
class TransferSettings:
    """Other data sets on which the trained methods are tested: names, as in ``data.dataset``, and how much of each."""

    datasets: tuple[str, ...] = ()
    methods: tuple[str, ...] = ()
    num_patients: int = 400
    sampling_rate: int = 500
    records: int = 300
    questions: int = 500


@dataclass(frozen=True)
class EvaluationSettings:
    """Generation, intervals and the timing of training steps."""

    max_new_tokens: int = 32
    batch_size: int = 32
    bootstrap_resamples: int = 1000
    speed_rounds: int = 5
    padded_length: int = 1024
    bertscore: str = "minilm"


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
        Names from `experiments.profiles.methods.METHODS`.
    seed : int
        Of the choice of records, the questions and the resampling.
    training_seeds : tuple of int
        One training run of every method for each; they share records, questions and tokenizers.
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
    tokenizer: TokenizerSettings = TokenizerSettings()
    model: ModelSettings = ModelSettings()
    merl: EncoderSettings = EncoderSettings()
    vit: EncoderSettings = EncoderSettings()
    clip: EncoderSettings = EncoderSettings()
    patches: PatchSettings = PatchSettings()
    as_published: AsPublishedSettings = AsPublishedSettings()
    ablations: AblationSettings = AblationSettings()
    transfer: TransferSettings = TransferSettings()
    evaluation: EvaluationSettings = EvaluationSettings()

    def __post_init__(self) -> None:
        check_option("scale", self.scale, ("small run", "full"))
        for method in (*self.methods, *self.transfer.methods):
            check_option("methods", method, tuple(METHODS))
        if "ecg-byte" not in self.methods:
            raise ValueError("methods: expected 'ecg-byte' among them; the others are compared with it")
        for name, values in (("methods", self.methods), ("training_seeds", self.training_seeds)):
            if len(set(values)) < len(values) or not values:
                raise ValueError(f"{name}: got {list(values)}, expected one at least and none twice")
        if self.data.dataset in self.transfer.datasets:
            raise ValueError(
                f"transfer.datasets: {self.data.dataset!r} is the data set of the training; expected others"
            )
        missing = set(self.transfer.methods) - set(self.methods)
        if missing:
            raise ValueError(f"transfer.methods: {sorted(missing)[0]!r} is not one of the profile's methods")
        if self.evaluation.padded_length < self.model.max_length:
            raise ValueError(
                f"evaluation.padded_length: got {self.evaluation.padded_length}, expected at least model.max_length, "
                f"{self.model.max_length}"
            )

    def encoder(self, name: str) -> EncoderSettings:
        """The settings of an encoder; ``clip-vit`` is made of the other two's."""
        check_option("name", name, ENCODERS)
        return self.clip if name == "clip-vit" else typing.cast(EncoderSettings, getattr(self, name))

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
    return build_settings(Profile, {"name": path.stem, **values}, path.name)
