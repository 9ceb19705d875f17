"""The line at the foot of a printed ECG: paper speed, gain, and what the filters took out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ecgbyte.signals.preprocess import Preprocessor

SPEED_AND_GAIN = "25 mm/s  ·  10 mm/mV"


def filter_line(preprocessor: Preprocessor | None, source_rate: float, num_samples: int | None = None) -> str:
    """What was done to a record before it was shown, in the words of a printout.

    Parameters
    ----------
    preprocessor : Preprocessor or None
        What was applied; None where the record is shown as it was read.
    source_rate : float
        Of the record as it was read, in Hz; a filter that does not fit below half of it was left out.
    num_samples : int, optional
        Length of the record as it was read.

    Returns
    -------
    str

    Examples
    --------
    >>> filter_line(None, 500)
    'no filter  ·  500 Hz'
    >>> filter_line(Preprocessor(target_rate=250, notch=(50.0,)), 500)
    'notch 50 Hz  ·  0.5-100 Hz  ·  high-pass 0.05 Hz  ·  wavelet db6, level 4  ·  500 Hz, resampled to 250 Hz'
    """
    if preprocessor is None:
        return f"no filter  ·  {source_rate:g} Hz"
    steps = preprocessor.steps(source_rate, num_samples)
    parts = []
    notches = [f"{parameters['frequency']:g}" for name, parameters in steps if name == "notch"]
    if notches:
        parts.append(f"notch {', '.join(notches)} Hz")
    for name, parameters in steps:
        if name == "band-pass":
            parts.append(f"{parameters['low']:g}-{parameters['high']:g} Hz")
        elif name == "high-pass":
            parts.append(f"high-pass {parameters['low']:g} Hz")
        elif name == "wavelet":
            parts.append(f"wavelet {parameters['wavelet']}, level {parameters['level']}")
    if preprocessor.as_published:
        parts.append("filters as published")
    rate = preprocessor.target_rate
    parts.append(
        f"{source_rate:g} Hz" if rate in (None, source_rate) else f"{source_rate:g} Hz, resampled to {rate:g} Hz"
    )
    return "  ·  ".join(parts)


def unknown_filter_line(settings: Mapping[str, Any] | None, rate: float) -> str:
    """The line of a record of which only its tokenizer's settings are known, not what was done to it."""
    if settings is None:
        return f"filters not known  ·  {rate:g} Hz"
    return f"prepared by the caller; the tokenizer was made for filtered signals  ·  {rate:g} Hz"
