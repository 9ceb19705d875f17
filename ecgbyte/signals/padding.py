"""Constant stretches at the ends of a record, which are padding and no signal.

Records of CODE-15, for one, are filled with zeros at both ends to 4,096 samples. A filter takes the step from the
padding to the signal for signal, and answers with seconds of its own.
"""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction

import numpy as np

# Shorter stretches stay signal. The records of PTB-XL at 500 Hz end with some 0.1 s in which no lead changes.
SHORTEST_SECONDS = 0.25


def signal_part(signal: np.ndarray, sampling_rate: float) -> tuple[int, int]:
    """Where the signal begins and ends between stretches in which no lead changes.

    Parameters
    ----------
    signal : float [leads, samples]
    sampling_rate : float
        In Hz; stretches of less than `SHORTEST_SECONDS` are signal.

    Returns
    -------
    (int, int)
        The first sample after the padding, and one past the last before it: ``(0, samples)`` where there is none, and
        where less than `SHORTEST_SECONDS` of the record change.
    """
    num_samples = signal.shape[1]
    shortest = max(2, int(np.ceil(SHORTEST_SECONDS * sampling_rate)))
    if num_samples < 2 * shortest:
        return 0, num_samples
    start = _constant_samples(signal, shortest)
    stop = num_samples - _constant_samples(signal[:, ::-1], shortest)
    return (start, stop) if stop - start >= shortest else (0, num_samples)


def _constant_samples(signal: np.ndarray, shortest: int) -> int:
    """How many samples at the start have the value of the first one in every lead; 0 where fewer than `shortest`."""
    if (signal[:, 1:shortest] != signal[:, :1]).any():
        return 0
    changed = (signal != signal[:, :1]).any(axis=0)
    return int(np.argmax(changed)) if changed.any() else signal.shape[1]


def filter_between_padding(
    signal: np.ndarray,
    part: tuple[int, int],
    filters: Callable[[np.ndarray], np.ndarray],
    resample: Callable[[np.ndarray], np.ndarray],
    ratio: Fraction,
) -> np.ndarray:
    """Filter and resample what lies between padding, and put it where it belongs in a whole record, 0 around it.

    Where the rate changes, new samples must lie where they would without padding, so the signal is extended at its
    start by point reflection to the nearest old sample that lies on a new one.

    Parameters
    ----------
    signal : float [leads, samples]
    part : (int, int)
        As `signal_part` gives it.
    filters, resample : callable
        The two steps, each from [leads, samples] to [leads, samples].
    ratio : Fraction
        New rate divided by old rate.

    Returns
    -------
    float32 [leads, samples * ratio, rounded]
    """
    start, stop = part
    up, down = ratio.numerator, ratio.denominator
    filtered = filters(signal[:, start:stop])
    shift = start % down
    if shift:
        filtered = np.pad(filtered, ((0, 0), (shift, 0)), mode="reflect", reflect_type="odd")
    filtered = resample(filtered)
    first = (start - shift) * up // down
    length = (2 * signal.shape[1] * up + down) // (2 * down)
    begin = -(-start * up // down)
    end = min(length, first + filtered.shape[1], -(-stop * up // down))
    whole = np.zeros((len(signal), length), dtype=np.float32)
    whole[:, begin:end] = filtered[:, begin - first : end - first]
    return whole


def resampled_mask(mask: np.ndarray | None, ratio: Fraction, num_samples: int) -> np.ndarray | None:
    """Which samples at a new rate lie beside one that is marked at the old rate.

    Parameters
    ----------
    mask : bool [leads, samples] or None
    ratio : Fraction
        New rate divided by old rate.
    num_samples : int
        Samples at the new rate.

    Returns
    -------
    bool [leads, num_samples] or None
    """
    if mask is None or ratio == 1:
        return mask
    resampled = np.zeros((len(mask), num_samples), dtype=bool)
    leads, samples = np.nonzero(mask)
    for lead, sample in zip(leads.tolist(), samples.tolist(), strict=True):
        first = -(-(sample - 1) * ratio.numerator // ratio.denominator)
        last = (sample + 1) * ratio.numerator // ratio.denominator
        resampled[lead, max(0, first) : last + 1] = True
    return resampled
