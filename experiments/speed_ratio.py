"""How many times as long one method trains as another, with an interval from repeated timings."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np


class SpeedRatio(NamedTuple):
    """``ratio`` above 1: the method takes longer than the reference. 95 % interval from `low` to `high`."""

    ratio: float
    low: float
    high: float
    rounds: int


def speed_ratio(
    stages: Sequence[tuple[Sequence[float], float]],
    reference: Sequence[tuple[Sequence[float], float]],
    *,
    resamples: int = 10_000,
    seed: int = 0,
) -> SpeedRatio:
    """Compare the training of a method, summed over its stages, with that of a reference.

    Parameters
    ----------
    stages : sequence of (sequence of float, float)
        Of each stage: seconds per sample, one value a round of timing, and the samples that the stage trains on. A
        two-stage method has two.
    reference : sequence of (sequence of float, float)
        The same of the method that all are compared with, end to end.
    resamples : int
        Draws of the bootstrap.
    seed : int
        Of the draws.

    Returns
    -------
    SpeedRatio
        The ratio of the sums of median seconds times samples. Its interval is the percentile bootstrap over rounds; the
        same rounds are drawn for stages with as many rounds as each other, which are timed in turns: what slows the
        machine down for a while slows both.

    Raises
    ------
    ValueError
        If there is no stage or round, or a number is not positive and finite.
    """
    checked = {"stages": _check("stages", stages), "reference": _check("reference", reference)}
    if resamples < 1:
        raise ValueError(f"resamples: expected a positive number, got {resamples}")
    ratio = _total(checked["stages"], {}) / _total(checked["reference"], {})
    numbers = sorted({len(seconds) for side in checked.values() for seconds, _ in side})
    generator = np.random.default_rng(seed)
    drawn = {number: generator.integers(0, number, (resamples, number)) for number in numbers}
    ratios = _total(checked["stages"], drawn) / _total(checked["reference"], drawn)
    low, high = np.quantile(ratios, [0.025, 0.975])
    return SpeedRatio(float(ratio), float(low), float(high), numbers[0])


def _total(stages: Sequence[tuple[np.ndarray, float]], drawn: dict[int, np.ndarray]) -> np.ndarray:
    """Seconds of all stages: float, or float [resamples] with drawn rounds int64 [resamples, rounds]."""
    parts = []
    for seconds, samples in stages:
        rounds = seconds[drawn[len(seconds)]] if drawn else seconds
        parts.append(np.median(rounds, axis=-1) * samples)
    total: np.ndarray = np.sum(parts, axis=0)
    return total


def _check(name: str, stages: Sequence[tuple[Sequence[float], float]]) -> list[tuple[np.ndarray, float]]:
    if not stages:
        raise ValueError(f"{name}: expected one stage at least, got none")
    checked = [(np.asarray(seconds, dtype=np.float64), float(samples)) for seconds, samples in stages]
    for seconds, samples in checked:
        good = seconds.ndim == 1 and seconds.size > 0 and np.isfinite(seconds).all() and (seconds > 0).all()
        if not (good and np.isfinite(samples) and samples > 0):
            raise ValueError(f"{name}: expected positive seconds of rounds and samples, got {seconds} and {samples}")
    return checked
