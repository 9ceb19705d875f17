"""When beats happen: sinus rhythm with breathing, atrial fibrillation, premature beats."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ecgbyte.data.synthetic.beats import qt_seconds
from ecgbyte.data.synthetic.conditions import RecordState
from ecgbyte.data.synthetic.patients import Patient

CONDUCTED, PREMATURE_ATRIAL, PREMATURE_VENTRICULAR = 0, 1, 2
# Beats begin before the record and go on after it, so that its edges look like its middle.
_LEAD_IN_SECONDS = 2.5
_LEAD_OUT_SECONDS = 2.0
_BLOCK = 8  # intervals


@dataclass(frozen=True)
class Timeline:
    """The beats of a record.

    Attributes
    ----------
    onsets : numpy.ndarray
        float64 [beats], QRS onset in seconds from the start of the record; increasing.
    kinds : numpy.ndarray
        int [beats], `CONDUCTED`, `PREMATURE_ATRIAL` or `PREMATURE_VENTRICULAR`.
    gains : numpy.ndarray
        float64 [beats], amplitude factor (breathing).
    """

    onsets: np.ndarray
    kinds: np.ndarray
    gains: np.ndarray


def _sinus_intervals(patient: Patient, mean: float, count: int, rng: np.random.Generator) -> np.ndarray:
    """RR intervals of a sinus rhythm: respiratory arrhythmia, which weakens with age and rate, and a little more."""
    depth = np.clip(0.055 - 0.0005 * (patient.age - 20), 0.015, 0.055) * min(1.0, mean / 0.8)
    breath_hz = rng.uniform(0.2, 0.3)
    phase = 2 * np.pi * (breath_hz * mean * np.arange(count) + rng.random())
    return mean * (1 + depth * np.sin(phase) + rng.normal(0, 0.006, count))


def _fibrillation_intervals(mean: float, shortest: float, count: int, rng: np.random.Generator) -> np.ndarray:
    """RR intervals that do not follow from each other.

    Each eight in a row hold one value from every eighth of a log-normal distribution, in random order, so that even a
    short record is as irregular as its rhythm.
    """
    # Imported here: SciPy's special functions are not needed before a signal is drawn.
    from scipy.special import ndtri

    spread = rng.uniform(0.22, 0.30)
    blocks = -(-count // _BLOCK)
    shares = (np.tile(np.arange(_BLOCK), (blocks, 1)) + rng.random((blocks, _BLOCK))) / _BLOCK
    shares = rng.permuted(shares, axis=1).ravel()[:count]
    intervals = np.exp(spread * ndtri(shares.clip(0.01, 0.99)))
    return np.maximum(shortest, intervals * (mean / intervals.mean()))


def _premature_indices(onsets: np.ndarray, duration: float, ectopy: str, rng: np.random.Generator) -> np.ndarray:
    """Which beats come early: at least one, no two neighbours, each with the beats beside it inside the record."""
    inside = np.flatnonzero((onsets[:-2] >= 0.0) & (onsets[2:] <= duration - 0.3)) + 1
    if ectopy == "ventricular" and len(inside) > 2 and rng.random() < 0.15:
        return inside[int(rng.integers(0, 2)) :: 2]  # bigeminy
    wanted = max(1, round(duration / 10 * rng.integers(2, 5)))
    chosen: list[int] = []
    for index in rng.permutation(inside):
        if len(chosen) < wanted and all(abs(index - other) > 1 for other in chosen):
            chosen.append(int(index))
    return np.array(sorted(chosen))


def draw_timeline(patient: Patient, state: RecordState, duration: float, rng: np.random.Generator) -> Timeline:
    """Draw the beats of one record.

    Parameters
    ----------
    patient, state
        What decides rhythm, rate and premature beats.
    duration : float
        Seconds.
    rng : numpy.random.Generator
        Source of all variation.
    """
    mean = 60.0 / state.rate
    count = int(np.ceil((duration + _LEAD_IN_SECONDS + 2 * _LEAD_OUT_SECONDS) / mean)) + 2
    fibrillating = state.rhythm == "atrial fibrillation"
    if fibrillating:
        # No beat is conducted while the ventricles are still in their T wave.
        intervals = _fibrillation_intervals(mean, 0.95 * qt_seconds(patient, state.rate), count, rng)
    else:
        intervals = _sinus_intervals(patient, mean, count, rng)
    onsets = np.cumsum(intervals) - _LEAD_IN_SECONDS - intervals[0] * rng.random()
    kinds = np.full(count, CONDUCTED)
    if state.ectopy:
        for index in _premature_indices(onsets, duration, state.ectopy, rng):
            before = onsets[index - 1]
            if state.ectopy == "atrial":
                # It resets the sinus node: what follows comes about one interval later.
                kinds[index] = PREMATURE_ATRIAL
                onsets[index] = before + mean * rng.uniform(0.62, 0.70)
                onsets[index + 1 :] += onsets[index] + mean * rng.uniform(1.08, 1.2) - onsets[index + 1]
            else:
                # The sinus node goes on undisturbed, so the pause is fully compensatory; the P wave in between is
                # lost in it.
                kinds[index] = PREMATURE_VENTRICULAR
                onsets[index] = before + (rng.uniform(0.40, 0.46) if fibrillating else mean * rng.uniform(0.60, 0.68))
                pause = onsets[index] + (0.75 if fibrillating else 0.0)
                onsets[index + 1 :] += max(0.0, pause - onsets[index + 1])
    gains = (
        1 + rng.uniform(0.01, 0.05) * np.sin(2 * np.pi * (0.25 * onsets + rng.random())) + rng.normal(0, 0.01, count)
    )
    wanted = onsets < duration + _LEAD_OUT_SECONDS
    return Timeline(onsets[wanted], kinds[wanted], gains[wanted])


def fibrillatory_waves(samples: int, sampling_rate: float, vectors: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """The baseline of atrial fibrillation: three wandering oscillations of 4 to 8 Hz, largest in V1 and V2.

    Returns
    -------
    numpy.ndarray
        float64 [8, samples], in mV.
    """
    times = np.arange(samples) / sampling_rate
    baseline = np.zeros((8, samples))
    directions = ([-0.02, 0.05, 0.09], [0.03, 0.04, -0.02], [-0.03, 0.0, 0.05])
    for direction in directions:
        rates = rng.uniform([0.2, 0.7, 0.3], [0.5, 1.3, 0.8])
        turns = np.sin(2 * np.pi * (np.outer(rates, times) + rng.random((3, 1))))
        frequency = rng.uniform(5.2, 6.8) + 0.6 * turns[0] + 0.6 * turns[1]
        phase = 2 * np.pi * (np.cumsum(frequency) / sampling_rate + rng.random())
        wave = (1 + 0.5 * turns[2]) * (np.sin(phase) + 0.25 * np.sin(2 * phase + 0.8))
        baseline += np.outer(vectors @ np.array(direction) * rng.uniform(0.7, 1.0), wave)
    return baseline
