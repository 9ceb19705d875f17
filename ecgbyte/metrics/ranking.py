"""Area under the ROC curve of yes/no scores, per attribute and on average, with intervals over patients.

A model that always answers the more frequent word can have a high accuracy; the area asks whether it scores yes higher
where yes is right. 0.5 is chance.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ecgbyte.metrics.intervals import patient_indices, percentile_interval, resampled_counts

ROC_AREA_SIGNATURE = "roc-area|mann-whitney|ties:half|score:yes-minus-no|interval:patient-bootstrap|version:1"
MACRO_ROC_AREA_SIGNATURE = "roc-area-macro|mean over attributes with both answers|" + ROC_AREA_SIGNATURE


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
    """Areas of one run.

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


def roc_area(scores: ArrayLike, positives: ArrayLike) -> float:
    """Probability that a positive sample scores higher than a negative one, ties counting half (Mann-Whitney).

    Parameters
    ----------
    scores : array-like
        float [samples], higher for "yes".
    positives : array-like
        bool [samples], True where "yes" is right.

    Returns
    -------
    float
        0 to 1; 0.5 is chance.

    Raises
    ------
    ValueError
        If lengths differ, a score is not finite, or only one kind is there.
    """
    scores, positives = _check_scores(scores, positives)
    if positives.all() or not positives.any():
        raise ValueError(f"positives: got {int(positives.sum())} positive of {len(positives)}, expected both kinds")
    return float(weighted_roc_areas(scores, positives, np.ones((1, len(scores))))[0])


def weighted_roc_areas(
    scores: NDArray[np.float64], positives: NDArray[np.bool_], weights: NDArray[np.float64]
) -> NDArray[np.float64]:
    """`roc_area` where sample i counts `weights[r, i]` times, for each row r.

    Parameters
    ----------
    scores, positives : numpy.ndarray
        As for `roc_area`.
    weights : numpy.ndarray
        float64 [resamples, samples], 0 or more.

    Returns
    -------
    numpy.ndarray
        float64 [resamples]; NaN where a row leaves one kind without weight.
    """
    order = np.argsort(scores, kind="stable")
    starts = np.flatnonzero(np.diff(scores[order], prepend=-np.inf))  # first of each run of equal scores
    weights, kind = weights[:, order], positives[order]
    positive = np.add.reduceat(weights * kind, starts, axis=1)
    negative = np.add.reduceat(weights * ~kind, starts, axis=1)
    below = np.cumsum(negative, axis=1) - negative
    pairs = positive.sum(axis=1) * negative.sum(axis=1)
    wins = (positive * (below + negative / 2)).sum(axis=1)
    return np.divide(wins, pairs, out=np.full(len(weights), np.nan), where=pairs > 0)


def roc_areas(
    scores: ArrayLike,
    positives: ArrayLike,
    attributes: Sequence[str],
    patients: Sequence[str],
    *,
    num_resamples: int = 1000,
    level: float = 0.95,
    seed: int,
) -> RocAreas:
    """Areas per attribute and their mean, with bootstrap intervals over patients.

    Parameters
    ----------
    scores, positives : array-like
        As for `roc_area`.
    attributes, patients : sequences of str
        [samples], what was asked for and whose ECG it is.
    num_resamples, level, seed
        As in `ecgbyte.metrics.intervals.patient_bootstrap`.

    Raises
    ------
    ValueError
        If lengths differ, there are no samples or a score is not finite.
    """
    scores, positives = _check_scores(scores, positives)
    if len(attributes) != len(scores):
        raise ValueError(f"attributes: got {len(attributes)} for {len(scores)} samples, expected one each")
    owner = patient_indices(patients, len(scores))
    members = {name: np.array([attribute == name for attribute in attributes]) for name in sorted(set(attributes))}
    members = {name: np.flatnonzero(mask) for name, mask in members.items()}
    usable = {name: at for name, at in members.items() if 0 < positives[at].sum() < len(at)}
    left_out = tuple(sorted(set(members) - set(usable)))
    if not usable:
        return RocAreas({}, None, left_out)
    drawn = np.concatenate(
        [
            np.stack([weighted_roc_areas(scores[at], positives[at], counts[:, owner[at]]) for at in usable.values()])
            for counts in resampled_counts(int(owner.max()) + 1, num_resamples=num_resamples, seed=seed)
        ],
        axis=1,
    )  # [attributes, resamples]
    single = owner.max() == 0
    by_attribute = {}
    for (name, at), resampled in zip(usable.items(), drawn, strict=True):
        by_attribute[name] = _area(roc_area(scores[at], positives[at]), resampled, level, positives[at], single)
    everything = positives[np.concatenate(list(usable.values()))]
    value = float(np.mean([area.value for area in by_attribute.values()]))
    return RocAreas(by_attribute, _area(value, _mean_where_defined(drawn), level, everything, single), left_out)


def paired_macro_roc_area(
    scores_a: ArrayLike,
    scores_b: ArrayLike,
    positives: ArrayLike,
    attributes: Sequence[str],
    patients: Sequence[str],
    *,
    num_resamples: int = 1000,
    level: float = 0.95,
    seed: int,
) -> tuple[float, float, float] | None:
    """Difference a - b of two macro areas of the same questions, with its interval over resampled patients.

    Returns
    -------
    (difference, low, high) or None
        None where no attribute has both answers; low and high NaN for a single patient.

    Raises
    ------
    ValueError
        As `roc_areas`.
    """
    a, kind = _check_scores(scores_a, positives)
    b, _ = _check_scores(scores_b, positives)
    owner = patient_indices(patients, len(a))
    if len(attributes) != len(a):
        raise ValueError(f"attributes: got {len(attributes)} for {len(a)} samples, expected one each")
    names = np.array(attributes, dtype=object)
    groups = [np.flatnonzero(names == name) for name in sorted(set(attributes))]
    groups = [at for at in groups if 0 < kind[at].sum() < len(at)]
    if not groups:
        return None

    def differences(counts: NDArray[np.float64]) -> NDArray[np.float64]:
        per_attribute = [
            weighted_roc_areas(a[at], kind[at], counts[:, owner[at]])
            - weighted_roc_areas(b[at], kind[at], counts[:, owner[at]])
            for at in groups
        ]
        return _mean_where_defined(np.stack(per_attribute))

    num_patients = int(owner.max()) + 1
    value = float(differences(np.ones((1, num_patients)))[0])
    if num_patients == 1:
        return value, float("nan"), float("nan")
    drawn = [differences(counts) for counts in resampled_counts(num_patients, num_resamples=num_resamples, seed=seed)]
    return (value, *percentile_interval(np.concatenate(drawn), level))


def _area(
    value: float, resampled: NDArray[np.float64], level: float, positives: NDArray[np.bool_], single_patient: bool
) -> RocArea:
    low, high = (float("nan"), float("nan")) if single_patient else percentile_interval(resampled, level)
    return RocArea(value, low, high, int(positives.sum()), int((~positives).sum()))


def _mean_where_defined(areas: NDArray[np.float64]) -> NDArray[np.float64]:
    """Mean over attributes, [attributes, resamples] -> [resamples]; NaN only where no attribute has an area."""
    defined = ~np.isnan(areas)
    kept = defined.sum(axis=0)
    return np.divide(np.where(defined, areas, 0).sum(axis=0), kept, out=np.full(len(kept), np.nan), where=kept > 0)


def _check_scores(scores: ArrayLike, positives: ArrayLike) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    values, kinds = np.asarray(scores, dtype=np.float64), np.asarray(positives)
    if values.ndim != 1 or kinds.shape != values.shape or not len(values):
        raise ValueError(
            f"scores, positives: got shapes {values.shape}, {kinds.shape}, expected [samples] twice, not empty"
        )
    if kinds.dtype != np.bool_:
        raise ValueError(f"positives: got {kinds.dtype}, expected bool")
    if not np.isfinite(values).all():
        raise ValueError(f"scores: got NaN or infinity in sample {int(np.flatnonzero(~np.isfinite(values))[0])}")
    return values, kinds
