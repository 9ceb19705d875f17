"""Reading an ECG from a file of any of the formats that are known."""

from __future__ import annotations

import os
import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path

from ecgbyte.signals.leads import LEADS
from ecgbyte.signals.reading.assembly import ReadingOptions, record_of
from ecgbyte.signals.reading.clinical_files import is_clinical, read_clinical
from ecgbyte.signals.reading.detection import FORMATS, format_of
from ecgbyte.signals.reading.recorded_signals import RecordedSignals
from ecgbyte.signals.reading.wfdb_record import header_of, read_wfdb
from ecgbyte.signals.records import Record


def read_record(
    path: str | os.PathLike[str],
    *,
    leads: Sequence[str] | Mapping[str, str] | None = None,
    units: str | float | None = None,
    sampling_rate: float | None = None,
    record_id: str | None = None,
    derive_leads: bool = False,
    invalid: str = "raise",
    check_identities: str = "error",
    verify_checksums: bool = True,
) -> Record:
    """Read one ECG from a file, whatever its format.

    The format is found by content: WFDB (also made of segments), ``.npy``, ``.npz`` and the records of the published
    preprocessing, tables (CSV), MATLAB files, HDF5, and, with ``pip install 'ecgbyte[clinical]'``, SCP-ECG, HL7 aECG,
    DICOM, GE MUSE, Philips, EDF, MFER and ISHNE. `Record.reader` says which it was, `Record.remarks` what was assumed
    or done, and ``docs/formats.md`` what each format says of units and leads and what is lost.

    Parameters
    ----------
    path : path-like
        The file; of a WFDB record the header or a signal file, or both without their endings.
    leads : sequence of str or mapping of str to str, optional
        The leads to read, or for each name in the file the lead that it is. By default all twelve, and a file with
        anything beside them is an error; other signals are left out only where this is given. Of a file that names
        no leads these are its signals in their order.
    units : str or float, optional
        ``"mV"``, ``"uV"``, ``"V"``, ``"nV"``, or how many mV one step of the samples is. For files that state none
        (by default mV, and whole numbers are refused), and in place of what a file states.
    sampling_rate : float, optional
        Samples a second, for files that state none and in place of what a file states.
    record_id : str, optional
        Which record of a file that holds many: its id there, or its place from 0 where the file has no ids.
    derive_leads : bool
        Compute III, aVR, aVL and aVF from I and II where the file lacks them; `Record.derived_leads` names them.
    invalid : {"raise", "hold", "interpolate"}
        What to do with samples that the file marks as invalid (NaN among them): refuse the record, repeat the last
        valid one, or draw a line across gaps of up to 0.1 s. `Record.invalid` keeps which they were.
    check_identities : {"error", "warn", "off"}
        What to do where the limb leads break their identities, see
        `ecgbyte.signals.lead_identities.check_lead_identities`; the tolerance is one step of the file's samples, 0.005
        mV at least. Nothing is checked where the file lacks a limb lead, or after the published preprocessing.
    verify_checksums : bool
        Compare each signal of a WFDB record with the checksum that the header gives.

    Returns
    -------
    Record
        In mV, leads in canonical order; its id is the file's name without folder and ending, or `record_id`.

    Warns
    -----
    UserWarning
        Where the signal is likely no ECG in mV: amplitudes that are implausible, a constant signal; see
        `ecgbyte.signals.plausibility`.

    Raises
    ------
    FileNotFoundError
        If there is no such file, or a file that a header names is missing.
    ModuleNotFoundError
        If the format needs a package that is not installed; the message names the extra that brings it.
    ValueError
        If the format is unknown, the file is damaged or beyond `ecgbyte.signals.reading.limits`, a checksum differs, a
        sample is invalid, a unit is no voltage, the rate is not known, a lead is missing or not known, or limb leads
        look swapped.

    Notes
    -----
    *Thread-safety*: no state is shared, but for the warnings filter while ecgdatakit reads.
    """
    options = ReadingOptions(
        leads,
        units=units,
        sampling_rate=sampling_rate,
        derive_leads=derive_leads,
        invalid=invalid,
        check_identities=check_identities,
        verify_checksums=verify_checksums,
    )
    record = read_record_with(Path(path), options, record_id)
    for doubt in record.doubts:
        warnings.warn(f"path: record {path}: {doubt.reason}: {doubt.text}", stacklevel=2)
    return record


def read_record_with(path: Path, options: ReadingOptions, record_id: str | None = None) -> Record:
    """`read_record` with its options checked before, and doubts in the record only; for reading many files."""
    found = read_signals(path, options, record_id)
    where = str(path) if record_id is None else f"{path}#{record_id}"
    return record_of(where, found, options)


def read_signals(path: Path, options: ReadingOptions, record_id: str | None = None) -> RecordedSignals:
    """The signals of one record as the file has them; arguments and errors are those of `read_record`."""
    kind = known_format(path)
    num_leads = len(LEADS if options.leads is None else options.leads)
    if kind in ("npy", "npz"):
        from ecgbyte.signals.reading.numpy_files import read_npy, read_npz

        return (read_npy if kind == "npy" else read_npz)(path, num_leads, record_id)
    if kind == "hdf5":
        from ecgbyte.signals.reading.hdf5_files import read_hdf5

        return read_hdf5(path, num_leads, record_id)
    if kind == "wfdb":
        found = read_wfdb(path, verify_checksums=options.verify_checksums)
    elif kind == "csv":
        from ecgbyte.signals.reading.csv_files import read_csv

        found = read_csv(path, num_leads)
    elif kind == "mat":
        from ecgbyte.signals.reading.mat_files import read_mat

        found = read_mat(path, num_leads)
    else:
        found = read_clinical(path, kind)
    if record_id is not None and record_id != found.record_id:
        raise ValueError(f"record_id: {path} holds the one record {found.record_id!r}, got {record_id!r}")
    return found


def known_format(path: Path) -> str:
    """The format of the record that a path names.

    Raises
    ------
    FileNotFoundError
        If there is no such file, nor a header of that name.
    ValueError
        If the file is of no format that is known.
    """
    header = header_of(path)
    if not path.is_file():
        if path.is_dir():
            raise IsADirectoryError(f"path: {path} is a folder, expected the file of a record")
        return "wfdb"  # whose reader says what is missing
    if path.suffix == ".hea":
        return "wfdb"
    kind = format_of(path)
    # Signal files are known by the header beside them; MATLAB's are both.
    if header.is_file() and kind in (None, "mat"):
        return "wfdb"
    if kind is None and path.suffix == ".dat":
        return "wfdb"
    if kind is None and is_clinical(path):
        return "clinical"
    if kind is None:
        raise ValueError(f"path: {path} is of no format that is known, expected one of {', '.join(FORMATS)}")
    return kind


def record_ids(path: Path) -> list[str] | None:
    """The ids of the records in a file that holds many, as `read_record` takes them; None for a file of one record.

    Raises
    ------
    FileNotFoundError, ModuleNotFoundError, ValueError
        As `read_record`.
    """
    kind = known_format(path)
    if kind == "hdf5":
        from ecgbyte.signals.reading.hdf5_files import record_ids_hdf5

        return record_ids_hdf5(path)
    if kind == "npy":
        from ecgbyte.signals.reading.numpy_files import record_ids_npy

        return record_ids_npy(path)
    return None
