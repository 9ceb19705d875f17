"""Signals in whole steps of a power of two of mV, as shards keep them.

A step of 2**-10 mV (about 1 uV) reaches 32 mV; a record that goes beyond takes the next power of two that is wide
enough. A power of two makes ``steps * scale`` exact in float32, so that the values of a shard are the same everywhere.
"""

from __future__ import annotations

import numpy as np

FINEST_MV = 2.0**-10
_HIGHEST = 32_767


def in_steps(signal: np.ndarray) -> tuple[np.ndarray, float]:
    """A signal in whole steps, and one step in mV; half a step is the largest error.

    Parameters
    ----------
    signal : float32 [leads, samples]
        In mV, finite.

    Returns
    -------
    steps : int16 [leads, samples]
    scale : float
        `FINEST_MV`, or the next power of two that the largest sample needs.

    Examples
    --------
    >>> in_steps(np.array([[0.5, -64.0]], dtype=np.float32))
    (array([[  256, -32768]], dtype=int16), 0.001953125)
    """
    highest, lowest = float(signal.max()), float(signal.min())
    scale = FINEST_MV
    while np.rint(highest / scale) > _HIGHEST or np.rint(lowest / scale) < -_HIGHEST - 1:
        scale *= 2
    return np.rint(signal * np.float32(1 / scale)).astype(np.int16), scale


def in_millivolts(steps: np.ndarray, scale: float) -> np.ndarray:
    """The inverse of `in_steps`: float32, in mV."""
    return steps * np.float32(scale)
