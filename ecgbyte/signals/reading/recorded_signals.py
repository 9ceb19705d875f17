"""What a reader finds in a file, in the file's own names and units: the input of `ecgbyte.signals.reading.assembly`."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

import numpy as np

from ecgbyte.signals.records import Remark

_MILLIVOLTS = {
    "mv": 1.0,
    "millivolt": 1.0,
    "millivolts": 1.0,
    "uv": 1e-3,
    "\u00b5v": 1e-3,  # the micro sign
    "\u03bcv": 1e-3,  # the Greek letter
    "microvolt": 1e-3,
    "microvolts": 1e-3,
    "v": 1e3,
    "volt": 1e3,
    "volts": 1e3,
    "nv": 1e-6,
    "nanovolt": 1e-6,
    "nanovolts": 1e-6,
}


@dataclass(frozen=True, eq=False)
class RecordedSignal:
    """One signal of a file.

    Attributes
    ----------
    name : str or None
        As the file writes it; None where the file names no signals.
    samples : [samples]
        In `unit`: integers only where nobody has said what one of them is (`unit` is None then); NaN where the file
        marks a sample as invalid.
    sampling_rate : float or None
        Samples a second; None where the file does not say.
    unit : str or None
        As the file writes it; None where the file does not say.
    resolution : float
        The step from one sample value to the next, in `unit`; 0 where it is not known, or finer than any rounding.
    """

    name: str | None
    samples: np.ndarray
    sampling_rate: float | None
    unit: str | None
    resolution: float = 0.0


@dataclass(frozen=True, eq=False)
class RecordedSignals:
    """All signals of one record of a file.

    Attributes
    ----------
    reader : str
        Which reader found them: ``"wfdb"``, ``"csv"``.
    record_id : str
    signals : list of RecordedSignal
    raw : bool
        Whether the limb leads are as recorded, so that their identities must hold; not so after filters and wavelets.
    remarks : list of Remark
        What the reader wants to tell about the file.
    """

    reader: str
    record_id: str
    signals: list[RecordedSignal]
    raw: bool = True
    remarks: list[Remark] = field(default_factory=list)


def millivolts(unit: str) -> float | None:
    """How many mV one of `unit` is; None where it is no voltage."""
    return _MILLIVOLTS.get(unit.strip().lower())


def split_unit(name: str) -> tuple[str, str | None]:
    """A column's name and the unit behind it in brackets: ``"aVR (mV)"`` is ``("aVR", "mV")``."""
    found = re.fullmatch(r"(?P<name>[^(\[]*)[(\[]\s*(?P<unit>[^)\]]{1,20})[)\]]\s*", name)
    if found is None:
        return name.strip(), None
    return found["name"].strip(" _"), found["unit"].strip()
