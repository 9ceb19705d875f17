"""The controls: another patient's ECG, and a flat line."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ecgbyte.data.controls import INPUTS, NOISE_SPECTRA, flat_line, noise_like, other_patient_records, shuffled_leads
from ecgbyte.signals.leads import LEADS
from ecgbyte.signals.records import Record


@given(patients=st.lists(st.integers(0, 8), min_size=2, max_size=60), seed=st.integers(0, 1000))
def test_every_record_gets_one_of_another_patient(patients: list[int], seed: int) -> None:
    if len(set(patients)) < 2:
        return
    patient_of = {f"r{number}": f"p{patient}" for number, patient in enumerate(patients)}
    pairs = other_patient_records(list(patient_of), patient_of, seed=seed)
    assert sorted(pairs) == sorted(patient_of)
    assert all(patient_of[own] != patient_of[other] for own, other in pairs.items())
    uses = Counter(pairs.values())
    largest = max(Counter(patients).values())
    if 2 * largest <= len(patients):
        assert set(uses.values()) == {1}
    else:
        assert max(uses.values()) <= -(-largest // (len(patients) - largest))
    assert pairs == other_patient_records(list(patient_of)[::-1], patient_of, seed=seed)


def test_another_seed_gives_other_pairs() -> None:
    patient_of = {f"r{number}": f"p{number}" for number in range(50)}
    assert other_patient_records(list(patient_of), patient_of, seed=0) != other_patient_records(
        list(patient_of), patient_of, seed=1
    )


def test_only_the_records_named_take_part() -> None:
    patient_of = {"a": "1", "b": "2", "c": "3"}
    assert other_patient_records(["a", "b", "a"], patient_of, seed=0) == {"a": "b", "b": "a"}


@pytest.mark.parametrize(
    ("record_ids", "patients", "message"),
    [
        ([], {}, r"0 record\(s\) of 0 patient"),
        (["a", "b"], {"a": "1", "b": "1"}, r"2 record\(s\) of 1 patient"),
        (["a", "b"], {"a": "1"}, "no patient is given for record 'b'"),
        (["a", "b"], {"a": "1", "b": "nan"}, "no patient is given for record 'b'"),
    ],
)
def test_bad_arguments(record_ids: list[str], patients: dict[str, str], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        other_patient_records(record_ids, patients, seed=0)


def test_flat_line_keeps_all_but_the_signal() -> None:
    record = Record(np.ones((12, 20), dtype=np.float32), 100.0, LEADS, "00001")
    flat = flat_line(record)
    assert flat.signal.shape == (12, 20)
    assert flat.signal.dtype == np.float32
    assert not flat.signal.any()
    assert (flat.sampling_rate, flat.lead_names, flat.record_id) == (100.0, LEADS, "00001")
    assert record.signal.all()


def test_inputs() -> None:
    assert INPUTS == ("ecg", "other-patient", "flat-line", "noise", "text-only", "shuffled-leads")


SIGNALS = st.tuples(st.integers(2, 12), st.integers(2, 80), st.integers(0, 99)).map(
    lambda shape: (
        np.random.default_rng(shape[2]).normal(shape[2] / 50, 1 + shape[2] % 3, shape[:2]).cumsum(axis=1) / 10
    ).astype(np.float32)
)


@given(signal=SIGNALS, key=st.text(max_size=9), seed=st.integers(0, 9), spectrum=st.sampled_from(NOISE_SPECTRA))
def test_noise_has_the_mean_and_deviation_of_each_lead(signal: np.ndarray, key: str, seed: int, spectrum: str) -> None:
    before = signal.copy()
    noise = noise_like(signal, key=key, seed=seed, spectrum=spectrum)
    assert noise.shape == signal.shape and noise.dtype == np.float32
    np.testing.assert_array_equal(signal, before)
    np.testing.assert_array_equal(noise, noise_like(signal, key=key, seed=seed, spectrum=spectrum))
    np.testing.assert_allclose(noise.mean(axis=1), signal.mean(axis=1), atol=1e-4)
    np.testing.assert_allclose(noise.std(axis=1), signal.std(axis=1), rtol=1e-3, atol=1e-5)


def test_noise_is_drawn_from_key_and_seed_and_unlike_the_signal() -> None:
    time = np.arange(500) / 250
    signal = np.stack([np.sin(2 * np.pi * (lead + 1) * time) for lead in range(12)]).astype(np.float32)
    drawn = [noise_like(signal, key=key, seed=seed) for key in ("a|0", "a|1", "b|0") for seed in (0, 1)]
    for one in range(len(drawn)):
        for other in range(one):
            assert np.abs(np.corrcoef(drawn[one].ravel(), drawn[other].ravel())[0, 1]) < 0.1
        assert np.abs(np.corrcoef(drawn[one].ravel(), signal.ravel())[0, 1]) < 0.1
    assert np.abs(np.corrcoef(drawn[0])[np.triu_indices(12, 1)]).max() < 0.25, "leads are drawn independently"


def test_the_spectrum_of_noise_is_what_it_is_called() -> None:
    rng = np.random.default_rng(0)
    slow = rng.normal(size=(2, 4000)).cumsum(axis=1).astype(np.float32)

    def share_of_fast(signal: np.ndarray) -> float:
        power = np.abs(np.fft.rfft(signal - signal.mean(axis=1, keepdims=True), axis=1)) ** 2
        return float(power[:, 1000:].sum() / power.sum())

    assert share_of_fast(slow) < 0.01
    assert share_of_fast(noise_like(slow, key="a", seed=0)) == pytest.approx(0.5, abs=0.05)
    own = noise_like(slow, key="a", seed=0, spectrum="own")
    assert share_of_fast(own) == pytest.approx(share_of_fast(slow), rel=0.05)
    assert np.abs(np.corrcoef(own[0], slow[0])[0, 1]) < 0.9
    amplitudes = [np.abs(np.fft.rfft(lead - lead.mean()))[1:2000] for lead in (own[0].astype(float), slow[0])]
    np.testing.assert_allclose(amplitudes[0], amplitudes[1], rtol=0.02, atol=0.02 * amplitudes[1].max())


def test_a_constant_lead_stays_constant() -> None:
    signal = np.stack([np.full(30, 0.5), np.arange(30)]).astype(np.float32)
    for spectrum in NOISE_SPECTRA:
        noise = noise_like(signal, key="a", seed=0, spectrum=spectrum)
        np.testing.assert_allclose(noise[0], 0.5, atol=1e-6)
        assert noise[1].std() > 1


@given(num_leads=st.integers(2, 12), key=st.text(max_size=9), seed=st.integers(0, 9))
def test_no_shuffled_lead_is_in_its_place(num_leads: int, key: str, seed: int) -> None:
    signal = np.repeat(np.arange(num_leads, dtype=np.float32)[:, None], 5, axis=1)
    shuffled = shuffled_leads(signal, key=key, seed=seed)
    assert shuffled.dtype == np.float32 and shuffled.shape == signal.shape
    assert (shuffled[:, 0] != signal[:, 0]).all()
    assert sorted(shuffled[:, 0].tolist()) == signal[:, 0].tolist()
    np.testing.assert_array_equal(shuffled, shuffled_leads(signal + 0, key=key, seed=seed))
    shuffled[:] = -1
    assert signal[0, 0] == 0.0


def test_all_derangements_are_drawn_equally_often() -> None:
    signal = np.arange(4, dtype=np.float32)[:, None]
    drawn = Counter(tuple(shuffled_leads(signal, key=f"record {n}", seed=0)[:, 0].tolist()) for n in range(1800))
    assert len(drawn) == 9
    assert all(count == pytest.approx(200, abs=60) for count in drawn.values())


@pytest.mark.parametrize("control", [noise_like, shuffled_leads])
def test_bad_signals_are_refused(control) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(ValueError, match=r"signal: got shape \(5,\)"):
        control(np.zeros(5, np.float32), key="a", seed=0)
    with pytest.raises(ValueError, match="signal: got NaN or infinity in lead 1, sample 2"):
        control(np.array([[0, 0, 0], [0, 0, np.nan]], np.float32), key="a", seed=0)


def test_other_bad_arguments_are_refused() -> None:
    with pytest.raises(ValueError, match="got 1 lead"):
        shuffled_leads(np.zeros((1, 5), np.float32), key="a", seed=0)
    with pytest.raises(ValueError, match="spectrum: got 'pink'"):
        noise_like(np.zeros((2, 5), np.float32), key="a", seed=0, spectrum="pink")
