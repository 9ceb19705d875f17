"""Train the methods: MERL's first stage, and the language model of every method on equal terms."""

from __future__ import annotations

import copy
import dataclasses
import shutil
import statistics
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from accelerate import Accelerator

from ecgbyte.data.catalogue import RecordEntry
from ecgbyte.models.ecg_language_model import ECGLanguageModel
from ecgbyte.models.ecg_tokens import add_ecg_tokens, add_signal_token
from ecgbyte.models.end_to_end import EndToEndModel
from ecgbyte.models.language_models import TinySize, load_language_model
from ecgbyte.models.merl import build_merl
from ecgbyte.models.merl_folder import load_merl, save_merl
from ecgbyte.models.text_tokenizer import train_text_tokenizer
from ecgbyte.models.two_stage import TwoStageModel
from ecgbyte.tokenizer.ecg_tokenizer import ECGTokenizer
from ecgbyte.training.collate import Collator
from ecgbyte.training.contrastive import ContrastiveCollator, ContrastiveExample, retrieval_recall, same_report_key
from ecgbyte.training.examples import Example
from ecgbyte.training.features import extract_features
from ecgbyte.training.loop import TrainingReport, TrainingSettings, train
from ecgbyte.training.shared_prefix import SharedPrefixCollator, group_examples
from experiments.inputs import ECGView
from experiments.prepare import Segments
from experiments.profile import MerlSettings, Profile


def contrastive_examples(segments: Segments, entries: Sequence[RecordEntry]) -> list[ContrastiveExample]:
    """Every segment of `entries` with its record's report; records without a report are left out."""
    return [
        ContrastiveExample(entry.record_id, segments.signal(entry.record_id, number), entry.report)
        for entry in entries
        if entry.report.strip()
        for number in range(segments.signals.shape[1])
    ]


def train_merl(
    folder: Path,
    segments: Segments,
    train_entries: Sequence[RecordEntry],
    validation_entries: Sequence[RecordEntry],
    settings: MerlSettings,
    seed: int,
) -> dict[str, Any]:
    """Stage 1: ECGs and reports of training records, contrastively. The encoder is saved in ``merl``."""
    examples = contrastive_examples(segments, train_entries)
    text_tokenizer = None
    if settings.text_encoder == "tiny":
        text_tokenizer = train_text_tokenizer((example.report for example in examples), vocabulary_size=1024)
    model = build_merl(
        seed=seed, architecture=settings.encoder, text_encoder=settings.text_encoder, tokenizer=text_tokenizer
    )
    held_out = contrastive_examples(segments, validation_entries)
    nearest = min(5, len({same_report_key(example.report) for example in held_out}))
    before = retrieval_recall(model, held_out, nearest)
    report = train(
        model,
        examples,
        ContrastiveCollator(model.text_encoder, examples),
        TrainingSettings(
            batch_size=min(settings.batch_size, len(examples)),
            epochs=settings.epochs,
            learning_rate=settings.learning_rate,
            schedule="cosine",
            warmup_steps=20,
            seed=seed,
            checkpoint_every=200,
            drop_incomplete_batch=True,
        ),
        output_folder=folder / "training",
        description="merl stage 1",
    )
    after = retrieval_recall(model, held_out, nearest)
    # An interrupted run may have left it; the weights themselves are in the training folder.
    shutil.rmtree(folder / "merl", ignore_errors=True)
    save_merl(folder / "merl", model)
    return {
        "report": report.to_dict(),
        "retrieval_before": dataclasses.asdict(before),
        "retrieval_after": dataclasses.asdict(after),
    }


def merl_view(folder: Path, merl_folder: Path, segments: Segments) -> dict[str, Any]:
    """The frozen encoder's features of every segment and of a flat line, stored in ``features.npz``."""
    encoder = load_merl(merl_folder / "merl").ecg_encoder.to(Accelerator().device)
    _, per_record, leads, samples = segments.signals.shape
    signals = segments.signals[: len(segments.rows)].reshape(-1, leads, samples)
    started = time.perf_counter()
    features = extract_features(encoder, signals, progress=True)
    seconds = time.perf_counter() - started
    flat = extract_features(encoder, np.zeros((1, leads, samples), dtype=np.float32))[0]
    partial = folder / "features.partial.npz"
    np.savez(partial, features=features.reshape(-1, per_record, features.shape[1]), flat=flat)
    partial.replace(folder / "features.npz")
    return {"extraction_seconds": seconds, "feature_size": int(features.shape[1])}


def open_features(folder: Path, segments: Segments) -> ECGView:
    """What `merl_view` stored, by record and segment."""
    with np.load(folder / "features.npz", allow_pickle=False) as stored:
        features, flat = stored["features"], stored["flat"]
    values = {
        (record_id, number): features[row, number]
        for record_id, row in segments.rows.items()
        for number in range(features.shape[1])
    }
    return ECGView(values, flat)


@dataclass
class Learner:
    """A method's model with the collator that makes its batches."""

    model: ECGLanguageModel
    collator: Collator


def build_learner(method: str, profile: Profile, train_examples: Sequence[Example], tokenizer: ECGTokenizer) -> Learner:
    """A method's untrained model: the same language model, seed and text tokenizer for every method."""
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
    language_model, text_tokenizer = load_language_model(settings.name, texts=texts, size=size, seed=profile.seed)
    training = "lora" if settings.lora else "full"
    trained = settings.train_embeddings if settings.lora else None
    model: ECGLanguageModel
    if method == "merl":
        token_map = add_signal_token(language_model, text_tokenizer, seed=profile.seed)
        features = np.stack([example.ecg for example in train_examples if example.ecg is not None])
        model = TwoStageModel(
            language_model,
            token_map,
            features.shape[1],
            training_features=features,
            training=training,
            train_embeddings=trained,
            seed=profile.seed,
        )
    else:
        token_map = add_ecg_tokens(
            language_model, text_tokenizer, tokenizer, initialisation=settings.initialisation, seed=profile.seed
        )
        model = EndToEndModel(language_model, token_map, training=training, train_embeddings=trained, seed=profile.seed)
    collator = Collator(
        token_map,
        text_tokenizer,
        max_length=settings.max_length,
        answer_room=profile.evaluation.max_new_tokens,
    )
    return Learner(model, collator)


def train_learner(
    folder: Path, method: str, profile: Profile, examples: Sequence[Example], tokenizer: ECGTokenizer
) -> tuple[Learner, TrainingReport]:
    """Train a method's language model, or go on, or load it where it is trained already."""
    learner = build_learner(method, profile, examples, tokenizer)
    settings = profile.training
    report = train(
        learner.model,
        group_examples(examples, settings.questions_per_segment),
        SharedPrefixCollator(learner.collator),
        TrainingSettings(
            batch_size=settings.batch_size,
            epochs=settings.epochs,
            learning_rate=settings.learning_rate,
            schedule=settings.schedule,
            warmup_steps=settings.warmup_steps,
            weight_decay=settings.weight_decay,
            precision=settings.precision,
            seed=profile.seed,
            checkpoint_every=settings.checkpoint_every,
            group_by_length=True,
        ),
        output_folder=folder / "training",
        description=method,
    )
    return learner, report


def time_steps(
    method: str, profile: Profile, examples: Sequence[Example], tokenizer: ECGTokenizer
) -> dict[str, dict[str, Any]]:
    """Seconds of training steps, padded to the published length and not padded beyond the batch, in turns.

    A step holds ``batch_size`` questions of middle length, each with its own ECG positions, and does all that a step of
    training does. Both kinds see the same questions; a first round warms up and is not counted.

    Returns
    -------
    dict
        By padding: ``seconds`` per sample, one value a round, and the ``positions`` and ``padded_positions`` that the
        whole training would take in this way.
    """
    learner = build_learner(method, profile, examples, tokenizer)
    device = Accelerator().device
    learner.model.to(device)
    size, epochs = profile.training.batch_size, profile.training.epochs
    lengths = [learner.collator.length(example) for example in examples]
    order = sorted(range(len(examples)), key=lambda index: lengths[index])
    middle = max(0, len(order) // 2 - size // 2)
    batch_examples = [examples[index] for index in order[middle : middle + size]]
    padded = copy.copy(learner.collator)
    padded.pad_to = profile.evaluation.padded_length
    collators = {"none": learner.collator, str(padded.pad_to): padded}
    trained = [value for value in learner.model.parameters() if value.requires_grad]
    optimizer = torch.optim.AdamW(trained, lr=profile.training.learning_rate)
    learner.model.train()
    seconds: dict[str, list[float]] = {name: [] for name in collators}
    for round_number in range(profile.evaluation.speed_rounds + 1):
        for name, collate in collators.items():
            started = time.perf_counter()
            batch = {key: value.to(device) for key, value in collate(batch_examples).items()}
            optimizer.zero_grad(set_to_none=True)
            with torch.autocast(device.type, torch.bfloat16, enabled=profile.training.precision == "bf16"):
                loss = learner.model(**batch).loss
            loss.backward()
            torch.nn.utils.clip_grad_norm_(trained, 1.0)
            optimizer.step()
            # Reading the loss waits for a device that works in the background.
            loss.item()
            if round_number:
                seconds[name].append((time.perf_counter() - started) / len(batch_examples))
    positions = epochs * sum(lengths)
    computed = {"none": positions, str(padded.pad_to): epochs * len(examples) * int(padded.pad_to)}
    return {
        name: {"seconds": values, "positions": positions, "padded_positions": computed[name]}
        for name, values in seconds.items()
    }


def median_interval(values: Sequence[float]) -> tuple[float, float, float]:
    """Median, smallest and largest: with a handful of rounds the range says more than an interval would."""
    return statistics.median(values), min(values), max(values)
