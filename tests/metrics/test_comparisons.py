"""Paired tests against all swaps counted one by one, their rate of false findings, and Holm's correction."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ecgbyte.metrics.bertscore import BertScore
from ecgbyte.metrics.comparisons import holm, swap_p_values
from ecgbyte.metrics.intervals import OfSums, sums_by_patient
from ecgbyte.metrics.language import bleu_from_statistics, bleu_statistics, corpus_bleu4
from ecgbyte.metrics.language_scores import score_language
from ecgbyte.metrics.quality import (
    compare_runs,
    measure_runs,
)
from ecgbyte.metrics.resampled_scores import resample_scores
from tests.metrics.direct_intervals import paired_two_level_bootstrap, two_level_bootstrap
from tests.metrics.measured_answers import compare_answers, measure_answers


def mean(sums: np.ndarray) -> np.ndarray:
    return sums[..., 0] / sums[..., 1]


def swap_p_value(one: np.ndarray, other: np.ndarray, measure: OfSums, **options: int) -> float:
    (p_value,) = swap_p_values([one], [other], [measure], **options)
    return p_value


def with_counts(values: np.ndarray) -> np.ndarray:
    return np.column_stack([values, np.ones(len(values))])


def test_few_patients_are_swapped_in_every_way() -> None:
    rng = np.random.default_rng(0)
    a, b = rng.normal(1, 1, 7), rng.normal(0, 1, 7)
    found = abs(np.mean(a - b))
    signs = itertools.product((1, -1), repeat=7)
    expected = np.mean([abs(np.mean(sign * (a - b))) >= found - 1e-12 for sign in signs])
    assert swap_p_value(with_counts(a), with_counts(b), mean, seed=0) == expected
    # Six patients, all in favour of a: only that and its opposite are as large.
    assert swap_p_value(with_counts(np.ones(6)), with_counts(np.zeros(6)), mean, seed=0) == 2 / 2**6


def test_bleu_is_swapped_patient_by_patient() -> None:
    references = ["sinus rhythm with a normal axis", "atrial fibrillation is present in lead II", "left axis deviation"]
    one = ["sinus rhythm with normal axis", "atrial flutter is present in lead II", "left axis deviation"]
    other = ["sinus rhythm with a left axis", "", "axis deviation in lead II"]
    patients = ["x", "y", "x"]
    sums = [sums_by_patient(bleu_statistics(references, given).astype(float), patients) for given in (one, other)]
    differences = []
    for swapped in itertools.product((False, True), repeat=2):
        moved = [swapped["xy".index(patient)] for patient in patients]
        first = [o if m else a for a, o, m in zip(one, other, moved, strict=True)]
        second = [a if m else o for a, o, m in zip(one, other, moved, strict=True)]
        differences.append(abs(corpus_bleu4(references, first)[0] - corpus_bleu4(references, second)[0]))
    expected = np.mean([value >= differences[0] - 1e-9 for value in differences])
    assert swap_p_value(*sums, bleu_from_statistics, seed=0) == expected


def test_drawn_swaps_come_close_to_all_of_them_and_are_never_zero() -> None:
    rng = np.random.default_rng(1)
    a, b = with_counts(rng.normal(0.8, 1, 12)), with_counts(rng.normal(0, 1, 12))
    exact = swap_p_value(a, b, mean, num_permutations=4096, seed=0)
    drawn = swap_p_value(a, b, mean, num_permutations=4000, seed=0)
    assert drawn == pytest.approx(exact, abs=0.02)
    assert drawn == swap_p_value(a, b, mean, num_permutations=4000, seed=0)
    many = np.arange(200.0)
    assert swap_p_value(with_counts(many + 5), with_counts(many), mean, num_permutations=99, seed=0) == 1 / 100


def test_false_findings_are_as_rare_as_promised() -> None:
    rng = np.random.default_rng(2)
    p_values = []
    for number in range(400):
        # Three questions a patient that agree with each other: a test over questions would find far too much.
        difference = np.repeat(rng.normal(0, 1, 25), 3) + rng.normal(0, 0.3, 75)
        by_patient = sums_by_patient(with_counts(difference), [str(place // 3) for place in range(75)])
        nothing = by_patient * [0, 1]
        p_values.append(swap_p_value(by_patient, nothing, mean, num_permutations=199, seed=number))
    assert np.mean(np.array(p_values) <= 0.05) == pytest.approx(0.05, abs=0.025)


def test_equal_methods_have_p_one() -> None:
    values = with_counts(np.random.default_rng(3).normal(size=30))
    assert swap_p_value(values, values, mean, num_permutations=99, seed=0) == 1.0


def test_holm_by_hand() -> None:
    adjusted = holm({"b": 0.04, "a": 0.01, "c": 0.03, "d": 0.005})
    assert list(adjusted) == ["b", "a", "c", "d"]
    assert adjusted == pytest.approx({"d": 0.02, "a": 0.03, "c": 0.06, "b": 0.06})
    assert holm({"a": 0.6, "b": 0.7}) == {"a": 1.0, "b": 1.0}
    assert holm({}) == {}


@given(st.dictionaries(st.text(max_size=3), st.floats(0, 1), max_size=8))
def test_holm_lies_between_the_p_value_and_bonferroni(p_values: dict[str, float]) -> None:
    adjusted = holm(p_values)
    for name, p_value in p_values.items():
        assert p_value <= adjusted[name] <= min(1.0, len(p_values) * p_value) + 1e-12
    order = sorted(p_values, key=lambda name: p_values[name])
    assert all(adjusted[x] <= adjusted[y] + 1e-12 for x, y in itertools.pairwise(order))


def test_bad_input_is_refused() -> None:
    with pytest.raises(ValueError, match=r"p_values\['a'\]: got 1.5"):
        holm({"a": 1.5})
    with pytest.raises(ValueError, match="shapes"):
        swap_p_value(np.zeros((2, 2)), np.zeros((3, 2)), mean, seed=0)
    with pytest.raises(ValueError, match="num_permutations: got 0"):
        swap_p_value(np.zeros((2, 2)), np.zeros((2, 2)), mean, num_permutations=0, seed=0)


REFERENCES = ["yes", "no", "left axis deviation", "sinus rhythm in all leads", "yes", "none"] * 4
OWNERS = [f"patient {place // 2}" for place in range(24)]


def test_methods_are_compared_over_their_runs() -> None:
    right, wrong = list(REFERENCES), ["nothing at all"] * 24
    half = REFERENCES[:12] + wrong[12:]
    found = compare_answers(REFERENCES, {0: right, 1: right, 2: half}, {0: wrong}, OWNERS, seed=0)
    assert found["accuracy"].value == pytest.approx(100 * (1 + 1 + 0.5) / 3)
    assert found["accuracy"].low < found["accuracy"].value <= found["accuracy"].high <= 100
    # Runs that differ by 50 points: the test over patients alone would say 2 / 2**12.
    assert found["accuracy"].p_value > 0.02
    single = compare_answers(REFERENCES, {0: right}, {0: wrong}, OWNERS, seed=0)
    assert single["accuracy"].p_value == 2 / 2**12
    assert "bertscore-f1" not in found


def test_runs_are_measured_by_their_mean() -> None:
    right, wrong = list(REFERENCES), [""] * 24
    over = measure_answers(REFERENCES, {7: right, 9: wrong}, OWNERS, seed=0)
    one, other = (measure_answers(REFERENCES, {0: answers}, OWNERS) for answers in (right, wrong))
    for metric, measure in over.items():
        assert measure.value == pytest.approx((one[metric].value + other[metric].value) / 2), metric
        assert measure.signature == one[metric].signature and measure.n == 24
    assert (over["accuracy"].low, over["accuracy"].high) == (0.0, 100.0)
    alone = measure_answers(REFERENCES, {7: [*right[:-1], ""]}, OWNERS, seed=0)
    assert alone == measure_answers(REFERENCES, {0: [*right[:-1], ""]}, OWNERS)


def test_a_part_of_the_scores_is_the_scores_of_the_part() -> None:
    answers = ["yes", "yes", "left axis", "", "no", "none"] * 4
    places = [3, 0, 8, 9, 20]
    part = score_language(REFERENCES, answers).select(places)
    again = score_language([REFERENCES[place] for place in places], [answers[place] for place in places])
    for metric, scores in part.metrics.items():
        np.testing.assert_array_equal(scores.values, again.metrics[metric].values)


def test_scores_of_different_definitions_do_not_mix(tiny_bertscore: BertScore) -> None:
    with_it = score_language(REFERENCES, REFERENCES, bertscore=tiny_bertscore)
    without = score_language(REFERENCES, REFERENCES)
    one, other = (resample_scores(scores, OWNERS, num_resamples=9, seed=0) for scores in (with_it, without))
    part = resample_scores(without.select(range(10)), OWNERS[:10], num_resamples=9, seed=0)
    with pytest.raises(ValueError, match="run 1 is measured in other ways"):
        compare_runs([one], [other], same_runs=True, seed=0)
    with pytest.raises(ValueError, match="run 1 is about other samples"):
        measure_runs([other, part])
    with pytest.raises(ValueError, match="1 and 2 runs, expected the same runs"):
        compare_runs([one], [one, one], same_runs=True, seed=0)
    with pytest.raises(ValueError, match="runs: got no training run"):
        compare_runs([one], [], same_runs=True, seed=0)


def test_measures_of_runs_are_those_of_the_general_bootstrap() -> None:
    answers = [REFERENCES[:18] + ["no"] * 6, ["yes"] * 24, REFERENCES[:9] + [""] * 15]
    scores = [score_language(REFERENCES, given) for given in answers]
    runs = [resample_scores(run, OWNERS, num_resamples=70, seed=2) for run in scores]
    found, compared = measure_runs(runs), compare_runs(runs[:2], runs[2:], same_runs=False, seed=2)
    for name, first in scores[0].metrics.items():
        values, options = [run.metrics[name].values for run in scores], {"of_sums": first.of_sums, "seed": 2}
        slow = two_level_bootstrap(values, OWNERS, num_resamples=70, bounds=(0, 100), **options)
        assert (found[name].value, found[name].low, found[name].high) == pytest.approx(
            (slow.value, slow.low, slow.high)
        )
        slow = paired_two_level_bootstrap(
            values[:2], values[2:], OWNERS, same_runs=False, num_resamples=70, bounds=(-100, 100), **options
        )
        difference = compared[name]
        assert (difference.value, difference.low) == pytest.approx((slow.value, slow.low), abs=1e-9)
        assert difference.p_value >= slow.p_value - 1e-12
