"""From an array of a file to its signals: which axis is time, and which record of many is meant."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from ecgbyte.signals.reading.recorded_signals import RecordedSignal

# What files call the parts of a record, in lower case.
SIGNAL_NAMES = ("signal", "signals", "ecg", "ecgs", "tracings", "tracing", "data", "val", "waveform", "waveforms", "x")
RATE_NAMES = ("sampling_rate", "samplingrate", "sample_rate", "fs", "freq", "frequency", "sampling_frequency", "rate")
LEAD_NAMES = ("lead_names", "leads", "sig_name", "sig_names", "channels", "channel_names")
UNIT_NAMES = ("units", "unit")
ID_NAMES = ("exam_id", "exam_ids", "record_id", "record_ids", "record", "id", "ids", "ecg_id", "ecg_ids")


def named(names: Iterable[str], wanted: Sequence[str]) -> str | None:
    """The first of `wanted` that is among `names`, whatever its case, as it is written there."""
    written = {name.lower(): name for name in names}
    return next((written[name] for name in wanted if name in written), None)


def signals_of_array(
    where: str,
    array: np.ndarray,
    num_leads: int,
    *,
    names: Sequence[str] | None = None,
    sampling_rate: float | None = None,
    unit: str | None = None,
) -> list[RecordedSignal]:
    """The signals of a two-dimensional array, whichever of its axes is time.

    Parameters
    ----------
    where : str
        The record, for messages.
    array : [leads, samples] or [samples, leads]
    num_leads : int
        How many leads are asked for, which tells the axes apart where `names` is None.
    names : sequence of str, optional
        The leads, in the array's order.
    sampling_rate, unit
        Where the file says.

    Raises
    ------
    ValueError
        If the array does not hold real numbers in two dimensions, or its axes cannot be told apart.
    """
    if array.dtype.kind not in "fiu" or array.ndim != 2 or 0 in array.shape:
        raise ValueError(f"path: {where} holds {array.dtype} of shape {array.shape}, expected numbers [leads, samples]")
    count = num_leads if names is None else len(names)
    by_rows, by_columns = array.shape[0] == count, array.shape[1] == count
    if by_rows == by_columns and names is None and not by_rows:
        # Another number of leads than asked for: the short axis is that of the leads.
        by_rows, by_columns = array.shape[0] < array.shape[1], array.shape[1] < array.shape[0]
    if by_rows == by_columns:
        raise ValueError(
            f"path: {where} holds an array of shape {array.shape}; which axis holds the {count} leads cannot be told"
        )
    rows = np.ascontiguousarray(array if by_rows else array.T)
    rows = rows.astype(rows.dtype.newbyteorder("="), copy=False)
    return [
        RecordedSignal(None if names is None else str(names[row]), samples, sampling_rate, unit, resolution_of(samples))
        for row, samples in enumerate(rows)
    ]


def resolution_of(samples: np.ndarray) -> float:
    """The step of whole numbers, 1; of others it is not known."""
    return 1.0 if samples.dtype.kind in "iu" else 0.0


def chosen_record(where: str, ids: Sequence[str], record_id: str | None) -> int:
    """The place of a record among those of a file.

    Raises
    ------
    ValueError
        If none is chosen among several, or there is none of that id.
    """
    if record_id is None:
        if len(ids) == 1:
            return 0
        shown = ", ".join(ids[:3])
        raise ValueError(f"record_id: missing; {where} holds {len(ids)} records ({shown}, ...)")
    places = [place for place, name in enumerate(ids) if name == record_id]
    if len(places) != 1:
        raise ValueError(f"record_id: {where} holds {len(places)} records with the id {record_id!r}, expected one")
    return places[0]


def scalar(value: Any) -> Any:
    """The single item of an array that has one, else the value itself."""
    array = np.asarray(value)
    return array.reshape(-1)[0].item() if array.size == 1 else value


def as_rate(where: str, value: Any) -> float:
    """A sampling rate that a file states, as a float.

    Raises
    ------
    ValueError
        If it is no number.
    """
    single = scalar(value)
    if isinstance(single, bool) or not isinstance(single, (int, float)):
        raise ValueError(f"path: {where} states the sampling rate {single!r}, expected a number of Hz")
    return float(single)


def as_texts(where: str, value: Any) -> list[str]:
    """Names that a file states, as a list of str.

    Raises
    ------
    ValueError
        If they are no texts.
    """
    items = np.asarray(value).reshape(-1).tolist()
    texts = [item.decode("utf-8", "replace") if isinstance(item, bytes) else item for item in items]
    if not all(isinstance(text, str) for text in texts):
        raise ValueError(f"path: {where} states the lead names {texts!r}, expected texts")
    return [text.strip() for text in texts]
