"""The area under a ROC curve, also of weighted samples; 0.5 is chance."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray


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
    scores, positives = check_scores(scores, positives)
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


def mean_where_defined(areas: NDArray[np.float64]) -> NDArray[np.float64]:
    """Mean over attributes, [attributes, resamples] -> [resamples]; NaN only where no attribute has an area."""
    defined = ~np.isnan(areas)
    kept = defined.sum(axis=0)
    return np.divide(np.where(defined, areas, 0).sum(axis=0), kept, out=np.full(len(kept), np.nan), where=kept > 0)


def check_scores(scores: ArrayLike, positives: ArrayLike) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Scores float64 [samples] and positives bool [samples], or a ValueError that says what is wrong with them."""
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
