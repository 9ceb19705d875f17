"""One ECG recording: its samples, its rate, its leads, its name, and what is known about how it was read."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, fields
from typing import Any

import numpy as np

from ecgbyte.checks import positive_number
from ecgbyte.signals.leads import LEADS, canonical_lead_names, canonical_order


@dataclass(frozen=True)
class Remark:
    """Something that reading or preprocessing a record found or did, and that its user may want to know.

    Attributes
    ----------
    reason : str
        The kind of remark in a few words, the same for all records that it concerns, so that they can be counted.
    text : str
        What it is for this record.
    doubt : bool
        Whether the record is likely not what it seems: an amplitude that no ECG has, a constant signal.
    """

    reason: str
    text: str
    doubt: bool = False


@dataclass(frozen=True, eq=False)
class Record:
    """An ECG: its samples, its rate, its leads and its name.

    Whatever order the leads are given in, they are stored in the canonical order (I, II, III, aVR, aVL, aVF, V1-V6),
    spelled as this package spells them.

    Parameters
    ----------
    signal : float [leads, samples]
        In mV. Stored as a read-only, C-contiguous copy in float32. Integers are refused: they are counts of an A/D
        converter until somebody has said what one of them is in mV.
    sampling_rate : float
        Samples a second of each lead.
    lead_names : sequence of str
        The lead of each row, in any order and by any of the names that `ecgbyte.signals.leads.canonical_lead_name`
        knows, none twice.
    record_id : str
        The record's name within its data set.
    derived_leads : sequence of str
        Those of the leads that were not recorded but computed from I and II.
    invalid : bool [leads, samples] or None
        True where the recording had no valid sample and `signal` holds what was filled in; None where all are valid.
    reader : str or None
        Which reader the record came from, such as ``"wfdb"``; None for a record from elsewhere.
    remarks : sequence of Remark
        What reading and preprocessing found and did.
    preprocessed : str or None
        Of a record from a prepared folder the fingerprint of the `ecgbyte.Preprocessor` that it went through there, so
        that it is not filtered again; None for all others.

    Raises
    ------
    TypeError
        If `signal` is not of real numbers, `sampling_rate` is no number or `record_id` no string.
    ValueError
        If the shape is not [leads, samples] with at least one of each, the names do not fit, the rate is not positive
        and finite, the id is empty, a derived lead is not among the leads, the mask has another shape, or a sample is
        NaN or infinite (the message names its lead and position).

    Notes
    -----
    *Thread-safety*: immutable, so it may be read from several threads.
    """

    signal: np.ndarray = field(repr=False)
    sampling_rate: float
    lead_names: tuple[str, ...] = LEADS
    record_id: str = "record"
    derived_leads: tuple[str, ...] = field(default=(), repr=False)
    invalid: np.ndarray | None = field(default=None, repr=False)
    reader: str | None = field(default=None, repr=False)
    remarks: tuple[Remark, ...] = field(default=(), repr=False)
    preprocessed: str | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        if not isinstance(self.record_id, str):
            raise TypeError(f"record_id: expected a string, got {type(self.record_id).__name__}")
        if not self.record_id:
            raise ValueError("record_id: is empty")
        sampling_rate = positive_number("sampling_rate", self.sampling_rate, unit="of samples a second")
        names = canonical_lead_names(self.lead_names)
        signal = _checked_signal(self.signal, names, self.record_id)
        invalid = None if self.invalid is None else _checked_mask(self.invalid, signal.shape)
        order = canonical_order(names)
        if order != tuple(range(len(names))):
            signal = signal[list(order)]
            invalid = None if invalid is None else invalid[list(order)]
        signal.setflags(write=False)
        if invalid is not None:
            invalid.setflags(write=False)
        object.__setattr__(self, "signal", signal)
        object.__setattr__(self, "sampling_rate", sampling_rate)
        object.__setattr__(self, "lead_names", tuple(names[row] for row in order))
        object.__setattr__(self, "invalid", invalid)
        object.__setattr__(self, "derived_leads", _checked_derived(self.derived_leads, names))
        object.__setattr__(self, "remarks", tuple(self.remarks))

    def __reduce__(self) -> tuple[type[Record], tuple[Any, ...]]:
        # Through the constructor, so that a copy is checked and read-only too.
        return Record, tuple(getattr(self, item.name) for item in fields(self))

    @property
    def num_samples(self) -> int:
        """Samples of each lead."""
        return int(self.signal.shape[1])

    @property
    def duration(self) -> float:
        """Length in seconds: samples divided by rate."""
        return self.num_samples / self.sampling_rate

    @property
    def doubts(self) -> tuple[Remark, ...]:
        """The remarks that say that the record is likely not what it seems."""
        return tuple(remark for remark in self.remarks if remark.doubt)


def _checked_signal(signal: np.ndarray, names: Sequence[str], record_id: str) -> np.ndarray:
    """A copy of the signal, C-contiguous and float32."""
    signal = np.asarray(signal)
    if signal.dtype.kind != "f":
        hint = ""
        if signal.dtype.kind in "iu":
            hint = "; digital samples become mV by (samples - baseline) / gain"
        raise TypeError(
            f"signal: record {record_id!r} has samples of type {signal.dtype}, expected floating-point numbers in mV"
            f"{hint}"
        )
    if signal.ndim != 2:
        raise ValueError(f"signal: record {record_id!r} has shape {signal.shape}, expected [leads, samples]")
    if signal.shape[0] != len(names):
        turned = " (are leads and samples exchanged?)" if signal.shape[1] == len(names) else ""
        raise ValueError(
            f"signal: record {record_id!r} has {signal.shape[0]} rows for {len(names)} lead names{turned}, "
            f"shape {signal.shape}, expected [leads, samples]"
        )
    if signal.size == 0:
        raise ValueError(f"signal: record {record_id!r} is empty, shape {signal.shape}")
    # Finite float64 values that float32 cannot hold become infinite here.
    with np.errstate(over="ignore"):
        single = np.array(signal, dtype=np.float32, order="C")
    finite = np.isfinite(single)
    if not finite.all():
        lead, sample = np.argwhere(~finite)[0]
        raise ValueError(
            f"signal: record {record_id!r} has {signal[lead, sample]} in lead {names[lead]} at sample {sample}, "
            f"{int((~finite).sum())} such samples in all; expected finite values in mV"
        )
    return single


def _checked_mask(invalid: np.ndarray, shape: tuple[int, ...]) -> np.ndarray | None:
    """A copy of the mask; None where it marks nothing."""
    mask = np.array(invalid, order="C")
    if mask.dtype != np.bool_ or mask.shape != shape:
        raise ValueError(f"invalid: got {mask.dtype} of shape {mask.shape}, expected bool {shape} like the signal")
    return mask if mask.any() else None


def _checked_derived(derived: Sequence[str], names: Sequence[str]) -> tuple[str, ...]:
    if not derived:
        return ()
    leads = canonical_lead_names(derived)
    absent = [lead for lead in leads if lead not in names]
    if absent:
        raise ValueError(f"derived_leads: {', '.join(absent)} not among the leads {', '.join(names)}")
    return tuple(sorted(leads, key=LEADS.index))
