"""One ECG recording."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, fields
from typing import Any

import numpy as np

from ecgbyte.checks import positive_number
from ecgbyte.signals.leads import LEADS, canonical_lead_names


@dataclass(frozen=True, eq=False)
class Record:
    """An ECG: its samples, its rate, its leads and its name.

    Whatever order the leads are given in, they are stored in the canonical order (I, II, III, aVR, aVL, aVF, V1-V6),
    spelled as this package spells them.

    Parameters
    ----------
    signal : float [leads, samples]
        In mV. Stored as a read-only, C-contiguous copy in float32.
    sampling_rate : float
        Samples a second of each lead.
    lead_names : sequence of str
        The lead of each row, in any case and order, none twice.
    record_id : str
        The record's name within its data set.

    Raises
    ------
    TypeError
        If `signal` is not of real numbers, `sampling_rate` is no number or `record_id` no string.
    ValueError
        If the shape is not [leads, samples] with at least one of each, the names do not fit, the rate is not positive
        and finite, the id is empty, or a sample is NaN or infinite (the message names its lead and position).

    Notes
    -----
    *Thread-safety*: immutable, so it may be read from several threads.
    """

    signal: np.ndarray = field(repr=False)
    sampling_rate: float
    lead_names: tuple[str, ...] = LEADS
    record_id: str = "record"

    def __post_init__(self) -> None:
        if not isinstance(self.record_id, str):
            raise TypeError(f"record_id: expected a string, got {type(self.record_id).__name__}")
        if not self.record_id:
            raise ValueError("record_id: is empty")
        sampling_rate = positive_number("sampling_rate", self.sampling_rate, unit="of samples a second")
        names = canonical_lead_names(self.lead_names)
        signal = _checked_signal(self.signal, names, self.record_id)
        order = sorted(range(len(names)), key=lambda row: LEADS.index(names[row]))
        ordered = signal if order == list(range(len(names))) else signal[order]
        ordered.setflags(write=False)
        object.__setattr__(self, "signal", ordered)
        object.__setattr__(self, "sampling_rate", sampling_rate)
        object.__setattr__(self, "lead_names", tuple(names[row] for row in order))

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


def _checked_signal(signal: np.ndarray, names: Sequence[str], record_id: str) -> np.ndarray:
    """A copy of the signal, C-contiguous and float32."""
    signal = np.asarray(signal)
    if signal.dtype.kind not in "fiu":
        raise TypeError(f"signal: record {record_id!r} has samples of type {signal.dtype}, expected real numbers in mV")
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
