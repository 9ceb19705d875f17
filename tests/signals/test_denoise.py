"""Wavelet denoising against coefficients shrunk one by one."""

from __future__ import annotations

import numpy as np
import pytest
import pywt

from ecgbyte.signals.denoise import largest_level, level_for_rate, wavelet_denoise, wavelet_denoise_as_published


def denoise_slowly(lead: np.ndarray, level: int) -> np.ndarray:
    approximation, *details = pywt.wavedec(lead, "db6", level=level)
    threshold = sorted(abs(c) for c in details[0])
    middle = (threshold[(len(threshold) - 1) // 2] + threshold[len(threshold) // 2]) / 2 / 0.6745
    shrunk = [
        np.array([c - middle if c > middle else c + middle if c < -middle else 0.0 for c in band]) for band in details
    ]
    return pywt.waverec([approximation, *shrunk], "db6")[: len(lead)]


@pytest.mark.parametrize("samples", [500, 501, 1000, 999])
@pytest.mark.parametrize("level", [1, 2, 4])
def test_against_single_coefficients(samples: int, level: int) -> None:
    signal = np.random.default_rng(samples).normal(size=(3, samples)) * [[1.0], [0.1], [5.0]]
    slow = np.array([denoise_slowly(lead, level) for lead in signal])
    np.testing.assert_allclose(wavelet_denoise(signal, level), slow, atol=1e-12)


def test_noise_goes_and_the_wave_stays() -> None:
    time = np.arange(5000) / 500
    wave = np.sin(2 * np.pi * 2 * time)
    noise = 0.1 * np.random.default_rng(0).normal(size=5000)
    cleaned = wavelet_denoise((wave + noise)[None], 4)[0]
    # A soft threshold of one standard deviation leaves 15 % of the noise power in the detail bands, and all of it in
    # the sixteenth of the frequencies that is approximation: together about 0.44 of the amplitude.
    assert np.std(cleaned - wave) < 0.5 * np.std(noise)


def test_published_is_the_same_at_500_hz_and_even_length() -> None:
    signal = np.random.default_rng(1).normal(size=(12, 5000))
    np.testing.assert_array_equal(wavelet_denoise_as_published(signal), wavelet_denoise(signal, level_for_rate(500)))


@pytest.mark.parametrize("samples", [999, 1001, 10])
def test_published_fails_on_odd_and_tiny_lengths(samples: int) -> None:
    with pytest.raises(ValueError, match=f"has {samples} samples; the published wavelet step fails on odd lengths"):
        wavelet_denoise_as_published(np.zeros((12, samples)))


@pytest.mark.parametrize("samples", [1, 2, 11, 22, 23, 175, 176, 177, 351])
def test_short_signals_lower_the_level(samples: int) -> None:
    # Level k needs 11 * 2**k samples, 11 being the length of the db6 filter less one.
    level = max(0, int(np.floor(np.log2(samples / 11)))) if samples >= 11 else 0
    assert largest_level(samples) == level
    signal = np.random.default_rng(samples).normal(size=(2, samples))
    result = wavelet_denoise(signal, 4)
    assert result.shape == signal.shape and result is not signal
    expected = signal if level == 0 else np.array([denoise_slowly(lead, min(level, 4)) for lead in signal])
    np.testing.assert_allclose(result, expected, atol=1e-12)


def test_flat_leads_stay_flat_and_no_warning_arises() -> None:
    signal = np.zeros((2, 1000))
    signal[1] = -2.5
    with np.errstate(all="raise"):
        np.testing.assert_allclose(wavelet_denoise(signal, 4), signal, atol=1e-12)


@pytest.mark.parametrize(("rate", "level"), [(100, 2), (250, 3), (257, 3), (360, 4), (500, 4), (1000, 5), (10, 0)])
def test_level_keeps_the_band_of_level_4_at_500_hz(rate: float, level: int) -> None:
    assert level_for_rate(rate) == level
    if level:
        assert abs(np.log2(rate / 2**level) - np.log2(500 / 2**4)) <= 0.5


def test_negative_level() -> None:
    with pytest.raises(ValueError, match="level: got -1"):
        wavelet_denoise(np.zeros((1, 100)), -1)
