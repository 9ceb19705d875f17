"""Arrays as short text, for data that stands inside a page: bytes in base64, traces as differences of samples.

``scripts/packing.js`` reads them again.
"""

from __future__ import annotations

import base64

import numpy as np
from numpy.typing import NDArray

# Finer than a line on paper: 0.05 mm.
TRACE_STEP_MV = 0.005


def pack_bytes(values: NDArray[np.generic]) -> str:
    """Numbers as base64 of their bytes, little-endian, C order."""
    ordered = np.ascontiguousarray(values, dtype=values.dtype.newbyteorder("<"))
    return base64.b64encode(ordered.tobytes()).decode("ascii")


def rounded_trace(signal: NDArray[np.floating]) -> NDArray[np.int64]:
    """The signal in whole steps of `TRACE_STEP_MV`, int64 of the same shape."""
    return np.rint(signal.astype(np.float64) / TRACE_STEP_MV).astype(np.int64)


def pack_trace(signal: NDArray[np.floating]) -> str:
    """A signal, rounded to steps of 0.005 mV, as the differences of neighbouring samples: about a byte each.

    Parameters
    ----------
    signal : float [leads, samples]
        In mV, at most 100,000 mV.

    Returns
    -------
    str
        Base64. Each lead starts from 0. A difference d is written as 2d, or -2d - 1 where it is negative, seven bits
        a byte, the lowest first; all bytes of a number but its last have the eighth bit set.
    """
    steps = rounded_trace(signal)
    differences = np.diff(steps, axis=1, prepend=0).reshape(-1)
    numbers = np.where(differences < 0, -2 * differences - 1, 2 * differences)
    num_bytes = 1 + (numbers[:, None] >= 1 << 7 * np.arange(1, 5)).sum(axis=1)
    starts = np.cumsum(num_bytes) - num_bytes
    packed = np.zeros(int(num_bytes.sum()), dtype=np.uint8)
    for k in range(5):
        has = num_bytes > k
        more = np.where(num_bytes[has] > k + 1, 0x80, 0)
        packed[starts[has] + k] = ((numbers[has] >> 7 * k) & 0x7F) | more
    return pack_bytes(packed)
