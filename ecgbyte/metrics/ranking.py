"""Area under the ROC curve of yes/no scores, per attribute and on average, with intervals over runs and patients.

A model that always answers the more frequent word can have a high accuracy; the area asks whether it scores yes higher
where yes is right. 0.5 is chance. Several training runs are measured by their mean.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ecgbyte.metrics.comparisons import permutation_p_values
from ecgbyte.metrics.intervals import patient_indices, resampled_counts
from ecgbyte.metrics.roc_area import check_scores, mean_where_defined, roc_area, weighted_roc_areas
from ecgbyte.metrics.training_runs import TwoLevel, two_level_interval

ROC_AREA_SIGNATURE = "roc-area|mann-whitney|ties:half|score:yes-minus-no|version:1"
MACRO_ROC_AREA_SIGNATURE = "roc-area-macro|mean over attributes with both answers|" + ROC_AREA_SIGNATURE
_AREA, _AREA_DIFFERENCE = (0.0, 1.0), (-1.0, 1.0)


@dataclass(frozen=True)
class RocArea:
    """An area with its interval (NaN, NaN where there is none) and the number of samples of either kind."""

    value: float
    low: float
    high: float
    num_positive: int
    num_negative: int


@dataclass(frozen=True)
class RocAreas:
    """Areas of one or several training runs.

    Attributes
    ----------
    by_attribute : dict of str to RocArea
        Attributes that have both answers, sorted.
    macro : RocArea or None
        Mean over those attributes; None where there are none. A resample's mean is taken over the attributes that keep
        both answers.
    left_out : tuple of str
        Attributes with one answer only, for which there is no area.
    """

    by_attribute: dict[str, RocArea]
    macro: RocArea | None
    left_out: tuple[str, ...]


def roc_areas(
    runs: Sequence[ArrayLike],
    positives: ArrayLike,
    attributes: Sequence[str],
    patients: Sequence[str],
    *,
    num_resamples: int = 1000,
    level: float = 0.95,
    seed: int,
) -> RocAreas:
    """Areas per attribute and their mean, each the mean over training runs, with intervals over runs and patients.

    Parameters
    ----------
    runs : sequence of array-like
        For each training run the scores float [samples], higher for "yes", of the same questions. With a single
        run the intervals are over patients alone.
    positives : array-like
        bool [samples], True where "yes" is right.
    attributes, patients : sequences of str
        [samples], what was asked for and whose ECG it is.
    num_resamples : int
        How many times patients are drawn.
    level : float
        Coverage of the intervals, between 0 and 1.
    seed : int
        Same seed, same intervals.

    Raises
    ------
    ValueError, TypeError
        If lengths differ, there are no runs or samples, or a score is not finite.
    """
    scores, kinds = _check_runs("runs", runs, positives)
    owner = patient_indices(patients, len(kinds))
    groups, left_out = _usable_groups(attributes, kinds)
    if not groups:
        return RocAreas({}, None, left_out)
    num_patients = int(owner.max()) + 1
    values = np.array([[roc_area(run[at], kinds[at]) for at in groups.values()] for run in scores])
    drawn = np.concatenate(
        [
            np.stack([_areas_by_group(run, kinds, groups, counts[:, owner]) for run in scores])
            for counts in resampled_counts(num_patients, num_resamples=num_resamples, seed=seed)
        ],
        axis=2,
    )  # [runs, attributes, resamples]
    by_attribute = {}
    for index, (name, at) in enumerate(groups.items()):
        found = two_level_interval(
            drawn[:, index].mean(axis=0), [values[:, index]], [1.0], num_patients, level=level, bounds=_AREA
        )
        by_attribute[name] = _area(found, kinds[at])
    macro = np.stack([mean_where_defined(of_run) for of_run in drawn]).mean(axis=0)
    found = two_level_interval(macro, [values.mean(axis=1)], [1.0], num_patients, level=level, bounds=_AREA)
    return RocAreas(by_attribute, _area(found, kinds[np.concatenate(list(groups.values()))]), left_out)


def compare_macro_roc_areas(
    runs_a: Sequence[ArrayLike],
    runs_b: Sequence[ArrayLike],
    positives: ArrayLike,
    attributes: Sequence[str],
    patients: Sequence[str],
    *,
    same_runs: bool,
    num_resamples: int = 1000,
    num_permutations: int | None = 1999,
    level: float = 0.95,
    seed: int,
) -> TwoLevel | None:
    """Difference a - b of two macro areas of the same questions, with its interval over runs and patients, and p.

    The p-value swaps the ranks that two methods give to a patient's questions, ranks within a run and an attribute, as
    scores of different models are on different scales (Venkatraman and Begg, Biometrika 83, 1996). As for
    `ecgbyte.metrics.quality.compare_runs`, with several runs it is at least that of the t distribution.

    Parameters
    ----------
    runs_a, runs_b, positives, attributes, patients
        As for `roc_areas`.
    same_runs : bool
        As in `ecgbyte.metrics.quality.compare_runs`.
    num_resamples, level, seed
        As for `roc_areas`.
    num_permutations : int, optional
        As in `ecgbyte.metrics.comparisons.swap_p_values`. Where None there is no test, and the p-value is NaN.

    Returns
    -------
    TwoLevel or None
        None where no attribute has both answers.

    Raises
    ------
    ValueError, TypeError
        As `roc_areas`, and if with `same_runs` the numbers of runs differ.
    """
    a, kinds = _check_runs("runs_a", runs_a, positives)
    b, _ = _check_runs("runs_b", runs_b, positives)
    if same_runs and len(a) != len(b):
        raise ValueError(f"runs_a, runs_b: got {len(a)} and {len(b)} runs, expected the same runs")
    owner = patient_indices(patients, len(kinds))
    groups, _ = _usable_groups(attributes, kinds)
    if not groups:
        return None
    num_patients = int(owner.max()) + 1

    def macro(counts: NDArray[np.float64]) -> NDArray[np.float64]:
        """Mean area of every run of a, then of b, [runs, resamples]."""
        runs = [_areas_by_group(run, kinds, groups, counts[:, owner]) for run in (*a, *b)]
        # The same attributes are missing from every run of a resample.
        return np.stack([mean_where_defined(areas) for areas in runs])

    values = macro(np.ones((1, num_patients)))[:, 0]
    of_a, of_b = values[: len(a)], values[len(a) :]
    blocks = resampled_counts(num_patients, num_resamples=num_resamples, seed=seed)
    drawn = np.concatenate([macro(counts) for counts in blocks], axis=1)
    resampled = drawn[: len(a)].mean(axis=0) - drawn[len(a) :].mean(axis=0)
    apart, signs = ([of_a - of_b], [1.0]) if same_runs else ([of_a, of_b], [1.0, -1.0])
    found = two_level_interval(resampled, apart, signs, num_patients, level=level, bounds=_AREA_DIFFERENCE)
    if num_permutations is None:
        return TwoLevel(found.value, found.low, found.high, math.nan)

    pairs = list(zip(a, b, strict=True)) if len(a) == len(b) else [(one, other) for one in a for other in b]
    ranked = [(_ranks(one, groups), _ranks(other, groups)) for one, other in pairs]

    def difference(swapped: NDArray[np.float64]) -> NDArray[np.float64]:
        moved = swapped[:, owner]
        total = np.zeros(len(swapped))
        for one, other in ranked:
            both = np.concatenate([one, other])
            of_both = np.concatenate([kinds, kinds])
            places = {name: np.concatenate([at, at + len(kinds)]) for name, at in groups.items()}
            first = _areas_by_group(both, of_both, places, np.hstack([1 - moved, moved]))
            second = _areas_by_group(both, of_both, places, np.hstack([moved, 1 - moved]))
            total += first.mean(axis=0) - second.mean(axis=0)
        return (total / len(ranked))[None]

    (p_value,) = permutation_p_values(difference, num_patients, num_permutations=num_permutations, seed=seed)
    if not math.isnan(found.p_value):
        p_value = max(p_value, found.p_value)
    return TwoLevel(found.value, found.low, found.high, p_value)


def _areas_by_group(
    scores: NDArray[np.float64],
    positives: NDArray[np.bool_],
    groups: dict[str, NDArray[np.int64]],
    weights: NDArray[np.float64],
) -> NDArray[np.float64]:
    """Areas [attributes, resamples] where sample i counts ``weights[r, i]`` times."""
    return np.stack([weighted_roc_areas(scores[at], positives[at], weights[:, at]) for at in groups.values()])


def _ranks(scores: NDArray[np.float64], groups: dict[str, NDArray[np.int64]]) -> NDArray[np.float64]:
    ranks = np.zeros(len(scores))
    for at in groups.values():
        ordered = np.sort(scores[at])
        # Equal scores share the middle of their ranks.
        ranks[at] = (ordered.searchsorted(scores[at], "left") + ordered.searchsorted(scores[at], "right")) / 2
    return ranks


def _usable_groups(
    attributes: Sequence[str], positives: NDArray[np.bool_]
) -> tuple[dict[str, NDArray[np.int64]], tuple[str, ...]]:
    """The samples of every attribute that has both answers, sorted, and the names of the others."""
    if len(attributes) != len(positives):
        raise ValueError(f"attributes: got {len(attributes)} for {len(positives)} samples, expected one each")
    members: dict[str, list[int]] = {}
    for place, name in enumerate(attributes):
        members.setdefault(name, []).append(place)
    arrays = {name: np.array(members[name], dtype=np.int64) for name in sorted(members)}
    usable = {name: at for name, at in arrays.items() if 0 < positives[at].sum() < len(at)}
    return usable, tuple(name for name in arrays if name not in usable)


def _check_runs(
    name: str, runs: Sequence[ArrayLike], positives: ArrayLike
) -> tuple[list[NDArray[np.float64]], NDArray[np.bool_]]:
    if not len(runs):
        raise ValueError(f"{name}: got no training run, expected at least one")
    checked = [check_scores(run, positives) for run in runs]
    return [scores for scores, _ in checked], checked[0][1]


def _area(found: TwoLevel, positives: NDArray[np.bool_]) -> RocArea:
    return RocArea(found.value, found.low, found.high, int(positives.sum()), int((~positives).sum()))
