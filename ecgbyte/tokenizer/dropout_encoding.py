"""Encoding signals with BPE-dropout: the symbols of a tokenizer, cut into tokens otherwise for each seed."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ecgbyte.bpe.dropout import derived_seeds, encode_batch_with_dropout
from ecgbyte.tokenizer.encoding_batch import EncodingBatch
from ecgbyte.tokenizer.tokenizer_content import TokenizerContent

_LARGEST_SEED = 2**63 - 1


def with_dropout(
    content: TokenizerContent, batch: EncodingBatch, dropout: float, seed: int | Sequence[int], num_threads: int
) -> EncodingBatch:
    """Cut the symbols of encoded signals into tokens again, with dropout.

    Parameters
    ----------
    content : TokenizerContent
        Of the tokenizer that made `batch`.
    batch : EncodingBatch
    dropout, seed, num_threads
        As in `ecgbyte.ECGTokenizer.encode_batch`.

    Raises
    ------
    TypeError, ValueError
        If `dropout` or `seed` is out of range, or there is not one seed for each signal.
    """
    seeds = _checked_seeds(seed, len(batch))
    vocabulary = content.vocabulary
    symbols = vocabulary.decode(content.token_ids.own(batch.ids))
    sequences: list[np.ndarray] = []
    by_lead = content.boundary == "lead"
    start = 0
    for samples in batch.samples.tolist():
        length = samples if by_lead else samples * batch.num_leads
        for _ in range(batch.num_leads if by_lead else 1):
            sequences.append(symbols[start : start + length])
            start += length
    per_signal = batch.num_leads if by_lead else 1
    ids, splits = encode_batch_with_dropout(
        vocabulary,
        sequences,
        derived_seeds(seeds, per_signal).reshape(-1),
        dropout=dropout,
        matching=content.matching,
        num_threads=num_threads,
    )
    return EncodingBatch(
        content.token_ids.shown(ids),
        splits[::per_signal].copy(),
        batch.samples,
        batch.ranges,
        batch.clipped,
        batch.num_leads,
        batch.lead_names,
        batch.token_lengths,
    )


def _checked_seeds(seed: int | Sequence[int], signals: int) -> np.ndarray:
    values = np.asarray(seed)
    if values.dtype.kind not in "iu" and values.size:
        raise TypeError(f"seed: expected whole numbers, got {seed!r}")
    if values.ndim > 1 or (values.ndim == 1 and len(values) != signals):
        raise ValueError(f"seed: expected one, or one for each of {signals} signals, got shape {values.shape}")
    if values.size and (int(values.min()) < 0 or int(values.max()) > _LARGEST_SEED):
        raise ValueError(f"seed: expected 0 to {_LARGEST_SEED}, got {int(values.min())} to {int(values.max())}")
    return np.broadcast_to(values.astype(np.int64), (signals,))
