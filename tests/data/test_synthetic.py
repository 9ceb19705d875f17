"""The synthetic data set: determinism, bad arguments, and every label measured again in the signals."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter1d
from scipy.signal import find_peaks

from ecgbyte.data.catalogue import RecordEntry
from ecgbyte.data.synthetic import SyntheticRecords
from ecgbyte.data.synthetic.lead_geometry import ELECTRODES, TERRITORIES, leads_of_electrodes
from ecgbyte.signals.leads import LEADS, lead_identity_residuals
from ecgbyte.signals.records import Record

RATE = 500.0
BLOCKS = {"left bundle branch block", "right bundle branch block"}


# --- Measuring: only the signal goes in. ---


@dataclass(frozen=True)
class Measured:
    """What a reader would measure in one record without premature beats; times in seconds, levels in mV."""

    beats: np.ndarray  # moments of the QRS complexes
    mean_beat: dict[str, np.ndarray]  # by lead, 0.5 s before to 0.6 s after, against the level at QRS onset
    onset: int  # of QRS, in samples of the mean beat
    end: int

    @property
    def qrs_seconds(self) -> float:
        return (self.end - self.onset) / RATE

    @property
    def rate(self) -> float:
        return 60.0 / float(np.diff(self.beats).mean())

    @property
    def irregularity(self) -> float:
        intervals = np.diff(self.beats)
        return float(intervals.std() / intervals.mean())

    def qrs(self, lead: str) -> np.ndarray:
        return self.mean_beat[lead][self.onset : self.end]

    def axis_degrees(self) -> float:
        return float(np.rad2deg(np.arctan2(self.qrs("aVF").sum() * 2 / np.sqrt(3), self.qrs("I").sum())))

    def st_level(self, lead: str) -> float:
        return float(self.mean_beat[lead][self.end + round(0.06 * RATE)])

    def t_wave(self, lead: str) -> float:
        """The value furthest from zero between 100 ms after the end of QRS and the end of any T wave."""
        t_end = self.onset + round(0.46 * (60 / self.rate) ** (1 / 3) * RATE)
        wave = self.mean_beat[lead][self.end + round(0.10 * RATE) : t_end]
        return float(wave[np.argmax(np.abs(wave))])

    def pr_seconds(self) -> float:
        before = self.mean_beat["II"][: self.onset]
        peak = find_peaks(before, prominence=0.03)[0][-1]
        foot = peak
        while before[foot - 1] < before[foot] and before[foot] > 0.12 * before[peak]:
            foot -= 1
        return float((self.onset - foot) / RATE)


def steepness(signal: np.ndarray) -> np.ndarray:
    """The steepest slope of all leads, in mV/s: float [samples]."""
    return np.abs(np.gradient(signal.astype(np.float64), 1 / RATE, axis=1)).max(axis=0)


def find_beats(signal: np.ndarray) -> np.ndarray:
    """Samples of the QRS complexes."""
    smoothed = gaussian_filter1d(steepness(signal), 0.022 * RATE)
    return find_peaks(smoothed, distance=round(0.28 * RATE), height=0.25 * smoothed.max())[0]


def qrs_bounds(steep: np.ndarray, middle: int) -> tuple[int, int]:
    """First and last steep sample around `middle`, bridging notches of up to 20 ms."""
    low = max(0, middle - round(0.16 * RATE))
    samples = low + np.flatnonzero(steep[low : middle + round(0.16 * RATE)] > 8.0)
    core = int(np.argmin(np.abs(samples - middle)))
    breaks = np.flatnonzero(np.diff(samples) > 0.020 * RATE)
    first = samples[breaks[breaks < core][-1] + 1] if (breaks < core).any() else samples[0]
    last = samples[breaks[breaks >= core][0]] if (breaks >= core).any() else samples[-1]
    return int(first), int(last)


def measure(record: Record) -> Measured:
    beats = find_beats(record.signal)
    before, after = round(0.5 * RATE), round(0.6 * RATE)
    whole = [beat for beat in beats if before <= beat < record.num_samples - after]
    mean = np.mean([record.signal[:, beat - before : beat + after] for beat in whole], axis=0)
    onset, end = qrs_bounds(steepness(mean), before)
    mean = mean - mean[:, onset, np.newaxis]
    return Measured(beats / RATE, dict(zip(record.lead_names, mean, strict=True)), onset, end)


def names(entry: RecordEntry) -> set[str]:
    return {finding.name for finding in entry.findings}


@pytest.fixture(scope="module")
def clean() -> SyntheticRecords:
    return SyntheticRecords(110, seed=3, noise=False)


@pytest.fixture(scope="module")
def measured(clean: SyntheticRecords) -> list[tuple[RecordEntry, Measured]]:
    """All records without premature beats."""
    return [(entry, measure(clean.read(entry.record_id))) for entry in clean.entries if not entry.names("ectopy")]


# --- The data set as a data set. ---


def test_a_record_is_the_same_in_any_order_and_any_company() -> None:
    small, large = SyntheticRecords(4, seed=5), SyntheticRecords(11, seed=5)
    assert list(small.entries) == list(large.entries[: len(small.entries)])
    forwards = {entry.record_id: small.read(entry.record_id).signal for entry in small.entries}
    for entry in reversed(large.entries):
        signal = large.read(entry.record_id).signal
        if entry.record_id in forwards:
            np.testing.assert_array_equal(signal, forwards[entry.record_id])


def test_seeds_and_settings_change_the_fingerprint() -> None:
    settings = [{}, {"seed": 1}, {"num_patients": 3}, {"noise": False}, {"sampling_rate": 250.0}]
    settings += [{"duration_seconds": 8.0}, {"records_per_patient": (1, 2)}]
    sets = [SyntheticRecords(**{"num_patients": 2, **changes}) for changes in settings]
    assert len({records.fingerprint for records in sets}) == len(settings)
    assert SyntheticRecords(2).fingerprint == sets[0].fingerprint
    first = [records.read(records.entries[0].record_id).signal for records in sets[:2]]
    assert not np.array_equal(*first)


def test_signals_look_like_a_recorders() -> None:
    records = SyntheticRecords(8, seed=1, sampling_rate=250.0)
    for entry in records.entries:
        record = records.read(entry.record_id)
        assert record.signal.shape == (12, 2500) and record.signal.dtype == np.float32
        assert record.lead_names == LEADS and record.record_id == entry.record_id
        # Whole microvolts, also in the leads that are computed.
        microvolts = record.signal.astype(np.float64) * 1000
        np.testing.assert_allclose(microvolts, np.rint(microvolts), atol=1e-3)
        assert np.abs(record.signal).max() < 8.0


def test_limb_leads_obey_the_identities_with_noise_and_without() -> None:
    for noise in (True, False):
        records = SyntheticRecords(10, seed=2, noise=noise)
        for entry in records.entries:
            residuals = lead_identity_residuals(records.read(entry.record_id).signal)
            assert max(residuals.values()) < 1e-5, entry.record_id


@pytest.mark.parametrize("sampling_rate", [100.0, 250.0, 1000.0])
def test_the_rate_changes_samples_and_not_findings(sampling_rate: float) -> None:
    reference, other = SyntheticRecords(3, noise=False), SyntheticRecords(3, noise=False, sampling_rate=sampling_rate)
    assert list(reference.entries) == list(other.entries)
    for entry in reference.entries:
        if "atrial fibrillation" in names(entry):
            continue  # its baseline is integrated sample by sample
        common = 100.0
        first = reference.read(entry.record_id).signal[:, :: round(RATE / common)]
        second = other.read(entry.record_id).signal[:, :: round(sampling_rate / common)]
        assert np.abs(first - second).max() < 0.004


def test_folds_hold_whole_patients_and_are_balanced() -> None:
    entries = SyntheticRecords(60).entries
    folds: dict[str, set[int]] = {}
    for entry in entries:
        folds.setdefault(entry.patient_id, set()).add(entry.fold)
    assert len(folds) == 60 and all(len(of_patient) == 1 for of_patient in folds.values())
    assert Counter(next(iter(of_patient)) for of_patient in folds.values()) == dict.fromkeys(range(1, 11), 6)
    per_patient = Counter(entry.patient_id for entry in entries)
    assert set(per_patient.values()) == {1, 2, 3, 4}
    assert len({entry.record_id for entry in entries}) == len(entries)


def test_prevalences() -> None:
    entries = SyntheticRecords(1500, seed=4).entries
    share = {name: count / len(entries) for name, count in Counter(n for e in entries for n in names(e)).items()}
    assert 0.19 < share.pop("normal ecg") < 0.26
    assert 0.5 < share.pop("sinus rhythm") < 0.7
    assert 0.6 < share.pop("normal axis") < 0.75
    assert len(share) == 3 + 2 + 3 + 9 + 2 + 2 + 4
    assert {name: value for name, value in share.items() if not 0.06 < value < 0.20} == {}


def test_chronic_findings_stay_with_the_patient_and_acute_ones_come_and_go() -> None:
    by_patient: dict[str, list[RecordEntry]] = {}
    for entry in SyntheticRecords(150).entries:
        by_patient.setdefault(entry.patient_id, []).append(entry)
    for entries in by_patient.values():
        assert len({(e.names("axis"), e.names("hypertrophy")) for e in entries}) == 1
        assert len({tuple(n for n in e.names("conduction") if n in BLOCKS) for e in entries}) == 1
    for kind in ("rhythm", "ectopy", "st-t", "noise"):
        assert any(len({e.names(kind) for e in entries}) > 1 for entries in by_patient.values())


def test_findings_combine_as_they_can() -> None:
    for entry in SyntheticRecords(500, seed=9).entries:
        found = names(entry)
        assert len(entry.names("rhythm")) == 1 and len(entry.names("axis")) == 1
        assert not found >= BLOCKS
        if "atrial fibrillation" in found:
            assert not found & {"first degree av block", "atrial premature complex"}
        if found & BLOCKS:
            assert not entry.names("st-t") and "st-t" not in entry.assessed
        else:
            assert "st-t" in entry.assessed
        for change in ("st elevation", "st depression", "t wave inversion"):
            assert not found >= {f"inferior {change}", f"lateral {change}"}
        heart = {finding.name for finding in entry.findings if finding.finding_type not in ("noise", "normal")}
        assert ("normal ecg" in found) == (heart == {"sinus rhythm", "normal axis"})
        for finding in entry.findings:
            if finding.finding_type == "st-t":
                assert finding.leads == TERRITORIES[finding.name.split()[0]]


def test_reports_tell_the_findings_and_no_ids() -> None:
    for entry in SyntheticRecords(80).entries:
        assert 1 <= len(re.findall(r"\.( |$)", entry.report)) <= 3
        assert "patient" not in entry.report and "record-" not in entry.report
        text = entry.report.lower()
        told = {n for f in entry.findings if (n := f.name) not in ("normal ecg", "normal axis")}
        assert [name for name in told if name not in text] == []
        if "normal ecg" in names(entry):
            assert "normal" in text


# --- The labels, measured. ---


def test_rates(measured: list[tuple[RecordEntry, Measured]]) -> None:
    bounds = {"sinus rhythm": (55, 105), "sinus bradycardia": (30, 55), "sinus tachycardia": (105, 160)}
    checked = Counter()
    for entry, found in measured:
        rhythm = entry.names("rhythm")[0]
        if rhythm in bounds:
            low, high = bounds[rhythm]
            assert low < found.rate < high, (entry.record_id, rhythm, found.rate)
            checked[rhythm] += 1
    assert len(checked) == 3 and min(checked.values()) > 5


def test_atrial_fibrillation_is_irregular_without_p_waves(measured: list[tuple[RecordEntry, Measured]]) -> None:
    spread: dict[bool, list[float]] = {True: [], False: []}
    p_height: dict[bool, list[float]] = {True: [], False: []}
    for entry, found in measured:
        fibrillates = "atrial fibrillation" in names(entry)
        spread[fibrillates].append(found.irregularity)
        if fibrillates or {"sinus rhythm", "sinus bradycardia"} & names(entry):
            # How far the highest bump before QRS rises above its surroundings.
            start, stop = found.onset - round(0.30 * RATE), found.onset - round(0.03 * RATE)
            piece = found.mean_beat["II"][start:stop]
            peaks = find_peaks(piece, prominence=0.0)[1]["prominences"]
            p_height[fibrillates].append(float(peaks.max(initial=0.0)))
    assert min(spread[True]) > 0.12 > 0.07 > max(spread[False])
    assert len(spread[True]) > 10
    assert np.median(p_height[True]) < 0.03 and np.median(p_height[False]) > 0.08


def test_fibrillatory_waves_have_their_frequency(clean: SyntheticRecords) -> None:
    checked = 0
    for entry in clean.entries:
        if not {"atrial fibrillation"} <= names(entry) or entry.names("ectopy"):
            continue
        signal = clean.read(entry.record_id).signal
        beats = find_beats(signal)
        v1 = signal[LEADS.index("V1")].astype(np.float64)
        gaps = [(a + round(0.48 * RATE), b - round(0.08 * RATE)) for a, b in pairwise(beats)]
        crossings = seconds = 0.0
        for start, stop in gaps:
            if stop - start > 0.25 * RATE:
                piece = v1[start:stop] - v1[start:stop].mean()
                crossings += np.count_nonzero(np.diff(np.signbit(piece)))
                seconds += (stop - start) / RATE
        if seconds > 0.8:
            assert 3.5 < crossings / seconds / 2 < 8.5, entry.record_id
            checked += 1
    assert checked > 3


def test_qrs_durations_and_shapes_of_blocks(measured: list[tuple[RecordEntry, Measured]]) -> None:
    seen = Counter()
    for entry, found in measured:
        block = names(entry) & BLOCKS
        seen.update(block)
        if not block:
            assert 0.06 < found.qrs_seconds < 0.115, entry.record_id
        elif block == {"left bundle branch block"}:
            assert found.qrs_seconds > 0.135
            assert -found.qrs("V1").min() > 3 * found.qrs("V1").max()
            for lead in ("I", "V6"):
                assert found.qrs(lead).max() > 0.2 and found.qrs(lead).min() > -0.1 and found.t_wave(lead) < 0
            assert len(find_peaks(found.qrs("V6"), prominence=0.02)[0]) >= 2  # the notch
        else:
            assert found.qrs_seconds > 0.12
            v1 = found.qrs("V1")
            low = int(v1.argmin())
            assert v1[low:].max() > 0.3 and v1[:low].max() > 0.03  # r S R'
            late = slice(round(0.65 * (found.end - found.onset)), None)
            assert found.qrs("I")[late].min() < -0.15 and found.qrs("V6")[late].min() < -0.1
    assert min(seen[name] for name in BLOCKS) > 5


def test_normal_ecgs_measure_as_normal(measured: list[tuple[RecordEntry, Measured]]) -> None:
    normal = [found for entry, found in measured if "normal ecg" in names(entry)]
    assert len(normal) > 20
    for found in normal:
        assert found.qrs_seconds < 0.11 and 0.10 < found.pr_seconds() < 0.2
        assert found.qrs("V1").max() < -found.qrs("V1").min() and found.qrs("V5").max() > -found.qrs("V5").min()
        for lead in ("I", "II", "V3", "V4", "V5", "V6"):
            assert found.t_wave(lead) > 0.03 and abs(found.st_level(lead)) < 0.1


def test_pr_interval(measured: list[tuple[RecordEntry, Measured]]) -> None:
    long_pr, others = [], []
    for entry, found in measured:
        if {"sinus rhythm", "sinus bradycardia"} & names(entry):
            (long_pr if "first degree av block" in names(entry) else others).append(found.pr_seconds())
    assert len(long_pr) > 10
    assert min(long_pr) > 0.2 > max(others)


def test_frontal_axis(measured: list[tuple[RecordEntry, Measured]]) -> None:
    bounds = {"normal axis": (-30, 90), "left axis deviation": (-90, -30), "right axis deviation": (90, 180)}
    for entry, found in measured:
        low, high = bounds[entry.names("axis")[0]]
        assert low < found.axis_degrees() < high, (entry.record_id, found.axis_degrees())


def test_st_t_changes_by_territory(measured: list[tuple[RecordEntry, Measured]]) -> None:
    seen = Counter()
    for entry, found in measured:
        if names(entry) & BLOCKS:
            continue
        for territory, leads in TERRITORIES.items():
            levels = [found.st_level(lead) for lead in leads]
            waves = [found.t_wave(lead) for lead in leads]
            for change, shown in (
                ("st elevation", min(levels) > 0.07),
                ("st depression", max(levels) < -0.05),
                ("t wave inversion", max(waves) < -0.05),
            ):
                name = f"{territory} {change}"
                labelled = name in names(entry)
                if "atrial fibrillation" not in names(entry) and not (change == "t wave inversion" and max(levels) < 0):
                    assert shown == labelled, (entry.record_id, name, levels, waves)
                seen[name] += labelled
    assert len(seen) == 9 and min(seen.values()) > 2


def test_voltages_of_hypertrophy(measured: list[tuple[RecordEntry, Measured]]) -> None:
    seen = Counter()
    for entry, found in measured:
        v1 = found.qrs("V1")
        sokolow = max(0.0, -v1.min()) + max(found.qrs("V5").max(), found.qrs("V6").max())
        left, right = ("left ventricular hypertrophy" in names(entry), "right ventricular hypertrophy" in names(entry))
        seen.update({"left": left, "right": right})
        assert (sokolow > 3.5) == left, (entry.record_id, sokolow)
        if right:
            assert v1.max() > 0.7 and v1.max() > -v1.min() and found.axis_degrees() > 90
        elif "right bundle branch block" not in names(entry):
            assert v1.max() < -v1.min(), entry.record_id
    assert min(seen.values()) > 5


def test_premature_beats(clean: SyntheticRecords) -> None:
    seen = Counter()
    for entry in clean.entries:
        if not entry.names("ectopy") or "sinus rhythm" not in names(entry) or names(entry) & BLOCKS:
            continue
        signal = clean.read(entry.record_id).signal
        steep, beats = steepness(signal), find_beats(signal)
        intervals = np.diff(beats) / RATE
        usual = np.median(intervals[intervals > 0.9 * np.median(intervals)])
        early = [k for k in range(1, len(beats) - 1) if intervals[k - 1] < 0.8 * usual < intervals[k]]
        assert early, entry.record_id
        for k in early:
            if beats[k] > signal.shape[1] - 0.2 * RATE:
                continue
            first, last = qrs_bounds(steep, int(beats[k]))
            around = intervals[k - 1] + intervals[k]
            if "ventricular premature complex" in names(entry):
                assert (last - first) / RATE > 0.12 and around > 1.85 * usual, entry.record_id
            else:
                assert (last - first) / RATE < 0.115 and around < 1.95 * usual, entry.record_id
        seen.update(names(entry))
    assert seen["ventricular premature complex"] > 3 and seen["atrial premature complex"] > 3


def test_every_record_with_ectopy_shows_one_even_when_short() -> None:
    records = SyntheticRecords(60, seed=8, noise=False, duration_seconds=5.0)
    short = [e for e in records.entries if e.names("ectopy") and "atrial fibrillation" not in names(e)]
    assert len(short) > 15
    for entry in short:
        intervals = np.diff(find_beats(records.read(entry.record_id).signal))
        assert intervals.min() < 0.82 * intervals.max(), entry.record_id


# --- Noise. ---


def test_noise_is_in_the_leads_it_is_labelled_in_and_in_no_other() -> None:
    noisy, quiet = SyntheticRecords(70, seed=6), SyntheticRecords(70, seed=6, noise=False)
    kinds = Counter()
    for entry, without in zip(noisy.entries, quiet.entries, strict=True):
        assert without.findings == tuple(f for f in entry.findings if f.finding_type != "noise")
        difference = noisy.read(entry.record_id).signal - quiet.read(entry.record_id).signal
        labelled = {lead for f in entry.findings if f.finding_type == "noise" for lead in f.leads}
        for lead, of_lead in zip(LEADS, difference, strict=True):
            size = np.std(of_lead)
            if lead in labelled:
                assert size > 0.025, (entry.record_id, lead, size)
                windows = of_lead[: 10 * round(RATE)].reshape(5, -1)
                assert windows.std(axis=1).min() > 0.012, (entry.record_id, lead)
            else:
                assert 0.002 < size < 0.02, (entry.record_id, lead, size)
        kinds.update(entry.names("noise"))
    assert len(kinds) == 4 and min(kinds.values()) > 5


def test_an_electrode_reaches_the_leads_that_use_it() -> None:
    assert leads_of_electrodes(["V3"]) == ("V3",)
    assert leads_of_electrodes(["RA"]) == tuple(lead for lead in LEADS if lead != "III")
    assert leads_of_electrodes(["LA"]) == tuple(lead for lead in LEADS if lead != "II")
    assert leads_of_electrodes(["LL"]) == tuple(lead for lead in LEADS if lead != "I")
    assert leads_of_electrodes(ELECTRODES) == LEADS


# --- Bad arguments. ---


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"num_patients": 0}, ValueError, "num_patients: got 0, expected at least 1"),
        ({"num_patients": 2.0}, TypeError, "num_patients: expected a whole number"),
        ({"num_patients": True}, TypeError, "num_patients"),
        ({"seed": -1}, ValueError, "seed: got -1"),
        ({"records_per_patient": 3}, TypeError, "records_per_patient: expected"),
        ({"records_per_patient": (0, 2)}, ValueError, r"records_per_patient\[0\]"),
        ({"records_per_patient": (3, 2)}, ValueError, r"records_per_patient\[1\]: got 2, expected at least 3"),
        ({"sampling_rate": 50}, ValueError, "sampling_rate: got 50, expected 100 to 2000"),
        ({"sampling_rate": float("nan")}, ValueError, "sampling_rate"),
        ({"sampling_rate": "500"}, TypeError, "sampling_rate: expected a number"),
        ({"duration_seconds": 2.0}, ValueError, "duration_seconds: got 2.0, expected 5 to 600"),
        ({"noise": 1}, TypeError, "noise: expected True or False"),
    ],
)
def test_bad_arguments(arguments: dict[str, object], error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        SyntheticRecords(**{"num_patients": 1, **arguments})


def test_unknown_record() -> None:
    with pytest.raises(KeyError, match="no record 'nobody'"):
        SyntheticRecords(1).read("nobody")
