"""Cutting a record into segments of equal length."""

from __future__ import annotations

from dataclasses import replace

from ecgbyte.checks import positive_number
from ecgbyte.signals.records import Record


def samples_per_segment(sampling_rate: float, seconds: float) -> int:
    """``seconds * sampling_rate``, which must be a whole number of samples.

    Raises
    ------
    TypeError
        If `seconds` is no number.
    ValueError
        If `seconds` is not positive and finite, or makes no whole number of samples.
    """
    seconds = positive_number("seconds", seconds)
    samples = round(seconds * sampling_rate)
    if samples < 1 or abs(samples - seconds * sampling_rate) > 1e-6:
        raise ValueError(
            f"seconds: {seconds:g} s at {sampling_rate:g} Hz are {seconds * sampling_rate:g} samples, "
            "expected a whole number"
        )
    return samples


def leftover_samples(record: Record, seconds: float) -> int:
    """How many samples at the end of `record` belong to no whole segment and are left out by `cut_segments`."""
    return record.num_samples % samples_per_segment(record.sampling_rate, seconds)


def cut_segments(record: Record, seconds: float) -> list[Record]:
    """Cut a record into whole segments that do not overlap, from its first sample on.

    Samples after the last whole segment are left out; `leftover_samples` counts them.

    Parameters
    ----------
    record : Record
    seconds : float
        Length of a segment.

    Returns
    -------
    list of Record
        In time order; segment k of record ``"00001_lr"`` has the id ``"00001_lr#k"``, counted from 0.

    Raises
    ------
    ValueError
        If the record is shorter than one segment, or a segment is no whole number of samples.
    """
    length = samples_per_segment(record.sampling_rate, seconds)
    count = record.num_samples // length
    if count == 0:
        raise ValueError(
            f"record: {record.record_id!r} has {record.num_samples} samples ({record.duration:g} s), "
            f"less than one segment of {length} ({seconds:g} s)"
        )
    return [
        replace(
            record,
            signal=record.signal[:, k * length : (k + 1) * length],
            record_id=f"{record.record_id}#{k}",
            invalid=None if record.invalid is None else record.invalid[:, k * length : (k + 1) * length],
        )
        for k in range(count)
    ]
