"""Stage 1 of the two-stage methods: pretrain an ECG encoder, then its features of every segment."""

from __future__ import annotations

import dataclasses
import shutil
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch

from ecgbyte.checks import check_option
from ecgbyte.data.catalogue import RecordEntry
from ecgbyte.files import write_arrays
from ecgbyte.models.encoders.clip import OWN_TEXT_ENCODER, build_clip
from ecgbyte.models.encoders.ecg_encoders import ENCODERS, CombinedEncoder
from ecgbyte.models.encoders.merl import build_merl
from ecgbyte.models.encoders.merl_folder import load_merl, save_merl
from ecgbyte.models.encoders.vision_folder import load_clip, load_vit, save_clip, save_vit
from ecgbyte.models.encoders.vit import build_vit, is_pretrained
from ecgbyte.models.language.text_tokenizer import train_text_tokenizer
from ecgbyte.models.running import device_of, to_device
from ecgbyte.training.contrastive import (
    ContrastiveCollator,
    ContrastiveExample,
    ContrastiveModel,
    retrieval_recall,
    same_report_key,
)
from ecgbyte.training.cost import run_flops
from ecgbyte.training.features import extract_features
from ecgbyte.training.loop import TrainingReport, TrainingSettings, train
from ecgbyte.training.masked_modelling import SignalCollator, SignalExample, reconstruction_error
from ecgbyte.training.processes import open_accelerator
from experiments.profiles.profile import EncoderSettings
from experiments.steps.segments import Segments
from experiments.steps.views import ECGView

STAGE_ONE = {"merl": ("merl",), "vit": ("vit",), "clip": ("clip",), "clip-vit": ("clip", "vit")}
"""The encoders that a method's stage 1 trains, each by itself; ``clip-vit`` can use those of ``clip`` and ``vit``."""


def contrastive_examples(segments: Segments, entries: Sequence[RecordEntry]) -> list[ContrastiveExample]:
    """Every segment of `entries` with its record's report; records without a report are left out."""
    return [
        ContrastiveExample(entry.record_id, segments.signal(entry.record_id, number), entry.report)
        for entry in entries
        if entry.report.strip()
        for number in range(segments.signals.shape[1])
    ]


def signal_examples(segments: Segments, entries: Sequence[RecordEntry]) -> list[SignalExample]:
    """Every segment of `entries`."""
    return [
        SignalExample(entry.record_id, segments.signal(entry.record_id, number))
        for entry in entries
        for number in range(segments.signals.shape[1])
    ]


def pretrain_encoder(
    folder: Path,
    encoder: str,
    segments: Segments,
    train_entries: Sequence[RecordEntry],
    validation_entries: Sequence[RecordEntry],
    settings: EncoderSettings,
    seed: int,
) -> dict[str, Any]:
    """Stage 1 of one encoder on the training records. The model is saved in the subfolder named `encoder`.

    Parameters
    ----------
    folder : Path
        The step's folder; an interrupted run goes on from there.
    encoder : str
        ``"merl"``, ``"vit"`` or ``"clip"``; ``"clip-vit"`` has no stage 1 of its own, see `STAGE_ONE`.
    segments : Segments
    train_entries, validation_entries : sequence of RecordEntry
    settings : EncoderSettings
    seed : int
        Of weights, masks and the order of the records.

    Returns
    -------
    dict
        ``report``, and in ``quality`` numbers on the validation records before and after training: retrieval
        (`RetrievalRecall`), or the error of rebuilt patches beside that of the mean picture (`ReconstructionError`).
    """
    check_option("encoder", encoder, tuple(name for name, parts in STAGE_ONE.items() if parts == (name,)))
    pretrain = _pretrain_masked if encoder == "vit" else _pretrain_contrastive
    report, flops, quality = pretrain(folder, encoder, segments, train_entries, validation_entries, settings, seed)
    return {"report": report.to_dict(), "quality": quality, "training_flops": flops}


def _pretrain_masked(
    folder: Path,
    encoder: str,
    segments: Segments,
    train_entries: Sequence[RecordEntry],
    validation_entries: Sequence[RecordEntry],
    settings: EncoderSettings,
    seed: int,
) -> tuple[TrainingReport, int, dict[str, float]]:
    examples, held_out = signal_examples(segments, train_entries), signal_examples(segments, validation_entries)
    leads, samples = segments.signals.shape[2:]
    model = build_vit(seed=seed, size=settings.size, leads=leads, samples=samples, normalisation=settings.normalisation)
    model.to(open_accelerator().device)
    before = reconstruction_error(model, held_out, examples, seed=seed)
    report, flops = _train(folder, encoder, model, examples, SignalCollator(), settings, seed)
    after = reconstruction_error(model, held_out, examples, seed=seed)
    _forget(folder / encoder)
    save_vit(folder / encoder, model)
    return report, flops, _before_after(before, after)


def _pretrain_contrastive(
    folder: Path,
    encoder: str,
    segments: Segments,
    train_entries: Sequence[RecordEntry],
    validation_entries: Sequence[RecordEntry],
    settings: EncoderSettings,
    seed: int,
) -> tuple[TrainingReport, int, dict[str, float]]:
    examples = contrastive_examples(segments, train_entries)
    held_out = contrastive_examples(segments, validation_entries)
    model = _contrastive_model(encoder, examples, settings, seed)
    model.to(open_accelerator().device)
    nearest = min(5, len({same_report_key(example.report) for example in held_out}))
    before = retrieval_recall(model, held_out, nearest)
    collate = ContrastiveCollator(model.text_encoder, examples)
    report, flops = _train(folder, encoder, model, examples, collate, settings, seed)
    after = retrieval_recall(model, held_out, nearest)
    _forget(folder / encoder)
    if encoder == "merl":
        save_merl(folder / encoder, model)
    else:
        save_clip(folder / encoder, model)
    return report, flops, _before_after(before, after)


def _contrastive_model(
    encoder: str, examples: Sequence[ContrastiveExample], settings: EncoderSettings, seed: int
) -> Any:
    text_encoder, tokenizer = settings.text_encoder, None
    brings_tokenizer = encoder == "clip" and is_pretrained(settings.size)
    if encoder == "clip" and text_encoder == "tiny":
        text_encoder = OWN_TEXT_ENCODER
    if text_encoder in ("tiny", OWN_TEXT_ENCODER) and not brings_tokenizer:
        tokenizer = train_text_tokenizer((example.report for example in examples), vocabulary_size=1024)
    common = {
        "seed": seed,
        "text_encoder": text_encoder,
        "tokenizer": tokenizer,
        "identical_reports": settings.identical_reports,
    }
    if encoder == "merl":
        # MERL reads samples, not a picture; ``normalisation`` is of no concern to it.
        architecture = "resnet101" if settings.size == "base" else settings.size
        return build_merl(architecture=architecture, num_leads=len(examples[0].signal), **common)
    leads, samples = examples[0].signal.shape
    return build_clip(size=settings.size, leads=leads, samples=samples, normalisation=settings.normalisation, **common)


def _train(
    folder: Path,
    encoder: str,
    model: torch.nn.Module,
    examples: Sequence[Any],
    collate: Any,
    settings: EncoderSettings,
    seed: int,
) -> tuple[TrainingReport, int]:
    """The report, and the operations of all steps, from one that stands for all: they are of one size."""
    report = train(
        model,
        examples,
        collate,
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
        description=f"{encoder} stage 1",
    )
    device = device_of(model)
    batch = to_device(collate(list(examples[: min(settings.batch_size, len(examples))])), device)
    return report, run_flops(model, [batch], report.samples_seen)


def _forget(folder: Path) -> None:
    """An interrupted run may have left it; the weights themselves are in the training folder."""
    shutil.rmtree(folder, ignore_errors=True)


def _before_after(before: Any, after: Any) -> dict[str, float]:
    return {
        f"{name}_{when}": float(value)
        for when, measured in (("before", before), ("after", after))
        for name, value in dataclasses.asdict(measured).items()
    }


def load_encoder(pretrained: Path | Sequence[Path], encoder: str, *, as_published: bool, seed: int) -> torch.nn.Module:
    """A pretrained encoder, in evaluation mode.

    Parameters
    ----------
    pretrained : Path or sequence of Path
        The folders of `pretrain_encoder`, one for each encoder in ``STAGE_ONE[encoder]``, in that order.
    encoder : str
        One of `ENCODERS`.
    as_published : bool
        Keeps what the published code does at this place: the vision transformer sees pictures with a random 75 %
        masked, and CLIP+ViT's features go through layers that nothing trains. MERL and CLIP have no such fault.
    seed : int
        Of those masks and layers.

    Raises
    ------
    ValueError
        If the folders are not as many as the encoders.
    """
    check_option("encoder", encoder, ENCODERS)
    folders = [pretrained] if isinstance(pretrained, Path) else list(pretrained)
    parts = STAGE_ONE[encoder]
    if len(folders) != len(parts):
        raise ValueError(f"pretrained: expected a folder for each of {', '.join(parts)}, got {len(folders)}")
    fault_seed = seed if as_published else None
    loaded: list[torch.nn.Module] = []
    for part, folder in zip(parts, folders, strict=True):
        if part == "vit":
            loaded.append(load_vit(folder / part).encoder(mask_seed=fault_seed))
        else:
            model: ContrastiveModel = load_merl(folder / part) if part == "merl" else load_clip(folder / part)
            loaded.append(model.ecg_encoder)
    if len(loaded) == 1:
        return loaded[0].eval()
    return CombinedEncoder(loaded[0], loaded[1], frozen_fusion_seed=fault_seed).eval()


def features_of(
    pretrained: Path | Sequence[Path],
    encoder: str,
    signals: np.ndarray | Sequence[np.ndarray],
    *,
    as_published: bool,
    seed: int,
) -> np.ndarray:
    """A pretrained encoder's features of any signals, float32 [signals, features].

    Parameters
    ----------
    signals : numpy.ndarray
        Float32 [signals, leads, samples] in mV.
    pretrained, encoder, as_published, seed
        As in `load_encoder`.
    """
    model = load_encoder(pretrained, encoder, as_published=as_published, seed=seed).to(open_accelerator().device)
    return extract_features(model, signals, progress=len(signals) > 1)


def encoder_view(
    folder: Path,
    pretrained: Path | Sequence[Path],
    encoder: str,
    segments: Segments,
    *,
    as_published: bool,
    seed: int,
) -> dict[str, Any]:
    """The frozen encoder's features of every segment and of a flat line, stored in ``features.npz``; parameters as in
    `load_encoder`."""
    _, per_record, leads, samples = segments.signals.shape
    signals = segments.signals[: len(segments.rows)].reshape(-1, leads, samples)
    model = load_encoder(pretrained, encoder, as_published=as_published, seed=seed).to(open_accelerator().device)
    started = time.perf_counter()
    features = extract_features(model, signals, progress=True)
    seconds = time.perf_counter() - started
    flat = extract_features(model, np.zeros((1, leads, samples), dtype=np.float32))[0]
    by_record = features.reshape(-1, per_record, features.shape[1])
    write_arrays(folder / "features.npz", {"features": by_record, "flat": flat})
    return {"extraction_seconds": seconds, "feature_size": int(features.shape[1])}


def open_features(folder: Path, segments: Segments) -> ECGView:
    """What `encoder_view` stored, by record and segment."""
    with np.load(folder / "features.npz", allow_pickle=False) as stored:
        features, flat = stored["features"], stored["flat"]
    values = {
        (record_id, number): features[row, number]
        for record_id, row in segments.rows.items()
        for number in range(features.shape[1])
    }
    return ECGView(values, flat)
