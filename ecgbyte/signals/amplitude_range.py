"""The range of amplitudes that the symbols share out: percentiles over a population, or one record's own extremes."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

import numpy as np

from ecgbyte.checks import finite_number
from ecgbyte.signals.amplitude_histogram import AmplitudeHistogram
from ecgbyte.signals.records import Record

PUBLISHED_NUM_VALUES = 100_000
# Room on each side of the only value of a constant record, in mV.
CONSTANT_RECORD_MARGIN_MV = 0.5


@dataclass(frozen=True)
class AmplitudeRange:
    """The lowest and the highest amplitude that are told apart; samples beyond count as the nearer end.

    Parameters
    ----------
    low, high : float
        In mV, finite, low below high.
    error_mv : float
        How far each end is at most from the exact percentiles of the population that it was fitted to; 0 where it is
        exact or was given.
    num_values : int
        Samples that the range was taken from; 0 where it was given.

    Raises
    ------
    TypeError
        If an end is no number.
    ValueError
        If an end is not finite, or `low` is not below `high`.

    Notes
    -----
    Two ranges are equal if their ends are, wherever they come from. *Thread-safety*: immutable.
    """

    low: float
    high: float
    error_mv: float = field(default=0.0, kw_only=True, compare=False)
    num_values: int = field(default=0, kw_only=True, compare=False)

    def __post_init__(self) -> None:
        for argument in ("low", "high"):
            object.__setattr__(self, argument, finite_number(argument, getattr(self, argument), unit="in mV"))
        if not self.low < self.high:
            raise ValueError(f"low, high: got {self.low} and {self.high} mV, expected low below high")
        if not (math.isfinite(self.error_mv) and self.error_mv >= 0):
            raise ValueError(f"error_mv: got {self.error_mv}, expected 0 or more")
        if self.num_values < 0:
            raise ValueError(f"num_values: got {self.num_values}, expected 0 or more")


def fit_amplitude_range(
    signals: Iterable[Record | np.ndarray],
    *,
    low_percentile: float = 1.0,
    high_percentile: float = 99.0,
    widen_mv: float = 0.5,
    resolution_mv: float = 2.0**-10,
    as_published: bool = False,
) -> AmplitudeRange:
    """Percentiles over all samples of a population of records, widened on both sides.

    The samples are counted in bins of `resolution_mv` while they pass, so memory does not grow with the population, and
    the order of the records makes no difference. Percentiles interpolate linearly between neighbouring samples, as
    `numpy.percentile` does; each sample stands at the middle of its bin, which bounds the error by half a bin.

    Parameters
    ----------
    signals : iterable of Record or float [leads, samples]
        The population, in mV. One range is taken over all leads, as in ECG-Byte (arXiv:2412.14373).
    low_percentile, high_percentile : float
        From 0 to 100, in ascending order.
    widen_mv : float
        Added on both sides, in mV.
    resolution_mv : float
        Width of a bin, in mV; a power of two, so that no sample is rounded into a wrong bin.
    as_published : bool
        Take the percentiles of the first 100,000 values only, lead after lead and record after record, as the published
        code does: about four records of ten seconds.

    Returns
    -------
    AmplitudeRange
        With `error_mv` = ``resolution_mv / 2`` (0 with `as_published`) and the number of values.

    Raises
    ------
    TypeError
        If `signals` is one record or array, or holds something else than records and arrays.
    ValueError
        If there is no sample, a sample is NaN or infinite (the message names signal, lead and position), an option is
        out of range, or all values are one and `widen_mv` is 0.
    """
    _check_options(low_percentile, high_percentile, widen_mv, resolution_mv)
    percentiles = (low_percentile, high_percentile)
    if as_published:
        values = _first_values(signals, PUBLISHED_NUM_VALUES)
        low, high = (float(value) for value in np.percentile(values, percentiles))
        return AmplitudeRange(low - widen_mv, high + widen_mv, num_values=len(values))
    histogram = AmplitudeHistogram(resolution_mv)
    for values in checked_signals(signals):
        histogram.add(values)
    if histogram.total == 0:
        raise ValueError("signals: is empty, expected at least one sample")
    low, high = (histogram.percentile(percentile) for percentile in percentiles)
    return AmplitudeRange(low - widen_mv, high + widen_mv, error_mv=histogram.error_mv, num_values=histogram.total)


def record_range(signal: Record | np.ndarray) -> AmplitudeRange:
    """The smallest and the largest amplitude of one record, over all its leads.

    A constant record, such as a flat line, has no width to share out: its range reaches 0.5 mV to each side of its
    value, which so falls into the middle.

    Parameters
    ----------
    signal : Record or float [leads, samples]
        In mV.

    Returns
    -------
    AmplitudeRange

    Raises
    ------
    TypeError
        If `signal` is neither a record nor an array.
    ValueError
        If it is empty or holds NaN or an infinity.
    """
    values = _checked_values("signal: the record", signal)
    if values.size == 0:
        raise ValueError("signal: is empty, expected at least one sample")
    low, high = float(values.min()), float(values.max())
    if low == high:
        low, high = low - CONSTANT_RECORD_MARGIN_MV, high + CONSTANT_RECORD_MARGIN_MV
    return AmplitudeRange(low, high, num_values=values.size)


def _check_options(low_percentile: float, high_percentile: float, widen_mv: float, resolution_mv: float) -> None:
    if not 0 <= low_percentile < high_percentile <= 100:
        raise ValueError(
            f"low_percentile, high_percentile: got {low_percentile} and {high_percentile}, "
            "expected ascending numbers from 0 to 100"
        )
    if not (math.isfinite(widen_mv) and widen_mv >= 0):
        raise ValueError(f"widen_mv: got {widen_mv}, expected 0 mV or more")
    if not (math.isfinite(resolution_mv) and resolution_mv > 0 and math.frexp(resolution_mv)[0] == 0.5):
        raise ValueError(f"resolution_mv: got {resolution_mv}, expected a power of two such as 1/1024")


def checked_signals(signals: Iterable[Record | np.ndarray]) -> Iterator[np.ndarray]:
    """Give every signal as float64 [leads, samples], finite.

    Raises
    ------
    TypeError, ValueError
        As `fit_amplitude_range`.
    """
    if isinstance(signals, Record) or (isinstance(signals, np.ndarray) and signals.ndim != 3):
        raise TypeError("signals: got a single signal, expected an iterable of records or arrays [leads, samples]")
    for number, signal in enumerate(signals):
        yield _checked_values(f"signals: number {number}", signal)


def _checked_values(name: str, signal: Record | np.ndarray) -> np.ndarray:
    if isinstance(signal, Record):
        return signal.signal.astype(np.float64)
    if not isinstance(signal, np.ndarray):
        raise TypeError(f"{name} is {type(signal).__name__}, expected a Record or an array")
    if signal.dtype.kind not in "fiu":
        raise TypeError(f"{name} has type {signal.dtype}, expected real numbers in mV")
    if signal.ndim != 2:
        raise ValueError(f"{name} has shape {signal.shape}, expected [leads, samples]")
    finite = np.isfinite(signal)
    if not finite.all():
        lead, sample = np.argwhere(~finite)[0]
        raise ValueError(f"{name} has {signal[lead, sample]} in lead {lead} at sample {sample}, expected finite values")
    return signal.astype(np.float64)


def _first_values(signals: Iterable[Record | np.ndarray], count: int) -> np.ndarray:
    parts: list[np.ndarray] = []
    missing = count
    for values in checked_signals(signals):
        parts.append(values.reshape(-1)[:missing])
        missing -= len(parts[-1])
        if missing == 0:
            break
    if missing == count:
        raise ValueError("signals: is empty, expected at least one sample")
    return np.concatenate(parts)
