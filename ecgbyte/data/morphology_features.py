"""What a 12-lead ECG looks like, in about a hundred numbers: amplitude, frequency, rhythm, the shape of beats.

The published tokenizer corpus is chosen by "features -> PCA -> k-means"; which features is this project's own choice.
"""

from __future__ import annotations

import numpy as np
from scipy.signal import find_peaks

from ecgbyte.signals.leads import LEADS
from ecgbyte.signals.records import Record

SPECTRAL_BANDS_HZ = ((0.5, 4.0), (4.0, 8.0), (8.0, 15.0), (15.0, 40.0))
# Around the steepest point of a beat, in seconds: the QRS complex, the ST segment, the T wave and the P wave.
_QRS, _ST, _T, _P = (-0.06, 0.06), (0.08, 0.12), (0.14, 0.40), (-0.24, -0.09)
_ISOELECTRIC = (-0.08, -0.06)
_BEAT = (-0.26, 0.42)
_REFRACTORY_SECONDS = 0.25
_WAVES = ("r", "s", "st", "t", "p")

FEATURES = (
    *(f"{name} {lead}" for name in ("standard deviation", "lower amplitude", "upper amplitude") for lead in LEADS),
    *(f"power {low:g}-{high:g} Hz" for low, high in SPECTRAL_BANDS_HZ),
    "beats a second",
    "variation of the beat interval",
    "likeness of the beats",
    "share of steep samples",
    *(f"{name} {lead}" for name in _WAVES for lead in LEADS),
)


def morphology_features(record: Record) -> np.ndarray:
    """Describe a record's morphology.

    Per lead the standard deviation and the 1st and 99th percentile; over all leads the share of power in four bands;
    the rate of beats, the variation of their intervals (standard deviation over mean), how much alike they are (mean
    correlation with their average) and the share of samples in steep slopes, which is wide for wide complexes; per
    lead the largest (r) and smallest (s) value of the average beat's QRS complex, and the mean of its ST segment, T
    wave and P wave, all from the level just before the QRS complex.

    Beats are the peaks of the summed squared slope of all leads. Where there are fewer than two, what depends on
    them is 0.

    Parameters
    ----------
    record : Record
        Twelve leads, at least 2 s, at 50 samples a second or more; preprocessed, so that drift is no morphology.

    Returns
    -------
    float64 [features]
        In the order of `FEATURES`; amplitudes in mV.

    Raises
    ------
    ValueError
        If the record has not the twelve leads, or is too short or too slow.
    """
    rate = record.sampling_rate
    if record.lead_names != LEADS:
        raise ValueError(
            f"record: {record.record_id!r} has the leads {', '.join(record.lead_names)}, expected all twelve"
        )
    if rate < 50 or record.duration < 2:
        raise ValueError(
            f"record: {record.record_id!r} has {record.duration:g} s at {rate:g} samples a second, expected at least "
            "2 s at 50"
        )
    signal = record.signal
    low, high = _percentiles(signal)
    energy = _slope_energy(signal, rate)
    beats = _beats(energy, rate)
    intervals = np.diff(beats) / rate
    steep = float(np.mean(energy > 0.1 * np.percentile(energy, 99)))
    regular = (len(beats) / record.duration, float(intervals.std() / intervals.mean())) if len(beats) > 1 else (0, 0)
    likeness, waves = _average_beat(signal, beats, rate)
    return np.concatenate(
        [signal.std(axis=1), low, high, _band_shares(signal, rate), regular, [likeness, steep], waves.ravel()]
    ).astype(np.float64)


def _percentiles(signal: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The 1st and 99th percentile of every lead, as the samples of those ranks."""
    last = signal.shape[1] - 1
    ranks = (round(0.01 * last), round(0.99 * last))
    parted = np.partition(signal, ranks, axis=1)
    return parted[:, ranks[0]], parted[:, ranks[1]]


def _slope_energy(signal: np.ndarray, rate: float) -> np.ndarray:
    """Squared slope, summed over leads and over a tenth of a second around each sample."""
    squared = np.square(np.diff(signal, axis=1, prepend=signal[:, :1])).sum(axis=0, dtype=np.float64)
    width = max(1, round(0.1 * rate))
    return np.convolve(squared, np.ones(width) / width, mode="same")


def _beats(energy: np.ndarray, rate: float) -> np.ndarray:
    """Where the beats are: peaks of the energy that are not small beside the largest ones, and not too close."""
    peaks, _ = find_peaks(energy, height=0.25 * np.percentile(energy, 98), distance=round(_REFRACTORY_SECONDS * rate))
    return peaks


def _band_shares(signal: np.ndarray, rate: float) -> np.ndarray:
    power = np.square(np.abs(np.fft.rfft(signal - signal.mean(axis=1, keepdims=True), axis=1))).sum(axis=0)
    frequencies = np.fft.rfftfreq(signal.shape[1], 1 / rate)
    bands = [power[(frequencies >= low) & (frequencies < high)].sum() for low, high in SPECTRAL_BANDS_HZ]
    return np.array(bands) / max(float(power.sum()), np.finfo(np.float64).tiny)


def _average_beat(signal: np.ndarray, beats: np.ndarray, rate: float) -> tuple[float, np.ndarray]:
    """How much alike the beats are, and the waves of their average, float64 [waves, leads]."""
    begin, end = round(_BEAT[0] * rate), round(_BEAT[1] * rate)
    whole = beats[(beats + begin >= 0) & (beats + end <= signal.shape[1])]
    if len(whole) < 2:
        return 0.0, np.zeros((len(_WAVES), len(LEADS)))
    cut = signal[:, whole[:, None] + np.arange(begin, end)]  # [leads, beats, samples]
    average = cut.mean(axis=1, dtype=np.float64)

    def part(seconds: tuple[float, float]) -> np.ndarray:
        return average[
            :, round(seconds[0] * rate) - begin : max(round(seconds[1] * rate), 1 + round(seconds[0] * rate)) - begin
        ]

    level = part(_ISOELECTRIC).mean(axis=1)
    qrs = part(_QRS)
    waves = [qrs.max(axis=1), qrs.min(axis=1), *(part(seconds).mean(axis=1) for seconds in (_ST, _T, _P))]
    centred = cut - cut.mean(axis=2, keepdims=True)
    shape = average - average.mean(axis=1, keepdims=True)
    products = np.einsum("lbs,ls->b", centred, shape)
    sizes = np.sqrt(np.einsum("lbs,lbs->b", centred, centred) * np.square(shape).sum())
    likeness = np.divide(products, sizes, out=np.zeros(len(whole)), where=sizes > 0)
    return float(likeness.mean()), np.stack(waves) - level
