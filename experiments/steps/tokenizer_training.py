"""Train the ECG tokenizer on training records, once for all that encode with it."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ecgbyte.data.morphology_features import morphology_features
from ecgbyte.data.morphology_sampling import sample_records
from ecgbyte.signals.amplitude_levels import fit_amplitude_levels
from ecgbyte.signals.amplitude_range import AmplitudeRange
from ecgbyte.signals.leads import LEADS
from ecgbyte.signals.records import Record
from ecgbyte.tokenizer.ecg_tokenizer import ECGTokenizer
from experiments.steps.segments import SegmentRecords, Segments

if TYPE_CHECKING:
    from experiments.profiles.input_settings import TokenizerSettings

TOKENIZER_FILE = "tokenizer.json"


def train_tokenizer(
    folder: Path,
    segments: Segments,
    record_ids: Sequence[str],
    settings: TokenizerSettings,
    preprocessing: Mapping[str, Any],
    *,
    seed: int,
) -> dict[str, Any]:
    """Learn range and merges from the segments of `record_ids` (training records) into ``tokenizer.json``.

    How a tokenizer cuts symbols into tokens takes no part in training, so one serves every method's matching
    (`open_tokenizer`). Where the settings name a number of records, at most as many are drawn, in the way that they
    name, from `seed`.
    """
    chosen = list(record_ids)
    if settings.records:
        features = np.stack([_record_features(segments, name) for name in record_ids])
        number = min(settings.records, len(record_ids))
        places = sample_records(features, number, method=settings.sampling, seed=seed)
        chosen = [record_ids[place] for place in places]
    records = SegmentRecords(segments, chosen)
    amplitude_range: AmplitudeRange | str = settings.amplitude_range
    if amplitude_range == "levels":
        amplitude_range = fit_amplitude_levels(records, num_levels=settings.alphabet_size)
    tokenizer = ECGTokenizer.train(
        records,
        settings.num_merges,
        amplitude_range=amplitude_range,
        boundary=settings.boundary,
        alphabet_size=settings.alphabet_size,
        preprocessing=preprocessing,
        num_threads=os.cpu_count() or 1,
    )
    tokenizer.save(folder / TOKENIZER_FILE)
    return {
        "fingerprint": tokenizer.fingerprint,
        "vocabulary_size": tokenizer.vocabulary_size,
        "records": len(chosen),
    }


def _record_features(segments: Segments, record_id: str) -> np.ndarray:
    """Morphology of a record, float64 [features], from its segments end to end."""
    signal = np.concatenate(list(segments.signals[segments.rows[record_id]]), axis=1)
    return morphology_features(Record(signal, segments.sampling_rate, LEADS, record_id))


def open_tokenizer(folder: Path, matching: str) -> ECGTokenizer:
    """The tokenizer that `train_tokenizer` left in a folder, cutting symbols into tokens as `matching` says."""
    return ECGTokenizer.load(folder / TOKENIZER_FILE).with_matching(matching)
