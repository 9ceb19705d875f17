"""Filters against sines and against SciPy's one-pass frequency response."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import signal as scipy_signal

from ecgbyte.signals.filters import butterworth, notch


def sine(frequency: float, rate: float, seconds: float = 10.0, phase: float = 0.3) -> np.ndarray:
    return np.sin(2 * np.pi * frequency * np.arange(round(rate * seconds)) / rate + phase)[None]


def amplitude(signal: np.ndarray, frequency: float, rate: float) -> float:
    """Of the wave of one frequency in the middle half, by least squares beside an offset."""
    quarter = signal.shape[-1] // 4
    angle = 2 * np.pi * frequency * np.arange(signal.shape[-1]) / rate
    waves = np.stack([np.sin(angle), np.cos(angle), np.ones_like(angle)], axis=1)[quarter:-quarter]
    weights = np.linalg.lstsq(waves, signal[0, quarter:-quarter], rcond=None)[0]
    return float(np.hypot(weights[0], weights[1]))


@pytest.mark.parametrize("as_published", [False, True])
@pytest.mark.parametrize("rate", [250, 257, 360, 500, 1000])
@pytest.mark.parametrize("frequency", [50, 60])
def test_notch_takes_out_its_frequency_by_more_than_40_db(rate: float, frequency: float, as_published: bool) -> None:
    signal = sine(frequency, rate)
    cleaned = notch(signal, rate, frequency, as_published=as_published)
    assert amplitude(signal, frequency, rate) == pytest.approx(1)
    assert np.abs(cleaned[:, len(signal[0]) // 4 : -len(signal[0]) // 4]).max() < 0.01  # -40 dB
    neighbour = sine(frequency - 10, rate)
    kept = notch(neighbour, rate, frequency, as_published=as_published)
    assert amplitude(kept, frequency - 10, rate) == pytest.approx(1, rel=0.02)


@pytest.mark.parametrize("rate", [250, 500, 1000])
@pytest.mark.parametrize(("low", "high"), [(0.5, 100.0), (0.05, None), (None, 40.0)])
def test_gain_is_the_one_pass_gain_squared(rate: float, low: float | None, high: float | None) -> None:
    edges = [edge for edge in (low, high) if edge is not None]
    kind = {(True, True): "bandpass", (True, False): "highpass", (False, True): "lowpass"}[
        (low is not None, high is not None)
    ]
    sections = scipy_signal.butter(4, edges if len(edges) > 1 else edges[0], kind, fs=rate, output="sos")
    for frequency in (1.0, 10.0, 45.0, 100.0):
        _, response = scipy_signal.sosfreqz(sections, [frequency], fs=rate)
        signal = sine(frequency, rate, seconds=60)
        filtered = butterworth(signal, rate, low=low, high=high)
        assert amplitude(filtered, frequency, rate) == pytest.approx(abs(response[0]) ** 2, abs=1e-3)


def test_nothing_moves_in_time() -> None:
    impulse = np.zeros((1, 2001))
    impulse[0, 1000] = 1.0
    for filtered in (
        notch(impulse, 500, 50),
        butterworth(impulse, 500, low=0.5, high=100),
        butterworth(impulse, 500, low=0.05),
    ):
        assert np.argmax(filtered) == 1000
        np.testing.assert_allclose(filtered, filtered[:, ::-1], atol=2e-3)
    signal = sine(10, 500)
    filtered = butterworth(notch(signal, 500, 50), 500, low=0.5, high=100)
    np.testing.assert_allclose(filtered[:, 1500:-1500], signal[:, 1500:-1500], atol=0.01)


def test_sections_and_transfer_functions_agree_where_both_are_accurate() -> None:
    signal = np.random.default_rng(0).normal(size=(2, 20_000))
    middle = slice(9_000, 11_000)
    for arguments in ({"low": 0.5, "high": 100.0}, {"low": 5.0}):
        exact = butterworth(signal, 500, **arguments)[:, middle]
        np.testing.assert_allclose(
            butterworth(signal, 500, **arguments, as_published=True)[:, middle], exact, atol=1e-5
        )


def test_only_sections_keep_the_poles_of_the_slow_high_pass() -> None:
    # Why sections are the default: with 0.05 Hz at 1,000 Hz all four poles crowd at 1.
    poles = scipy_signal.butter(4, 0.05, "highpass", fs=1000, output="zpk")[1]
    sections = scipy_signal.butter(4, 0.05, "highpass", fs=1000, output="sos")
    _, denominator = scipy_signal.butter(4, 0.05, "highpass", fs=1000)

    def largest_error(found: np.ndarray) -> float:
        return float(np.abs(found[:, None] - poles).min(axis=0).max())

    assert largest_error(np.concatenate([np.roots(section[3:]) for section in sections])) < 1e-6
    assert largest_error(np.roots(denominator)) > 1e-6


def test_constant_signals_leave_nothing() -> None:
    constant = np.full((2, 700), 3.5)
    np.testing.assert_allclose(butterworth(constant, 500, low=0.5, high=100), 0, atol=1e-9)
    np.testing.assert_allclose(butterworth(constant, 500, low=0.05), 0, atol=1e-9)
    np.testing.assert_allclose(notch(constant, 500, 50), 3.5, rtol=1e-9)


@pytest.mark.parametrize("samples", [2, 3, 7, 28, 5001])
@pytest.mark.parametrize("rate", [250, 1000])
def test_any_length_from_two_samples(samples: int, rate: float) -> None:
    signal = np.random.default_rng(samples).normal(size=(3, samples))
    for filtered in (notch(signal, rate, 50), butterworth(signal, rate, low=0.5, high=100)):
        assert filtered.shape == signal.shape and np.isfinite(filtered).all()


def test_too_short() -> None:
    with pytest.raises(ValueError, match="has 1 samples, a zero-phase filter needs at least 2"):
        notch(np.zeros((12, 1)), 500, 50)
    with pytest.raises(ValueError, match="has 27 samples, the published zero-phase filter needs at least 28"):
        butterworth(np.zeros((12, 27)), 500, low=0.5, high=100, as_published=True)
    assert butterworth(np.zeros((12, 28)), 500, low=0.5, high=100, as_published=True).shape == (12, 28)


def test_edges_that_do_not_fit() -> None:
    signal = np.zeros((1, 100))
    with pytest.raises(ValueError, match="got 50 Hz, expected more than 0 and less than 50 Hz"):
        notch(signal, 100, 50)
    with pytest.raises(ValueError, match="half the sampling rate of 200 Hz"):
        butterworth(signal, 200, low=0.5, high=100)
    with pytest.raises(ValueError, match="expected ascending edges"):
        butterworth(signal, 500, low=100, high=0.5)
    with pytest.raises(ValueError, match="at least one edge"):
        butterworth(signal, 500)


@pytest.mark.parametrize("rate", [3000.0, 4000.0, 10_000.0])
def test_published_filters_that_explode_are_refused(rate: float) -> None:
    signal = np.random.default_rng(0).normal(0, 0.5, (2, int(5 * rate)))
    with pytest.raises(ValueError, match=r"from 3000 Hz on the published filters .* unstable"):
        butterworth(signal, rate, low=0.5, high=100.0, as_published=True)
    assert np.abs(butterworth(signal, rate, low=0.5, high=100.0)).max() < 10


def test_published_filters_that_explode_below_the_limit_are_refused_too() -> None:
    signal = np.random.default_rng(0).normal(0, 0.5, (2, 14_000))
    with pytest.raises(ValueError, match="unstable with these settings"):
        butterworth(signal, 2900.0, low=0.05, high=40.0, as_published=True)
