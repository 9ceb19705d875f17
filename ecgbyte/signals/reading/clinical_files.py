"""Reading the files of electrocardiographs through ecgdatakit: SCP-ECG, HL7 aECG, DICOM, MUSE, Philips, EDF, MFER."""

from __future__ import annotations

import importlib.util
import warnings
from pathlib import Path
from typing import Any

import numpy as np

from ecgbyte.signals.reading.limits import MAX_CLINICAL_BYTES, MAX_VALUES, check_size, check_values
from ecgbyte.signals.reading.recorded_signals import RecordedSignal, RecordedSignals
from ecgbyte.signals.records import Remark

# DICOM files whose contents are compressed as a whole unpack to any size.
_DEFLATED_DICOM = b"1.2.840.10008.1.2.1.99"


def has_reader() -> bool:
    """Whether ecgdatakit is installed."""
    return importlib.util.find_spec("ecgdatakit") is not None


def is_clinical(path: Path) -> bool:
    """Whether ecgdatakit knows the format of a file; False where it is not installed."""
    if not has_reader():
        return False
    from ecgdatakit.parsing import FileParser

    return FileParser.detect_format(path) is not None


def read_clinical(path: Path, kind: str) -> RecordedSignals:
    """Read the rhythm leads of one file; averaged beats are left out.

    Parameters
    ----------
    path : Path
    kind : str
        The format, which becomes the reader's name.

    Raises
    ------
    ModuleNotFoundError
        If ecgdatakit, or pydicom for a DICOM file, is missing.
    ValueError
        If the file is too large or damaged, or holds no signal.
    """
    if not has_reader():
        raise ModuleNotFoundError(f"path: {path} is a {kind} file; pip install 'ecgbyte[clinical]' to read it")
    # EDF also holds recordings of days, in 16 bits a sample.
    check_size(path, 2 * MAX_VALUES if kind == "edf" else MAX_CLINICAL_BYTES)
    if kind == "dicom":
        with path.open("rb") as stream:
            if _DEFLATED_DICOM in stream.read(1024):
                raise ValueError(f"path: {path} is a DICOM file that is compressed as a whole, which is not read")
    from ecgdatakit.exceptions import ECGDataKitError
    from ecgdatakit.parsing import FileParser

    try:
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            parsed = FileParser.parse(path, auto_scale=False)
    except ImportError as error:
        raise ModuleNotFoundError(f"path: {path} is a {kind} file; pip install 'ecgbyte[clinical]': {error}") from error
    except (ECGDataKitError, ValueError) as error:
        raise ValueError(f"path: {path} cannot be read as a {kind} file: {error}") from error
    if not parsed.leads:
        raise ValueError(f"path: {path} is a {kind} file without ECG leads")
    check_values(path, len(parsed.leads), max(len(lead.samples) for lead in parsed.leads))
    remarks = [
        Remark(f"{kind}: told by its reader", str(warning.message))
        for warning in caught
        if "auto_scale" not in str(warning.message)
    ]
    return RecordedSignals(kind, path.stem, [_signal(lead) for lead in parsed.leads], remarks=remarks)


def _signal(lead: Any) -> RecordedSignal:
    samples = np.asarray(lead.samples, dtype=np.float64)
    rate = float(lead.sampling_rate) or None
    if not lead.is_raw:
        return RecordedSignal(lead.label, samples, rate, lead.units or None, 0.0)
    if not lead.resolution_unit or not lead.resolution:
        if not (np.abs(samples) < 2.0**53).all():
            raise ValueError(f"lead {lead.label!r} holds values that no device counts to; the file is damaged")
        # Counts without a scale; integers say so.
        return RecordedSignal(lead.label, np.rint(samples).astype(np.int64), rate, None, 1.0)
    physical = samples * lead.resolution + lead.offset
    return RecordedSignal(lead.label, physical, rate, lead.resolution_unit, abs(lead.resolution))
