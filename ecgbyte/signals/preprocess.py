"""The preprocessing chain: notches, band-pass, high-pass, wavelet denoising, resampling, in this order.

The steps and their settings are those of ECG-Byte (arXiv:2412.14373). Where its code does something else than it says,
or works at one rate and length only, the default does the right thing and ``as_published=True`` what the code does:

=================  ==============================================  =========================================
step               default                                         as_published=True
=================  ==============================================  =========================================
filters            second-order sections, extended by up to 10 s   transfer functions, extended by 9 to 27 samples
wavelet level      follows the rate (4 at 500 Hz, 2 at 100 Hz)     4 at any rate
wavelet, odd       trimmed to the length of the input              an error (the published step fails)
padding            left out of the filters, becomes 0              taken for signal
resampling         polyphase with anti-aliasing, exact spacing     cubic, both end points included
=================  ==============================================  =========================================

In both, a notch or band edge at or above half the sampling rate is left out: `Preprocessor.steps` shows what remains.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import KW_ONLY, dataclass, replace
from fractions import Fraction

import numpy as np

from ecgbyte.checks import positive_number
from ecgbyte.files import fingerprint
from ecgbyte.signals import filters
from ecgbyte.signals.denoise import (
    PUBLISHED_LEVEL,
    WAVELET,
    largest_level,
    level_for_rate,
    wavelet_denoise_as_published,
    wavelet_denoise_lanes,
)
from ecgbyte.signals.lead_lanes import map_leads
from ecgbyte.signals.padding import filter_between_padding, resampled_mask, signal_part
from ecgbyte.signals.reading.limits import MAX_VALUES
from ecgbyte.signals.records import Record, Remark
from ecgbyte.signals.resample import rate_ratio, resample_as_published, resample_lanes
from ecgbyte.signals.segments import cut_segments

# Raised whenever the same settings would give another signal, so that fingerprints differ. Version 1 took padding for
# signal, as leave_out_padding=False does.
CHAIN_VERSION = 2
# What settings may ask for, so that a tokenizer file cannot name work without end.
LARGEST_TARGET_RATE = 100_000.0
MOST_NOTCHES = 20
NOTCH_QUALITY = 30.0
FILTER_ORDER = 4

Step = tuple[str, dict[str, float | int | str | None]]


@dataclass(frozen=True)
class Preprocessor:
    """The preprocessing chain with its settings; switch a step off by giving None, False or no notch.

    Parameters
    ----------
    target_rate : float or None
        The rate to resample to, in Hz; None keeps each record's own.
    as_published : bool
        Behave as the published code does, see the table of this module.
    notch : sequence of float
        Frequencies to take out, in Hz (quality 30, zero phase).
    band : (float, float) or None
        Edges of the band-pass, in Hz (Butterworth order 4, zero phase).
    highpass : float or None
        Edge of the second high-pass, in Hz (Butterworth order 4, zero phase).
    denoise : bool
        Apply wavelet denoising (db6, soft threshold), at the record's own rate.
    wavelet_level : int or None
        A fixed level; None lets it follow the rate, see `ecgbyte.signals.denoise.level_for_rate`. With `as_published`
        it is 4 and cannot be chosen.
    leave_out_padding : bool or None
        Filter only what lies between constant stretches at the ends of a record (see `ecgbyte.signals.padding`); they
        become 0. By default so, but with `as_published`, which takes padding for signal.

    Raises
    ------
    TypeError
        If an argument is of the wrong type.
    ValueError
        If a frequency or level is out of range; the message names the argument.

    Notes
    -----
    *Thread-safety*: immutable and without state, so one instance serves several threads.

    Examples
    --------
    >>> [name for name, _ in Preprocessor(target_rate=250).steps(100)]
    ['high-pass', 'high-pass', 'wavelet', 'resample']
    """

    target_rate: float | None = 250.0
    _: KW_ONLY
    as_published: bool = False
    notch: tuple[float, ...] = (50.0, 60.0)
    band: tuple[float, float] | None = (0.5, 100.0)
    highpass: float | None = 0.05
    denoise: bool = True
    wavelet_level: int | None = None
    leave_out_padding: bool | None = None

    def __post_init__(self) -> None:
        if self.leave_out_padding is None:
            object.__setattr__(self, "leave_out_padding", not self.as_published)
        for argument in ("as_published", "denoise", "leave_out_padding"):
            if not isinstance(getattr(self, argument), bool):
                raise TypeError(f"{argument}: expected True or False, got {getattr(self, argument)!r}")
        if self.target_rate is not None:
            target = positive_number("target_rate", self.target_rate, unit="in Hz")
            if target > LARGEST_TARGET_RATE:
                raise ValueError(f"target_rate: got {target:g} Hz, expected at most {LARGEST_TARGET_RATE:g} Hz")
            object.__setattr__(self, "target_rate", target)
        object.__setattr__(self, "notch", _frequencies("notch", self.notch))
        if len(self.notch) > MOST_NOTCHES:
            raise ValueError(f"notch: got {len(self.notch)} frequencies, expected at most {MOST_NOTCHES}")
        if self.band is not None:
            band = _frequencies("band", self.band)
            if len(band) != 2 or band[0] >= band[1]:
                raise ValueError(f"band: got {self.band}, expected a lower and a higher edge in Hz, or None")
            object.__setattr__(self, "band", band)
        if self.highpass is not None:
            object.__setattr__(self, "highpass", positive_number("highpass", self.highpass, unit="in Hz"))
        self._check_level()
        if self.as_published and self.leave_out_padding:
            raise ValueError("leave_out_padding: got True with as_published=True, which filters padding too")

    def _check_level(self) -> None:
        if self.wavelet_level is None:
            return
        if isinstance(self.wavelet_level, bool) or not isinstance(self.wavelet_level, int):
            raise TypeError(f"wavelet_level: expected a whole number or None, got {self.wavelet_level!r}")
        if self.wavelet_level < 1:
            raise ValueError(f"wavelet_level: got {self.wavelet_level}, expected 1 or more (denoise=False for none)")
        if self.as_published:
            raise ValueError(f"wavelet_level: got {self.wavelet_level} with as_published=True, where it is always 4")

    def steps(self, sampling_rate: float, num_samples: int | None = None) -> list[Step]:
        """What the chain does to a record, in order; what does not fit below half its rate is not among it.

        Parameters
        ----------
        sampling_rate : float
            Of the record, in Hz.
        num_samples : int or None
            Its length, which may lower the wavelet level; None for a record that is long enough.

        Returns
        -------
        list of (str, dict)
            Name and parameters of each step: ``"notch"``, ``"band-pass"``, ``"high-pass"``,
            ``"wavelet"`` and ``"resample"``.
        """
        nyquist = positive_number("sampling_rate", sampling_rate, unit="in Hz") / 2
        steps: list[Step] = [
            ("notch", {"frequency": frequency, "quality": NOTCH_QUALITY})
            for frequency in self.notch
            if frequency < nyquist
        ]
        if self.band is not None:
            low, high = self.band
            if high < nyquist:
                steps.append(("band-pass", {"low": low, "high": high, "order": FILTER_ORDER}))
            elif low < nyquist:
                steps.append(("high-pass", {"low": low, "order": FILTER_ORDER}))
        if self.highpass is not None and self.highpass < nyquist:
            steps.append(("high-pass", {"low": self.highpass, "order": FILTER_ORDER}))
        level = self._level(sampling_rate, num_samples)
        if self.denoise and level:
            steps.append(("wavelet", {"wavelet": WAVELET, "level": level}))
        if self.target_rate is not None and self.target_rate != sampling_rate:
            method = "cubic" if self.as_published else "polyphase"
            steps.append(("resample", {"target_rate": self.target_rate, "method": method}))
        return steps

    def _level(self, sampling_rate: float, num_samples: int | None) -> int:
        if self.as_published:
            return PUBLISHED_LEVEL
        level = level_for_rate(sampling_rate) if self.wavelet_level is None else self.wavelet_level
        return level if num_samples is None else min(level, largest_level(num_samples))

    def apply(self, record: Record) -> Record:
        """Run the chain on a record.

        Parameters
        ----------
        record : Record
            At any rate, with two samples or more.

        Returns
        -------
        Record
            At `target_rate` (or its own rate), with the same leads and id, float32 [leads, samples] in mV.

        Raises
        ------
        TypeError
            If `record` is no Record.
        ValueError
            If the record is too short for a step; the message names record, step and the shortest length. If it comes
            from a prepared folder and went through other settings there; with the same it is returned as it is.

        Notes
        -----
        The default rounds as SciPy and PyWavelets do: against its steps written with `scipy.signal.sosfiltfilt`, `pywt`
        and `scipy.signal.resample_poly`, all of 260 records of PTB-XL came out with the same bits on x86-64.

        Linear in the number of samples; some 0.3 kB a sample while it runs, for 12 leads or fewer.

        *Thread-safety*: without state. The kernels release the interpreter lock, so threads preprocess records side by
        side; with `as_published` SciPy and PyWavelets do all the work.
        """
        if not isinstance(record, Record):
            raise TypeError(f"record: expected an ecgbyte Record, got {type(record).__name__}")
        if record.preprocessed is not None:
            if record.preprocessed != self.fingerprint:
                raise ValueError(
                    f"record: {record.record_id!r} was preprocessed with other settings ({record.preprocessed}, not "
                    f"{self.fingerprint}) when its folder was prepared"
                )
            return record
        rate, remarks = record.sampling_rate, list(record.remarks)
        ratio = self._ratio(record, remarks)
        part = signal_part(record.signal, rate) if self.leave_out_padding else (0, record.num_samples)
        if part == (0, record.num_samples):
            signal = self._run(record, record.signal, self.steps(rate, record.num_samples))
        else:
            steps = self.steps(rate, part[1] - part[0])
            filters_only = [step for step in steps if step[0] != "resample"]
            signal = filter_between_padding(
                record.signal,
                part,
                lambda part: self._run(record, part, filters_only),
                lambda part: self._run(record, part, steps[len(filters_only) :]),
                ratio,
            )
        return replace(
            record,
            signal=signal,
            sampling_rate=self.target_rate or rate,
            invalid=resampled_mask(record.invalid, ratio, signal.shape[1]),
            remarks=tuple(remarks),
        )

    def _ratio(self, record: Record, remarks: list[Remark]) -> Fraction:
        """New rate divided by old rate, if the result is no longer than a record that is read.

        A ratio that is not met exactly is told in a remark.
        """
        rate, target = record.sampling_rate, self.target_rate
        if target is None or target == rate:
            return Fraction(1)
        exact = Fraction(target) / Fraction(rate)
        if exact * record.num_samples * len(record.lead_names) > MAX_VALUES:
            raise ValueError(
                f"record: {record.record_id!r}, step 'resample': would have "
                f"{int(exact * record.num_samples)} samples a lead at {target:g} Hz, at most {MAX_VALUES} values in "
                "all leads are made"
            )
        if self.as_published:
            return exact
        try:
            ratio = rate_ratio(rate, target)
        except ValueError as error:
            raise ValueError(f"record: {record.record_id!r}, step 'resample': {error}") from error
        if abs(ratio - exact) > 1e-9 * exact:
            remarks.append(Remark("rate approximated", f"{rate!r} Hz resampled as {float(target / ratio):.10g} Hz"))
        return ratio

    def _run(self, record: Record, signal: np.ndarray, steps: Sequence[Step]) -> np.ndarray:
        """The steps, one after another, on float32 or float64 [leads, samples]."""

        def run(signal: np.ndarray) -> np.ndarray:
            for name, parameters in steps:
                try:
                    signal = self._apply_step(name, parameters, signal, record.sampling_rate)
                except ValueError as error:
                    raise ValueError(f"record: {record.record_id!r}, step {name!r}: {error}") from error
            return signal

        if self.as_published:
            return run(signal.astype(np.float64))
        return map_leads(run, signal, dtype=np.float32)

    def _apply_step(self, name: str, parameters: dict, signal: np.ndarray, rate: float) -> np.ndarray:
        """A step on float64 [leads, samples] as published, else on [samples, 12], see `ecgbyte.signals.lead_lanes`."""
        if self.as_published:
            if name == "notch":
                return filters.notch(signal, rate, **parameters, as_published=True)
            if name in ("band-pass", "high-pass"):
                return filters.butterworth(signal, rate, **parameters, as_published=True)
            if name == "wavelet":
                return wavelet_denoise_as_published(signal)
            return resample_as_published(signal, rate, parameters["target_rate"])
        if name == "notch":
            return filters.notch_lanes(signal, rate, **parameters)
        if name in ("band-pass", "high-pass"):
            return filters.butterworth_lanes(signal, rate, **parameters)
        if name == "wavelet":
            return wavelet_denoise_lanes(signal, parameters["level"])
        return resample_lanes(signal, rate, parameters["target_rate"])

    def segments(self, record: Record, seconds: float) -> list[Record]:
        """Run the chain on the whole record, then cut it into segments; see `ecgbyte.signals.segments.cut_segments`.

        Parameters
        ----------
        record : Record
        seconds : float
            Length of a segment; samples after the last whole one are left out.

        Returns
        -------
        list of Record
            With ids ``"<record_id>#0"``, ``"<record_id>#1"``, ...
        """
        return cut_segments(self.apply(record), seconds)

    def settings(self) -> dict[str, object]:
        """Every setting, ready for `json.dumps`; ``Preprocessor(**settings)`` without ``chain_version`` is the same."""
        return {
            "chain_version": CHAIN_VERSION,
            "target_rate": self.target_rate,
            "as_published": self.as_published,
            "notch": list(self.notch),
            "band": None if self.band is None else list(self.band),
            "highpass": self.highpass,
            "denoise": self.denoise,
            "wavelet_level": self.wavelet_level,
            "leave_out_padding": self.leave_out_padding,
        }

    @property
    def fingerprint(self) -> str:
        """Identifies the settings and the version of the chain."""
        return fingerprint(json.dumps(self.settings(), sort_keys=True))


def _frequencies(argument: str, values: Sequence[float]) -> tuple[float, ...]:
    if not isinstance(values, (tuple, list)):
        raise TypeError(f"{argument}: expected a sequence of numbers in Hz, got {type(values).__name__} {values!r}")
    return tuple(positive_number(argument, value, unit="in Hz") for value in values)
