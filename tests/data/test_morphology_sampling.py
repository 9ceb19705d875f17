"""Morphology: features that mean what their names say, clusters that are there, and draws that are equal."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ecgbyte.data.morphology_features import FEATURES, morphology_features
from ecgbyte.data.morphology_sampling import cluster_records, equal_draws, sample_records
from ecgbyte.data.sets.ptbxl import PTBXL
from ecgbyte.data.synthetic import SyntheticRecords
from ecgbyte.signals.leads import LEADS
from ecgbyte.signals.preprocess import Preprocessor
from ecgbyte.signals.records import Record


def beating(rate: float = 1.2, jitter: float = 0.0, width: float = 0.012, height: float = 1.0) -> Record:
    """Twelve leads of Gaussian QRS complexes and T waves; lead k is as high as k + 1 twelfths."""
    rng = np.random.default_rng(0)
    time = np.arange(2500) / 250
    beats = np.cumsum(np.r_[0.5, rng.normal(1 / rate, jitter / rate, size=30).clip(0.4)])
    qrs = sum(np.exp(-((time - beat) ** 2) / (2 * width**2)) for beat in beats)
    waves = sum(0.2 * np.exp(-((time - beat - 0.27) ** 2) / (2 * 0.04**2)) for beat in beats)
    return Record(np.outer(np.arange(1, 13) / 12, height * (qrs + waves)), 250, LEADS)


def value(record: Record, name: str) -> float:
    return float(morphology_features(record)[FEATURES.index(name)])


def test_features_measure_what_they_are_called() -> None:
    record = beating()
    features = morphology_features(record)
    assert features.shape == (len(FEATURES),) and np.isfinite(features).all() and len(set(FEATURES)) == len(FEATURES)
    assert value(record, "beats a second") == pytest.approx(1.2, abs=0.1)
    assert value(record, "variation of the beat interval") < 0.01
    assert value(record, "likeness of the beats") > 0.99
    assert value(record, "r V6") == pytest.approx(1.0, abs=0.05)
    assert value(record, "r I") == pytest.approx(1 / 12, abs=0.01)
    # The mean of the T wave over the 0.26 s in which it is looked for.
    assert value(record, "t V6") == pytest.approx(0.2 * 0.04 * np.sqrt(2 * np.pi) / 0.26, rel=0.02)
    assert abs(value(record, "p V6")) < 0.01
    assert value(record, "standard deviation V6") == pytest.approx(float(record.signal[11].std()), rel=1e-6)
    assert value(record, "upper amplitude V6") == pytest.approx(float(np.percentile(record.signal[11], 99)), rel=0.05)
    turned = Record(-record.signal, 250, LEADS)
    assert value(turned, "s V6") == pytest.approx(-1.0, abs=0.05)
    assert value(turned, "t V6") == pytest.approx(-value(record, "t V6"), abs=1e-6)


def test_features_tell_rhythms_and_widths_apart() -> None:
    assert value(beating(2.0), "beats a second") == pytest.approx(2.0, abs=0.15)
    assert value(beating(jitter=0.2), "variation of the beat interval") > 0.1
    assert value(beating(width=0.03), "share of steep samples") > value(beating(), "share of steep samples")
    slow, fast = (value(beating(width=width), "power 15-40 Hz") for width in (0.03, 0.012))
    assert slow < fast


def test_a_flat_line_has_features() -> None:
    features = morphology_features(Record(np.zeros((12, 1000)), 250, LEADS))
    assert features.tolist() == [0.0] * len(FEATURES)


def test_what_has_no_morphology() -> None:
    with pytest.raises(ValueError, match="has the leads I, II, expected all twelve"):
        morphology_features(Record(np.zeros((2, 1000)), 250, ("I", "II")))
    with pytest.raises(ValueError, match="has 1 s at 250 samples a second"):
        morphology_features(Record(np.zeros((12, 250)), 250, LEADS))


def groups(sizes: tuple[int, ...], distance: float = 12.0) -> np.ndarray:
    """So many records around each of a few centres, in eight features, shuffled the same way each time."""
    rng = np.random.default_rng(1)
    rows = [rng.normal(size=(size, 8)) + distance * np.eye(8)[place] for place, size in enumerate(sizes)]
    return np.concatenate(rows)[rng.permutation(sum(sizes))]


def test_the_number_of_clusters_is_found() -> None:
    clusters = cluster_records(groups((240, 220, 200, 180)), seed=0)
    assert clusters.num_clusters == 4
    assert clusters.sizes.tolist() == [240, 220, 200, 180]
    assert clusters.stability[4] > 0.95
    assert all(value < 0.6 for number, value in clusters.stability.items() if number > 4)
    given_number = cluster_records(groups((90, 80)), seed=0, num_clusters=2)
    assert (given_number.sizes.tolist(), given_number.stability) == ([90, 80], {})


def test_one_artefact_makes_no_cluster() -> None:
    features = groups((90, 80, 70))
    features[5, 3] = 1e6
    assert cluster_records(features, seed=0, num_clusters=3).sizes.tolist() == [90, 80, 70]


def test_draws_are_equal_and_without_replacement() -> None:
    features = groups((300, 200, 100, 20))
    labels = cluster_records(features, seed=3, num_clusters=4).labels

    def draw(number: int, seed: int, method: str = "clusters") -> np.ndarray:
        return sample_records(features, number, method=method, seed=seed, num_clusters=4)

    chosen = draw(160, 3)
    assert len(set(chosen.tolist())) == 160 and (np.diff(chosen) > 0).all()
    # The smallest gives all it has, the others share what it could not give.
    assert np.bincount(labels[chosen]).tolist() == [47, 47, 46, 20]
    assert draw(160, 3).tolist() == chosen.tolist() != draw(160, 4).tolist()
    anyone = draw(160, 3, "random")
    assert len(set(anyone.tolist())) == 160
    assert np.bincount(labels[anyone])[0] > 60
    assert draw(620, 3).tolist() == list(range(620))


@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(1, 50), min_size=1, max_size=8), st.floats(0, 1))
def test_equal_draws_are_as_equal_as_sizes_allow(sizes: list[int], share: float) -> None:
    number = round(share * sum(sizes))
    draws = equal_draws(np.array(sizes), number)
    assert draws.sum() == number and (draws <= sizes).all() and (draws >= 0).all()
    # Nobody who has more to give has given two less than another.
    with_more = draws[draws < sizes]
    assert not len(with_more) or draws.max() - with_more.min() <= 1


def test_records_that_are_all_alike() -> None:
    features = np.ones((40, 3))
    assert cluster_records(features, seed=0).num_clusters == 1
    assert len(sample_records(features, 10, method="clusters", seed=0)) == 10
    with pytest.raises(ValueError, match="cannot be told apart into 3 clusters"):
        cluster_records(features, seed=0, num_clusters=3)


def test_bad_arguments() -> None:
    features = groups((10, 10))
    with pytest.raises(ValueError, match="method: got 'elbow'"):
        sample_records(features, 5, method="elbow", seed=0)
    with pytest.raises(ValueError, match="number: got 21, expected 1 to the number of records, 20"):
        sample_records(features, 21, method="random", seed=0)
    with pytest.raises(ValueError, match="num_clusters: got 0"):
        cluster_records(features, seed=0, num_clusters=0)
    with pytest.raises(ValueError, match=r"features: got shape \(20,\)"):
        cluster_records(features[:, 0], seed=0)
    features[3, 2] = np.nan
    with pytest.raises(ValueError, match="features: record 3 has nan as feature 2"):
        sample_records(features, 5, method="random", seed=0)


def test_synthetic_rhythms_differ_in_their_features() -> None:
    data = SyntheticRecords(60, seed=0, sampling_rate=250)
    by_rhythm: dict[str, list[float]] = {}
    for entry in data.entries:
        features = dict(zip(FEATURES, morphology_features(data.read(entry.record_id)), strict=True))
        by_rhythm.setdefault(entry.names("rhythm")[0], []).append(features["beats a second"])
    assert np.median(by_rhythm["sinus bradycardia"]) < np.median(by_rhythm["sinus rhythm"])
    assert np.median(by_rhythm["sinus rhythm"]) < np.median(by_rhythm["sinus tachycardia"])


@pytest.mark.real_data
def test_clusters_of_real_records(real_data: Path) -> None:
    data = PTBXL(real_data / "ptb-xl", available_only=True)
    preprocessor = Preprocessor(target_rate=250)
    features = np.stack([morphology_features(preprocessor.apply(data.read(entry.record_id))) for entry in data.entries])
    clusters = cluster_records(features, seed=0)
    assert 2 <= clusters.num_clusters <= 15
    assert clusters.sizes.sum() == len(data.entries)
    chosen = sample_records(features, 60, method="clusters", seed=0)
    drawn = np.bincount(clusters.labels[chosen], minlength=clusters.num_clusters)
    assert (drawn == equal_draws(clusters.sizes, 60)).all()
