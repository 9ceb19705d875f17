"""Encode every segment with an ECG tokenizer, once."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np

from ecgbyte.data.controls import flat_line
from ecgbyte.files import write_arrays
from ecgbyte.tokenizer.ecg_tokenizer import ECGTokenizer
from experiments.steps.segments import SegmentRecords, Segments
from experiments.steps.views import ECGView

_BATCH = 512


def tokens_of(tokenizer: ECGTokenizer, signals: np.ndarray) -> list[np.ndarray]:
    """The token ids of each signal, from float32 [signals, leads, samples] in mV."""
    threads = os.cpu_count() or 1
    return [
        encoding.ids
        for first in range(0, len(signals), _BATCH)
        for encoding in tokenizer.encode_batch(list(signals[first : first + _BATCH]), num_threads=threads)
    ]


def encode_segments(folder: Path, tokenizer: ECGTokenizer, segments: Segments) -> dict[str, Any]:
    """Encode every segment, and a flat line; ids are stored end to end with the places where segments start."""
    flat = tokenizer.encode(flat_line(next(iter(SegmentRecords(segments, list(segments.rows)))))).ids
    parts, starts = [flat], [0, len(flat)]
    signals = segments.all_signals
    for ids in tokens_of(tokenizer, signals):
        parts.append(ids)
        starts.append(starts[-1] + len(ids))
    arrays: dict[str, np.ndarray] = {
        "ids": np.concatenate(parts).astype(np.int32),
        "starts": np.array(starts, dtype=np.int64),
    }
    write_arrays(folder / "tokens.npz", arrays)
    return {"segments": len(signals), "tokens": starts[-1] - len(flat)}


def open_tokens(folder: Path, segments: Segments) -> ECGView:
    """What `encode_segments` stored, by record and segment."""
    with np.load(folder / "tokens.npz", allow_pickle=False) as stored:
        ids, starts = stored["ids"], stored["starts"]
    # The first is the flat line.
    values = {key: ids[starts[place] : starts[place + 1]] for place, key in enumerate(segments.keys, 1)}
    return ECGView(values, ids[: starts[1]])
