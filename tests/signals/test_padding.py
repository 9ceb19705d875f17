"""Padding at the ends of records: found, left out of the filters, and given back as zeros in its place."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ecgbyte import Preprocessor, Record
from ecgbyte.signals.padding import resampled_mask, signal_part


def trace(rate: float, samples: int, seed: int = 0) -> np.ndarray:
    """Twelve leads with a baseline far from zero, as CODE-15 has them."""
    rng = np.random.default_rng(seed)
    times = np.arange(samples) / rate
    beat = np.exp(-((((times * 1.1) % 1 - 0.4) / 0.03) ** 2))
    return np.linspace(0.4, 1.2, 12)[:, None] * beat + 2.5 + rng.normal(0, 0.01, (12, samples))


@pytest.mark.parametrize(
    ("before", "after", "value"), [(300, 0, 0.0), (0, 150, 1.5), (581, 581, 0.0), (101, 777, -3.0)]
)
def test_the_signal_between_padding_is_that_without_it(before: int, after: int, value: float) -> None:
    signal = trace(400, 2934)
    padded = np.pad(signal, ((0, 0), (before, after)), constant_values=value)
    assert signal_part(padded, 400) == (before, before + 2934)
    chain = Preprocessor(None)
    result = chain.apply(Record(padded, 400)).signal
    np.testing.assert_array_equal(result[:, before : before + 2934], chain.apply(Record(signal, 400)).signal)
    assert not result[:, :before].any() and not result[:, before + 2934 :].any()
    assert result.shape == padded.shape


@settings(max_examples=30, deadline=None)
@given(st.integers(100, 900), st.integers(100, 900), st.sampled_from([400, 360, 257]), st.sampled_from([250, 100, 500]))
def test_resampled_signal_stays_in_its_place(before: int, after: int, rate: int, target: int) -> None:
    """A slow sine between padding lies after resampling where a sine without padding would."""
    times = (np.arange(before + 1500 + after) - before) / rate
    sine = np.sin(2 * np.pi * 2.0 * times)[None] * np.ones((12, 1))
    padded = sine.copy()
    padded[:, :before] = padded[:, before + 1500 :] = 0.7
    chain = Preprocessor(target, notch=(), band=None, highpass=None, denoise=False)
    result = chain.apply(Record(padded, rate))
    assert result.num_samples == chain.apply(Record(sine, rate)).num_samples
    positions = np.arange(result.num_samples) / target * rate
    inside = (positions >= before + 60) & (positions <= before + 1500 - 60)
    expected = np.sin(2 * np.pi * 2.0 * (positions - before) / rate)
    np.testing.assert_allclose(result.signal[0, inside], expected[inside], atol=5e-3)
    times = np.arange(result.num_samples) * rate  # in whole numbers: of old samples times the new rate
    outside = (times < before * target) | (times >= (before + 1500) * target)
    assert not result.signal[:, outside].any()


def test_what_is_no_padding() -> None:
    signal = trace(500, 5000)
    signal[:, -55:] = signal[:, -55:-54]  # 0.11 s in which no lead changes, as PTB-XL's records end
    signal[3] = 1.0  # one flat lead
    assert signal_part(signal, 500) == (0, 5000)
    assert signal_part(np.ones((12, 5000)), 500) == (0, 5000)
    step = np.repeat([[0.0, 1.0]], 2500, axis=1)
    assert signal_part(step, 500) == (0, 5000)
    assert Preprocessor().apply(Record(np.ones((12, 5000)), 500)).num_samples == 2500


def test_as_published_takes_padding_for_signal() -> None:
    padded = np.pad(trace(400, 2934), ((0, 0), (600, 600)))
    published = Preprocessor(None, as_published=True)
    assert published.leave_out_padding is False
    assert np.abs(published.apply(Record(padded, 400)).signal[:, 590:600]).max() > 0.1
    with pytest.raises(ValueError, match="leave_out_padding"):
        Preprocessor(as_published=True, leave_out_padding=True)


def test_a_mask_follows_its_samples() -> None:
    mask = np.zeros((2, 100), dtype=bool)
    mask[1, 50] = True
    assert np.flatnonzero(resampled_mask(mask, Fraction(1, 2), 50)[1]).tolist() == [25]
    assert np.flatnonzero(resampled_mask(mask, Fraction(2), 200)[1]).tolist() == [98, 99, 100, 101, 102]
    assert not resampled_mask(mask, Fraction(2), 200)[0].any()
    record = Record(trace(500, 5000), 500, invalid=np.repeat(mask, 6, axis=0).repeat(50, axis=1))
    halves = Preprocessor(250).segments(record, 5)
    assert halves[0].invalid is None or not halves[0].invalid[:, :1200].any()
    assert halves[1].invalid[6:, :25].all()
    assert [half.derived_leads for half in halves] == [(), ()]
