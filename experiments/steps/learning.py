"""Train the language model of every method on equal terms: the same segments, equally often, in the same steps."""

from __future__ import annotations

import copy
import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ecgbyte.models.ecg_language_model import ECGLanguageModel
from ecgbyte.models.end_to_end import LoraSettings
from ecgbyte.models.language.language_models import TinySize, load_language_model
from ecgbyte.models.running import device_of, to_device
from ecgbyte.training.as_published import published_settings
from ecgbyte.training.batches import plan_epoch
from ecgbyte.training.collate import Collator
from ecgbyte.training.cost import run_flops, spread_over_sizes
from ecgbyte.training.examples import Example
from ecgbyte.training.loop import TrainingReport, TrainingSettings, train
from ecgbyte.training.sequences import AS_PUBLISHED_SPECIAL_TOKENS
from ecgbyte.training.shared_prefix import GroupCollator, SharedPrefixCollator
from ecgbyte.training.validation import ValidationScore
from experiments.profiles.faults import NOAM_SCHEDULE, PADDED, PADDING_IN_LABELS, TRUNCATION
from experiments.steps.readers.reading import BaseModel, Reader
from experiments.steps.shown import Shown
from experiments.steps.validating import validation_score

if TYPE_CHECKING:
    from experiments.profiles.settings import ModelSettings, OptimiserSettings

# Steps of which operations are counted.
_COUNTED_STEPS = 3


@dataclass(frozen=True)
class LearningSettings:
    """All that the training of a language model depends on, beside the reader and the questions.

    Attributes
    ----------
    model : ModelSettings
    training : OptimiserSettings
        With one learning rate; those of a profile may have several, of which `with_rate` takes one.
    answer_room : int
        The most tokens of an answer.
    seed : int
        The training seed, of all that is drawn.
    faults : tuple of str
        The published faults that are kept, of `experiments.profiles.faults.FAULTS`.
    padded_length : int or None
        Where one of `experiments.profiles.faults.PADDED` is kept: what every question, computed apart, is padded to.
    warmup_steps : int or None
        Where the published schedule is kept: its steps of warm-up.
    """

    model: ModelSettings
    training: OptimiserSettings
    answer_room: int
    seed: int
    faults: tuple[str, ...] = ()
    padded_length: int | None = None
    warmup_steps: int | None = None

    def __post_init__(self) -> None:
        if bool(set(PADDED) & set(self.faults)) != (self.padded_length is not None):
            raise ValueError(f"padded_length: got {self.padded_length} with the faults {list(self.faults)}")
        if (NOAM_SCHEDULE in self.faults) != (self.warmup_steps is not None):
            raise ValueError(f"warmup_steps: got {self.warmup_steps} with the faults {list(self.faults)}")

    @property
    def fixed_length(self) -> int | None:
        """The positions that every question, computed apart, takes; None where questions share an ECG."""
        if self.padded_length is None:
            return None
        return self.padded_length + (AS_PUBLISHED_SPECIAL_TOKENS if TRUNCATION in self.faults else 0)

    @property
    def learning_rate(self) -> float:
        """The highest learning rate.

        Raises
        ------
        ValueError
            If there are several to choose from.
        """
        rates = self.training.learning_rates
        if len(rates) != 1:
            raise ValueError(f"training.learning_rates: got {list(rates)}, expected the one that was chosen")
        return rates[0]

    def with_rate(self, rate: float, epochs: int | None = None) -> LearningSettings:
        """The same with one learning rate, and with other epochs where they are given."""
        training = dataclasses.replace(
            self.training, learning_rates=(rate,), trial_epochs=0, epochs=epochs or self.training.epochs
        )
        return dataclasses.replace(self, training=training)

    def plain(self) -> dict[str, Any]:
        """As plain data."""
        return dataclasses.asdict(self)


@dataclass
class Learner:
    """A method's model with the collator that makes its batches."""

    model: ECGLanguageModel
    collator: Collator


def train_method(
    folder: Path, reader: Reader, settings: LearningSettings, shown: Shown, description: str, tracking: str | None
) -> dict[str, Any]:
    """Train a method's language model: the work of a step.

    Parameters
    ----------
    folder : Path
        The step's folder; an interrupted run goes on from there.
    reader : Reader
        Of the method.
    settings : LearningSettings
    shown : Shown
        The questions with what the method sees.
    description : str
        Names the progress bar.
    tracking : str or None
        Where training is followed; see `ecgbyte.training.loop.train`.

    Returns
    -------
    dict
        ``report``, ``trained_parameters`` and ``training_flops``.
    """
    learner, report = train_learner(folder, reader, settings, shown, description, tracking=tracking)
    return {
        "report": report.to_dict(),
        "trained_parameters": learner.model.trained_parameters(),
        "training_flops": training_flops(learner, settings, shown, report),
    }


def build_learner(reader: Reader, settings: LearningSettings, train_examples: Sequence[Example]) -> Learner:
    """A method's untrained model: for one seed the same language model and text tokenizer for every method.

    Parameters
    ----------
    reader : Reader
    settings : LearningSettings
    train_examples : sequence of Example
        As the method is trained on.
    """
    base = _base_model(settings, train_examples)
    built = reader.build(base, train_examples)
    longest = settings.model.max_length
    options: dict[str, Any] = {}
    if settings.padded_length is not None:
        longest = min(longest, settings.padded_length)
        options = {"pad_to": settings.fixed_length, "padding_in_labels": PADDING_IN_LABELS in settings.faults}
    if TRUNCATION in settings.faults:
        options["truncation"] = "as-published"
    collator = Collator(
        built.token_map,
        base.text_tokenizer,
        max_length=longest,
        answer_room=settings.answer_room,
        signal_positions=built.signal_positions,
        **options,
    )
    return Learner(built.model, collator)


def _base_model(settings: LearningSettings, train_examples: Sequence[Example]) -> BaseModel:
    """The language model before anything of an ECG is added to it."""
    model, seed = settings.model, settings.seed
    texts = size = None
    if model.name == "tiny":
        texts = [text for example in train_examples for text in (example.question, example.answer)]
        size = TinySize(
            hidden=model.hidden_size,
            layers=model.layers,
            heads=model.heads,
            mlp=16 * round(model.hidden_size * 8 / 3 / 16),
        )
    # LoRA leaves these weights as they are: in the precision that they are multiplied in, nothing is converted a step.
    dtype = "bfloat16" if model.lora and settings.training.precision == "bf16" else "float32"
    language_model, text_tokenizer = load_language_model(model.name, texts=texts, size=size, seed=seed, dtype=dtype)
    training: dict[str, Any] = {"training": "full", "seed": seed}
    if model.lora:
        lora = LoraSettings(rank=model.lora_rank, alpha=model.lora_alpha, dropout=model.lora_dropout)
        training |= {"training": "lora", "lora": lora, "train_embeddings": model.train_embeddings}
    return BaseModel(language_model, text_tokenizer, seed, training, model.initialisation, model.train_embeddings)


def train_learner(
    folder: Path,
    reader: Reader,
    settings: LearningSettings,
    shown: Shown,
    description: str = "",
    *,
    tracking: str | None = None,
) -> tuple[Learner, TrainingReport]:
    """Train a method's language model, or go on, or load it where it is trained already.

    A method that keeps padding in its labels computes every question apart, padded; its steps hold the same questions
    as the others'.
    """
    learner = build_learner(reader, settings, shown.examples("train"))
    training = settings.training
    # The published training takes its last weights.
    validated = training.validate_every > 0 and settings.warmup_steps is None
    validation = shown.examples("validation") if validated else None
    report = train(
        learner.model,
        shown.training_groups(),
        _collate(learner, settings),
        TrainingSettings(
            batch_size=training.batch_size,
            epochs=training.epochs,
            **_optimisation(settings),
            precision=training.precision,
            seed=settings.seed,
            checkpoint_every=training.checkpoint_every,
            validate_every=training.validate_every if validated else None,
            keep="best" if validated else "last",
        ),
        validation=validation,
        validation_score=None if validation is None else _score(learner, settings, shown, validation),
        output_folder=folder / "training",
        description=description,
        tracking=tracking,
    )
    return learner, report


def _optimisation(settings: LearningSettings) -> dict[str, Any]:
    """Optimiser and schedule, which are the profile's unless the published ones are kept."""
    training = settings.training
    if settings.warmup_steps is not None:
        published = published_settings()
        kept = ("learning_rate", "optimizer", "schedule", "weight_decay", "betas", "max_gradient_norm")
        return {name: getattr(published, name) for name in kept} | {"warmup_steps": settings.warmup_steps}
    own = ("optimizer", "schedule", "warmup_steps", "weight_decay")
    return {name: getattr(training, name) for name in own} | {"learning_rate": settings.learning_rate}


def training_flops(learner: Learner, settings: LearningSettings, shown: Shown, report: TrainingReport) -> int:
    """The operations of a training, from steps that stand for all lengths."""
    items = shown.training_groups().at_epoch(0)
    collate = _collate(learner, settings)
    lengths = np.array([collate.length(items[number]) for number in range(len(items))])
    steps = plan_epoch(len(items), settings.training.batch_size, seed=0, epoch=0)
    chosen = spread_over_sizes([int(lengths[step].sum()) for step in steps], min(_COUNTED_STEPS, len(steps)))
    device = device_of(learner.model)
    batches = (to_device(collate([items[index] for index in steps[place]]), device) for place in chosen)
    return run_flops(learner.model, batches, report.padded_positions)


def _collate(learner: Learner, settings: LearningSettings) -> SharedPrefixCollator | GroupCollator:
    """Makes a batch of groups of questions about one segment each."""
    if settings.padded_length is not None:
        return GroupCollator(learner.collator)
    return SharedPrefixCollator(learner.collator)


def _score(
    learner: Learner, settings: LearningSettings, shown: Shown, validation: Sequence[Example]
) -> ValidationScore:
    plain = copy.copy(learner.collator)
    # What is asked of a method that keeps padding in its labels is the same as of others.
    plain.pad_to, plain.padding_in_labels = "longest", False
    questions = shown.prepared.questions["validation"]
    return validation_score(validation, questions, plain, batch_size=settings.training.batch_size)
