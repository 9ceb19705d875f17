"""The sections of a profile that say what is trained, compared and measured; checked when they are made."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from ecgbyte.checks import check_option
from ecgbyte.data.controls import INPUTS
from ecgbyte.training.schedules import SCHEDULES
from ecgbyte.training.settings import OPTIMIZERS, PRECISIONS
from experiments.profiles.data_sets import find_data_set
from experiments.profiles.input_settings import DataSettings, QuestionSettings, TokenizerSettings, check_rate
from experiments.profiles.plus_settings import PlusSettings
from experiments.profiles.value_checks import at_least, check_seeds, positive, without_repeats


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
        at_least(self, "model", 1, "hidden_size", "layers", "heads", "lora_rank", "lora_alpha", "max_length")
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
    every question apart, as published. In every epoch a record's questions are asked about others of its segments.
    `validate_every` counts steps; the weights with the best score on the validation questions are kept. 0 leaves
    validation out and keeps the last weights.

    Where `learning_rates` holds several, each method is trained with each of them for `trial_epochs` (0: for all
    `epochs`), with the first training seed; the rate with the best validation score is that of its training.

    `precision` "bf16" multiplies in bfloat16. Weights that are trained stay float32; with LoRA the others are bfloat16,
    in training and in answering.
    """

    epochs: int
    batch_size: int = 16
    questions_per_segment: int = 1
    learning_rates: tuple[float, ...] = (1e-3,)
    trial_epochs: int = 0
    optimizer: str = "adamw"
    schedule: str = "cosine"
    warmup_steps: int = 50
    weight_decay: float = 0.01
    precision: str = "no"
    checkpoint_every: int = 200
    validate_every: int = 0

    def __post_init__(self) -> None:
        at_least(self, "training", 1, "epochs", "batch_size", "questions_per_segment", "checkpoint_every")
        at_least(self, "training", 0, "warmup_steps", "validate_every", "trial_epochs")
        without_repeats("training.learning_rates", self.learning_rates)
        if not self.learning_rates or not all(math.isfinite(rate) and rate > 0 for rate in self.learning_rates):
            raise ValueError(f"training.learning_rates: got {list(self.learning_rates)}, expected positive numbers")
        if len(self.learning_rates) > 1 and not self.validate_every:
            raise ValueError("training.learning_rates: got several, which validation chooses from; validate_every is 0")
        if len(self.learning_rates) == 1 and self.trial_epochs:
            raise ValueError(
                f"training.trial_epochs: got {self.trial_epochs}, which does nothing with one learning rate"
            )
        if not (math.isfinite(self.weight_decay) and self.weight_decay >= 0):
            raise ValueError(f"training.weight_decay: got {self.weight_decay}, expected 0 or more")
        check_option("training.optimizer", self.optimizer, OPTIMIZERS)
        check_option("training.schedule", self.schedule, SCHEDULES)
        check_option("training.precision", self.precision, PRECISIONS)
        if self.schedule == "noam" and not self.warmup_steps:
            raise ValueError("training.warmup_steps: got 0, the schedule 'noam' needs one step at least")


@dataclass(frozen=True)
class AsPublishedSettings:
    """What methods named ``-as-published`` are trained with: padding to a fixed length, kept in the labels.

    `tokens_padded_length` is that of methods which read tokens; an ECG that does not fit is cut. `warmup_steps` are
    those of Noam's schedule, whose peak is the published one. All are as published by default.
    """

    padded_length: int = 1024
    tokens_padded_length: int = 1024
    warmup_steps: int = 500

    def __post_init__(self) -> None:
        at_least(self, "as_published", 1, "padded_length", "tokens_padded_length", "warmup_steps")


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
        without_repeats("ablations.changes", self.changes)
        check_seeds("ablations.seeds", self.seeds)


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
        without_repeats("transfer.datasets", self.datasets)
        without_repeats("transfer.methods", self.methods)
        at_least(self, "transfer", 1, "num_patients", "sampling_rate")
        at_least(self, "transfer", 0, "records", "questions")
        if self.datasets and not self.methods:
            raise ValueError("transfer.methods: got none, expected those that transfer.datasets are to test")
        for name in self.datasets:
            find_data_set(name, "transfer.datasets")
            check_rate("transfer.sampling_rate", self.sampling_rate, name)


@dataclass(frozen=True)
class EvaluationSettings:
    """Generation, intervals and the timing of training steps.

    `inputs` is what methods that see the ECG are shown at test time, of `ecgbyte.data.controls.INPUTS`; none means all.
    `sampled_decodings` says how often the first training run of some methods is decoded again, by draws at a
    `temperature`: what published intervals are over, beside training seeds.
    """

    max_new_tokens: int = 32
    batch_size: int = 32
    inputs: tuple[str, ...] = ()
    bootstrap_resamples: int = 1000
    speed_rounds: int = 5
    padded_length: int = 1024
    bertscore: str = "minilm"
    sampled_decodings: int = 0
    temperature: float = 1.0

    def __post_init__(self) -> None:
        at_least(
            self,
            "evaluation",
            1,
            *("max_new_tokens", "batch_size", "bootstrap_resamples", "speed_rounds", "padded_length"),
        )
        at_least(self, "evaluation", 0, "sampled_decodings")
        without_repeats("evaluation.inputs", self.inputs)
        for name in self.inputs:
            check_option("evaluation.inputs", name, INPUTS)
        if self.inputs and "ecg" not in self.inputs:
            raise ValueError(f"evaluation.inputs: got {list(self.inputs)}, expected 'ecg' among them")
        positive(self, "evaluation", "temperature")


class Sections(Protocol):
    """A profile as the checks that go over all its sections see it; `experiments.profiles.profile.Profile` is one."""

    @property
    def methods(self) -> tuple[str, ...]: ...
    @property
    def data(self) -> DataSettings: ...
    @property
    def questions(self) -> QuestionSettings: ...
    @property
    def tokenizer(self) -> TokenizerSettings: ...
    @property
    def model(self) -> ModelSettings: ...
    @property
    def plus(self) -> PlusSettings: ...
    @property
    def evaluation(self) -> EvaluationSettings: ...
    @property
    def encoders(self) -> Mapping[str, Any]: ...
    @property
    def ablations(self) -> AblationSettings: ...
    @property
    def transfer(self) -> TransferSettings: ...

    def encoder(self, name: str) -> Any: ...
