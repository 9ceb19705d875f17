"""What a tokenizer takes as a signal: the checks that training and encoding share."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ecgbyte.signals.records import Record

# What a user may give as an ECG: a record, or what NumPy understands as float [leads, samples] in mV.
Signal = Any


def checked_signal(argument: str, signal: Signal, num_leads: int | None) -> np.ndarray:
    """The samples of a record or an array, if they are float [leads, samples] of at least two samples.

    Whether they are finite is another question, see `check_finite`.

    Parameters
    ----------
    argument : str
        Name for messages.
    signal : Record or array-like
        In mV.
    num_leads : int or None
        Rows expected; None where any number is.

    Returns
    -------
    float32 or float64 [leads, samples]
        A view where possible.

    Raises
    ------
    TypeError
        If the samples are not float32 or float64.
    ValueError
        If the shape is wrong.
    """
    array = np.asarray(signal.signal if isinstance(signal, Record) else signal)
    if array.dtype.kind == "f" and array.dtype.itemsize in (4, 8):
        array = array.astype(array.dtype.newbyteorder("="), copy=False)
    else:
        hint = ""
        if array.dtype.kind in "iu":
            hint = "; digital samples become mV by (samples - baseline) / gain"
        raise TypeError(f"{argument}: got dtype {array.dtype}, expected float32 or float64 in mV{hint}")
    leads = "leads" if num_leads is None else f"{num_leads} leads"
    if array.ndim != 2:
        raise ValueError(f"{argument}: got shape {array.shape}, expected [{leads}, samples]")
    if num_leads is not None and array.shape[0] != num_leads:
        turned = "; leads and samples look exchanged" if array.shape[1] == num_leads else ""
        raise ValueError(f"{argument}: got shape {array.shape}, expected [{leads}, samples]{turned}")
    if array.shape[0] == 0 or array.shape[1] < 2:
        raise ValueError(f"{argument}: got shape {array.shape}, expected [{leads}, samples] with at least 2 samples")
    return array


def check_finite(argument: str, samples: np.ndarray, lead_names: tuple[str, ...] | None) -> None:
    """Refuse NaN and infinities.

    Raises
    ------
    ValueError
        The message names lead and sample of the first, and how many there are.
    """
    finite = np.isfinite(samples)
    if not finite.all():
        lead, sample = np.argwhere(~finite)[0]
        name = f"lead {lead_names[lead]}" if lead_names is not None else f"lead index {lead}"
        raise ValueError(
            f"{argument}: got {samples[lead, sample]} in {name} at sample {sample}, {int((~finite).sum())} such "
            "samples in all; expected finite values in mV"
        )


def same_rate(first: float, second: float) -> bool:
    """Whether two sampling rates are one, rounding aside."""
    return math.isclose(first, second, rel_tol=1e-9)


def check_same_recording(
    argument: str, record: Record, sampling_rate: float | None, lead_names: tuple[str, ...] | None
) -> None:
    """Refuse a record of another rate or of other leads than expected; None expects nothing.

    Raises
    ------
    ValueError
        If rate or leads differ; the message says how to mend it.
    """
    if sampling_rate is not None and not same_rate(record.sampling_rate, sampling_rate):
        raise ValueError(
            f"{argument}: record {record.record_id!r} has {record.sampling_rate:g} samples a second, expected "
            f"{sampling_rate:g}; resample it with ecgbyte.Preprocessor(target_rate={sampling_rate:g}).apply(record)"
        )
    if lead_names is not None and record.lead_names != lead_names:
        raise ValueError(
            f"{argument}: record {record.record_id!r} has the leads {', '.join(record.lead_names)}, expected "
            f"{', '.join(lead_names)}"
        )
