"""Whether a signal can be an ECG in mV at all.

Microvolts taken for millivolts, or a gain that is wrong by a thousand, make signals that no heart has. What is normal
is far from both limits: the largest QRS complexes have some 5 mV, noise some 20 mV; leads of low voltage have 0.1 mV.
"""

from __future__ import annotations

import numpy as np

from ecgbyte.signals.records import Remark

# The range between percentiles 1 and 99 of most leads, and the whole range of every lead, in mV.
LARGEST_MV = 50.0
SMALLEST_MV = 0.01


def doubts_about(signal: np.ndarray) -> list[Remark]:
    """What speaks against a signal being an ECG in mV.

    Parameters
    ----------
    signal : float [leads, samples]
        In mV.

    Returns
    -------
    list of Remark
        One at most: all zero, constant, too large, or too small.
    """
    spans = signal.max(axis=1) - signal.min(axis=1)
    largest = float(spans.max())
    if largest == 0:
        if not signal.any():
            return [Remark("all samples are zero", "every sample of every lead is 0", doubt=True)]
        return [Remark("constant signal", "every lead keeps one value from start to end", doubt=True)]
    if largest < SMALLEST_MV:
        text = f"no lead spans more than {largest:.3g} mV; is the signal in V, or its gain too large?"
        return [Remark("amplitude too small", text, doubt=True)]
    # Most records end here, without the percentiles.
    if float(np.median(spans)) <= LARGEST_MV:
        return []
    low, high = np.percentile(signal, (1, 99), axis=1)
    typical = float(np.median(high - low))
    if typical <= LARGEST_MV:
        return []
    text = f"half of the leads span {typical:.3g} mV or more; is the signal in uV, or in counts of a converter?"
    return [Remark("amplitude too large", text, doubt=True)]
