"""The kernels of preprocessing against SciPy and PyWavelets, on every set of instructions that this machine has."""

from __future__ import annotations

import numpy as np
import pytest
import pywt
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import signal as scipy_signal

from ecgbyte._ext import lead_lanes, polyphase, wavelet_shrinkage, zero_phase
from ecgbyte.signals.denoise import GAUSSIAN_MEDIAN, largest_level, wavelet_denoise
from ecgbyte.signals.filters import butterworth, notch
from ecgbyte.signals.lead_lanes import LANES, map_leads
from ecgbyte.signals.preprocess import Preprocessor
from ecgbyte.signals.records import Record
from ecgbyte.signals.resample import resample, resampled_length
from tests.signals.slow_preprocessing import denoise_slowly, preprocess_slowly, resample_slowly

# Portable, AVX2, AVX-512; a set that the machine does not have falls back to the best one that it has.
INSTRUCTION_SETS = [0, 1, 2]
TAPS = np.array(pywt.Wavelet("db6").filter_bank)


@st.composite
def signals(draw: st.DrawFn, shortest: int = 2, longest: int = 6000, leads: int = 16) -> np.ndarray:
    """float64 [leads, samples] of noise, steps, constants and silence, from 1e-30 to 1e30."""
    samples = draw(st.one_of(st.integers(shortest, shortest + 60), st.integers(shortest, longest)))
    generator = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    rows = []
    for kind in draw(st.lists(st.sampled_from(["noise", "step", "constant", "silence"]), min_size=1, max_size=leads)):
        size = 10.0 ** draw(st.integers(-30, 30))
        row = {
            "noise": generator.normal(size=samples),
            "step": np.where(np.arange(samples) < samples // 2, -1.0, 1.0),
            "constant": np.ones(samples),
            "silence": np.zeros(samples),
        }[kind]
        rows.append(row * size)
    return np.array(rows)


@st.composite
def sections(draw: st.DrawFn) -> np.ndarray:
    """Second-order sections [1 to 9, 6] with poles inside the unit circle and any zeros."""
    rows = []
    for _ in range(draw(st.integers(1, 9))):
        radius, angle = draw(st.floats(0, 0.995)), draw(st.floats(0, np.pi))
        numerator = [draw(st.floats(-2, 2)) for _ in range(3)]
        rows.append([*numerator, 1.0, -2 * radius * np.cos(angle), radius**2])
    return np.array(rows)


def equal(result: np.ndarray, expected: np.ndarray, tolerance: float = 1e-10) -> None:
    """Equal to a rounding step of each lead's largest value."""
    assert result.shape == expected.shape
    scale = np.abs(expected).max(axis=1, keepdims=True)
    np.testing.assert_allclose(result / np.where(scale, scale, 1), expected / np.where(scale, scale, 1), atol=tolerance)


def filter_with(instructions: int, cascade: np.ndarray, signal: np.ndarray, extension: int) -> np.ndarray:
    resting = scipy_signal.sosfilt_zi(cascade)

    def step(lanes: np.ndarray) -> np.ndarray:
        delays, tail = np.full((len(cascade), 2, LANES), np.nan), np.full((extension, LANES), np.nan)
        zero_phase.filter_lanes(lanes, extension, cascade, resting, delays, tail, instructions)
        return lanes

    return map_leads(step, signal)


@settings(max_examples=60, deadline=None)
@given(signals(), sections(), st.data())
def test_cascades_equal_scipy(signal: np.ndarray, cascade: np.ndarray, data: st.DataObject) -> None:
    extension = data.draw(st.integers(0, signal.shape[1] - 1))
    before = signal.copy()
    results = [filter_with(instructions, cascade, signal, extension) for instructions in INSTRUCTION_SETS]
    np.testing.assert_array_equal(signal, before)
    expected = scipy_signal.sosfiltfilt(cascade, signal, axis=1, padtype="odd", padlen=extension)
    # What the cascade amplifies on the way, it also rounds there.
    gain = max(1.0, np.abs(scipy_signal.sosfilt_zi(cascade)).max()) ** 2
    scale = np.abs(signal).max(axis=1, keepdims=True) * gain
    np.testing.assert_allclose(results[0] / np.where(scale, scale, 1), expected / np.where(scale, scale, 1), atol=1e-9)
    for result in results[1:]:
        np.testing.assert_array_equal(result, results[0])


@settings(max_examples=60, deadline=None)
@given(signals(shortest=22), st.integers(1, 8))
def test_wavelet_shrinkage_equals_pywavelets(signal: np.ndarray, level: int) -> None:
    level = min(level, largest_level(signal.shape[1]))

    def denoise_with(instructions: int) -> np.ndarray:
        def step(lanes: np.ndarray) -> np.ndarray:
            bands = np.full((wavelet_shrinkage.band_rows(len(lanes), level), LANES), np.nan)
            wavelet_shrinkage.denoise_lanes(lanes, level, TAPS, GAUSSIAN_MEDIAN, bands, instructions)
            return lanes

        return map_leads(step, signal)

    results = [denoise_with(instructions) for instructions in INSTRUCTION_SETS]
    equal(results[0], denoise_slowly(signal, level))
    for result in results[1:]:
        np.testing.assert_array_equal(result, results[0])


@settings(max_examples=60, deadline=None)
@given(
    signals(longest=3000),
    st.sampled_from([(500, 250), (100, 250), (1000, 250), (250, 500), (257, 250), (360, 250), (1000 / 3, 250)]),
)
def test_resampling_equals_scipy(signal: np.ndarray, rates: tuple[float, float]) -> None:
    if resampled_length(signal.shape[1], *rates):
        equal(resample(signal, *rates), resample_slowly(signal, *rates))


@settings(max_examples=30, deadline=None)
@given(st.integers(1, 7), st.integers(1, 9), st.integers(1, 5), st.integers(1, 50), st.integers(0, 2**32 - 1))
def test_polyphase_sums_as_written(up: int, down: int, taps: int, count: int, seed: int) -> None:
    generator = np.random.default_rng(seed)
    phases = generator.normal(size=(up, taps))
    start = (taps - 1) * up + int(generator.integers(0, up))
    lanes = generator.normal(size=((start + (count - 1) * down) // up + 1, LANES))
    slow = np.zeros((count, LANES))
    for k in range(count):
        newest, phase = divmod(start + k * down, up)
        for tap in range(taps):
            slow[k] += phases[phase, tap] * lanes[newest - taps + 1 + tap]
    for instructions in INSTRUCTION_SETS:
        resampled = np.full((count, LANES), np.nan)
        polyphase.resample_lanes(lanes, phases, down, start, resampled, instructions)
        np.testing.assert_allclose(resampled, slow, atol=1e-12)
    with pytest.raises(ValueError, match="too few rows"):
        polyphase.resample_lanes(lanes[:-1], phases, down, start, resampled)
    with pytest.raises(ValueError, match=r"too few rows|a start from 0"):
        polyphase.resample_lanes(lanes, phases, down, (taps - 1) * up - 1, resampled)


@settings(max_examples=60, deadline=None)
@given(
    signals(longest=1500),
    st.sampled_from([100, 128, 250, 257, 360, 500, 1000]),
    st.sampled_from([None, 100, 250]),
    st.sampled_from([(50.0, 60.0), (), (50.0,)]),
    st.sampled_from([(0.5, 100.0), (0.5, 40.0), None]),
)
def test_chain_equals_scipy_and_pywavelets(
    signal: np.ndarray,
    rate: float,
    target_rate: float | None,
    notches: tuple[float, ...],
    band: tuple[float, float] | None,
) -> None:
    record = Record(signal[:12], rate, Record.__dataclass_fields__["lead_names"].default[: len(signal[:12])])
    chain = Preprocessor(target_rate, notch=notches, band=band, leave_out_padding=False)
    if target_rate is not None and resampled_length(record.num_samples, rate, target_rate) == 0:
        return
    slow = preprocess_slowly(chain, record)
    result = chain.apply(record).signal
    # A constant leaves rounding errors only, so what is left is compared with what there was.
    scale = np.maximum(np.abs(record.signal).max(axis=1, keepdims=True), 1e-37)
    np.testing.assert_allclose(result / scale, slow / scale, atol=1e-6)


@pytest.mark.parametrize("leads", [0, 1, 5, 12, 13, 24, 25])
def test_any_number_of_leads(leads: int) -> None:
    signal = np.random.default_rng(leads).normal(size=(leads, 700))
    for step in (
        lambda rows: notch(rows, 500, 50),
        lambda rows: butterworth(rows, 500, low=0.5, high=100),
        lambda rows: wavelet_denoise(rows, 3),
        lambda rows: resample(rows, 500, 250),
    ):
        whole = step(signal)
        assert len(whole) == leads
        for lead in range(leads):
            np.testing.assert_array_equal(whole[lead], step(signal[[lead]])[0])


def test_other_strides_types_and_dimensions() -> None:
    signal = np.random.default_rng(0).normal(size=(3, 1400))
    expected = notch(signal[:, ::2].copy(), 500, 50)
    np.testing.assert_array_equal(notch(signal[:, ::2], 500, 50), expected)
    np.testing.assert_array_equal(notch(np.asfortranarray(signal[:, ::2]), 500, 50), expected)
    np.testing.assert_array_equal(notch(signal[0, ::2], 500, 50), expected[0])
    np.testing.assert_array_equal(notch(np.stack([signal] * 2)[:, :, ::2], 500, 50), np.stack([expected] * 2))
    single = signal.astype(np.float32)
    np.testing.assert_array_equal(notch(single, 500, 50), notch(single.astype(np.float64), 500, 50))
    whole = np.round(signal * 1000).astype(np.int16)
    np.testing.assert_array_equal(notch(whole, 500, 50), notch(whole.astype(np.float64), 500, 50))


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_what_is_not_finite_stays_in_its_lead(value: float) -> None:
    signal = np.random.default_rng(0).normal(size=(3, 500))
    clean = signal.copy()
    signal[1, 250] = value
    for step in (lambda rows: notch(rows, 500, 50), lambda rows: wavelet_denoise(rows, 3)):
        result = step(signal)
        assert not np.isfinite(result[1]).all()
        np.testing.assert_array_equal(result[[0, 2]], step(clean)[[0, 2]])


def test_medians_of_odd_and_even_bands() -> None:
    # Level 1 of n samples has (n + 11) // 2 coefficients: both kinds of median, and many equal values.
    for samples in range(22, 60):
        signal = np.round(np.random.default_rng(samples).normal(size=(4, samples)))
        signal[1] = 0
        equal(wavelet_denoise(signal, 1), denoise_slowly(signal, 1))


def test_arrays_that_do_not_fit() -> None:
    lanes, cascade = np.zeros((10, LANES)), np.zeros((2, 6))
    resting, delays, tail = np.zeros((2, 2)), np.zeros((2, 2, LANES)), np.zeros((9, LANES))
    zero_phase.filter_lanes(lanes, 9, cascade, resting, delays, tail)
    for arguments, message in [
        ((lanes[:, :11].copy(), 9, cascade, resting, delays, tail), "12 columns"),
        ((lanes, 10, cascade, resting, delays, np.zeros((10, LANES))), "0 to samples - 1"),
        ((lanes, 8, cascade, resting, delays, tail), "so many rows in tail"),
        ((lanes, 9, cascade, resting[:1], delays, tail), "sections, resting"),
        ((lanes, 9, cascade, resting, delays[:1], tail), "delays: expected"),
    ]:
        with pytest.raises(ValueError, match=message):
            zero_phase.filter_lanes(*arguments)
    bands = np.zeros((wavelet_shrinkage.band_rows(30, 1), LANES))
    for arguments, message in [
        ((np.zeros((30, 11)), 1, TAPS, 1.0, bands), "12 columns"),
        ((np.zeros((30, LANES)), 1, TAPS[:3], 1.0, bands), "taps: expected"),
        ((np.zeros((30, LANES)), 0, TAPS, 1.0, bands), "level: expected"),
        ((np.zeros((11, LANES)), 1, TAPS, 1.0, bands), "level: halves a band"),
        ((np.zeros((31, LANES)), 1, TAPS, 1.0, bands), "bands: expected"),
    ]:
        with pytest.raises(ValueError, match=message):
            wavelet_shrinkage.denoise_lanes(*arguments)
    with pytest.raises(ValueError, match="lanes: expected"):
        lead_lanes.to_lanes(np.zeros((13, 10)), lanes)
    with pytest.raises(ValueError, match="signal: expected"):
        lead_lanes.from_lanes(lanes, np.zeros((2, 9)))
