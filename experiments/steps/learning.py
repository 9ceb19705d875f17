"""Train the language model of every method on equal terms."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ecgbyte.models.ecg_language_model import ECGLanguageModel
from ecgbyte.models.encoders.ecg_encoders import build_ecg_encoder
from ecgbyte.models.end_to_end import EndToEndModel, LoraSettings
from ecgbyte.models.joint import build_encoder_model, build_patch_model
from ecgbyte.models.language.ecg_tokens import add_ecg_tokens, add_signal_token
from ecgbyte.models.language.language_models import TinySize, load_language_model
from ecgbyte.models.running import device_of, to_device
from ecgbyte.models.two_stage import TwoStageModel
from ecgbyte.tokenizer.ecg_tokenizer import ECGTokenizer
from ecgbyte.training.batches import plan_epoch
from ecgbyte.training.collate import Collator
from ecgbyte.training.cost import run_flops, spread_over_sizes
from ecgbyte.training.examples import Example
from ecgbyte.training.loop import TrainingReport, TrainingSettings, train
from ecgbyte.training.shared_prefix import SharedPrefixCollator, group_examples
from experiments.profiles.methods import Method
from experiments.profiles.profile import Profile

# Signals from which the scale of a joint model's input is taken.
_SCALE_SAMPLE = 2000
# Steps of which operations are counted.
_COUNTED_STEPS = 3


@dataclass
class Learner:
    """A method's model with the collator that makes its batches."""

    model: ECGLanguageModel
    collator: Collator


def build_learner(
    method: Method, profile: Profile, seed: int, train_examples: Sequence[Example], tokenizer: ECGTokenizer | None
) -> Learner:
    """A method's untrained model: for one seed the same language model and text tokenizer for every method.

    Parameters
    ----------
    method : Method
    profile : Profile
    seed : int
        Of all that is drawn at the start.
    train_examples : sequence of Example
        As the method is trained on.
    tokenizer : ECGTokenizer or None
        For methods that read tokens or text.
    """
    settings = profile.model
    tiny = settings.name == "tiny"
    texts = [text for example in train_examples for text in (example.question, example.answer)] if tiny else None
    size = None
    if tiny:
        size = TinySize(
            hidden=settings.hidden_size,
            layers=settings.layers,
            heads=settings.heads,
            mlp=16 * round(settings.hidden_size * 8 / 3 / 16),
        )
    language_model, text_tokenizer = load_language_model(settings.name, texts=texts, size=size, seed=seed)
    trained: dict[str, Any] = {"training": "full", "seed": seed}
    if settings.lora:
        lora = LoraSettings(rank=settings.lora_rank, alpha=settings.lora_alpha, dropout=settings.lora_dropout)
        trained |= {"training": "lora", "lora": lora, "train_embeddings": settings.train_embeddings}
    model: ECGLanguageModel
    positions = 1
    if method.reads == "features":
        token_map = add_signal_token(language_model, text_tokenizer, seed=seed)
        features = _distinct(train_examples)
        two_stage = TwoStageModel(language_model, token_map, features.shape[1], training_features=features, **trained)
        if method.as_published and method.encoder == "clip-vit":
            # No layer between the two encoders and the language model is trained in the published code.
            two_stage.projection.requires_grad_(False)
        model = two_stage
    elif method.reads == "signals":
        token_map = add_signal_token(language_model, text_tokenizer, seed=seed)
        signals = _distinct(train_examples, limit=_SCALE_SAMPLE)
        shape = {"leads": signals.shape[1], "samples": signals.shape[2]}
        if method.encoder == "linear-patches":
            joint = build_patch_model(
                language_model,
                token_map,
                num_leads=shape["leads"],
                num_samples=shape["samples"],
                layout=profile.patches.layout,
                patch_samples=profile.patches.samples,
                training_signals=signals,
                **trained,
            )
        else:
            recipe = {"name": method.encoder, "size": profile.encoder(method.encoder).size, **shape, "seed": seed}
            joint = build_encoder_model(
                language_model,
                token_map,
                build_ecg_encoder(**recipe),
                encoder_settings=recipe,
                training_signals=signals,
                **trained,
            )
        model, positions = joint, joint.signal_positions
    else:
        trained["train_embeddings"] = settings.train_embeddings
        token_map = add_ecg_tokens(
            language_model, text_tokenizer, tokenizer, initialisation=settings.initialisation, seed=seed
        )
        model = EndToEndModel(language_model, token_map, **trained)
    options: dict[str, Any] = {"signal_positions": positions}
    if method.as_published:
        options |= {"pad_to": profile.as_published.padded_length, "padding_in_labels": True}
    collator = Collator(
        token_map,
        text_tokenizer,
        max_length=min(settings.max_length, profile.as_published.padded_length)
        if method.as_published
        else settings.max_length,
        answer_room=profile.evaluation.max_new_tokens,
        **options,
    )
    return Learner(model, collator)


def train_learner(
    folder: Path,
    method: Method,
    profile: Profile,
    seed: int,
    examples: Sequence[Example],
    validation: Sequence[Example],
    tokenizer: ECGTokenizer | None,
    *,
    tracking: str | None = None,
) -> tuple[Learner, TrainingReport]:
    """Train a method's language model, or go on, or load it where it is trained already.

    A method as published computes every question apart, padded; its steps hold as many questions as the others'.
    """
    learner = build_learner(method, profile, seed, examples, tokenizer)
    settings = profile.training
    layout = _layout(learner, method, profile, examples)
    # Padding in the labels makes a loss that compares with no other.
    validated = settings.validate_every > 0 and not method.as_published
    report = train(
        learner.model,
        layout.items(examples),
        layout.collate,
        TrainingSettings(
            batch_size=layout.batch_size,
            epochs=settings.epochs,
            learning_rate=settings.learning_rate,
            optimizer=settings.optimizer,
            schedule=settings.schedule,
            warmup_steps=settings.warmup_steps,
            weight_decay=settings.weight_decay,
            precision=settings.precision,
            seed=seed,
            checkpoint_every=settings.checkpoint_every,
            validate_every=settings.validate_every if validated else None,
            group_by_length=not method.as_published,
        ),
        validation=layout.items(validation) if validated else None,
        output_folder=folder / "training",
        description=f"{method.name}, seed {seed}",
        tracking=tracking,
    )
    return learner, report


def training_flops(
    learner: Learner, method: Method, profile: Profile, examples: Sequence[Example], report: TrainingReport
) -> int:
    """The operations of a training, from steps that stand for all lengths."""
    layout = _layout(learner, method, profile, examples)
    items = layout.items(examples)
    lengths = np.array([layout.collate.length(item) for item in items])
    steps = plan_epoch(len(items), layout.batch_size, seed=0, epoch=0, lengths=lengths)
    chosen = spread_over_sizes([int(lengths[step].sum()) for step in steps], min(_COUNTED_STEPS, len(steps)))
    device = device_of(learner.model)
    batches = (to_device(layout.collate([items[index] for index in steps[place]]), device) for place in chosen)
    return run_flops(learner.model, batches, report.padded_positions)


@dataclass(frozen=True)
class _Layout:
    """How a method's questions lie in its batches."""

    collate: Any
    batch_size: int
    together: int

    def items(self, examples: Sequence[Example]) -> Sequence[Any]:
        """What a batch is made of: groups about one segment, or single questions."""
        return group_examples(examples, self.together) if self.together else examples


def _layout(learner: Learner, method: Method, profile: Profile, examples: Sequence[Example]) -> _Layout:
    settings = profile.training
    if method.as_published:
        # As many steps as the other methods make, whose groups are not all full.
        steps = -(-len(group_examples(examples, settings.questions_per_segment)) // settings.batch_size)
        return _Layout(learner.collator, -(-len(examples) // steps), 0)
    return _Layout(SharedPrefixCollator(learner.collator), settings.batch_size, settings.questions_per_segment)


def _distinct(examples: Sequence[Example], limit: int | None = None) -> np.ndarray:
    """What the examples hold of their ECGs, once for each array, in order; evenly chosen where there is a limit."""
    arrays = list({id(example.ecg): example.ecg for example in examples if example.ecg is not None}.values())
    if limit is not None and len(arrays) > limit:
        arrays = [arrays[place] for place in np.linspace(0, len(arrays) - 1, limit).astype(int)]
    return np.stack(arrays)
