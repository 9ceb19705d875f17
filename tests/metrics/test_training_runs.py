"""Intervals over training runs and patients: against the formula, and how often they hold the truth."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

from ecgbyte.metrics.language import bleu_from_statistics, bleu_statistics, corpus_bleu4
from tests.metrics.direct_intervals import (
    paired_patient_bootstrap,
    paired_two_level_bootstrap,
    patient_bootstrap,
    two_level_bootstrap,
)

PATIENTS = [f"patient {number // 3:02d}" for number in range(60)]


def runs_of(seed: int, num_runs: int, spread: float = 5.0) -> list[np.ndarray]:
    rng = np.random.default_rng(seed)
    shared = rng.normal(50, 10, len(PATIENTS))
    return [shared + rng.normal(0, spread) + rng.normal(0, 5, len(PATIENTS)) for _ in range(num_runs)]


def test_one_run_is_the_bootstrap_over_patients() -> None:
    (run,) = runs_of(0, 1)
    found = two_level_bootstrap([run], PATIENTS, num_resamples=200, seed=4)
    assert (found.low, found.high) == pytest.approx(patient_bootstrap(run, PATIENTS, num_resamples=200, seed=4))
    assert found.value == pytest.approx(run.mean()) and math.isnan(found.p_value)
    (a,), (b,) = runs_of(1, 1), runs_of(2, 1)
    difference = paired_two_level_bootstrap([a], [b], PATIENTS, same_runs=False, num_resamples=200, seed=4)
    slow = paired_patient_bootstrap(a, b, PATIENTS, num_resamples=200, seed=4)
    assert (difference.value, difference.low, difference.high) == pytest.approx(slow)


def test_interval_of_several_runs_is_the_documented_formula() -> None:
    runs = runs_of(3, 3)
    found = two_level_bootstrap(runs, PATIENTS, num_resamples=400, level=0.9, seed=1)
    by_patient = np.mean(runs, axis=0).reshape(20, 3).mean(axis=1)
    rng = np.random.default_rng(1)
    resampled = [by_patient[[rng.integers(20) for _ in range(20)]].mean() for _ in range(400)]
    of_patients, of_runs = np.var(resampled) * 20 / 19, np.var([run.mean() for run in runs], ddof=1) / 3
    variance = of_patients + of_runs
    freedom = variance**2 / (of_patients**2 / 19 + of_runs**2 / 2)
    half = stats.t.ppf(0.95, freedom) * math.sqrt(variance)
    assert found.value == pytest.approx(np.mean(runs))
    assert (found.low, found.high) == pytest.approx((found.value - half, found.value + half))
    assert found.p_value == pytest.approx(2 * stats.t.sf(found.value / math.sqrt(variance), freedom))


def test_bleu_of_several_runs_is_the_mean_of_their_values() -> None:
    references = ["sinus rhythm with a normal axis", "atrial fibrillation is present", "left axis deviation"] * 2
    answers = [[*references[:5], "yes"], [*references[:2], "left axis", "no", "", "right axis deviation"]]
    patients = ["a", "b", "c", "d", "e", "f"]
    found = two_level_bootstrap(
        [bleu_statistics(references, given) for given in answers], patients, of_sums=bleu_from_statistics, seed=0
    )
    assert found.value == pytest.approx(np.mean([corpus_bleu4(references, given)[0] for given in answers]))
    assert found.low < found.value < found.high


def test_runs_that_differ_widen_the_interval_and_equal_ones_do_not() -> None:
    (run,) = runs_of(5, 1)
    alone = two_level_bootstrap([run], PATIENTS, seed=0)
    equal = two_level_bootstrap([run, run, run], PATIENTS, seed=0)
    apart = two_level_bootstrap([run - 8, run, run + 8], PATIENTS, seed=0)
    assert equal.value == pytest.approx(alone.value) and apart.value == pytest.approx(alone.value)
    assert equal.high - equal.low == pytest.approx(alone.high - alone.low, rel=0.15)
    # Three runs 8 apart have a standard error of 8 / sqrt(3), and far fewer than the patients' degrees of freedom.
    assert apart.high - apart.value > 3 * 8 / math.sqrt(3)


def test_what_makes_a_run_good_cancels_between_its_inputs_only() -> None:
    runs = runs_of(6, 3, spread=20)
    controls = [run - 4 for run in runs]
    same = paired_two_level_bootstrap(runs, controls, PATIENTS, same_runs=True, seed=0)
    apart = paired_two_level_bootstrap(runs, controls, PATIENTS, same_runs=False, seed=0)
    assert (same.value, same.low, same.high, same.p_value) == pytest.approx((4.0, 4.0, 4.0, 0.0))
    assert apart.low < 0 < apart.high and apart.p_value > 0.05
    none = paired_two_level_bootstrap(runs, runs, PATIENTS, same_runs=True, seed=0)
    assert (none.value, none.p_value) == (0.0, 1.0)


def test_methods_may_have_different_numbers_of_runs() -> None:
    a, b = runs_of(7, 3), runs_of(8, 1)
    found = paired_two_level_bootstrap(a, b, PATIENTS, same_runs=False, seed=0)
    assert found.value == pytest.approx(np.mean(a) - np.mean(b))
    assert found.low < found.value < found.high
    assert 0 < found.p_value < 1


@pytest.mark.parametrize(
    ("of_run", "of_patient", "of_both"), [(3.0, 0.0, 0.0), (0.0, 10.0, 0.0), (1.5, 10.0, 10.0), (3.0, 10.0, 3.0)]
)
def test_intervals_of_three_runs_hold_the_truth_about_as_often_as_they_say(
    of_run: float, of_patient: float, of_both: float
) -> None:
    rng = np.random.default_rng(0)
    patients = [f"{number:02d}" for number in range(40) for _ in range(2)]
    held, held_by_resampling, rounds = 0, 0, 300
    for number in range(rounds):
        of_patients = rng.normal(0, of_patient, 40) + rng.normal(0, of_run, (3, 1)) + rng.normal(0, of_both, (3, 40))
        runs = 60 + of_patients[:, :, None] + rng.normal(0, 5, (3, 40, 2))
        found = two_level_bootstrap(list(runs.reshape(3, 80)), patients, num_resamples=150, seed=number)
        held += found.low <= 60 <= found.high
        # Runs drawn with replacement beside the patients, as one might do it.
        means = runs.mean(axis=2)
        drawn = [means[rng.integers(3, size=3)][:, rng.integers(40, size=40)].mean() for _ in range(60)]
        held_by_resampling += np.quantile(drawn, 0.025) <= 60 <= np.quantile(drawn, 0.975)
    assert 0.91 <= held / rounds <= 0.99
    if of_run == 3.0:
        assert held_by_resampling / rounds < 0.9 < held / rounds


def test_ends_stay_where_the_measure_can_be() -> None:
    runs = [np.array([100.0, 100.0, 100.0, 80.0]), np.full(4, 100.0)]
    found = two_level_bootstrap(runs, ["a", "b", "c", "d"], seed=0, bounds=(0.0, 100.0))
    assert found.high == 100.0 and found.low < found.value


def test_one_patient_has_no_interval() -> None:
    found = two_level_bootstrap([[1.0, 2.0], [2.0, 3.0]], ["a", "a"], seed=0)
    assert found.value == 2.0
    assert all(math.isnan(end) for end in (found.low, found.high, found.p_value))
