"""Telling that most samples of an ECG lie outside the range of a tokenizer, where its tokens say next to nothing."""

from __future__ import annotations

import warnings
from collections.abc import Sequence

import numpy as np

# Real records have some per cent of such samples; microvolts taken for millivolts have nearly all.
LARGEST_SHARE = 0.5


class ClippedWarning(UserWarning):
    """Most samples of a signal lie outside the range and were clipped to it."""


def warn_of_clipping(shares: Sequence[float] | np.ndarray, low: float, high: float, *, stacklevel: int) -> None:
    """Warn once for all signals of a call of which more than `LARGEST_SHARE` was clipped.

    Parameters
    ----------
    shares : float [signals]
        Share of the samples of each that was clipped, 0 to 1.
    low, high : float
        The range of the first of them, in mV.
    stacklevel : int
        As for `warnings.warn`, counted from the caller of this function.
    """
    mostly = np.flatnonzero(np.asarray(shares) > LARGEST_SHARE)
    if len(mostly) == 0:
        return
    first = int(mostly[0])
    which = "signal" if len(shares) == 1 else f"{len(mostly)} of {len(shares)} signals, first signals[{first}]"
    warnings.warn(
        f"{which}: {shares[first]:.0%} of the samples lie outside the range of {low:.3g} to {high:.3g} mV and were "
        "clipped to it; is it in mV?",
        ClippedWarning,
        stacklevel=stacklevel + 1,
    )
