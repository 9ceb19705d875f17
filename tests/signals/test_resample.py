"""Resampling: where the new samples lie, how many there are, and what must not appear."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ecgbyte.signals.resample import (
    LARGEST_TERM,
    RATIO_TOLERANCE,
    rate_ratio,
    resample,
    resample_as_published,
    resampled_length,
)


def sine(frequency: float, rate: float, samples: int) -> np.ndarray:
    return np.sin(2 * np.pi * frequency * np.arange(samples) / rate + 0.7)[None]


@pytest.mark.parametrize("rate", [100, 128, 257, 360, 500, 1000, 1000 / 3])
@pytest.mark.parametrize("frequency", [1.0, 10.0, 35.0])
def test_sample_k_lies_at_k_over_the_target_rate(rate: float, frequency: float) -> None:
    resampled = resample(sine(frequency, rate, round(10 * rate)), rate, 250)
    expected = sine(frequency, 250, resampled.shape[1])
    assert abs(resampled.shape[1] - 2500) <= 1
    edge = 50
    np.testing.assert_allclose(resampled[:, edge:-edge], expected[:, edge:-edge], atol=3e-3)
    if frequency == 1.0:
        np.testing.assert_allclose(resampled, expected, atol=2e-2)


def test_published_spacing_drifts() -> None:
    # 2,500 points over 4,999 intervals of 2 ms: 4.0008 ms apart, so the last lies 2 ms late.
    frequency = 10.0
    published = resample_as_published(sine(frequency, 500, 5000), 500, 250)
    spacing = 4999 * 0.002 / 2499
    assert spacing == pytest.approx(0.0040008, abs=1e-7)
    # On the time axis of the published code, which lays 5,000 samples over 10 s, that reads 4.0016 ms.
    nominal = 10 / 2499
    assert nominal == pytest.approx(0.0040016, abs=1e-7)
    drifting = np.sin(2 * np.pi * frequency * spacing * np.arange(2500) + 0.7)[None]
    np.testing.assert_allclose(published, drifting, atol=1e-4)
    exact = sine(frequency, 250, 2500)
    assert np.abs(published - exact)[:, -100:].max() > 0.1
    assert np.abs(resample(sine(frequency, 500, 5000), 500, 250) - exact)[:, 50:-50].max() < 3e-3
    assert np.argmax(np.abs(published - exact)) > 2300


def test_published_resampler_aliases_and_the_default_does_not() -> None:
    signal = sine(200, 500, 5000)  # 200 Hz folds to 50 Hz at 250 Hz
    assert np.std(resample_as_published(signal, 500, 250)) > 0.5
    assert np.std(resample(signal, 500, 250)[:, 50:-50]) < 2e-3


@given(st.integers(2, 3000), st.sampled_from([100, 128, 250, 257, 360, 500, 1000, Fraction(1000, 3)]), st.data())
def test_length_is_rounded(samples: int, rate: int | Fraction, data: st.DataObject) -> None:
    target = data.draw(st.sampled_from([100, 250, 500]))
    exact = Fraction(samples) * target / Fraction(rate)
    expected = int(exact + Fraction(1, 2))
    assert resampled_length(samples, float(rate), target) == expected
    signal = np.random.default_rng(samples).normal(size=(2, samples))
    if expected == 0:
        with pytest.raises(ValueError, match="needs at least"):
            resample(signal, float(rate), target)
    else:
        resampled = resample(signal, float(rate), target)
        assert resampled.shape == (2, expected) and np.isfinite(resampled).all()


@pytest.mark.parametrize("rate", [100, 257, 360, 500, 1000])
def test_constant_and_straight_lines_stay_up_to_the_ends(rate: float) -> None:
    samples = round(2 * rate)
    np.testing.assert_allclose(resample(np.full((1, samples), 4.0), rate, 250), 4.0, rtol=2e-3)
    line = np.arange(samples)[None] / rate
    resampled = resample(line, rate, 250)
    np.testing.assert_allclose(resampled[0], np.arange(resampled.shape[1]) / 250, atol=5e-3)


def test_same_rate_is_a_copy() -> None:
    signal = np.ones((1, 5))
    result = resample(signal, 250, 250.0)
    np.testing.assert_array_equal(result, signal)
    assert result is not signal


def test_ratio_is_exact() -> None:
    assert rate_ratio(1000 / 3, 250) == Fraction(3, 4)
    assert rate_ratio(257.5, 250) == Fraction(100, 103)


@pytest.mark.parametrize("rate", [499.99995, 499.999, 500.00000001, 499.98765, 977.5171065, 511.62789, 99999.999])
def test_rates_without_a_small_ratio_get_the_nearest_one(rate: float) -> None:
    ratio = rate_ratio(rate, 250)
    assert max(ratio.numerator, ratio.denominator) <= LARGEST_TERM
    assert abs(float(ratio) * rate / 250 - 1) <= RATIO_TOLERANCE
    # 10 s of a sine stay where they are, to within what 1e-5 of 10 s is.
    if rate < 1000:
        resampled = resample(sine(5.0, rate, round(10 * rate)), rate, 250)
        expected = sine(5.0, 250, resampled.shape[1])
        np.testing.assert_allclose(resampled[:, 100:-100], expected[:, 100:-100], atol=5e-3)


@pytest.mark.parametrize(("rate", "target"), [(1.3e7, 250), (0.004, 250), (60001.0, 1.0)])
def test_rates_too_far_apart(rate: float, target: float) -> None:
    with pytest.raises(ValueError, match=rf"sampling_rate: got {rate}"):
        rate_ratio(rate, target)


@pytest.mark.parametrize(("samples", "rate", "needed"), [(1, 500, 2), (1, 250.5, 2), (3, 2000, 4)])
def test_too_short(samples: int, rate: float, needed: int) -> None:
    with pytest.raises(ValueError, match=rf"has {samples} samples, .* needs at least {needed}"):
        resample(np.zeros((1, samples)), rate, 250)
    if needed == 4:
        assert resample(np.zeros((1, needed)), rate, 250).shape == (1, 1)


def test_published_too_short() -> None:
    with pytest.raises(ValueError, match="needs at least 4"):
        resample_as_published(np.zeros((1, 3)), 100, 250)
