"""Signals in whole steps, and the counts that the range is taken from, against slow and obvious versions."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from ecgbyte.prepared.amplitudes import FoldAmplitudes
from ecgbyte.prepared.signal_steps import FINEST_MV, in_millivolts, in_steps
from ecgbyte.signals.amplitude_range import fit_amplitude_range

SIGNALS = arrays(
    np.float32, st.tuples(st.integers(1, 3), st.integers(1, 20)), elements=st.floats(-2e4, 2e4, width=32)
) | arrays(np.float32, st.tuples(st.integers(1, 3), st.integers(1, 20)), elements=st.floats(-33, 33, width=32))


@given(SIGNALS)
def test_a_step_is_a_power_of_two_and_the_error_half_of_it(signal):
    steps, scale = in_steps(signal)
    assert steps.dtype == np.int16 and steps.shape == signal.shape
    assert math.frexp(scale)[0] == 0.5 and scale >= FINEST_MV
    back = in_millivolts(steps, scale)
    assert back.dtype == np.float32
    assert np.abs(back.astype(np.float64) - signal).max() <= scale / 2
    # No finer step would do.
    finer = np.rint(signal.astype(np.float64) / (scale / 2))
    assert scale == FINEST_MV or finer.max() > 32767 or finer.min() < -32768


@given(SIGNALS)
def test_what_is_stored_is_stored_again_as_it_is(signal):
    back = in_millivolts(*in_steps(signal))
    again, scale = in_steps(back)
    np.testing.assert_array_equal(in_millivolts(again, scale), back)


@pytest.mark.parametrize("edge", [32767, -32768, 32767.4, -32768.4, 32767.6, -32768.6])
def test_at_the_border_of_the_finest_step(edge):
    steps, scale = in_steps(np.array([[edge * FINEST_MV, 0.0]], dtype=np.float32))
    assert scale == (FINEST_MV if -32768.5 <= edge <= 32767.5 else 2 * FINEST_MV)
    assert abs(steps[0, 0] * scale - edge * FINEST_MV) <= scale / 2


@settings(deadline=None)  # the first example loads pyarrow
@given(st.lists(st.tuples(st.sampled_from([None, 1, 2, 10]), SIGNALS), min_size=1, max_size=6), st.randoms())
def test_percentiles_are_those_of_the_stored_samples(signals, random):
    whole, parts = FoldAmplitudes(), [FoldAmplitudes() for _ in range(3)]
    stored = []
    for fold, signal in signals:
        steps, scale = in_steps(signal)
        whole.add(fold, steps, scale)
        random.choice(parts).add(fold, steps, scale)
        stored.append((fold or 0, in_millivolts(steps, scale).astype(np.float64).reshape(-1)))
    merged = FoldAmplitudes()
    for part in random.sample(parts, 3):
        merged.merge(FoldAmplitudes.from_bytes(part.as_bytes()))
    assert merged.as_bytes() == whole.as_bytes()
    folds = sorted({fold for fold, _ in stored})
    for chosen in (None, folds[:1]):
        values = np.concatenate([v for fold, v in stored if chosen is None or fold in chosen])
        found = merged.amplitude_range(chosen, low_percentile=1, high_percentile=99, widen_mv=0.5)
        np.testing.assert_allclose([found.low + 0.5, found.high - 0.5], np.percentile(values, (1, 99)), atol=1e-9)
        assert found.num_values == len(values)
        share = merged.share_outside(-1.0, 1.5, chosen)
        assert share == pytest.approx(np.mean((values < -1.0) | (values > 1.5)))


def test_the_stated_error_holds_for_signals_before_they_are_stored():
    signals = [np.random.default_rng(seed).normal(0, 0.5, (12, 500)).astype(np.float32) for seed in range(5)]
    amplitudes = FoldAmplitudes()
    for signal in signals:
        amplitudes.add(None, *in_steps(signal))
    found = amplitudes.amplitude_range(widen_mv=0.0)
    exact = np.percentile(np.stack(signals).astype(np.float64), (1, 99))
    assert np.abs(np.array([found.low, found.high]) - exact).max() <= found.error_mv
    direct = fit_amplitude_range(signals, widen_mv=0.0)
    assert abs(found.low - direct.low) <= found.error_mv + direct.error_mv


def test_folds_without_samples_are_refused():
    amplitudes = FoldAmplitudes()
    amplitudes.add(3, np.zeros((1, 4), np.int16), FINEST_MV)
    with pytest.raises(ValueError, match=r"folds: no sample in \[1\], there are \[3\]"):
        amplitudes.amplitude_range([1])
