"""Train the ECG tokenizer on training records and encode every segment with it, once."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ecgbyte.data.controls import flat_line
from ecgbyte.metrics.compression import (
    measure_tokens,
    percentage_root_difference,
    root_mean_square_error,
)
from ecgbyte.tokenizer.ecg_tokenizer import ECGTokenizer
from experiments.inputs import ECGView
from experiments.prepare import SegmentRecords, Segments
from experiments.profile import TokenizerSettings

_BATCH = 512


def train_tokenizer(
    folder: Path,
    segments: Segments,
    record_ids: Sequence[str],
    settings: TokenizerSettings,
    preprocessing: dict[str, Any],
) -> dict[str, Any]:
    """Learn range and merges from the segments of `record_ids` (training records) into ``tokenizer.json``."""
    tokenizer = ECGTokenizer.train(
        SegmentRecords(segments, record_ids),
        settings.num_merges,
        amplitude_range=settings.amplitude_range,
        boundary=settings.boundary,
        matching=settings.matching,
        preprocessing=preprocessing,
        num_threads=os.cpu_count() or 1,
    )
    tokenizer.save(folder / "tokenizer.json")
    return {"fingerprint": tokenizer.fingerprint, "vocabulary_size": tokenizer.vocabulary_size}


def encode_segments(folder: Path, tokenizer: ECGTokenizer, segments: Segments) -> dict[str, Any]:
    """Encode every segment, and a flat line; ids are stored end to end with the places where segments start."""
    leads, samples = segments.signals.shape[2:]
    flat = tokenizer.encode(flat_line(next(iter(SegmentRecords(segments, list(segments.rows)))))).ids
    parts, starts = [flat], [0, len(flat)]
    signals = segments.signals[: len(segments.rows)].reshape(-1, leads, samples)
    for first in range(0, len(signals), _BATCH):
        batch = list(signals[first : first + _BATCH])
        for encoding in tokenizer.encode_batch(batch, num_threads=os.cpu_count() or 1):
            parts.append(encoding.ids)
            starts.append(starts[-1] + len(encoding.ids))
    partial = folder / "tokens.partial.npz"
    np.savez(partial, ids=np.concatenate(parts).astype(np.int32), starts=np.array(starts, dtype=np.int64))
    partial.replace(folder / "tokens.npz")
    return {"segments": len(signals), "tokens": starts[-1] - len(flat)}


def open_tokens(folder: Path, segments: Segments) -> ECGView:
    """What `encode_segments` stored, by record and segment."""
    with np.load(folder / "tokens.npz", allow_pickle=False) as stored:
        ids, starts = stored["ids"], stored["starts"]
    per_record = segments.signals.shape[1]
    values = {
        (record_id, number): ids[starts[place] : starts[place + 1]]
        for record_id, row in segments.rows.items()
        for number in range(per_record)
        for place in [1 + row * per_record + number]
    }
    return ECGView(values, ids[: starts[1]])


def measure_tokenizer(
    tokenizer: ECGTokenizer, segments: Segments, view: ECGView, record_ids: Sequence[str]
) -> dict[str, float]:
    """Compression, bits per sample and reconstruction error on the segments of `record_ids` (held-out records)."""
    keys = [(record_id, number) for record_id in record_ids for number in range(segments.signals.shape[1])]
    ids = [view.values[key] for key in keys]
    signals = [segments.signal(*key) for key in keys]
    decoded = [tokenizer.decode(tokenizer.encode(signal)) for signal in signals]
    measures = measure_tokens(ids, sum(signal.size for signal in signals), tokenizer.vocabulary_size)
    return {
        "vocabulary-size": float(tokenizer.vocabulary_size),
        "compression": measures.compression,
        "bits-per-sample-bound": measures.bits_bound,
        "bits-per-sample-entropy": measures.bits_entropy,
        "tokens-per-record": measures.tokens_per_record,
        "reconstruction-rmse": root_mean_square_error(signals, decoded),
        "reconstruction-prd": percentage_root_difference(signals, decoded),
    }
