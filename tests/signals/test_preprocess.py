"""The chain: which steps run, in which order, with what result, and what it refuses."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import pywt
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import interpolate
from scipy import signal as scipy_signal

from ecgbyte.signals.leads import LEADS
from ecgbyte.signals.preprocess import Preprocessor
from ecgbyte.signals.records import Record


def noise_record(rate: float, samples: int, seed: int = 0) -> Record:
    return Record(np.random.default_rng(seed).normal(size=(12, samples)), rate, LEADS, "noise")


def published_chain(signal: np.ndarray, rate: float, target_rate: float) -> np.ndarray:
    """The published steps, written out for one rate above 200 Hz, one lead at a time."""
    leads = []
    for lead in signal.astype(np.float64):
        for frequency in (50, 60):
            lead = scipy_signal.filtfilt(*scipy_signal.iirnotch(frequency, 30, rate), lead)
        lead = scipy_signal.filtfilt(*scipy_signal.butter(4, [0.5 / (rate / 2), 100 / (rate / 2)], "band"), lead)
        lead = scipy_signal.filtfilt(*scipy_signal.butter(4, 0.05 / (rate / 2), "high"), lead)
        bands = pywt.wavedec(lead, "db6", level=4)
        threshold = np.median(np.abs(bands[1])) / 0.6745
        bands[1:] = [pywt.threshold(band, threshold, mode="soft") for band in bands[1:]]
        lead = pywt.waverec(bands, "db6")
        duration = len(lead) / rate
        old, new = np.linspace(0, duration, len(lead)), np.linspace(0, duration, int(duration * target_rate))
        leads.append(interpolate.interp1d(old, lead, kind="cubic")(new))
    return np.array(leads)


def test_as_published_is_the_published_chain() -> None:
    record = noise_record(500, 5000)
    result = Preprocessor(250, as_published=True).apply(record)
    assert result.signal.shape == (12, 2500)
    np.testing.assert_allclose(result.signal, published_chain(record.signal, 500, 250), atol=1e-5)


def test_steps_at_500_and_100_hz() -> None:
    chain = Preprocessor(target_rate=250)
    assert chain.steps(500) == [
        ("notch", {"frequency": 50.0, "quality": 30.0}),
        ("notch", {"frequency": 60.0, "quality": 30.0}),
        ("band-pass", {"low": 0.5, "high": 100.0, "order": 4}),
        ("high-pass", {"low": 0.05, "order": 4}),
        ("wavelet", {"wavelet": "db6", "level": 4}),
        ("resample", {"target_rate": 250.0, "method": "polyphase"}),
    ]
    assert chain.steps(100) == [
        ("high-pass", {"low": 0.5, "order": 4}),
        ("high-pass", {"low": 0.05, "order": 4}),
        ("wavelet", {"wavelet": "db6", "level": 2}),
        ("resample", {"target_rate": 250.0, "method": "polyphase"}),
    ]


@pytest.mark.parametrize(
    ("rate", "names"),
    [
        (0.9, ["high-pass", "resample"]),
        (100, ["high-pass", "high-pass", "resample"]),
        (110, ["notch", "high-pass", "high-pass", "resample"]),
        (120, ["notch", "high-pass", "high-pass", "resample"]),
        (121, ["notch", "notch", "high-pass", "high-pass", "resample"]),
        (200, ["notch", "notch", "high-pass", "high-pass", "resample"]),
        (201, ["notch", "notch", "band-pass", "high-pass", "resample"]),
        (250, ["notch", "notch", "band-pass", "high-pass"]),
    ],
)
@pytest.mark.parametrize("as_published", [False, True])
def test_edges_at_or_above_half_the_rate_are_left_out(rate: float, names: list[str], as_published: bool) -> None:
    chain = Preprocessor(250, as_published=as_published, denoise=False)
    assert [name for name, _ in chain.steps(rate)] == names


def test_each_step_can_be_switched_off() -> None:
    nothing = {"target_rate": None, "notch": (), "band": None, "highpass": None, "denoise": False}
    record = noise_record(500, 701)
    np.testing.assert_array_equal(Preprocessor(**nothing).apply(record).signal, record.signal)
    for option, value, name in [
        ("target_rate", 250, "resample"),
        ("notch", (50,), "notch"),
        ("band", (0.5, 100), "band-pass"),
        ("highpass", 0.05, "high-pass"),
        ("denoise", True, "wavelet"),
    ]:
        chain = Preprocessor(**(nothing | {option: value}))
        assert [step for step, _ in chain.steps(500)] == [name]
        assert not np.array_equal(chain.apply(record).signal, record.signal)


@settings(max_examples=40, deadline=None)
@given(
    st.sampled_from([100, 128, 250, 257, 360, 500, 1000, 1000 / 3]),
    st.integers(2, 1200),
    st.sampled_from([None, 100, 250]),
)
def test_any_rate_and_any_length(rate: float, samples: int, target_rate: float | None) -> None:
    chain = Preprocessor(target_rate)
    record = noise_record(rate, samples)
    length = samples if target_rate is None else int(samples * target_rate / rate + 0.5 + 1e-9)
    if length == 0:
        with pytest.raises(ValueError, match=r"record: 'noise', step 'resample': .* needs at least"):
            chain.apply(record)
        return
    result = chain.apply(record)
    assert result.signal.shape == (12, length) and result.sampling_rate == (target_rate or rate)
    assert result.record_id == "noise" and result.lead_names == LEADS


@pytest.mark.parametrize("rate", [250, 360, 500, 1000])
def test_mains_go_and_ten_hertz_stay(rate: float) -> None:
    time = np.arange(round(10 * rate)) / rate
    wave = np.sin(2 * np.pi * 10 * time)
    chain = Preprocessor(None, denoise=False)
    middle = slice(round(3 * rate), round(7 * rate))
    kept = chain.apply(Record(np.tile(wave, (12, 1)), rate)).signal
    np.testing.assert_allclose(kept[:, middle], np.tile(wave, (12, 1))[:, middle], atol=0.01)
    for frequency in (50, 60):
        hum = np.sin(2 * np.pi * frequency * time)
        left = chain.apply(Record(np.tile(hum, (12, 1)), rate)).signal[:, middle]
        assert 20 * np.log10(np.std(hum) / np.std(left)) > 40


def test_order_of_leads_and_flat_leads() -> None:
    signal = np.random.default_rng(0).normal(size=(12, 1000))
    signal[3] = 1.25
    chain = Preprocessor(250)
    result = chain.apply(Record(signal, 500)).signal
    np.testing.assert_allclose(result[3], 0, atol=1e-6)
    alone = chain.apply(Record(signal[[7]], 500, ("V2",)))
    assert alone.lead_names == ("V2",)
    np.testing.assert_array_equal(alone.signal[0], result[7])


def test_one_sample_is_an_error_that_says_so() -> None:
    with pytest.raises(ValueError, match=r"record: 'noise', step 'notch': signal: has 1 samples, .* at least 2"):
        Preprocessor(250).apply(noise_record(500, 1))


def test_published_limits_are_named() -> None:
    chain = Preprocessor(250, as_published=True)
    with pytest.raises(ValueError, match=r"step 'wavelet': .*has 5001 samples; the published wavelet step fails"):
        chain.apply(noise_record(500, 5001))
    assert chain.apply(noise_record(100, 1000)).signal.shape == (12, 2500)
    with pytest.raises(ValueError, match=r"step 'notch': .*at least 10"):
        chain.apply(noise_record(500, 9))


def test_segments_are_cut_after_filtering() -> None:
    chain = Preprocessor(250)
    record = noise_record(500, 5001)
    segments = chain.segments(record, 2)
    assert [segment.record_id for segment in segments] == [f"noise#{k}" for k in range(5)]
    np.testing.assert_array_equal(
        np.concatenate([segment.signal for segment in segments], axis=1), chain.apply(record).signal[:, :2500]
    )


def test_settings_go_through_json_and_back() -> None:
    for chain in (Preprocessor(), Preprocessor(None, notch=(50,), band=None, denoise=False), Preprocessor(100)):
        stored = json.loads(json.dumps(chain.settings()))
        assert stored.pop("chain_version") == 2
        assert Preprocessor(**stored) == chain
        assert Preprocessor(**stored).fingerprint == chain.fingerprint


def test_every_setting_changes_the_fingerprint() -> None:
    chains = [
        Preprocessor(),
        Preprocessor(None),
        Preprocessor(500),
        Preprocessor(as_published=True),
        Preprocessor(notch=(50,)),
        Preprocessor(band=None),
        Preprocessor(band=(0.5, 40)),
        Preprocessor(highpass=None),
        Preprocessor(denoise=False),
        Preprocessor(wavelet_level=4),
    ]
    assert len({chain.fingerprint for chain in chains}) == len(chains)
    assert Preprocessor(250).fingerprint == Preprocessor(250.0).fingerprint


def test_wavelet_level_can_be_fixed() -> None:
    assert ("wavelet", {"wavelet": "db6", "level": 4}) in Preprocessor(wavelet_level=4).steps(100)
    assert ("wavelet", {"wavelet": "db6", "level": 4}) in Preprocessor(as_published=True).steps(100)
    assert ("wavelet", {"wavelet": "db6", "level": 1}) in Preprocessor().steps(500, num_samples=30)
    assert "wavelet" not in dict(Preprocessor().steps(500, num_samples=20))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"target_rate": 0}, "target_rate: got 0"),
        ({"target_rate": np.inf}, "target_rate: got inf"),
        ({"notch": (50, -60)}, "notch: got -60"),
        ({"band": (100, 0.5)}, "band: got"),
        ({"band": (0.5,)}, "band: got"),
        ({"highpass": np.nan}, "highpass: got nan"),
        ({"wavelet_level": 0}, "wavelet_level: got 0"),
        ({"wavelet_level": 3, "as_published": True}, "where it is always 4"),
    ],
)
def test_values_out_of_range(arguments: dict, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Preprocessor(**arguments)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"target_rate": "250"}, "target_rate: expected a number in Hz"),
        ({"notch": 50}, "notch: expected a sequence"),
        ({"band": "0.5-100"}, "band: expected a sequence"),
        ({"denoise": "yes"}, "denoise: expected True or False"),
        ({"as_published": 1}, "as_published: expected True or False"),
        ({"wavelet_level": 2.0}, "wavelet_level: expected a whole number"),
    ],
)
def test_values_of_another_type(arguments: dict, message: str) -> None:
    with pytest.raises(TypeError, match=message):
        Preprocessor(**arguments)


def test_an_array_is_no_record() -> None:
    with pytest.raises(TypeError, match="expected an ecgbyte Record, got ndarray"):
        Preprocessor().apply(np.zeros((12, 1000)))  # type: ignore[arg-type]


def test_threads_give_the_same_result() -> None:
    chain = Preprocessor(250)
    records = [noise_record(500, 1000 + k, seed=k) for k in range(8)]
    with ThreadPoolExecutor(4) as pool:
        for record, result in zip(records, pool.map(chain.apply, records), strict=True):
            np.testing.assert_array_equal(result.signal, chain.apply(record).signal)
