"""Every label of the synthetic data set, measured again in its signals."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter1d
from scipy.signal import find_peaks

from ecgbyte.data.catalogue import RecordEntry
from ecgbyte.data.synthetic import SyntheticRecords
from ecgbyte.data.synthetic.lead_geometry import TERRITORIES
from ecgbyte.signals.leads import LEADS
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
        """The value furthest from zero around the usual peak of T, after any ST plateau."""
        stretch = (60 / self.rate) ** (1 / 3) * RATE
        wave = self.mean_beat[lead][self.onset + round(0.30 * stretch) : self.onset + round(0.44 * stretch)]
        return float(wave[np.argmax(np.abs(wave))])

    def pr_seconds(self) -> float:
        before = self.mean_beat["II"][: self.onset]
        peak = find_peaks(before, prominence=0.03)[0][-1]
        level = before[peak - round(0.12 * RATE) : peak].min()
        foot = peak
        while before[foot] > level + 0.12 * (before[peak] - level):
            foot -= 1
        return float((self.onset - foot) / RATE)


def steepness(signal: np.ndarray) -> np.ndarray:
    """The steepest slope of all leads, in mV/s: float [samples]."""
    return np.abs(np.gradient(signal.astype(np.float64), 1 / RATE, axis=1)).max(axis=0)


def find_beats(signal: np.ndarray) -> np.ndarray:
    """Samples of the QRS complexes."""
    smoothed = gaussian_filter1d(steepness(signal), 0.022 * RATE)
    return find_peaks(smoothed, distance=round(0.28 * RATE), height=12.0)[0]


def qrs_bounds(steep: np.ndarray, middle: int, bridge_seconds: float = 0.030) -> tuple[int, int]:
    """First and last steep sample around `middle`, bridging notches and rounded tops."""
    low = max(0, middle - round(0.16 * RATE))
    samples = low + np.flatnonzero(steep[low : middle + round(0.16 * RATE)] > 8.0)
    core = int(np.argmin(np.abs(samples - middle)))
    breaks = np.flatnonzero(np.diff(samples) > bridge_seconds * RATE)
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
    assert min(spread[True]) > 0.12 > 0.08 > max(spread[False])
    assert len(spread[True]) > 10
    assert np.median(p_height[True]) < 0.05 and np.median(p_height[False]) > 0.08


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
        if seconds > 1.5:
            assert 3.0 < crossings / seconds / 2 < 9.0, entry.record_id
            checked += 1
    assert checked > 3


def test_qrs_durations_and_shapes_of_blocks(measured: list[tuple[RecordEntry, Measured]]) -> None:
    seen = Counter()
    for entry, found in measured:
        block = names(entry) & BLOCKS
        if block and "atrial fibrillation" in names(entry):
            continue  # fibrillatory waves blur such simple measurements
        seen.update(block)
        if not block:
            assert 0.06 < found.qrs_seconds < 0.115, entry.record_id
        elif block == {"left bundle branch block"}:
            assert found.qrs_seconds > 0.135
            assert -found.qrs("V1").min() > 3 * found.qrs("V1").max()
            for lead in ("I", "V6"):
                assert found.qrs(lead).max() > max(0.2, -4 * found.qrs(lead).min()) and found.t_wave(lead) < 0
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
        usual = np.median(intervals)
        early = [k for k in range(1, len(beats) - 1) if intervals[k - 1] < 0.8 * usual < intervals[k]]
        assert early, entry.record_id
        if len(early) > len(beats) / 4:
            continue  # too few sinus intervals are left to compare with
        for k in early:
            if beats[k] > signal.shape[1] - 0.2 * RATE:
                continue
            first, last = qrs_bounds(steep, int(beats[k]), 0.050)
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
