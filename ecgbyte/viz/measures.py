"""What more merges bring: compression, bits and error of the same records with each of several prefixes of the merges.

Any prefix of the merges is a tokenizer of its own, so one trained tokenizer holds the whole curve.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any

import numpy as np

from ecgbyte.metrics.compression import ReconstructionError, measure_counts
from ecgbyte.signals.records import Record
from ecgbyte.tokenizer.ecg_tokenizer import ECGTokenizer


def with_merges(tokenizer: ECGTokenizer, num_merges: int) -> ECGTokenizer:
    """The tokenizer of the first `num_merges` merges, all else equal.

    Raises
    ------
    TypeError, ValueError
        If `num_merges` is no whole number from 0 to the number of merges.
    """
    if isinstance(num_merges, bool) or not isinstance(num_merges, (int, np.integer)):
        raise TypeError(f"num_merges: got {num_merges!r}, expected a whole number")
    if not 0 <= num_merges <= len(tokenizer.merges):
        raise ValueError(f"num_merges: got {num_merges}, expected 0 to {len(tokenizer.merges)}, those of the tokenizer")
    return ECGTokenizer.from_merges(
        tokenizer.merges[:num_merges],
        tokenizer.matching,
        boundary=tokenizer.boundary,
        alphabet_size=tokenizer.alphabet_size,
        amplitude_range=tokenizer.amplitude_range,
        sampling_rate=tokenizer.sampling_rate,
        num_leads=tokenizer.num_leads,
        lead_names=tokenizer.lead_names,
    )


def check_token(token: int | None, tokenizer: ECGTokenizer) -> None:
    """Raise where `token` is neither None nor one of the tokenizer's ids."""
    if token is None:
        return
    if isinstance(token, bool) or not isinstance(token, int):
        raise TypeError(f"token: got {token!r}, expected a token id or None")
    if not 0 <= token < tokenizer.vocabulary_size:
        raise ValueError(f"token: got {token}, expected 0 to {tokenizer.vocabulary_size - 1}, the ids of these merges")


def prefix_lengths(num_merges: int) -> list[int]:
    """Numbers of merges to measure at: 0, 1, 2, 5, 10, 20, 50 and so on, and all of them, ascending."""
    decades = (factor * 10**power for power in itertools.count() for factor in (1, 2, 5))
    return sorted({0, *itertools.takewhile(lambda length: length < num_merges, decades), num_merges})


def measure_prefixes(records: Sequence[Record], tokenizer: ECGTokenizer) -> list[dict[str, Any]]:
    """Measure the records' tokens with each prefix of `prefix_lengths`.

    Parameters
    ----------
    records : sequence of Record
        As the tokenizer takes them.
    tokenizer : ECGTokenizer
        With a range.

    Returns
    -------
    list of dict
        ``merges``, ``tokens``, ``compression`` (samples a token), ``bits_bound`` and ``bits_entropy`` (a sample, see
        `ecgbyte.metrics.compression`), and ``error_mv`` (root mean square), over all records together.

    Raises
    ------
    TypeError, ValueError
        As `ecgbyte.ECGTokenizer.encode_batch`.
    """
    records = list(records)
    num_samples = sum(record.signal.size for record in records)
    rows = []
    for num_merges in prefix_lengths(len(tokenizer.merges)):
        shorter = with_merges(tokenizer, num_merges)
        encodings = shorter.encode_batch(records)
        counts = np.bincount(encodings.ids, minlength=shorter.vocabulary_size)
        measures = measure_counts(counts, len(records), num_samples)
        error = ReconstructionError()
        for record, encoding in zip(records, encodings, strict=True):
            error.add(record.signal, shorter.decode(encoding))
        rows.append(
            {
                "merges": num_merges,
                "tokens": measures.num_tokens,
                "compression": measures.compression,
                "bits_bound": measures.bits_bound,
                "bits_entropy": measures.bits_entropy,
                "error_mv": error.root_mean_square,
            }
        )
    return rows
