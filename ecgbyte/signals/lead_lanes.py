"""Signals with 12 leads side by side, the form in which the kernels of preprocessing filter all leads at once.

Such an array is float64 [samples, 12], C-contiguous; lanes that no lead fills are 0.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from ecgbyte._ext import lead_lanes as kernel

LANES: int = kernel.LANES

LanesStep = Callable[[np.ndarray], np.ndarray]


def map_leads(step: LanesStep, signal: np.ndarray, dtype: type[np.floating] = np.float64) -> np.ndarray:
    """Run a step that works on lanes over a signal with any number of leads, 12 at a time.

    Parameters
    ----------
    step : callable
        Takes float64 [samples, 12], which it may overwrite, and returns float64 [new samples, 12].
    signal : float [..., leads, samples]
        In mV; left as it is.
    dtype : type
        Of the result, float32 or float64.

    Returns
    -------
    float [..., leads, new samples]

    Notes
    -----
    *Thread-safety*: no state. Takes 96 bytes a sample while it runs, for any number of leads, and what `step` takes:
    about twice as much in the steps of this package. A single lead takes as long as twelve.
    """
    signal = np.asarray(signal)
    if signal.dtype not in (np.float32, np.float64):
        signal = signal.astype(np.float64)
    if not signal.flags.aligned:  # a field of packed records, a buffer with an offset
        signal = signal.copy()
    rows = signal if signal.ndim == 2 else signal.reshape(-1, signal.shape[-1])
    # A signal without leads goes through once as well, so that its errors and its new length are those of any other.
    parts = []
    for first in range(0, max(1, len(rows)), LANES):
        part = rows[first : first + LANES]
        lanes = np.empty((rows.shape[1], LANES))
        kernel.to_lanes(part, lanes)
        lanes = step(lanes)
        parts.append(np.empty((len(part), len(lanes)), dtype=dtype))
        kernel.from_lanes(lanes, parts[-1])
    result = parts[0] if len(parts) == 1 else np.concatenate(parts)
    return result if signal.ndim == 2 else result.reshape(*signal.shape[:-1], result.shape[1])
