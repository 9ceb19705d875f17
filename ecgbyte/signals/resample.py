"""Changing the sampling rate.

Sample k of the result is the signal at k / target_rate seconds. The published resampler instead spreads the new samples
evenly from the first old sample to the last: from 5,000 samples at 500 Hz it takes 2,500 that are 2.0004 old samples
apart, which is 4.0008 ms and not 4, and it has no filter against aliasing.

The default runs in a kernel that resamples 12 leads at once and adds in the order in which
``scipy.signal.resample_poly`` adds: on x86-64 both give the same bits. The published one runs in SciPy.
"""

from __future__ import annotations

import functools
from fractions import Fraction

import numpy as np
from scipy import signal as scipy_signal
from scipy.interpolate import interp1d

from ecgbyte._ext import polyphase
from ecgbyte.signals.lead_lanes import map_leads

# Rates are taken as fractions with at most this denominator: 128, 360.5 and 333.333... are exact.
LARGEST_DENOMINATOR = 1000
# The largest number in the ratio of two rates; the filter for it takes 8 MB. With fewer, ratios close to 1/2 would be
# further than `RATIO_TOLERANCE` from the nearest fraction.
LARGEST_TERM = 50_000
RATIO_TOLERANCE = 1e-5
# Zero crossings of the anti-aliasing filter on each side, as in scipy.signal.resample_poly.
_ZERO_CROSSINGS = 10
# Filters of ratios up to this one are kept, each at most 0.4 MB.
_LARGEST_KEPT = 2500


def rate_ratio(sampling_rate: float, target_rate: float) -> Fraction:
    """Target rate divided by sampling rate, as a fraction of small numbers.

    The filter has 20 taps for each unit of the larger number, so both are at most `LARGEST_TERM`. Where that cannot be
    exact, as for 499.99995 Hz, it is the nearest such fraction, off by `RATIO_TOLERANCE` at most: one sample in
    100,000.

    Raises
    ------
    ValueError
        If the rates are more than `LARGEST_TERM` times apart, or no such fraction is near enough.
    """
    exact = _as_fraction(target_rate) / _as_fraction(sampling_rate)
    if max(exact.numerator, exact.denominator) <= LARGEST_TERM:
        return exact
    if not 1 / LARGEST_TERM <= exact <= LARGEST_TERM:
        raise ValueError(
            f"sampling_rate: got {sampling_rate!r} Hz, expected 1/{LARGEST_TERM} to {LARGEST_TERM} times the target "
            f"rate of {target_rate:g} Hz"
        )
    # The larger number is that below the line of the smaller ratio.
    near = exact.limit_denominator(LARGEST_TERM) if exact < 1 else 1 / (1 / exact).limit_denominator(LARGEST_TERM)
    if abs(near - exact) > RATIO_TOLERANCE * exact:
        raise ValueError(
            f"sampling_rate: got {sampling_rate!r} Hz for a target rate of {target_rate:g} Hz, expected a ratio of "
            f"numbers up to {LARGEST_TERM} to within {RATIO_TOLERANCE:g}"
        )
    return near


def _as_fraction(rate: float) -> Fraction:
    """The rate, as the fraction with a denominator up to `LARGEST_DENOMINATOR` that it is a rounding of, or exactly."""
    fraction = Fraction(rate).limit_denominator(LARGEST_DENOMINATOR)
    return fraction if abs(float(fraction) - rate) <= 1e-9 * rate else Fraction(rate)


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
        If the rates have no ratio of small numbers (see `rate_ratio`), or there are too few samples for a new one.
    """
    return map_leads(lambda lanes: resample_lanes(lanes, sampling_rate, target_rate), signal)


def resample_lanes(lanes: np.ndarray, sampling_rate: float, target_rate: float) -> np.ndarray:
    """`resample` for float64 [samples, 12] with the leads side by side; where the rates are equal `lanes` itself."""
    ratio = rate_ratio(sampling_rate, target_rate)
    if ratio == 1:
        return lanes
    num_samples, width = lanes.shape
    length = resampled_length(num_samples, sampling_rate, target_rate)
    if num_samples < 2 or length < 1:
        shortest = max(2, -(-ratio.denominator // (2 * ratio.numerator)))
        raise ValueError(
            f"signal: has {num_samples} samples, resampling from {sampling_rate:g} to {target_rate:g} Hz "
            f"needs at least {shortest}"
        )
    up, down = ratio.numerator, ratio.denominator
    half = _ZERO_CROSSINGS * max(up, down)
    # The filter would take what lies beyond the ends as zero, so extend by point reflection as far as it reaches.
    edge = -(-half // up)
    resampled = np.empty((length, width))
    polyphase.resample_lanes(_extended(lanes, edge), _phases(up, down), down, edge * up + half, resampled)
    return resampled


def _extended(lanes: np.ndarray, edge: int) -> np.ndarray:
    num_samples, width = lanes.shape
    if edge >= num_samples:
        return np.pad(lanes, ((edge, edge), (0, 0)), mode="reflect", reflect_type="odd")
    extended = np.empty((num_samples + 2 * edge, width))
    np.subtract(2 * lanes[0], lanes[edge:0:-1], out=extended[:edge])
    extended[edge : edge + num_samples] = lanes
    np.subtract(2 * lanes[-1], lanes[-2 : -2 - edge : -1], out=extended[edge + num_samples :])
    return extended


def _phases(up: int, down: int) -> np.ndarray:
    """The taps of each phase of the anti-aliasing filter, from the oldest sample to the newest, float64 [up, taps].

    The filter is that of ``scipy.signal.resample_poly``: a sinc at half the lower rate in a Kaiser window of 5.
    """
    return _designed_phases(up, down) if max(up, down) <= _LARGEST_KEPT else _designed_phases.__wrapped__(up, down)


@functools.lru_cache(maxsize=32)
def _designed_phases(up: int, down: int) -> np.ndarray:
    half = _ZERO_CROSSINGS * max(up, down)
    taps = -(-(2 * half + 1) // up)
    weights = np.zeros(taps * up)
    weights[: 2 * half + 1] = up * scipy_signal.firwin(2 * half + 1, 1 / max(up, down), window=("kaiser", 5.0))
    phases = np.ascontiguousarray(weights.reshape(taps, up).T[:, ::-1])
    phases.setflags(write=False)
    return phases


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
