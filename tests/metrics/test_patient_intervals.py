"""The bootstrap over patients against a slow loop, and what it must do on cases that are clear."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ecgbyte.metrics.intervals import percentile_interval
from ecgbyte.metrics.language import bleu_from_statistics, bleu_statistics, corpus_bleu4
from ecgbyte.metrics.language_scores import LANGUAGE_METRICS
from tests.metrics.direct_intervals import paired_patient_bootstrap, patient_bootstrap
from tests.metrics.measured_answers import compare_answers, measure_answers

SAMPLES = st.lists(st.tuples(st.floats(0, 100), st.sampled_from("pqrst")), min_size=2, max_size=25)


def slow_resamples(patients: list[str], num_resamples: int, seed: int) -> list[list[int]]:
    """The samples of each resample, drawn one patient at a time."""
    names = sorted(set(patients))
    rng = np.random.default_rng(seed)
    resamples = []
    for _ in range(num_resamples):
        drawn = [names[rng.integers(len(names))] for _ in names]
        resamples.append([i for name in drawn for i, patient in enumerate(patients) if patient == name])
    return resamples


@settings(max_examples=25, deadline=None)
@given(SAMPLES, st.integers(0, 9))
def test_interval_of_a_mean_equals_the_loop(samples: list[tuple[float, str]], seed: int) -> None:
    values, patients = [value for value, _ in samples], [patient for _, patient in samples]
    low, high = patient_bootstrap(values, patients, num_resamples=40, level=0.8, seed=seed)
    if len(set(patients)) == 1:
        assert math.isnan(low) and math.isnan(high)
        return
    means = [np.mean([values[i] for i in chosen]) for chosen in slow_resamples(patients, 40, seed)]
    assert (low, high) == pytest.approx(tuple(np.quantile(means, [0.1, 0.9])), rel=1e-9, abs=1e-9)


def test_interval_of_bleu_equals_the_loop() -> None:
    references = ["sinus rhythm with a normal axis", "atrial fibrillation is present in lead II", "left axis deviation"]
    answers = ["sinus rhythm with normal axis", "atrial flutter is present in lead II", ""]
    patients = ["b", "a", "b"]
    interval = patient_bootstrap(
        bleu_statistics(references, answers), patients, of_sums=bleu_from_statistics, num_resamples=30, seed=5
    )
    values = [
        corpus_bleu4([references[i] for i in chosen], [answers[i] for i in chosen])[0]
        for chosen in slow_resamples(patients, 30, 5)
    ]
    assert interval == pytest.approx(tuple(np.quantile(values, [0.025, 0.975])), rel=1e-9)


def test_paired_interval_equals_the_loop() -> None:
    rng = np.random.default_rng(0)
    a, b = rng.uniform(0, 100, 30), rng.uniform(0, 100, 30)
    patients = [f"patient {number}" for number in rng.integers(0, 8, 30)]
    difference, low, high = paired_patient_bootstrap(a, b, patients, num_resamples=50, seed=2)
    slow = [np.mean(a[chosen]) - np.mean(b[chosen]) for chosen in slow_resamples(patients, 50, 2)]
    assert difference == pytest.approx(a.mean() - b.mean())
    assert (low, high) == pytest.approx(tuple(np.quantile(slow, [0.025, 0.975])))


def test_pairs_cancel_what_they_share() -> None:
    values = np.random.default_rng(1).uniform(0, 50, 40)
    patients = [str(number) for number in range(40)]
    assert paired_patient_bootstrap(values + 10, values, patients, seed=0) == pytest.approx((10.0, 10.0, 10.0))


def test_repeats_of_a_patient_do_not_narrow_the_interval() -> None:
    # Ten patients with 50 equal samples each know no more than ten samples.
    values = np.arange(10.0)
    once = patient_bootstrap(values, [str(i) for i in range(10)], seed=4)
    often = patient_bootstrap(np.repeat(values, 50), [str(i) for i in range(10) for _ in range(50)], seed=4)
    assert often == pytest.approx(once)
    as_if_independent = patient_bootstrap(np.repeat(values, 50), [str(i) for i in range(500)], seed=4)
    assert as_if_independent[1] - as_if_independent[0] < 0.3 * (once[1] - once[0])


def test_interval_of_normal_means_has_about_its_known_width() -> None:
    values = np.random.default_rng(8).normal(0, 1, 400)
    low, high = patient_bootstrap(values, [str(i) for i in range(400)], num_resamples=2000, seed=0)
    half = 1.96 * values.std() / 20
    assert low == pytest.approx(values.mean() - half, abs=0.02)
    assert high == pytest.approx(values.mean() + half, abs=0.02)


def test_same_seed_same_interval() -> None:
    values, patients = [1.0, 2.0, 4.0], ["a", "b", "c"]
    assert patient_bootstrap(values, patients, seed=7) == patient_bootstrap(values, patients, seed=7)


def test_undefined_resamples() -> None:
    assert percentile_interval(np.array([1.0] * 98 + [math.nan] * 2), 0.95) == (1.0, 1.0)
    assert all(math.isnan(end) for end in percentile_interval(np.array([1.0] * 90 + [math.nan] * 10), 0.95))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"values": [], "patients": []}, "values: got no samples"),
        ({"values": [1.0, math.nan], "patients": ["a", "b"]}, "values: got NaN or infinity in sample 1"),
        ({"values": [[1.0]], "patients": ["a"]}, r"values: got shape \(1, 1\)"),
        ({"values": [1.0], "patients": ["a", "b"]}, "patients: got 2 for 1 samples"),
        ({"values": [1.0], "patients": [""]}, r"patients\[0\]: got an empty string"),
        ({"values": [1.0, 2.0], "patients": ["a", "b"], "num_resamples": 0}, "num_resamples: got 0"),
        ({"values": [1.0, 2.0], "patients": ["a", "b"], "level": 1.0}, "level: got 1.0"),
    ],
)
def test_bad_input_is_refused(arguments: dict, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        patient_bootstrap(**{"seed": 0, **arguments})


def test_patients_that_are_no_strings_are_refused() -> None:
    with pytest.raises(TypeError, match=r"patients\[1\]: got NoneType"):
        patient_bootstrap([1.0, 2.0], ["a", None], seed=0)  # type: ignore[list-item]


def test_all_language_measures_have_value_interval_and_signature() -> None:
    references = ["yes", "left axis deviation is present", "no", "sinus rhythm in all leads"]
    answers = ["yes", "left axis deviation is present", "yes", ""]
    measures = measure_answers(references, {0: answers}, ["a", "a", "b", "c"], num_resamples=50)
    # Without a model there is no BERTScore; nothing stands in for it.
    assert [*measures] == [name for name in LANGUAGE_METRICS if name != "bertscore-f1"]
    assert measures["bleu-4-sentence"].value == pytest.approx((100 * 0.1**0.75 + 100) / 4)
    assert measures["accuracy"].value == 50.0
    assert measures["empty-answers"].value == 25.0
    assert measures["bleu-4"].value == pytest.approx(corpus_bleu4(references, answers)[0])
    assert measures["bleu-4"].signature == corpus_bleu4(references, answers)[1]
    for measure in measures.values():
        assert measure.low <= measure.value <= measure.high
        assert measure.n == 4 and measure.signature


def test_differences_between_two_sets_of_answers() -> None:
    references = ["yes", "left axis deviation is present", "no"]
    right, wrong = list(references), ["no", "", "yes"]
    differences = compare_answers(references, {0: right}, {0: wrong}, ["a", "b", "c"], num_resamples=20)
    assert differences["accuracy"].value == 100.0
    assert (differences["accuracy"].low, differences["accuracy"].high) == (100.0, 100.0)
    assert differences["bleu-4"].value == pytest.approx(corpus_bleu4(references, right)[0])
    assert differences["empty-answers"].value == pytest.approx(-100 / 3)
    assert differences["accuracy"].signature.startswith("paired difference of exact-match")
