"""ROC areas against counting all pairs one by one, and their intervals."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ecgbyte.metrics.ranking import compare_macro_roc_areas, roc_areas
from ecgbyte.metrics.roc_area import roc_area, weighted_roc_areas

SAMPLES = st.lists(st.tuples(st.integers(-3, 3), st.booleans()), min_size=2, max_size=30).filter(
    lambda samples: len({positive for _, positive in samples}) == 2
)


def slow_roc_area(scores: list[float], positives: list[bool]) -> float:
    """Every positive against every negative sample."""
    samples = list(zip(scores, positives, strict=True))
    pairs = [
        (p, n) for p, p_is_positive in samples if p_is_positive for n, n_is_positive in samples if not n_is_positive
    ]
    return sum(1.0 if p > n else 0.5 if p == n else 0.0 for p, n in pairs) / len(pairs)


@given(SAMPLES)
def test_area_equals_counting_pairs(samples: list[tuple[int, bool]]) -> None:
    scores, positives = [float(score) for score, _ in samples], [positive for _, positive in samples]
    assert roc_area(scores, positives) == pytest.approx(slow_roc_area(scores, positives))


def test_area_equals_scikit_learn() -> None:
    metrics = pytest.importorskip("sklearn.metrics")
    rng = np.random.default_rng(0)
    scores, positives = rng.normal(size=500).round(1), rng.random(500) < 0.3
    assert roc_area(scores, positives) == pytest.approx(metrics.roc_auc_score(positives, scores))


def test_areas_by_hand() -> None:
    assert roc_area([1.0, 2.0, 3.0, 4.0], [False, False, True, True]) == 1.0
    assert roc_area([4.0, 3.0, 2.0, 1.0], [False, False, True, True]) == 0.0
    assert roc_area([0.0, 0.0, 0.0], [False, True, True]) == 0.5


@settings(max_examples=30)
@given(SAMPLES, st.integers(0, 99))
def test_weights_count_as_repeats(samples: list[tuple[int, bool]], seed: int) -> None:
    scores, positives = np.array([float(s) for s, _ in samples]), np.array([p for _, p in samples])
    weights = np.random.default_rng(seed).integers(0, 4, size=(5, len(samples)))
    areas = weighted_roc_areas(scores, positives, weights.astype(float))
    for row, area in zip(weights, areas, strict=True):
        repeated = np.repeat(np.arange(len(samples)), row)
        if len(set(positives[repeated])) < 2:
            assert math.isnan(area)
        else:
            assert area == pytest.approx(slow_roc_area(list(scores[repeated]), list(positives[repeated])))


def attribute_samples() -> tuple[np.ndarray, np.ndarray, list[str], list[str]]:
    rng = np.random.default_rng(1)
    positives = np.arange(120) % 2 == 0
    attributes = ["atrial fibrillation" if i % 3 else "left bundle branch block" for i in range(120)]
    patients = [f"patient {i // 2}" for i in range(120)]
    return rng.normal(size=120) + positives, positives, attributes, patients


def test_areas_per_attribute_equal_the_loop() -> None:
    scores, positives, attributes, patients = attribute_samples()
    areas = roc_areas([scores], positives, attributes, patients, num_resamples=30, seed=6)
    names = sorted(set(patients))
    rng = np.random.default_rng(6)
    resampled: dict[str, list[float]] = {name: [] for name in areas.by_attribute}
    for _ in range(30):
        drawn = [names[rng.integers(len(names))] for _ in names]
        chosen = [i for name in drawn for i, patient in enumerate(patients) if patient == name]
        for attribute, values in resampled.items():
            at = [i for i in chosen if attributes[i] == attribute]
            values.append(slow_roc_area(list(scores[at]), list(positives[at])))
    for attribute, area in areas.by_attribute.items():
        assert (area.low, area.high) == pytest.approx(tuple(np.quantile(resampled[attribute], [0.025, 0.975])))
    means = np.mean(list(resampled.values()), axis=0)
    assert areas.macro is not None
    assert (areas.macro.low, areas.macro.high) == pytest.approx(tuple(np.quantile(means, [0.025, 0.975])))
    assert areas.macro.value == pytest.approx(np.mean([area.value for area in areas.by_attribute.values()]))
    assert (areas.macro.num_positive, areas.macro.num_negative) == (60, 60)


def test_attribute_with_one_answer_is_left_out_by_name() -> None:
    areas = roc_areas([[1.0, 2.0, 3.0]], [False, True, True], ["a", "a", "b"], ["p", "q", "r"], num_resamples=9, seed=0)
    assert list(areas.by_attribute) == ["a"] and areas.left_out == ("b",)
    assert areas.macro is not None and areas.macro.value == 1.0
    # Two of three draws must hit both p and q for the area to exist: far fewer than 19 in 20 do, so no interval.
    assert math.isnan(areas.macro.low)
    nothing = roc_areas([[1.0]], [True], ["a"], ["p"], seed=0)
    assert nothing.macro is None and nothing.left_out == ("a",)


def test_paired_macro_area() -> None:
    scores, positives, attributes, patients = attribute_samples()
    noise = np.random.default_rng(2).normal(size=120)
    rest = (positives, attributes, patients)
    result = compare_macro_roc_areas([scores], [noise], *rest, same_runs=False, num_resamples=200, seed=0)
    assert result is not None
    ecg = roc_areas([scores], positives, attributes, patients, num_resamples=1, seed=0).macro
    control = roc_areas([noise], positives, attributes, patients, num_resamples=1, seed=0).macro
    assert ecg is not None and control is not None
    assert result.value == pytest.approx(ecg.value - control.value)
    assert 0 < result.low < result.value < result.high
    assert result.p_value < 0.01
    same = compare_macro_roc_areas([scores], [scores], *rest, same_runs=True, num_resamples=50, seed=0)
    assert same is not None and (same.value, same.low, same.high, same.p_value) == (0.0, 0.0, 0.0, 1.0)
    assert compare_macro_roc_areas([[1.0]], [[2.0]], [True], ["a"], ["p"], same_runs=True, seed=0) is None


def test_scores_on_another_scale_are_the_same_scores() -> None:
    scores, positives, attributes, patients = attribute_samples()
    other = np.random.default_rng(3).normal(size=120) + 0.5 * positives
    rest = (positives, attributes, patients)
    options = {"same_runs": False, "num_resamples": 20, "num_permutations": 199, "seed": 0}
    plain = compare_macro_roc_areas([scores], [other], *rest, **options)
    scaled = compare_macro_roc_areas([np.exp(scores)], [1000 + 7 * other], *rest, **options)
    assert plain == scaled


def test_swapped_areas_have_few_false_findings() -> None:
    rng = np.random.default_rng(4)
    positives, patients = np.arange(60) % 2 == 0, [str(place // 2) for place in range(60)]
    p_values = []
    for number in range(150):
        one, other = rng.normal(size=(2, 60)) + positives
        found = compare_macro_roc_areas(
            [one], [other], positives, ["a"] * 60, patients, same_runs=False, num_permutations=99, seed=number
        )
        assert found is not None
        p_values.append(found.p_value)
    assert np.mean(np.array(p_values) <= 0.1) == pytest.approx(0.1, abs=0.06)


def test_areas_of_several_runs_are_their_mean_with_a_wider_interval() -> None:
    scores, positives, attributes, patients = attribute_samples()
    rng = np.random.default_rng(5)
    runs = [scores, scores + rng.normal(0, 2, 120), rng.normal(size=120)]
    each = [roc_areas([run], positives, attributes, patients, num_resamples=100, seed=0) for run in runs]
    over = roc_areas(runs, positives, attributes, patients, num_resamples=100, seed=0)
    assert over.macro is not None
    assert over.macro.value == pytest.approx(np.mean([one.macro.value for one in each if one.macro]))
    for name, area in over.by_attribute.items():
        assert area.value == pytest.approx(np.mean([one.by_attribute[name].value for one in each]))
    assert over.macro.low < min(one.macro.low for one in each if one.macro)
    assert 0 <= over.macro.low < over.macro.high <= 1
    same = roc_areas([scores] * 3, positives, attributes, patients, num_resamples=100, seed=0)
    assert same.macro is not None and each[0].macro is not None
    assert same.macro.high - same.macro.low == pytest.approx(each[0].macro.high - each[0].macro.low, rel=0.25)
    uneven = compare_macro_roc_areas(
        runs, [scores], positives, attributes, patients, same_runs=False, num_permutations=99, seed=0
    )
    assert uneven is not None and each[0].macro is not None
    assert uneven.value == pytest.approx(over.macro.value - each[0].macro.value)
    with pytest.raises(ValueError, match="3 and 1 runs"):
        compare_macro_roc_areas(runs, [scores], positives, attributes, patients, same_runs=True, seed=0)
    with pytest.raises(ValueError, match="runs: got no training run"):
        roc_areas([], positives, attributes, patients, seed=0)


def test_bad_input_is_refused() -> None:
    with pytest.raises(ValueError, match="2 positive of 2"):
        roc_area([1.0, 2.0], [True, True])
    with pytest.raises(ValueError, match="positives: got int64"):
        roc_area([1.0, 2.0], [0, 1])
    with pytest.raises(ValueError, match="sample 1"):
        roc_area([1.0, math.inf], [True, False])
    with pytest.raises(ValueError, match="shapes"):
        roc_area([1.0], [True, False])
    with pytest.raises(ValueError, match="attributes: got 1 for 2 samples"):
        roc_areas([[1.0, 2.0]], [True, False], ["a"], ["p", "q"], seed=0)
