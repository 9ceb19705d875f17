"""What of the examples does not fit into the positions of a sequence, told before the first step.

An answer that is too long for its room ends a run; better before it starts than hours later, and with all of them
named. An ECG that is cut loses its last leads, which nobody sees in a loss.
"""

from __future__ import annotations

import sys
import warnings
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from ecgbyte.training.epochs import EpochExamples
from ecgbyte.training.examples import Example
from ecgbyte.training.sequences import Sequence as ModelSequence
from ecgbyte.training.sequences import TruncationReport


class TruncationWarning(UserWarning):
    """ECG tokens do not fit into the positions of a sequence and are left out."""


def check_fit(examples: Sequence[Any] | EpochExamples, collate: Any, what: str) -> TruncationReport | None:
    """Build the sequence of every example once, and tell what does not fit.

    Parameters
    ----------
    examples : sequence or EpochExamples
        As `ecgbyte.training.loop.train` takes them; of those that change from epoch to epoch the first epoch's.
    collate : callable
        Where it has, or wraps, a ``sequence(example)`` (`ecgbyte.training.collate.Collator`), its sequences are
        looked at; others say nothing of what fits.
    what : str
        ``"training"`` or ``"validation"``, for messages.

    Returns
    -------
    TruncationReport or None

    Warns
    -----
    TruncationWarning
        Where ECG tokens are left out: their share, of how many records, and the last lead that is seen.

    Raises
    ------
    ValueError
        If the sequence of an example cannot be built, such as for an answer longer than its room; the message gives
        the first reason and names all of these examples.
    """
    base = _with_sequences(collate)
    if base is None:
        return None
    samples = truncated = tokens = dropped = longest = 0
    refused: dict[str, str] = {}
    records: set[str] = set()
    cut_records: set[str] = set()
    last_leads: list[int] = []
    for example in _single_examples(examples):
        try:
            sequence = base.sequence(example)
        except ValueError as error:
            refused[example.sample_id] = str(error)
            continue
        samples += 1
        longest = max(longest, len(sequence.input_ids))
        records.add(example.record_id)
        tokens += len(example.ecg) if example.is_tokens and example.ecg is not None else 0
        if sequence.dropped_ecg_tokens:
            truncated += 1
            dropped += sequence.dropped_ecg_tokens
            cut_records.add(example.record_id)
            lead = _last_lead(example, sequence, base.token_map)
            if lead is not None:
                last_leads.append(lead)
    if refused:
        reason = next(iter(refused.values()))
        raise ValueError(
            f"{reason}; {len(refused)} {what} examples do not fit: {', '.join(map(repr, refused))}"
            if len(refused) > 1
            else f"{reason} ({what})"
        )
    if dropped:
        leads = base.token_map.lead_names
        last = f"; last lead seen {leads[int(np.median(last_leads))]}" if leads and last_leads else ""
        _tell(
            f"{what}: truncated ECGs: {dropped / tokens:.0%} of the ECG tokens do not fit {base.max_length:,} "
            f"positions; in {len(cut_records)} of {len(records)} records{last}"
        )
    return TruncationReport(samples, truncated, tokens, dropped, longest)


def _tell(message: str) -> None:
    # The line that called train().
    frame, level = sys._getframe(1), 2
    while frame.f_back is not None and frame.f_globals.get("__name__", "").startswith("ecgbyte."):
        frame, level = frame.f_back, level + 1
    warnings.warn(message, TruncationWarning, stacklevel=level)


def _with_sequences(collate: Any) -> Any:
    """The collator that builds the sequences: `collate` itself, or the one that it wraps; None where there is none."""
    for _ in range(4):
        if collate is None or hasattr(collate, "sequence"):
            return collate
        collate = getattr(collate, "collator", None)
    return None


def _single_examples(examples: Sequence[Any] | EpochExamples) -> Iterator[Example]:
    items = examples.at_epoch(0) if isinstance(examples, EpochExamples) else examples
    for number in range(len(items)):
        item = items[number]
        yield from getattr(item, "examples", (item,))


def _last_lead(example: Example, sequence: ModelSequence, token_map: Any) -> int | None:
    """The lead in which the last ECG token that is shown begins, from 0; None where the tokens' lengths are unknown."""
    if token_map.token_lengths is None or not token_map.lead_names or example.ecg is None:
        return None
    # Markers of leads cover no samples.
    lengths = np.concatenate([token_map.token_lengths, np.zeros(len(token_map.lead_ids), np.int64)])
    starts = np.cumsum(lengths[example.ecg]) - lengths[example.ecg]
    samples = int(lengths[example.ecg].sum()) // len(token_map.lead_names)
    kept = len(example.ecg) - sequence.dropped_ecg_tokens
    if kept < 1 or samples < 1:
        return None
    return min(int(starts[kept - 1]) // samples, len(token_map.lead_names) - 1)
