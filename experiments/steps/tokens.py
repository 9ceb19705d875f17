"""Train the ECG tokenizer on training records and encode every segment with it, once."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ecgbyte.data.controls import flat_line
from ecgbyte.data.morphology_features import morphology_features
from ecgbyte.data.morphology_sampling import sample_records
from ecgbyte.files import write_arrays
from ecgbyte.metrics import bin_error, compression, token_usage
from ecgbyte.metrics.bin_error import BinError
from ecgbyte.metrics.compression import ReconstructionError, measure_counts
from ecgbyte.metrics.token_usage import TokenUsage, count_tokens
from ecgbyte.signals.leads import LEADS
from ecgbyte.signals.records import Record
from ecgbyte.tokenizer.ecg_tokenizer import ECGTokenizer
from experiments.profiles.profile import TokenizerSettings
from experiments.steps.segments import TARGET_RATE, SegmentRecords, Segments
from experiments.steps.views import ECGView

_BATCH = 512
TOKENIZER_SIGNATURES = {
    "vocabulary-size": "letters + merges|version:1",
    "compression": compression.COMPRESSION_SIGNATURE,
    "bits-per-sample-bound": compression.BITS_BOUND_SIGNATURE,
    "bits-per-sample-entropy": compression.BITS_ENTROPY_SIGNATURE,
    "tokens-per-record": "tokens / segments|version:1",
    "used-tokens": token_usage.USED_TOKENS_SIGNATURE,
    "usage-entropy": token_usage.USAGE_ENTROPY_SIGNATURE,
    "token-length-mean": token_usage.MEAN_LENGTH_SIGNATURE,
    "token-length-longest": token_usage.LONGEST_SIGNATURE,
    "run-share": token_usage.RUN_SHARE_SIGNATURE,
    "reconstruction-rmse": compression.RMSE_SIGNATURE,
    "reconstruction-prd": compression.PRD_SIGNATURE,
    "reconstruction-largest": bin_error.LARGEST_ERROR_SIGNATURE,
    "outside-range": bin_error.OUTSIDE_RANGE_SIGNATURE,
}


def train_tokenizer(
    folder: Path,
    segments: Segments,
    record_ids: Sequence[str],
    settings: TokenizerSettings,
    preprocessing: dict[str, Any],
    *,
    seed: int,
) -> dict[str, Any]:
    """Learn range and merges from the segments of `record_ids` (training records) into ``tokenizer.json``.

    Where the settings name a number of records, at most as many are drawn, in the way that they name, from `seed`.
    """
    chosen = list(record_ids)
    if settings.records:
        features = np.stack([_record_features(segments, name) for name in record_ids])
        number = min(settings.records, len(record_ids))
        places = sample_records(features, number, method=settings.sampling, seed=seed)
        chosen = [record_ids[place] for place in places]
    tokenizer = ECGTokenizer.train(
        SegmentRecords(segments, chosen),
        settings.num_merges,
        amplitude_range=settings.amplitude_range,
        boundary=settings.boundary,
        matching=settings.matching,
        alphabet_size=settings.alphabet_size,
        preprocessing=preprocessing,
        num_threads=os.cpu_count() or 1,
    )
    tokenizer.save(folder / "tokenizer.json")
    return {
        "fingerprint": tokenizer.fingerprint,
        "vocabulary_size": tokenizer.vocabulary_size,
        "records": len(chosen),
    }


def _record_features(segments: Segments, record_id: str) -> np.ndarray:
    """Morphology of a record, float64 [features], from its segments end to end."""
    signal = np.concatenate(list(segments.signals[segments.rows[record_id]]), axis=1)
    return morphology_features(Record(signal, TARGET_RATE, LEADS, record_id))


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
    leads, samples = segments.signals.shape[2:]
    flat = tokenizer.encode(flat_line(next(iter(SegmentRecords(segments, list(segments.rows)))))).ids
    parts, starts = [flat], [0, len(flat)]
    signals = segments.signals[: len(segments.rows)].reshape(-1, leads, samples)
    for ids in tokens_of(tokenizer, signals):
        parts.append(ids)
        starts.append(starts[-1] + len(ids))
    arrays = {"ids": np.concatenate(parts).astype(np.int32), "starts": np.array(starts, dtype=np.int64)}
    write_arrays(folder / "tokens.npz", arrays)
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


def measure_on_segments(
    tokenizer: ECGTokenizer, segments: Segments, record_ids: Sequence[str]
) -> tuple[dict[str, float], TokenUsage]:
    """Encode and decode the segments of `record_ids` and measure the tokens; of any data set, in bounded memory.

    The tokenizer may have been trained on other records than these: its range then clips what lies outside, which the
    reconstruction error shows.

    Parameters
    ----------
    tokenizer : ECGTokenizer
    segments : Segments
        At the rate that the tokenizer is for.
    record_ids : sequence of str
        One at least.

    Returns
    -------
    measures : dict of str to float
        By metric, as `experiments.rows.schema.METRICS` names them; `TOKENIZER_SIGNATURES` defines them.
    usage : TokenUsage
        The count of each token, for figures.
    """
    keys = [(record_id, number) for record_id in record_ids for number in range(segments.signals.shape[1])]
    if not keys:
        raise ValueError("record_ids: got no records, expected at least one")
    error, bins, samples = ReconstructionError(), BinError(tokenizer.vocabulary.alphabet_size), 0

    def encoded() -> Iterator[np.ndarray]:
        nonlocal samples
        for first in range(0, len(keys), _BATCH):
            signals = [segments.signal(*key) for key in keys[first : first + _BATCH]]
            encodings = tokenizer.encode_batch(signals, num_threads=os.cpu_count() or 1)
            for signal, encoding in zip(signals, encodings, strict=True):
                decoded = tokenizer.decode(encoding)
                error.add(signal, decoded)
                bins.add(signal, decoded, encoding.low, encoding.high)
                samples += signal.size
                yield encoding.ids

    usage = count_tokens(encoded(), tokenizer.vocabulary)
    tokens = measure_counts(usage.counts, len(keys), samples)
    return {
        "vocabulary-size": float(tokenizer.vocabulary_size),
        "compression": tokens.compression,
        "bits-per-sample-bound": tokens.bits_bound,
        "bits-per-sample-entropy": tokens.bits_entropy,
        "tokens-per-record": tokens.tokens_per_record,
        "used-tokens": usage.used_percent,
        "usage-entropy": usage.entropy,
        "token-length-mean": usage.mean_length,
        "token-length-longest": float(usage.longest),
        "run-share": usage.run_percent,
        "reconstruction-rmse": error.root_mean_square,
        "reconstruction-prd": error.percentage,
        "reconstruction-largest": bins.largest,
        "outside-range": bins.outside_percent,
    }, usage
