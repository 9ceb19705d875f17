"""The preprocessing chains written out with SciPy and PyWavelets, independently of ecgbyte's.

``published_chain`` is the published chain as its authors call the libraries; ``corrected_chain`` the default of
ecgbyte, each step by itself: second-order sections extended by 10 s at each end, and polyphase resampling.
"""

from __future__ import annotations

import numpy as np
import pywt
from scipy import interpolate, signal

RATE, TARGET_RATE = 500, 250
_NOTCHES = (50, 60)
_BUTTERWORTHS = (((0.5, 100), "bandpass"), (0.05, "highpass"))


def published_chain(ecg: np.ndarray) -> np.ndarray:
    """Samples [5000, 12] at 500 Hz to [2500, 12]: transfer functions, then wavelet and cubic lead by lead."""
    for frequency in _NOTCHES:
        ecg = signal.filtfilt(*signal.iirnotch(frequency, 30, fs=RATE), ecg, axis=0)
    for edges, kind in _BUTTERWORTHS:
        ecg = signal.filtfilt(*signal.butter(4, edges, btype=kind, fs=RATE), ecg, axis=0)
    resampled = np.empty((len(ecg) * TARGET_RATE // RATE, ecg.shape[1]))
    old, new = np.arange(len(ecg)), np.linspace(0, len(ecg) - 1, len(resampled))
    for lead in range(ecg.shape[1]):
        denoised = _denoise(ecg[:, lead])
        resampled[:, lead] = interpolate.interp1d(old, denoised, kind="cubic")(new)
    return resampled


def corrected_chain(ecg: np.ndarray) -> np.ndarray:
    """The same steps without their faults, see `ecgbyte.signals.preprocess`."""
    edge = min(10 * RATE, ecg.shape[-1] - 1)
    designs = [signal.tf2sos(*signal.iirnotch(frequency, 30, fs=RATE)) for frequency in _NOTCHES]
    designs += [signal.butter(4, edges, btype=kind, fs=RATE, output="sos") for edges, kind in _BUTTERWORTHS]
    for sections in designs:
        ecg = signal.sosfiltfilt(sections, ecg, axis=-1, padlen=edge)
    ecg = np.stack([_denoise(lead) for lead in ecg])
    extended = np.pad(ecg, [(0, 0), (20, 20)], mode="reflect", reflect_type="odd")
    return signal.resample_poly(extended, TARGET_RATE, RATE, axis=-1)[:, 10:-10]


def _denoise(lead: np.ndarray) -> np.ndarray:
    approximation, *details = pywt.wavedec(lead, "db6", level=4)
    threshold = np.median(np.abs(details[0])) / 0.6745
    shrunk = [pywt.threshold(detail, threshold, mode="soft") for detail in details]
    return pywt.waverec([approximation, *shrunk], "db6")
