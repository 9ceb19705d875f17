"""Noise, made where it arises: at the electrodes. It reaches the leads by the same arithmetic as the heart's signal."""

from __future__ import annotations

import numpy as np

from ecgbyte.checks import check_option
from ecgbyte.data.synthetic.conditions import NOISE_KINDS, RecordState
from ecgbyte.data.synthetic.lead_geometry import ELECTRODES, INDEPENDENT_LEADS, LIMB_ELECTRODES, electrode_weights

MAINS_HZ = 50.0
# A chest lead sees a third of what a limb electrode picks up; more noise there keeps it visible in all the leads it
# is labelled in.
_LIMB_FACTOR = 1.7


def _band(samples: int, sampling_rate: float, low: float, high: float, rng: np.random.Generator) -> np.ndarray:
    """Noise of unit standard deviation between two frequencies, or up to Nyquist: float64 [samples]."""
    spectrum = np.fft.rfft(rng.standard_normal(samples))
    frequencies = np.fft.rfftfreq(samples, 1 / sampling_rate)
    spectrum[(frequencies < low) | (frequencies > high)] = 0
    wave = np.fft.irfft(spectrum, samples)
    return wave / wave.std()


def _mains(samples: int, sampling_rate: float, rng: np.random.Generator) -> np.ndarray:
    """The 50 Hz hum at unit amplitude; nothing where a recorder of this rate would have filtered it out."""
    if 0.45 * sampling_rate < MAINS_HZ:
        return np.zeros(samples)
    times = np.arange(samples) / sampling_rate
    return np.sin(2 * np.pi * ((MAINS_HZ + rng.uniform(-0.05, 0.05)) * times + rng.random()))


def _drift(samples: int, sampling_rate: float, rng: np.random.Generator) -> np.ndarray:
    """Slow wander of unit size: breathing, and movement up to about 0.9 Hz."""
    times = np.arange(samples) / sampling_rate
    frequencies = np.array([rng.uniform(0.15, 0.3), rng.uniform(0.35, 0.55), rng.uniform(0.6, 0.9)])
    sizes = np.array([1.0, 0.6, 0.45]) * rng.uniform(0.8, 1.2, 3)
    return sizes @ np.sin(2 * np.pi * (np.outer(frequencies, times) + rng.random((3, 1))))


def _static(samples: int, sampling_rate: float, rng: np.random.Generator) -> np.ndarray:
    """Mains hum and muscle, throughout, of unit size."""
    return 0.8 * _mains(samples, sampling_rate, rng) + 0.6 * _band(samples, sampling_rate, 15.0, 95.0, rng)


def _event_starts(duration: float, rng: np.random.Generator) -> np.ndarray:
    """Starts of events through a record, so close that no 2 s segment is without one."""
    longest_gap = 1.5
    gaps = rng.uniform(0.75 * longest_gap, longest_gap, int(np.ceil(duration / (0.75 * longest_gap))) + 1)
    starts = np.cumsum(gaps) - gaps[0] * rng.uniform(0.2, 1.0)
    return starts[starts < duration]


def _bursts(samples: int, sampling_rate: float, starts: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Short bursts of muscle noise, of unit size while they last."""
    times = np.arange(samples) / sampling_rate
    envelope = np.zeros(samples)
    for start in starts:
        length = rng.uniform(0.3, 0.55)
        inside = (times >= start) & (times < start + length)
        envelope[inside] = np.sin(np.pi * (times[inside] - start) / length) ** 0.5
    return envelope * _band(samples, sampling_rate, 12.0, 95.0, rng)


def _jumps(samples: int, sampling_rate: float, starts: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """A loose contact: sudden offsets of about unit size that the recorder's high-pass filter lets fade."""
    times = np.arange(samples) / sampling_rate
    wave = np.zeros(samples)
    for start in starts:
        after = times >= start
        fading = np.exp(-(times[after] - start) / rng.uniform(0.25, 0.6))
        wave[after] += rng.choice([-1.0, 1.0]) * rng.uniform(0.7, 1.3) * fading
    return wave


_SIZES_MV = {
    "baseline drift": (0.16, 0.32),
    "static noise": (0.07, 0.13),
    "burst noise": (0.14, 0.26),
    "electrodes problems": (0.6, 1.0),
}


def _electrode_noise(
    kind: str, samples: int, sampling_rate: float, starts: np.ndarray, rng: np.random.Generator
) -> np.ndarray:
    """One kind of noise at one electrode, of about unit size; bursts and jumps begin at `starts`."""
    check_option("kind", kind, NOISE_KINDS)
    if kind == "baseline drift":
        return _drift(samples, sampling_rate, rng)
    if kind == "static noise":
        return _static(samples, sampling_rate, rng)
    if kind == "burst noise":
        return _bursts(samples, sampling_rate, starts, rng)
    return _jumps(samples, sampling_rate, starts, rng)


def noise_of(state: RecordState, signal: np.ndarray, sampling_rate: float, rng: np.random.Generator) -> np.ndarray:
    """What noise adds to a record.

    Every record has a little of everything that a good recorder leaves (a few microvolts of white noise and hum, some
    tens of wander). The kinds named in `state.noise` come on top, at their electrodes only. A limb electrode only
    loosens: the heart stays readable in every lead. A chest electrode may come off, which leaves its lead flat.

    Parameters
    ----------
    state : RecordState
        Names kinds and electrodes.
    signal : numpy.ndarray
        float [8, samples], the record without noise, in mV.
    sampling_rate : float
        Samples a second.
    rng : numpy.random.Generator
        Source of the noise.

    Returns
    -------
    numpy.ndarray
        float64 [8, samples], in mV, to be added to `signal`.
    """
    samples = signal.shape[1]
    at_electrodes = 0.003 * rng.standard_normal((len(ELECTRODES), samples))
    hum, wander = _mains(samples, sampling_rate, rng), _drift(samples, sampling_rate, rng)
    at_electrodes += np.outer(rng.uniform(0.0, 0.002, len(ELECTRODES)), hum)
    at_electrodes += np.outer(rng.uniform(-0.008, 0.008, len(ELECTRODES)), wander)
    for kind, electrodes in state.noise:
        starts = _event_starts(samples / sampling_rate, rng)  # one movement shakes all its electrodes at once
        for electrode in electrodes:
            row = ELECTRODES.index(electrode)
            is_limb = electrode in LIMB_ELECTRODES
            if kind == "electrodes problems" and not is_limb and rng.random() < 0.5:
                # Off: the amplifier's input rests at Wilson's terminal, and the lead is flat.
                at_electrodes[row] -= signal[INDEPENDENT_LEADS.index(electrode)]
                continue
            size = rng.uniform(*_SIZES_MV[kind]) * (_LIMB_FACTOR if is_limb and len(electrodes) == 1 else 1.0)
            at_electrodes[row] += size * _electrode_noise(kind, samples, sampling_rate, starts, rng)
    return electrode_weights() @ at_electrodes
