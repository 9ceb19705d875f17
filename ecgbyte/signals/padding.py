"""Constant stretches at the ends of a record, which are padding and no signal.

Records of CODE-15, for one, are filled with zeros at both ends to 4,096 samples. A filter takes the step from the
padding to the signal for signal, and answers with seconds of its own.
"""

from __future__ import annotations

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
        where the whole record is constant.
    """
    num_samples = signal.shape[1]
    shortest = max(2, int(np.ceil(SHORTEST_SECONDS * sampling_rate)))
    if num_samples < 2 * shortest:
        return 0, num_samples
    start = _constant_samples(signal, shortest)
    if start == num_samples:
        return 0, num_samples
    return start, num_samples - _constant_samples(signal[:, ::-1], shortest)


def _constant_samples(signal: np.ndarray, shortest: int) -> int:
    """How many samples at the start have the value of the first one in every lead; 0 where fewer than `shortest`."""
    if (signal[:, 1:shortest] != signal[:, :1]).any():
        return 0
    changed = (signal != signal[:, :1]).any(axis=0)
    return int(np.argmax(changed)) if changed.any() else signal.shape[1]
