"""Intervals of a mean over training runs: they say how it would vary with other runs and with other patients.

Runs and patients are crossed: every run answers the same questions. The variance of the mean over S runs is taken as

    V = V_patients + V_runs,  V_patients = variance of the mean over runs when patients are resampled, times P / (P - 1)
                              V_runs     = variance between the runs' values, over S

and the interval is ``value +- t * sqrt(V)``, with degrees of freedom by Satterthwaite (Biometrics Bulletin 2, 1946):
P - 1 for the first part, S - 1 for the second. Resampling three runs with replacement instead would be too narrow: it
misses a third of their variance, and takes a normal quantile where three runs call for one near 4.3. What is particular
to a run and a patient together is in both parts, so V is slightly too large rather than too small, as it is for the
bootstrap of crossed factors (Owen, Ann. Appl. Stat. 1, 2007).

With one run nothing is known about other runs, and the interval is the percentile interval over patients alone.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ecgbyte.metrics.intervals import percentile_interval

UNBOUNDED = (-math.inf, math.inf)


@dataclass(frozen=True)
class TwoLevel:
    """A mean over training runs with its interval over runs and patients.

    Attributes
    ----------
    value : float
    low, high : float
        NaN, NaN for a single patient.
    p_value : float
        Two-sided p of the hypothesis that the value is 0, by the t distribution of the interval. NaN where there is one
        run only, whose interval is not made from a t distribution, or one patient.
    """

    value: float
    low: float
    high: float
    p_value: float


def two_level_interval(
    resampled: NDArray[np.float64],
    groups: Sequence[NDArray[np.float64]],
    signs: Sequence[float],
    num_patients: int,
    *,
    level: float = 0.95,
    bounds: tuple[float, float] = UNBOUNDED,
) -> TwoLevel:
    """The interval of the module's head, from resampled values.

    Parameters
    ----------
    resampled : numpy.ndarray
        float64 [resamples], the value (already the mean over runs) when patients are resampled. NaN where it does not
        exist; such resamples are left out, and where they are more than one in twenty there is no interval.
    groups : sequence of numpy.ndarray
        float64 [runs] for each group of runs that are trained apart: the measure of each run on all samples.
    signs : sequence of float
        The value is the sum of the groups' means, each times its sign.
    num_patients : int
    level : float
        Coverage, between 0 and 1.
    bounds : (float, float)
        The smallest and largest value that the measure can take; the interval ends there.

    Raises
    ------
    ValueError
        If `level` is out of its range.
    """
    value = float(sum(sign * float(np.mean(group)) for sign, group in zip(signs, groups, strict=True)))
    low, high = percentile_interval(resampled, level)
    if num_patients == 1 or math.isnan(low):
        return TwoLevel(value, math.nan, math.nan, math.nan)
    repeated = [group for group in groups if len(group) > 1]
    if not repeated:
        return TwoLevel(value, *_within(bounds, low, high), math.nan)
    # Loaded here: reading and tokenizing need no statistics.
    from scipy.special import stdtr, stdtrit

    # Resampled patients vary by (P - 1) / P of the variance of newly drawn ones.
    parts = [(float(np.var(resampled[~np.isnan(resampled)])) * num_patients / (num_patients - 1), num_patients - 1)]
    parts += [(float(np.var(group, ddof=1)) / len(group), len(group) - 1) for group in repeated]
    variance = sum(part for part, _ in parts)
    # Equal values give a variance of rounding errors alone.
    if variance <= (1e-9 * max(1.0, abs(value))) ** 2:
        return TwoLevel(value, *_within(bounds, value, value), 1.0 if abs(value) < 1e-9 else 0.0)
    freedom = variance**2 / sum(part**2 / degrees for part, degrees in parts)
    half = float(stdtrit(freedom, (1 + level) / 2)) * math.sqrt(variance)
    p_value = 2 * float(stdtr(freedom, -abs(value) / math.sqrt(variance)))
    return TwoLevel(value, *_within(bounds, value - half, value + half), p_value)


def _within(bounds: tuple[float, float], low: float, high: float) -> tuple[float, float]:
    return max(low, bounds[0]), min(high, bounds[1])
