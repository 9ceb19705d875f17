"""Choosing records for the tokenizer's corpus: at random, or equally from clusters of like morphology.

The paper chooses its corpus by "features -> PCA -> k-means -> equal draws per cluster". The published code takes the
number of clusters from an elbow rule that returns 2 whatever the data, and then draws all files but one. Here the
number comes from how well clusters are found again in half of the records, and equal draws are equal draws.

ECGs have no natural number of clusters. On 3,000 records of PTB-XL the silhouette is largest for 2 (a large ordinary
one, and the rest) and the gap statistic grows to the end, its rule stopping anywhere from 3 to 13 with the seed.
Clusters are found again when there are 3 or 7 of them, which of the two depends on the seed; no larger number passed in
six seeds. The 7 are what a cardiologist would name: two of ordinary ECGs, and such with high voltages, atrial
fibrillation, left anterior fascicular block, left bundle branch block, or a pacemaker. To compare corpora, give the
number.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.cluster.vq import ClusterError, kmeans2, vq

from ecgbyte.checks import check_option

SAMPLING_METHODS = ("random", "clusters")
CANDIDATES = tuple(range(2, 16))
STABLE_FROM = 0.6
VARIANCE_KEPT = 0.9
_WINSORISED = (0.5, 99.5)
_STARTS = 8
_ITERATIONS = 50
_HALVES = 10
_STABILITY_SAMPLE = 3000
# Far above what another order of summation changes, far below what a record's morphology does.
_DECIMALS = 6


@dataclass(frozen=True)
class MorphologyClusters:
    """Records grouped by their morphology.

    Attributes
    ----------
    labels : int64 [records]
        The cluster of each record, from 0; the largest cluster is 0, of equal ones the one whose first record is first.
    num_clusters : int
    num_components : int
        Principal components in which distances were measured.
    stability : dict of int to float
        For each number of clusters tried, the stability of its least stable cluster, 0 to 1; empty where the number
        was given.
    """

    labels: np.ndarray
    num_clusters: int
    num_components: int
    stability: dict[int, float]

    @property
    def sizes(self) -> np.ndarray:
        """Records of each cluster, int64 [clusters], the largest first."""
        return np.bincount(self.labels, minlength=self.num_clusters)


def cluster_records(features: np.ndarray, *, seed: int, num_clusters: int | None = None) -> MorphologyClusters:
    """Group records by k-means in the principal components of their features.

    Each feature is clipped to its 0.5th and 99.5th percentiles, so that one artefact does not make a component, and
    standardised; those that do not vary are left out. Components are kept to 90 % of the variance.

    The number of clusters is the largest, up to 15, at which every cluster is found again: for ten random halves of at
    most 3,000 records, the cluster of the half's own clustering that is most like it (Jaccard index over all of these
    records) is like it to 0.6 or more on average. Where even two clusters are not, there is one. The index and its
    reading, up to 0.5 a cluster is dissolved, from 0.6 there is a pattern, are those of Hennig (Comput Stat Data Anal
    2007, 52:258-271).

    Parameters
    ----------
    features : float [records, features]
        From `ecgbyte.data.morphology_features.morphology_features`, finite.
    seed : int
        Seed of all draws.
    num_clusters : int, optional
        How many clusters; by their stability where None.

    Returns
    -------
    MorphologyClusters

    Raises
    ------
    ValueError
        If `features` has another shape or holds NaN, or there are fewer records than clusters.
    """
    features = _checked_features(features)
    if num_clusters is not None and not 1 <= num_clusters <= len(features):
        raise ValueError(f"num_clusters: got {num_clusters}, expected 1 to the number of records, {len(features)}")
    points = _components(features)
    stability: dict[int, float] = {}
    if num_clusters is None:
        rng = np.random.default_rng((seed, 0))
        sample = points[np.sort(rng.permutation(len(points))[:_STABILITY_SAMPLE])]
        stability = {number: _stability(sample, number, rng) for number in CANDIDATES if 2 * number <= len(sample)}
        num_clusters = max((number for number, value in stability.items() if value >= STABLE_FROM), default=1)
    centres = _k_means(points, num_clusters, np.random.default_rng((seed, 1)))
    if centres is None:
        raise ValueError(f"features: the {len(features)} records cannot be told apart into {num_clusters} clusters")
    labels = _numbered(vq(points, centres)[0])
    return MorphologyClusters(labels, num_clusters, points.shape[1], stability)


def sample_records(
    features: np.ndarray, number: int, *, method: str, seed: int, num_clusters: int | None = None
) -> np.ndarray:
    """Choose records without replacement.

    Parameters
    ----------
    features : float [records, features]
        As for `cluster_records`; for ``"random"`` only their number is used.
    number : int
        How many records to choose.
    method : {"random", "clusters"}
        Any record alike; or equally many from each cluster of `cluster_records`, where a cluster with too few gives
        all it has and the others share the rest equally.
    seed : int
        Seed of all draws.
    num_clusters : int, optional
        How many clusters; by their stability where None.

    Returns
    -------
    int64 [number]
        Positions of the chosen records, ascending.

    Raises
    ------
    ValueError
        If an argument is not as described, or there are fewer records than asked for.
    """
    check_option("method", method, SAMPLING_METHODS)
    features = _checked_features(features)
    if not 1 <= number <= len(features):
        raise ValueError(f"number: got {number}, expected 1 to the number of records, {len(features)}")
    rng = np.random.default_rng((seed, 2))
    if method == "random":
        return np.sort(rng.permutation(len(features))[:number])
    clusters = cluster_records(features, seed=seed, num_clusters=num_clusters)
    draws = equal_draws(clusters.sizes, number)
    chosen = [
        np.flatnonzero(clusters.labels == label)[rng.permutation(size)[:count]]
        for label, (size, count) in enumerate(zip(clusters.sizes, draws, strict=True))
    ]
    return np.sort(np.concatenate(chosen))


def equal_draws(sizes: np.ndarray, number: int) -> np.ndarray:
    """How many to draw from each cluster: as equal as their sizes allow, one more from the first where it must be.

    Parameters
    ----------
    sizes : int64 [clusters]
        Records of each cluster.
    number : int
        How many to draw in all, at most ``sizes.sum()``.

    Returns
    -------
    int64 [clusters]
    """
    draws = np.zeros(len(sizes), dtype=np.int64)
    while (rest := number - int(draws.sum())) > 0:
        open_ = np.flatnonzero(draws < sizes)
        share, spare = divmod(rest, len(open_))
        step = np.full(len(open_), share, dtype=np.int64)
        if share == 0:
            step[:spare] = 1
        draws[open_] = np.minimum(draws[open_] + step, sizes[open_])
    return draws


def _checked_features(features: np.ndarray) -> np.ndarray:
    features = np.asarray(features, dtype=np.float64)
    if features.ndim != 2 or 0 in features.shape:
        raise ValueError(
            f"features: got shape {features.shape}, expected [records, features] with one of each at least"
        )
    if not np.isfinite(features).all():
        record, feature = np.argwhere(~np.isfinite(features))[0]
        raise ValueError(f"features: record {record} has {features[record, feature]} as feature {feature}")
    return features


def _components(features: np.ndarray) -> np.ndarray:
    """Standardised features in their principal components, float64 [records, components]."""
    scaled = np.clip(features, *np.percentile(features, _WINSORISED, axis=0))
    scaled -= scaled.mean(axis=0)
    spread = scaled.std(axis=0)
    # What is left of a constant after its mean is taken off is rounding, not variation.
    varying = spread > 1e-9 * np.maximum(1, np.abs(features).max(axis=0))
    if not varying.any():
        return np.zeros((len(features), 1))
    scaled = scaled[:, varying] / spread[varying]
    variances, axes = np.linalg.eigh(scaled.T @ scaled / len(scaled))
    variances, axes = variances[::-1], axes[:, ::-1]
    kept = int(np.searchsorted(np.cumsum(variances), VARIANCE_KEPT * variances.sum())) + 1
    axes = axes[:, :kept]
    # The sign of an axis is arbitrary: its largest weight is made positive.
    axes = axes * np.sign(axes[np.abs(axes).argmax(axis=0), np.arange(axes.shape[1])])
    return np.round(scaled @ axes, _DECIMALS)


def _k_means(points: np.ndarray, number: int, rng: np.random.Generator) -> np.ndarray | None:
    """The centres of the tightest of a few clusterings, float64 [clusters, components]; None if all left one empty."""
    best: tuple[float, np.ndarray] | None = None
    if number > 1 and not np.ptp(points, axis=0).any():
        return None
    for _ in range(_STARTS):
        try:
            centres, _ = kmeans2(points, number, iter=_ITERATIONS, minit="++", missing="raise", seed=rng)
        except ClusterError:
            continue
        dispersion = float(np.square(vq(points, centres)[1]).sum())
        if best is None or dispersion < best[0]:
            best = dispersion, centres
    return None if best is None else best[1]


def _stability(points: np.ndarray, number: int, rng: np.random.Generator) -> float:
    """How well the least stable of so many clusters is found again in halves of the records; 0 if there are fewer."""
    centres = _k_means(points, number, rng)
    if centres is None:
        return 0.0
    labels = vq(points, centres)[0]
    found = np.zeros((_HALVES, number))
    for half in range(_HALVES):
        again = _k_means(points[rng.permutation(len(points))[: len(points) // 2]], number, rng)
        if again is None:
            return 0.0
        common = np.zeros((number, number))
        np.add.at(common, (labels, vq(points, again)[0]), 1)
        either = common.sum(axis=1, keepdims=True) + common.sum(axis=0, keepdims=True) - common
        found[half] = (common / np.maximum(either, 1)).max(axis=1)
    return float(found.mean(axis=0).min())


def _numbered(labels: np.ndarray) -> np.ndarray:
    """Labels renumbered by the size of their clusters, the largest first, then by first record."""
    _, firsts, inverse, counts = np.unique(labels, return_index=True, return_inverse=True, return_counts=True)
    order = np.lexsort((firsts, -counts))
    rank = np.empty(len(order), dtype=np.int64)
    rank[order] = np.arange(len(order))
    return rank[inverse]
