"""Changing the sampling rate.

Sample k of the result is the signal at k / target_rate seconds. The published resampler instead spreads the new samples
evenly from the first old sample to the last: from 5,000 samples at 500 Hz it takes 2,500 that are 2.0004 old samples
apart, which is 4.0008 ms and not 4, and it has no filter against aliasing.
"""

from __future__ import annotations

from fractions import Fraction

import numpy as np
from scipy import signal as scipy_signal
from scipy.interpolate import interp1d

# Rates are taken as fractions with at most this denominator: 128, 360.5 and 333.333... are exact.
LARGEST_DENOMINATOR = 1000
# Zero crossings of the anti-aliasing filter on each side, as in scipy.signal.resample_poly.
_ZERO_CROSSINGS = 10


def rate_ratio(sampling_rate: float, target_rate: float) -> Fraction:
    """Target rate divided by sampling rate, as an exact fraction.

    Raises
    ------
    ValueError
        If a rate is no fraction with a denominator up to 1000.
    """
    fractions = []
    for argument, rate in (("sampling_rate", sampling_rate), ("target_rate", target_rate)):
        fraction = Fraction(rate).limit_denominator(LARGEST_DENOMINATOR)
        if abs(float(fraction) - rate) > 1e-9 * rate:
            raise ValueError(
                f"{argument}: got {rate!r} Hz, expected a fraction with a denominator up to {LARGEST_DENOMINATOR} "
                "(such as 360, 257.5 or 1000/3)"
            )
        fractions.append(fraction)
    return fractions[1] / fractions[0]


def resampled_length(num_samples: int, sampling_rate: float, target_rate: float) -> int:
    """``num_samples * target_rate / sampling_rate``, rounded, halves upwards."""
    ratio = rate_ratio(sampling_rate, target_rate)
    return (2 * num_samples * ratio.numerator + ratio.denominator) // (2 * ratio.denominator)


def resample(signal: np.ndarray, sampling_rate: float, target_rate: float) -> np.ndarray:
    """Resample with an anti-aliasing polyphase filter.

    Parameters
    ----------
    signal : float64 [leads, samples]
        In mV.
    sampling_rate, target_rate : float
        In Hz.

    Returns
    -------
    float64 [leads, resampled_length(samples)]
        Sample k lies at k / target_rate seconds after the first.

    Raises
    ------
    ValueError
        If a rate is no small fraction (see `rate_ratio`), or too few samples are given for a single new one.
    """
    ratio = rate_ratio(sampling_rate, target_rate)
    if ratio == 1:
        return signal.copy()
    num_samples = signal.shape[-1]
    length = resampled_length(num_samples, sampling_rate, target_rate)
    if num_samples < 2 or length < 1:
        shortest = max(2, -(-ratio.denominator // (2 * ratio.numerator)))
        raise ValueError(
            f"signal: has {num_samples} samples, resampling from {sampling_rate:g} to {target_rate:g} Hz "
            f"needs at least {shortest}"
        )
    up, down = ratio.numerator, ratio.denominator
    # The filter would take what lies beyond the ends as zero, so extend by point reflection: at least as far as the
    # filter reaches, and by a whole number of output samples.
    reach = -(-_ZERO_CROSSINGS * max(up, down) // up)
    edge = down * -(-reach // down)
    extended = np.pad(signal, [(0, 0)] * (signal.ndim - 1) + [(edge, edge)], mode="reflect", reflect_type="odd")
    first = edge * up // down
    return scipy_signal.resample_poly(extended, up, down, axis=-1)[..., first : first + length]


def resample_as_published(signal: np.ndarray, sampling_rate: float, target_rate: float) -> np.ndarray:
    """Cubic interpolation at evenly spaced points from the first sample to the last, both included.

    Returns
    -------
    float64 [leads, int(samples * target_rate / sampling_rate)]

    Raises
    ------
    ValueError
        If there are fewer than the 4 samples a cubic needs, or no new sample.
    """
    num_samples = signal.shape[-1]
    length = int(num_samples * target_rate / sampling_rate)
    if num_samples < 4 or length < 1:
        raise ValueError(
            f"signal: has {num_samples} samples, cubic interpolation from {sampling_rate:g} to {target_rate:g} Hz "
            "needs at least 4 and one at the new rate"
        )
    cubic = interp1d(np.arange(num_samples), signal, kind="cubic", axis=-1)
    return cubic(np.linspace(0, num_samples - 1, length))
