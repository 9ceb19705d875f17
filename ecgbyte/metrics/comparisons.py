"""Paired tests of two methods on the same questions, and Holm's correction for several of them."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence

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


def swap_p_values(
    sums_a: Sequence[NDArray[np.float64]],
    sums_b: Sequence[NDArray[np.float64]],
    of_sums: Sequence[OfSums],
    *,
    num_permutations: int = 9999,
    seed: int,
) -> list[float]:
    """Two-sided p of the hypothesis that two methods answer alike, by swapping their answers patient by patient.

    For means this is the sign-flip test over patients (Good, Permutation, Parametric and Bootstrap Tests, 2005). All
    answers about one patient change hands together, since they are not independent. The test takes the trained models
    as they are; `ecgbyte.metrics.training_runs` says what other training runs would change.

    Parameters
    ----------
    sums_a, sums_b : sequences of numpy.ndarray
        For each measure float64 [patients, statistics], each method's statistics summed over a patient's questions (for
        several training runs, their mean over runs).
    of_sums : sequence of callable
        For each measure, from sums [swaps, statistics] to its values [swaps].
    num_permutations : int
        How many swaps are drawn, the same for all measures. Where there are no more than that, all of them are used and
        the p-values are exact.
    seed : int
        Same seed, same p-values.

    Returns
    -------
    list of float
        For each measure the share of swaps whose difference is at least as large as the one found; drawn ones as
        (b + 1) / (m + 1), never 0 (Phipson and Smyth, Stat. Appl. Genet. Mol. Biol. 9, 2010).

    Raises
    ------
    ValueError
        If shapes differ, or there are no patients or permutations.
    """
    shapes = {sums.shape[0] if sums.ndim == 2 else 0 for sums in (*sums_a, *sums_b)}
    if [one.shape for one in sums_a] != [other.shape for other in sums_b] or len(shapes) != 1 or 0 in shapes:
        raise ValueError(
            f"sums_a, sums_b: got shapes {[one.shape for one in sums_a]}, {[other.shape for other in sums_b]}, "
            "expected [patients, statistics] twice, not empty"
        )
    totals_a, totals_b = np.hstack(sums_a).sum(axis=0), np.hstack(sums_b).sum(axis=0)
    change = np.hstack(sums_b) - np.hstack(sums_a)
    ends = np.cumsum([sums.shape[1] for sums in sums_a])
    parts = [slice(end - sums.shape[1], end) for sums, end in zip(sums_a, ends, strict=True)]

    def differences(swapped: NDArray[np.float64]) -> NDArray[np.float64]:
        moved = swapped @ change
        of_a, of_b = totals_a + moved, totals_b - moved
        return np.stack(
            [measure(of_a[:, part]) - measure(of_b[:, part]) for part, measure in zip(parts, of_sums, strict=True)]
        )

    return permutation_p_values(differences, len(change), num_permutations=num_permutations, seed=seed)


def permutation_p_values(
    differences: Callable[[NDArray[np.float64]], NDArray[np.float64]],
    num_patients: int,
    *,
    num_permutations: int,
    seed: int,
) -> list[float]:
    """The p-values of `swap_p_values` for measures of any kind.

    Parameters
    ----------
    differences : callable
        From float64 [swaps, patients], 1 where the two methods' answers about the patient are swapped, to the
        differences of the measures float64 [measures, swaps]. NaN where one does not exist; counts as large.
    num_patients, num_permutations, seed
        As in `swap_p_values`.

    Raises
    ------
    ValueError
        If there are no permutations.
    """
    if num_permutations < 1:
        raise ValueError(f"num_permutations: got {num_permutations}, expected 1 or more")
    found = np.abs(differences(np.zeros((1, num_patients)))) - _TIE
    exact = 2**num_patients <= num_permutations
    as_large = sum(
        np.count_nonzero(~(np.abs(differences(swapped)) < found), axis=1)
        for swapped in _swaps(num_patients, num_permutations, seed, exact)
    )
    p_values = as_large / 2**num_patients if exact else (as_large + 1) / (num_permutations + 1)
    return [float(p_value) for p_value in p_values]


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
