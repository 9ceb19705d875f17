"""The sections of a profile, each checked when it is made."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ecgbyte.checks import check_option
from ecgbyte.data.catalogue import FINDING_TYPES
from ecgbyte.data.questions.question import SINGLE_QUESTION_TYPES
from ecgbyte.data.questions.templates import TEMPLATES
from ecgbyte.training.schedules import SCHEDULES
from ecgbyte.training.settings import OPTIMIZERS, PRECISIONS
from experiments.profiles.data_sets import find_data_set

if TYPE_CHECKING:
    from ecgbyte.signals.preprocess import Preprocessor

QUESTION_SOURCES = ("generated", "ecg-qa", "ecg-chat", "generated+ecg-qa", "files")


@dataclass(frozen=True)
class DataSettings:
    """Which records: a data set of `experiments.profiles.data_sets`, or ``module:Class``; 0 records take the whole
    split. `num_patients` is for data sets that are made, `sampling_rate` is that of the records.
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
        data_set = find_data_set(self.dataset)
        _at_least(self, "data", 0, "train_records", "validation_records", "test_records")
        _at_least(self, "data", 1, "segments_per_record", "sampling_rate")
        _at_least(self, "data", 1 if data_set.is_made else 0, "num_patients")
        _positive(self, "data", "segment_seconds")
        check_rate("data.sampling_rate", self.sampling_rate, self.dataset)


def check_rate(setting: str, rate: int, dataset: str) -> None:
    """Raise ValueError if a data set's records do not come at this rate."""
    rates = find_data_set(dataset).sampling_rates
    if rates and rate not in rates:
        raise ValueError(
            f"{setting}: got {rate}, the records of {dataset} are at {' or '.join(map(str, rates))} samples a second"
        )


@dataclass(frozen=True)
class PreprocessingSettings:
    """The chain that every record goes through, and the rate of the segments; see `ecgbyte.signals.preprocess`.

    `as_published` runs the published code's own chain. An empty `notch` or `band`, and a `highpass` of 0, switch these
    filters off; a `wavelet_level` of 0 follows the rate.
    """

    target_rate: float = 250.0
    as_published: bool = False
    notch: tuple[float, ...] = (50.0, 60.0)
    band: tuple[float, ...] = (0.5, 100.0)
    highpass: float = 0.05
    denoise: bool = True
    wavelet_level: int = 0

    def __post_init__(self) -> None:
        try:
            self.preprocessor()
        except ValueError as error:
            raise ValueError(f"preprocessing.{error}") from error
        if not self.denoise and self.wavelet_level:
            raise ValueError(
                f"preprocessing.wavelet_level: got {self.wavelet_level}, which does nothing where denoise is false"
            )

    def preprocessor(self) -> Preprocessor:
        """The chain."""
        from ecgbyte.signals.preprocess import Preprocessor

        # ``band=()`` is none, anything else is checked there.
        band: Any = self.band or None
        return Preprocessor(
            self.target_rate,
            as_published=self.as_published,
            notch=self.notch,
            band=band,
            highpass=None if self.highpass == 0 else self.highpass,
            denoise=self.denoise,
            wavelet_level=None if self.wavelet_level == 0 else self.wavelet_level,
        )


@dataclass(frozen=True)
class TokenizerSettings:
    """How the ECG tokenizer is trained: on at most `records` training records, or all (0), drawn as `sampling` says.

    How it cuts symbols into tokens belongs to a method, not to a profile.
    """

    num_merges: int = 3500
    boundary: str = "lead"
    amplitude_range: str = "global"
    alphabet_size: int = 26
    sampling: str = "random"
    records: int = 0

    def __post_init__(self) -> None:
        check_option("tokenizer.boundary", self.boundary, ("lead", "record"))
        check_option("tokenizer.amplitude_range", self.amplitude_range, ("global", "per-record"))
        check_option("tokenizer.sampling", self.sampling, ("random", "clusters"))
        _at_least(self, "tokenizer", 0, "num_merges", "records")
        if not 2 <= self.alphabet_size <= 256:
            raise ValueError(f"tokenizer.alphabet_size: got {self.alphabet_size}, expected 2 to 256")


@dataclass(frozen=True)
class QuestionSettings:
    """Where the questions come from, how many each split gets, and of what; an empty list, or 0, means all.

    ``generated`` asks about the findings of the data set. There `minimum_count` training records must give an answer
    before training asks for it; held-out splits ask about the same attributes wherever 5 records allow it.
    ``ecg-qa``, ``ecg-chat`` and ``files`` (own questions, see `experiments.steps.question_files`) are read from what
    the user names, and dealt to the splits by their records; `train`, `validation` and `test` are then the most that
    are drawn. Of the other settings only `question_types` holds for ECG-QA, and none for ECG-Chat and own questions.
    ``generated+ecg-qa`` adds to the generated questions at most `ecgqa_train` and `ecgqa_held_out` (validation, test)
    of ECG-QA's. `ecgqa_version` says whether ECG-QA speaks in its templates' words or in varying ones.
    """

    train: int
    validation: int
    test: int
    question_types: tuple[str, ...] = SINGLE_QUESTION_TYPES
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
            check_option("questions.question_types", kind, SINGLE_QUESTION_TYPES)
        _at_least(
            self,
            "questions",
            0,
            *("train", "validation", "test", "paraphrases", "ecgqa_train", "ecgqa_held_out"),
        )
        for name in self.finding_types:
            check_option("questions.finding_types", name, FINDING_TYPES)
        for name in self.templates:
            check_option("questions.templates", name, tuple(template.template_id for template in TEMPLATES))
        _at_least(self, "questions", 1, "minimum_count")

    @property
    def are_generated(self) -> bool:
        """Whether questions are generated, so that any record can be asked about."""
        return self.source in ("generated", "generated+ecg-qa")

    @property
    def are_read(self) -> bool:
        """Whether questions are read from files."""
        return self.source != "generated"


@dataclass(frozen=True)
class ModelSettings:
    """The language model that every method gets.

    `hidden_size`, `layers` and `heads` are of ``tiny``, a model from scratch. `train_embeddings` is for the rows of the
    ECG tokens: with ``lora``, and in full training, false leaves them as they start (as published).
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

    def __post_init__(self) -> None:
        if not self.name:
            raise ValueError("model.name: got '', expected 'tiny', 'smollm2', or a model's folder or hub name")
        _at_least(self, "model", 1, "hidden_size", "layers", "heads", "lora_rank", "lora_alpha", "max_length")
        if not 0 <= self.lora_dropout < 1:
            raise ValueError(f"model.lora_dropout: got {self.lora_dropout}, expected a number in [0, 1)")
        if self.hidden_size % (2 * self.heads):
            raise ValueError(
                f"model.hidden_size: got {self.hidden_size}, expected a multiple of twice the heads, {2 * self.heads}"
            )
        check_option("model.initialisation", self.initialisation, ("mean", "random", "waveform"))


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

    def __post_init__(self) -> None:
        _at_least(self, "training", 1, "epochs", "batch_size", "questions_per_segment", "checkpoint_every")
        _at_least(self, "training", 0, "warmup_steps", "validate_every")
        _positive(self, "training", "learning_rate")
        if not (math.isfinite(self.weight_decay) and self.weight_decay >= 0):
            raise ValueError(f"training.weight_decay: got {self.weight_decay}, expected 0 or more")
        check_option("training.optimizer", self.optimizer, OPTIMIZERS)
        check_option("training.schedule", self.schedule, SCHEDULES)
        check_option("training.precision", self.precision, PRECISIONS)
        if self.schedule == "noam" and not self.warmup_steps:
            raise ValueError("training.warmup_steps: got 0, the schedule 'noam' needs one step at least")


@dataclass(frozen=True)
class AsPublishedSettings:
    """What methods named ``-as-published`` are trained with: padding to a fixed length, kept in the labels."""

    padded_length: int = 1024

    def __post_init__(self) -> None:
        _at_least(self, "as_published", 1, "padded_length")


@dataclass(frozen=True)
class AblationSettings:
    """Runs of ``ecg-byte`` with settings changed one at a time, at a budget of their own.

    `changes` are such as ``"tokenizer.num_merges=500"``, or ``"method=ecg-byte-merge-order"`` for another method (see
    `experiments.profiles.ablations`); each is compared with a run of the same budget without a change. `budget` is a
    change that all of them get.
    """

    changes: tuple[str, ...] = ()
    budget: str = ""
    seeds: tuple[int, ...] = (0,)

    def __post_init__(self) -> None:
        _without_repeats("ablations.changes", self.changes)
        _seeds("ablations.seeds", self.seeds)


@dataclass(frozen=True)
class TransferSettings:
    """Other data sets on which the trained methods are tested: names, as in ``data.dataset``, and how much of each."""

    datasets: tuple[str, ...] = ()
    methods: tuple[str, ...] = ()
    num_patients: int = 400
    sampling_rate: int = 500
    records: int = 300
    questions: int = 500

    def __post_init__(self) -> None:
        _without_repeats("transfer.datasets", self.datasets)
        _without_repeats("transfer.methods", self.methods)
        _at_least(self, "transfer", 1, "num_patients", "sampling_rate")
        _at_least(self, "transfer", 0, "records", "questions")
        if self.datasets and not self.methods:
            raise ValueError("transfer.methods: got none, expected those that transfer.datasets are to test")
        for name in self.datasets:
            find_data_set(name, "transfer.datasets")
            check_rate("transfer.sampling_rate", self.sampling_rate, name)


@dataclass(frozen=True)
class EvaluationSettings:
    """Generation, intervals and the timing of training steps."""

    max_new_tokens: int = 32
    batch_size: int = 32
    bootstrap_resamples: int = 1000
    speed_rounds: int = 5
    padded_length: int = 1024
    bertscore: str = "minilm"

    def __post_init__(self) -> None:
        _at_least(
            self,
            "evaluation",
            1,
            *("max_new_tokens", "batch_size", "bootstrap_resamples", "speed_rounds", "padded_length"),
        )


def _at_least(settings: Any, section: str, lowest: int, *names: str) -> None:
    for name in names:
        value = getattr(settings, name)
        if value < lowest:
            raise ValueError(f"{section}.{name}: got {value}, expected {lowest} or more")


def _positive(settings: Any, section: str, name: str) -> None:
    value = getattr(settings, name)
    if not (math.isfinite(value) and value > 0):
        raise ValueError(f"{section}.{name}: got {value}, expected a positive number")


def _without_repeats(setting: str, values: tuple[Any, ...]) -> None:
    if len(set(values)) < len(values):
        raise ValueError(f"{setting}: got {list(values)}, expected none twice")


def _seeds(setting: str, seeds: tuple[int, ...]) -> None:
    _without_repeats(setting, seeds)
    if not seeds or min(seeds) < 0:
        raise ValueError(f"{setting}: got {list(seeds)}, expected one at least, and none below 0")
