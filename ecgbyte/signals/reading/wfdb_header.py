"""The fields of a WFDB header, read in one pass where the header is written in full and in the plainest form.

Parsing takes wfdb some 3 ms for twelve signals, thirty times as long as reading their samples. The headers of PTB-XL,
MIMIC-IV-ECG and most other collections hold every field of the signal lines and nothing out of the ordinary; those are
understood here, with the result that wfdb has. Every other header is left to wfdb.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

# Names as wfdb takes them; digits that no 64-bit number overflows; a rate and gains without exponent.
_RECORD_LINE = re.compile(
    r"[-\w]+ (?P<n_sig>[1-9]\d{0,3}) (?P<fs>\d{1,9}(?:\.\d{1,9})?) (?P<sig_len>[1-9]\d{0,11})"
    r"(?: (?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d(?: (?:0[1-9]|1\d|2[0-8])/(?:0[1-9]|1[0-2])/[12]\d{3})?)?",
    re.ASCII,
)
_SIGNAL_LINE = re.compile(
    r"(?P<file_name>[-\w]+\.\w+) (?P<fmt>\d{1,3}) (?P<adc_gain>\d{1,9}(?:\.\d{1,9})?)\((?P<baseline>-?\d{1,9})\)"
    r"/(?P<units>[a-zA-Z]+) \d{1,2} -?\d{1,9} -?\d{1,9} (?P<checksum>-?\d{1,9}) \d{1,9} (?P<sig_name>[!-~]+)",
    re.ASCII,
)


@dataclass(frozen=True)
class Header:
    """The fields of a header by wfdb's names; a list has one entry for each signal."""

    n_sig: int
    fs: float
    sig_len: int | None
    file_name: Sequence[str]
    fmt: Sequence[str]
    samps_per_frame: Sequence[int | None]
    skew: Sequence[int | None]
    byte_offset: Sequence[int | None]
    adc_gain: Sequence[float]
    baseline: Sequence[int]
    units: Sequence[str]
    checksum: Sequence[int | None]
    sig_name: Sequence[str | None]


def plain_header(lines: Sequence[str]) -> Header | None:
    """The header of these lines, or None where it is for wfdb to read.

    Parameters
    ----------
    lines : sequence of str
        Without comments, empty lines and spaces around them.

    Returns
    -------
    Header or None
        Equal to what wfdb makes of the lines in every field.
    """
    record = _RECORD_LINE.fullmatch(lines[0])
    found = [_SIGNAL_LINE.fullmatch(line) for line in lines[1:]]
    if record is None or not found or int(record["n_sig"]) != len(found):
        return None
    signals = [signal.groupdict() for signal in found if signal is not None]
    if len(signals) < len(found):
        return None
    nothing = [None] * len(signals)
    return Header(
        n_sig=len(signals),
        fs=float(record["fs"]),
        sig_len=int(record["sig_len"]),
        file_name=[signal["file_name"] for signal in signals],
        fmt=[signal["fmt"] for signal in signals],
        samps_per_frame=[1] * len(signals),
        skew=nothing,
        byte_offset=nothing,
        adc_gain=[float(signal["adc_gain"]) or 200.0 for signal in signals],
        baseline=[int(signal["baseline"]) for signal in signals],
        units=[signal["units"] for signal in signals],
        checksum=[int(signal["checksum"]) for signal in signals],
        sig_name=[signal["sig_name"] for signal in signals],
    )


def header_of_wfdb(parsed: Any) -> Header:
    """The fields that wfdb has parsed."""
    return Header(**{field: getattr(parsed, field) for field in Header.__dataclass_fields__})
