"""From patient, state and timeline to the noise-free signal of the independent leads."""

from __future__ import annotations

import numpy as np

from ecgbyte.data.synthetic.beats import (
    Plateau,
    Waves,
    atrial_waves,
    qrs_waves,
    repolarisation,
    ventricular_ectopic_beat,
)
from ecgbyte.data.synthetic.conditions import RecordState
from ecgbyte.data.synthetic.lead_geometry import lead_vectors
from ecgbyte.data.synthetic.patients import Patient
from ecgbyte.data.synthetic.rhythms import (
    CONDUCTED,
    PREMATURE_ATRIAL,
    PREMATURE_VENTRICULAR,
    draw_timeline,
    fibrillatory_waves,
)

# Beyond this many standard deviations a bump is below half a microvolt.
_REACH = 4.5


def _sample_grid(first: np.ndarray, reach: int, samples: int) -> tuple[np.ndarray, np.ndarray]:
    """Sample numbers from `first` on, int [beats, reach], and their bins; the first and last bin take those outside."""
    grid = first[:, np.newaxis] + np.arange(reach)
    return grid, np.clip(grid, -1, samples) + 1


def _add_waves(signal: np.ndarray, waves: Waves, onsets: np.ndarray, gains: np.ndarray, sampling_rate: float) -> None:
    samples = signal.shape[1]
    trains = np.empty((len(waves.centers), samples))
    for number, (center, (before, after)) in enumerate(zip(waves.centers, waves.widths, strict=True)):
        middles = (onsets + center) * sampling_rate
        first = np.floor(middles - _REACH * before * sampling_rate).astype(np.int64)
        reach = int(np.ceil(_REACH * (before + after) * sampling_rate)) + 2
        grid, bins = _sample_grid(first, reach, samples)
        away = (grid - middles[:, np.newaxis]) / sampling_rate
        scaled = away / np.where(away < 0, before, after)
        values = gains[:, np.newaxis] * np.exp(-0.5 * scaled * scaled)
        trains[number] = np.bincount(bins.ravel(), weights=values.ravel(), minlength=samples + 2)[1:-1]
    signal += waves.leads.T @ trains


def _add_plateau(
    signal: np.ndarray, plateau: Plateau, onsets: np.ndarray, gains: np.ndarray, sampling_rate: float
) -> None:
    samples = signal.shape[1]
    start, stop = onsets + plateau.start, onsets + plateau.stop
    first = np.floor((start - _REACH * plateau.rise) * sampling_rate).astype(np.int64)
    length = plateau.stop - plateau.start + _REACH * (plateau.rise + plateau.fall)
    grid, bins = _sample_grid(first, int(np.ceil(length * sampling_rate)) + 2, samples)
    times = grid / sampling_rate
    rising = np.tanh((times - start[:, np.newaxis]) / plateau.rise)
    falling = np.tanh((times - stop[:, np.newaxis]) / plateau.fall)
    values = gains[:, np.newaxis] * 0.5 * (rising - falling)
    train = np.bincount(bins.ravel(), weights=values.ravel(), minlength=samples + 2)[1:-1]
    signal += np.outer(plateau.leads, train)


def synthesise(
    patient: Patient, state: RecordState, duration: float, sampling_rate: float, rng: np.random.Generator
) -> np.ndarray:
    """The signal of one record before noise.

    Parameters
    ----------
    patient, state
        What the record shows.
    duration : float
        Seconds.
    sampling_rate : float
        Samples a second.
    rng : numpy.random.Generator
        Source of electrode placement, beat times and small variations.

    Returns
    -------
    numpy.ndarray
        float64 [8, samples], in mV, in the order of `lead_geometry.INDEPENDENT_LEADS`.
    """
    samples = round(duration * sampling_rate)
    signal = np.zeros((8, samples))
    vectors = lead_vectors(patient.heart_offset_cm, rng.normal(0, 0.4, (6, 3)).clip(-0.8, 0.8))
    qrs = qrs_waves(patient, state, vectors, rng)
    t_wave, st = repolarisation(patient, state, qrs, vectors, rng)
    timeline = draw_timeline(patient, state, duration, rng)
    onsets, kinds, gains = timeline.onsets, timeline.kinds, timeline.gains

    through_node = kinds != PREMATURE_VENTRICULAR
    for waves in (qrs, t_wave):
        _add_waves(signal, waves, onsets[through_node], gains[through_node], sampling_rate)
    _add_plateau(signal, st, onsets[through_node], gains[through_node], sampling_rate)
    if state.rhythm == "atrial fibrillation":
        signal += fibrillatory_waves(samples, sampling_rate, vectors, rng)
    else:
        sinus = kinds == CONDUCTED
        p_wave = atrial_waves(patient, vectors, rng)
        _add_waves(signal, p_wave, onsets[sinus] - patient.pr_seconds, gains[sinus], sampling_rate)
    early = kinds == PREMATURE_ATRIAL
    if early.any():
        ectopic_p = atrial_waves(patient, vectors, rng, ectopic=True)
        delay = patient.pr_seconds if patient.long_pr else 0.92 * patient.pr_seconds
        _add_waves(signal, ectopic_p, onsets[early] - delay, gains[early], sampling_rate)
    ventricular = kinds == PREMATURE_VENTRICULAR
    if ventricular.any():
        beat, beat_st = ventricular_ectopic_beat(patient, vectors, rng)
        _add_waves(signal, beat, onsets[ventricular], gains[ventricular], sampling_rate)
        _add_plateau(signal, beat_st, onsets[ventricular], gains[ventricular], sampling_rate)
    return signal
