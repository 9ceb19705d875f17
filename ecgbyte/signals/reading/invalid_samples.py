"""Samples that a recording does not have, such as those of a loose electrode: raise, or fill and remember which."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ecgbyte.signals.reading.faults import InvalidSamples
from ecgbyte.signals.records import Remark

INVALID = ("raise", "hold", "interpolate")
# No longer gap is bridged by a straight line: a QRS complex takes about 0.1 s, and one could hide there.
LONGEST_INTERPOLATED_SECONDS = 0.1


def fill_invalid(
    where: str, signal: np.ndarray, names: Sequence[str], sampling_rate: float, invalid: str
) -> tuple[np.ndarray | None, list[Remark]]:
    """Fill the samples that are NaN or infinite, in place.

    Parameters
    ----------
    where : str
        The record, for messages.
    signal : float64 [leads, samples]
        Changed where it has invalid samples.
    names : sequence of str
        Of the leads.
    sampling_rate : float
        In Hz.
    invalid : {"raise", "hold", "interpolate"}
        Refuse the record; repeat the last valid sample (the first one at the start); or draw a straight line across
        gaps up to `LONGEST_INTERPOLATED_SECONDS`.

    Returns
    -------
    mask : bool [leads, samples] or None
        Which samples were filled.
    remarks : list of Remark

    Raises
    ------
    ValueError
        With ``"raise"`` where a sample is invalid, with ``"interpolate"`` where a gap is too long, and where a lead
        has no valid sample at all. The message names the lead, the sample and how many there are.
    """
    mask = ~np.isfinite(signal)
    if not mask.any():
        return None, []
    lead, sample = np.argwhere(mask)[0]
    counts = ", ".join(f"{name} {int(n)}" for name, n in zip(names, mask.sum(axis=1), strict=True) if n)
    found = f"the first in lead {names[lead]} at sample {sample} (per lead: {counts})"
    if invalid == "raise":
        raise InvalidSamples(
            f"path: record {where} has samples marked as invalid, {found}; "
            "invalid='hold' or invalid='interpolate' keeps the record"
        )
    longest = LONGEST_INTERPOLATED_SECONDS * sampling_rate
    for row in np.flatnonzero(mask.any(axis=1)).tolist():
        if mask[row].all():
            raise InvalidSamples(f"path: record {where} has no valid sample in lead {names[row]}, so nothing fills it")
        valid = np.flatnonzero(~mask[row])
        gaps = np.flatnonzero(mask[row])
        if invalid == "hold":
            before = np.maximum(np.searchsorted(valid, gaps) - 1, 0)
            signal[row, gaps] = signal[row, valid[before]]
            continue
        first, length = _longest_gap(mask[row])
        if length > longest:
            raise InvalidSamples(
                f"path: record {where} has {length} invalid samples in a row in lead {names[row]} from sample "
                f"{first} ({length / sampling_rate:g} s); invalid='interpolate' bridges at most "
                f"{LONGEST_INTERPOLATED_SECONDS:g} s"
            )
        signal[row, gaps] = np.interp(gaps, valid, signal[row, valid])
    return mask, [Remark("invalid samples filled", f"{int(mask.sum())} invalid samples filled ({invalid}), {found}")]


def _longest_gap(mask: np.ndarray) -> tuple[int, int]:
    """The start and the length of the longest run of True."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], mask, [False]]).astype(np.int8)))
    starts, stops = edges[::2], edges[1::2]
    longest = int(np.argmax(stops - starts))
    return int(starts[longest]), int(stops[longest] - starts[longest])
