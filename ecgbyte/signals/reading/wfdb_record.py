"""Reading WFDB files, and the checks that the wfdb package leaves out.

Plain headers (see `ecgbyte.signals.reading.wfdb_header`) and samples in format 16 are read here, in a tenth of the time that
wfdb takes; all others by wfdb. The checks are the same.

wfdb trusts the header: it ignores the checksums, reads a signal file that is longer than the header says as if nothing
were wrong, reports a shorter one as an array that cannot be reshaped, takes 200 units per mV and 250 Hz where a header
names neither, stops reading a number at the first character that it does not expect, and drops characters outside
ASCII, which turns microvolts written with the Greek letter into volts. Each of these is an error here.
"""

from __future__ import annotations

import os
import warnings
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from ecgbyte.checks import check_option
from ecgbyte.signals.leads import (
    LEADS,
    LIMB_LEADS,
    canonical_lead_name,
    canonical_lead_names,
    check_lead_identities,
    lead_order,
)
from ecgbyte.signals.reading.wfdb_header import Header, header_of_wfdb, plain_header
from ecgbyte.signals.records import Record

IDENTITY_CHECKS = ("error", "warn", "off")
_MILLIVOLTS = {"mv": 1.0, "uv": 1e-3, "v": 1e3}
# Bytes per sample as a fraction, and the unit in bytes that is never cut.
_BYTES_PER_SAMPLE = {
    "8": (1, 1, 1),
    "80": (1, 1, 1),
    "16": (2, 1, 2),
    "61": (2, 1, 2),
    "160": (2, 1, 2),
    "24": (3, 1, 3),
    "32": (4, 1, 4),
    "212": (3, 2, 1),
    "310": (4, 3, 2),
    "311": (4, 3, 1),
}
_COMPRESSED_FORMATS = ("508", "516", "524")
_INVALID_IN_16_BITS = -32768


def read_record(
    path: str | os.PathLike[str],
    *,
    leads: Sequence[str] = LEADS,
    check_identities: str = "error",
    verify_checksums: bool = True,
) -> Record:
    """Read a WFDB record: a ``.hea`` file and the signal file(s) that it names.

    Parameters
    ----------
    path : path-like
        The record, with or without ``.hea`` or ``.dat`` at its end.
    leads : sequence of str
        The leads to read; all twelve where nothing else is said. Other signals of the file are left out only where
        this is given: by default a file with anything beside the twelve leads is an error.
    check_identities : {"error", "warn", "off"}
        What to do where the limb leads break their identities, see `ecgbyte.signals.leads.check_lead_identities`.
        Nothing is checked where `leads` leaves a limb lead out.
    verify_checksums : bool
        Compare each signal with the checksum that the header gives.

    Returns
    -------
    Record
        In mV, leads in canonical order; its id is the file's name without folder and extension.

    Raises
    ------
    FileNotFoundError
        If the header or a signal file is missing; the message names both.
    ValueError
        If the header cannot be understood, a signal file is shorter or longer than the header says, a checksum
        differs, a sample is marked as invalid, a unit is no voltage, a lead is missing, or limb leads look swapped.

    Notes
    -----
    *Thread-safety*: no state is shared.
    """
    check_option("check_identities", check_identities, IDENTITY_CHECKS)
    wanted = canonical_lead_names(leads)
    if not wanted:
        raise ValueError("leads: is empty, expected at least one lead name")
    stem = Path(path)
    if stem.suffix in (".hea", ".dat"):
        stem = stem.with_suffix("")
    header = _read_header(stem)
    _check_signal_files(stem, header)
    rows = _rows_of_leads(stem, header, wanted)
    stored, physical = _read_samples(stem, header, list(rows.values()))
    if verify_checksums:
        _check_checksums(stem, header, stored)
    names = list(rows)
    for signal, row in zip(physical, rows.values(), strict=True):
        signal *= _MILLIVOLTS[header.units[row].lower()]
    _check_valid(stem, physical, names)
    if check_identities != "off" and set(LIMB_LEADS) <= set(names):
        _check_identities(stem, physical, names, check_identities)
    return Record(physical[lead_order(names, leads=wanted)], header.fs, wanted, stem.name)


def _read_header(stem: Path) -> Header:
    """The parsed header of a single-segment record with one rate, checked for what wfdb fills in or drops."""
    file = stem.with_name(f"{stem.name}.hea")
    signals = stem.with_name(f"{stem.name}.dat")
    if not file.is_file():
        state = "exists" if signals.is_file() else "does not exist either"
        raise FileNotFoundError(f"path: header {file} does not exist (its signal file {signals.name} {state})")
    try:
        lines = [line.strip() for line in file.read_bytes().decode("utf-8").splitlines()]
    except UnicodeDecodeError as error:
        raise ValueError(f"path: header {file} is no text: {error}") from error
    lines = [line for line in lines if line and not line.startswith("#")]
    if not lines:
        raise ValueError(f"path: header {file} is empty")
    for line in lines:
        if not line.isascii():
            raise ValueError(f"path: header {file} has characters outside ASCII in {line!r}, which WFDB does not allow")
    first = lines[0].split()
    if len(first) < 3:
        raise ValueError(f"path: header {file} begins {lines[0]!r}, expected record name, number of signals and rate")
    if "/" in first[0]:
        raise ValueError(f"path: header {file} describes several segments; only single-segment records can be read")
    header = plain_header(lines) or _read_header_with_wfdb(stem, file)
    if len(lines) - 1 != header.n_sig or not header.n_sig:
        raise ValueError(f"path: header {file} announces {header.n_sig} signals and describes {len(lines) - 1}")
    length = _number(first[3]) if len(first) > 3 else header.sig_len
    if _number(first[2]) != header.fs or length != header.sig_len:
        raise ValueError(
            f"path: header {file} begins {lines[0]!r}, which wfdb reads as {header.fs} Hz and {header.sig_len} samples"
        )
    _check_signal_lines(file, header, lines[1:])
    return header


def _read_header_with_wfdb(stem: Path, file: Path) -> Header:
    # The wfdb package takes a second to import.
    import wfdb

    try:
        return header_of_wfdb(wfdb.rdheader(str(stem)))
    except (ValueError, TypeError, IndexError) as error:
        raise ValueError(f"path: header {file} cannot be understood: {error}") from error


def _check_signal_lines(file: Path, header: Header, lines: Sequence[str]) -> None:
    for row, line in enumerate(lines):
        fields = line.split()
        if header.fmt[row] not in _BYTES_PER_SAMPLE and header.fmt[row] not in _COMPRESSED_FORMATS:
            known = ", ".join([*_BYTES_PER_SAMPLE, *_COMPRESSED_FORMATS])
            raise ValueError(
                f"path: header {file} gives signal {row} format {header.fmt[row]}, expected one of {known}"
            )
        # A gain that is left out, or 0, means in WFDB that nobody calibrated the signal.
        gain = _number(fields[2]) if len(fields) > 2 else None
        if not gain or gain != header.adc_gain[row]:
            raise ValueError(f"path: header {file} gives no gain for signal {row} ({line!r}), so it has no unit")
        if (header.samps_per_frame[row] or 1) != 1 or header.skew[row]:
            raise ValueError(
                f"path: header {file} gives signal {row} another rate or a skew ({line!r}), cannot be read"
            )
        if header.sig_name[row] is None:
            raise ValueError(f"path: header {file} gives no name for signal {row} ({line!r}), expected a lead")


def _number(field: str) -> float | None:
    """The number before what WFDB may write behind it in brackets or after a slash; None where there is none."""
    try:
        return float(field.split("(")[0].split("/")[0])
    except ValueError:
        return None


def _check_signal_files(stem: Path, header: Header) -> None:
    """Each signal file exists and has the length that the header says."""
    for name in sorted(set(header.file_name)):
        file = stem.parent / name
        rows = [row for row, other in enumerate(header.file_name) if other == name]
        if not file.is_file():
            raise FileNotFoundError(f"path: signal file {file} does not exist, named by the header {stem.name}.hea")
        formats = sorted({header.fmt[row] for row in rows})
        if len(formats) > 1:
            raise ValueError(f"path: header {stem}.hea gives {name} several formats ({', '.join(formats)})")
        if formats[0] in _COMPRESSED_FORMATS or header.sig_len is None:
            continue
        numerator, denominator, unit = _BYTES_PER_SAMPLE[formats[0]]
        samples = header.sig_len * len(rows)
        offset = header.byte_offset[rows[0]] or 0
        expected = offset + unit * -(-samples * numerator // (denominator * unit))
        found = file.stat().st_size
        # The packed formats may fill their last block.
        spare = 0 if denominator == 1 else 4
        if not expected <= found <= expected + spare:
            kind = "truncated" if found < expected else "longer than its header says"
            raise ValueError(
                f"path: signal file {file} is {kind}: {found} bytes, expected {expected} "
                f"({len(rows)} signals of {header.sig_len} samples in format {formats[0]})"
            )


def _rows_of_leads(stem: Path, header: Header, wanted: Sequence[str]) -> dict[str, int]:
    """Which signal of the file holds each lead, for the leads that are wanted and the limb leads."""
    rows: dict[str, int] = {}
    others = []
    names = [name for name in header.sig_name if name is not None]  # all of them: _check_signal_lines has looked
    for row, name in enumerate(names):
        try:
            lead = canonical_lead_name(name)
        except ValueError:
            others.append(name)
            continue
        if lead in rows:
            raise ValueError(f"path: record {stem} has lead {lead} more than once among {names}")
        rows[lead] = row
    missing = [lead for lead in wanted if lead not in rows]
    if missing:
        raise ValueError(
            f"path: record {stem} has no lead {', '.join(missing)}, only {', '.join(names)}; "
            "name the leads to read with leads="
        )
    if others and set(wanted) == set(LEADS):
        raise ValueError(f"path: record {stem} has signals that are none of the twelve leads: {', '.join(others)}")
    kept = {lead: row for lead, row in rows.items() if lead in wanted or lead in LIMB_LEADS}
    for lead, row in kept.items():
        if header.units[row].lower() not in _MILLIVOLTS:
            raise ValueError(f"path: record {stem} has lead {lead} in unit {header.units[row]!r}, expected mV, uV or V")
    return kept


def _read_samples(stem: Path, header: Header, rows: list[int]) -> tuple[np.ndarray, np.ndarray]:
    """All signals as stored, integers [samples, signals], and `rows` of them in their units, float64 [rows, samples].

    Samples marked as invalid are NaN in the second.
    """
    in_one_file = len(set(header.file_name)) == 1 and not any(header.byte_offset)
    if header.sig_len and in_one_file and set(header.fmt) == {"16"} and None not in header.baseline:
        file = stem.parent / header.file_name[0]
        stored = np.fromfile(file, dtype="<i2").reshape(header.sig_len, header.n_sig)
        chosen = np.ascontiguousarray(stored.T)[rows]
        physical = chosen - np.array(header.baseline, dtype=np.float64)[rows, None]
        physical /= np.array(header.adc_gain)[rows, None]
        physical[chosen == _INVALID_IN_16_BITS] = np.nan
        return stored, physical
    import wfdb

    try:
        digital = wfdb.rdrecord(str(stem), physical=False)
    except (ValueError, TypeError, IndexError, RuntimeError) as error:
        raise ValueError(f"path: signal file of record {stem} cannot be read: {error}") from error
    return digital.d_signal, digital.dac(return_res=64)[:, rows].T


def _check_checksums(stem: Path, header: Header, stored: np.ndarray) -> None:
    sums = stored.sum(axis=0, dtype=np.int64).tolist()
    for row, (found, expected) in enumerate(zip(sums, header.checksum, strict=True)):
        if expected is not None and (found - expected) % 65536:
            raise ValueError(
                f"path: record {stem} has checksum {found % 65536} in signal {header.sig_name[row]}, "
                f"its header says {expected % 65536}: the signal file is damaged or belongs to another header"
            )


def _check_valid(stem: Path, signal: np.ndarray, names: Sequence[str]) -> None:
    invalid = np.isnan(signal)
    if invalid.any():
        lead, sample = np.argwhere(invalid)[0]
        counts = ", ".join(f"{name} {int(n)}" for name, n in zip(names, invalid.sum(axis=1), strict=True) if n)
        raise ValueError(
            f"path: record {stem} has samples marked as invalid, the first in lead {names[lead]} at sample {sample} "
            f"(per lead: {counts})"
        )


def _check_identities(stem: Path, signal: np.ndarray, names: Sequence[str], check_identities: str) -> None:
    try:
        check_lead_identities(signal, names)
    except ValueError as error:
        message = f"path: record {stem}: {error}"
        if check_identities == "error":
            raise ValueError(message) from error
        warnings.warn(message, stacklevel=3)  # the line that called read_record
