"""The steps of the default chain in SciPy and PyWavelets, which the kernels must equal."""

from __future__ import annotations

import numpy as np
import pywt
from scipy import signal as scipy_signal

from ecgbyte.signals.preprocess import Preprocessor
from ecgbyte.signals.records import Record
from ecgbyte.signals.resample import rate_ratio, resampled_length


def filter_slowly(sections: np.ndarray, signal: np.ndarray, rate: float) -> np.ndarray:
    """Forwards and backwards, extended by up to 10 s at each end."""
    extension = min(signal.shape[-1] - 1, round(10 * rate))
    return scipy_signal.sosfiltfilt(sections.copy(), signal, axis=-1, padtype="odd", padlen=extension)


def denoise_slowly(signal: np.ndarray, level: int) -> np.ndarray:
    """Soft thresholds on every detail band, one threshold a lead."""
    approximation, *details = pywt.wavedec(signal, "db6", mode="symmetric", level=level, axis=-1)
    threshold = np.median(np.abs(details[0]), axis=-1, keepdims=True) / 0.6745
    shrunk = [np.copysign(np.maximum(np.abs(detail) - threshold, 0.0), detail) for detail in details]
    return pywt.waverec([approximation, *shrunk], "db6", mode="symmetric", axis=-1)[..., : signal.shape[-1]]


def resample_slowly(signal: np.ndarray, rate: float, target_rate: float) -> np.ndarray:
    """`scipy.signal.resample_poly` on a signal that point reflection extends by whole new samples."""
    ratio = rate_ratio(rate, target_rate)
    up, down = ratio.numerator, ratio.denominator
    reach = -(-10 * max(up, down) // up)
    edge = down * -(-reach // down)
    extended = np.pad(signal, ((0, 0), (edge, edge)), mode="reflect", reflect_type="odd")
    first = edge * up // down
    length = resampled_length(signal.shape[-1], rate, target_rate)
    return scipy_signal.resample_poly(extended, up, down, axis=-1)[..., first : first + length]


def preprocess_slowly(chain: Preprocessor, record: Record) -> np.ndarray:
    """What `Preprocessor.apply` returns, as float64 [leads, samples] in mV."""
    signal, rate = record.signal.astype(np.float64), record.sampling_rate
    for name, parameters in chain.steps(rate, record.num_samples):
        if name == "notch":
            notch = scipy_signal.iirnotch(parameters["frequency"], parameters["quality"], fs=rate)
            signal = filter_slowly(scipy_signal.tf2sos(*notch), signal, rate)
        elif name in ("band-pass", "high-pass"):
            kind = "bandpass" if name == "band-pass" else "highpass"
            edges = [parameters["low"], parameters["high"]] if name == "band-pass" else parameters["low"]
            sections = scipy_signal.butter(parameters["order"], edges, kind, fs=rate, output="sos")
            signal = filter_slowly(sections, signal, rate)
        elif name == "wavelet":
            signal = denoise_slowly(signal, int(parameters["level"]))
        else:
            signal = resample_slowly(signal, rate, parameters["target_rate"])
    return signal
