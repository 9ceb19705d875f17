"""Measure the tokens of segments that a tokenizer did not learn from."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from ecgbyte.metrics import bin_error, compression, token_usage
from ecgbyte.metrics.bin_error import BinError
from ecgbyte.metrics.compression import ReconstructionError, measure_counts
from ecgbyte.metrics.token_usage import TokenUsage, count_tokens
from ecgbyte.tokenizer.ecg_tokenizer import ECGTokenizer
from experiments.steps.segments import Segments
from experiments.steps.token_usage import TOKENS_FILE, UsageOf, write_token_usage

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
    "clipped-records": "records with a sample below low or above high in any lead, in % of all|version:1",
    "clipped-leads": "leads of records with a sample below low or above high, in % of all|version:1",
}


def measure_tokens(
    folder: Path, tokenizer: ECGTokenizer, segments: Segments, record_ids: Sequence[str], whose: UsageOf
) -> dict[str, float]:
    """`measure_on_segments`, with the count of each token kept in ``tokens.json``."""
    measures, usage = measure_on_segments(tokenizer, segments, record_ids)
    write_token_usage(folder / TOKENS_FILE, {whose: usage})
    return measures


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
        By metric, as `experiments.rows.metrics.METRICS` names them; `TOKENIZER_SIGNATURES` defines them. Beside them
        ``"records"`` and ``"leads"``, how many the shares of clipped ones are of.
    usage : TokenUsage
        The count of each token, for figures.
    """
    keys = [(record_id, number) for record_id in record_ids for number in range(segments.per_record)]
    if not keys:
        raise ValueError("record_ids: got no records, expected at least one")
    error, bins, samples = ReconstructionError(), BinError(tokenizer.vocabulary.alphabet_size), 0
    # By record, whether each lead has a clipped sample in any of its segments.
    clipped: dict[str, np.ndarray] = {}

    def encoded() -> Iterator[np.ndarray]:
        nonlocal samples
        for first in range(0, len(keys), _BATCH):
            batch = keys[first : first + _BATCH]
            signals = [segments.signal(*key) for key in batch]
            encodings = tokenizer.encode_batch(signals, num_threads=os.cpu_count() or 1)
            for (record_id, _), signal, encoding in zip(batch, signals, encodings, strict=True):
                decoded = tokenizer.decode(encoding)
                error.add(signal, decoded)
                bins.add(signal, decoded, encoding.low, encoding.high)
                samples += signal.size
                leads = np.any((signal < encoding.low) | (signal > encoding.high), axis=1)
                clipped[record_id] = clipped[record_id] | leads if record_id in clipped else leads
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
        "clipped-records": 100 * float(np.mean([leads.any() for leads in clipped.values()])),
        "clipped-leads": 100 * float(np.mean(list(clipped.values()))),
        "records": float(len(clipped)),
        "leads": float(sum(leads.size for leads in clipped.values())),
    }, usage
