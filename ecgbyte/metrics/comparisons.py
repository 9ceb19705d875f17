"""Paired tests of two methods on the same questions, and Holm's correction for several of them."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping

import numpy as np
from numpy.typing import NDArray

from ecgbyte.metrics.intervals import OfSums

P_VALUE_SIGNATURE = (
    "two-sided p|answers of a patient swapped between the methods|several runs: the larger of it and the t test over "
    "runs and patients|version:1"
)
HOLM_SIGNATURE = "Holm over the methods compared|" + P_VALUE_SIGNATURE
# What two values may differ by and still count as equal: rounding errors of sums of percents.
_TIE = 1e-9
# Swaps held in memory at once.
_CHUNK = 1 << 22


def swap_p_value(
    sums_a: NDArray[np.float64],
    sums_b: NDArray[np.float64],
    of_sums: OfSums,
    *,
    num_permutations: int = 9999,
    seed: int,
) -> float:
    """Two-sided p of the hypothesis that two methods answer alike, by swapping their answers patient by patient.

    For means this is the sign-flip test over patients (Good, Permutation, Parametric and Bootstrap Tests, 2005). All
    answers about one patient change hands together, since they are not independent. The test takes the trained models
    as they are; `ecgbyte.metrics.training_runs` says what other training runs would change.

    Parameters
    ----------
    sums_a, sums_b : numpy.ndarray
        float64 [patients, statistics], each method's statistics summed over a patient's questions (for several training
        runs, their mean over runs).
    of_sums : callable
        From sums [..., statistics] to the measure [...].
    num_permutations : int
        How many swaps are drawn. Where there are no more than that, all of them are used and the p-value is exact.
    seed : int
        Same seed, same p-value.

    Returns
    -------
    float
        Share of swaps whose difference is at least as large as the one found; drawn ones as (b + 1) / (m + 1), never 0
        (Phipson and Smyth, Stat. Appl. Genet. Mol. Biol. 9, 2010).

    Raises
    ------
    ValueError
        If shapes differ, or there are no patients or permutations.
    """
    if sums_a.shape != sums_b.shape or sums_a.ndim != 2 or not len(sums_a):
        raise ValueError(
            f"sums_a, sums_b: got shapes {sums_a.shape}, {sums_b.shape}, expected [patients, statistics] twice"
        )
    total_a, total_b, change = sums_a.sum(axis=0), sums_b.sum(axis=0), sums_b - sums_a

    def difference(swapped: NDArray[np.float64]) -> NDArray[np.float64]:
        moved = swapped @ change
        return of_sums(total_a + moved) - of_sums(total_b - moved)

    return permutation_p_value(difference, len(sums_a), num_permutations=num_permutations, seed=seed)


def permutation_p_value(difference: OfSums, num_patients: int, *, num_permutations: int, seed: int) -> float:
    """The p-value of `swap_p_value` for any measure.

    Parameters
    ----------
    difference : callable
        From float64 [swaps, patients], 1 where the two methods' answers about the patient are swapped, to the
        difference of the measure float64 [swaps]. NaN where it does not exist; counts as large.
    num_patients, num_permutations, seed
        As in `swap_p_value`.

    Raises
    ------
    ValueError
        If there are no permutations.
    """
    if num_permutations < 1:
        raise ValueError(f"num_permutations: got {num_permutations}, expected 1 or more")
    found = abs(float(difference(np.zeros((1, num_patients)))[0])) - _TIE
    exact = 2**num_patients <= num_permutations
    as_large = sum(
        int(np.count_nonzero(~(np.abs(difference(swapped)) < found)))
        for swapped in _swaps(num_patients, num_permutations, seed, exact)
    )
    return as_large / 2**num_patients if exact else (as_large + 1) / (num_permutations + 1)


def _swaps(num_patients: int, num_permutations: int, seed: int, exact: bool) -> Iterator[NDArray[np.float64]]:
    if exact:
        numbers = np.arange(2**num_patients)
        yield ((numbers[:, None] >> np.arange(num_patients)) & 1).astype(np.float64)
        return
    rng = np.random.default_rng(seed)
    block = max(1, _CHUNK // num_patients)
    for start in range(0, num_permutations, block):
        rows = min(block, num_permutations - start)
        drawn = np.frombuffer(rng.bytes(rows * -(-num_patients // 8)), dtype=np.uint8).reshape(rows, -1)
        yield np.unpackbits(drawn, axis=1, count=num_patients).astype(np.float64)


def holm(p_values: Mapping[str, float]) -> dict[str, float]:
    """Adjust p-values of several tests so that the chance of any false finding stays below the level chosen.

    Holm's step-down procedure (Scand. J. Stat. 6, 1979): the k-th smallest of m is multiplied by m - k + 1, and none is
    below the one before. It holds whatever the dependence between the tests.

    Parameters
    ----------
    p_values : mapping of str to float
        p of each test, 0 to 1.

    Returns
    -------
    dict of str to float
        Adjusted p-values, at most 1, in the order given.

    Raises
    ------
    ValueError
        If a p-value is not between 0 and 1.
    """
    for name, p_value in p_values.items():
        if not 0 <= p_value <= 1 or math.isnan(p_value):
            raise ValueError(f"p_values[{name!r}]: got {p_value}, expected a number from 0 to 1")
    adjusted: dict[str, float] = {}
    largest = 0.0
    for rank, (name, p_value) in enumerate(sorted(p_values.items(), key=lambda item: (item[1], item[0]))):
        largest = max(largest, min(1.0, (len(p_values) - rank) * p_value))
        adjusted[name] = largest
    return {name: adjusted[name] for name in p_values}
