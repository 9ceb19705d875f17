"""A frozen encoder's features of every segment."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from torch import nn

from ecgbyte.files import write_arrays
from ecgbyte.training.features import extract_features
from ecgbyte.training.processes import open_accelerator
from experiments.steps.encoders.part import EncoderModule
from experiments.steps.segments import Segments
from experiments.steps.views import ECGView


def features_of(encoder: nn.Module, signals: np.ndarray) -> np.ndarray:
    """An encoder's features of any signals, float32 [signals, features].

    Parameters
    ----------
    encoder : nn.Module
        From the ``load`` of its module.
    signals : numpy.ndarray
        Float32 [signals, leads, samples] in mV.
    """
    return extract_features(encoder.to(open_accelerator().device), signals, progress=len(signals) > 1)


def write_features(folder: Path, encoder: nn.Module, segments: Segments) -> dict[str, Any]:
    """The frozen encoder's features of every segment and of a flat line, stored in ``features.npz``."""
    _, per_record, leads, samples = segments.signals.shape
    model = encoder.to(open_accelerator().device)
    started = time.perf_counter()
    features = extract_features(model, segments.all_signals, progress=True)
    seconds = time.perf_counter() - started
    flat = extract_features(model, np.zeros((1, leads, samples), dtype=np.float32))[0]
    by_record = features.reshape(-1, per_record, features.shape[1])
    write_arrays(folder / "features.npz", {"features": by_record, "flat": flat})
    return {"extraction_seconds": seconds, "feature_size": int(features.shape[1])}


def extract_all(
    folder: Path,
    module: EncoderModule,
    pretrained: Sequence[Path],
    segments: Segments,
    *,
    faults: Sequence[str],
    seed: int,
) -> dict[str, Any]:
    """The features of a pretrained encoder: the work of a step. Arguments as in `EncoderModule.load`."""
    return write_features(folder, module.load(pretrained, faults=faults, seed=seed), segments)


def open_features(folder: Path, segments: Segments) -> ECGView:
    """What `write_features` stored, by record and segment."""
    with np.load(folder / "features.npz", allow_pickle=False) as stored:
        features, flat = stored["features"], stored["flat"]
    values = {
        (record_id, number): features[row, number]
        for record_id, row in segments.rows.items()
        for number in range(features.shape[1])
    }
    return ECGView(values, flat)
