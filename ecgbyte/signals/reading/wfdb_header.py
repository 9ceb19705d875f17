"""The text of a WFDB header, field by field (header(5) of the WFDB manual).

wfdb stops reading a number at the first character that it does not expect, takes 200 units per mV and 250 Hz where a
header names neither, and drops characters outside ASCII, which turns microvolts written with the Greek letter into
volts. Here a line is understood whole or is an error, and what a header does not say stays None.

Two liberties are taken, for the copies of the PhysioNet challenges of 2020 and 2021: the record may be called
``E00009.mat``, and what follows the number of samples, time and date in whatever form, is not looked at.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ecgbyte.signals.reading.faults import UnreadableHeader
from ecgbyte.signals.reading.limits import MAX_HEADER_BYTES, MAX_SIGNALS, check_size

_NUMBER = r"[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?"
_RECORD_LINE = re.compile(
    rf"(?P<name>[^\s/]+)(?:/(?P<segments>\d+))?\s+(?P<signals>\d+)"
    rf"(?:\s+(?P<rate>{_NUMBER})(?:/{_NUMBER}(?:\({_NUMBER}\))?)?(?:\s+(?P<samples>\d+)(?:\s.*)?)?)?",
    re.ASCII,
)
_SIGNAL_LINE = re.compile(
    rf"(?P<file>\S+)\s+(?P<format>\d+)(?:x(?P<per_frame>\d+))?(?::(?P<skew>\d+))?(?:\+(?P<offset>\d+))?"
    rf"(?:\s+(?P<gain>{_NUMBER})(?:\((?P<baseline>[-+]?\d+)\))?(?:/(?P<units>\S+))?"
    r"(?:\s+(?P<resolution>\d+)(?:\s+(?P<zero>[-+]?\d+)(?:\s+(?P<initial>[-+]?\d+)(?:\s+(?P<checksum>[-+]?\d+)"
    r"(?:\s+(?P<block>[-+]?\d+)(?:\s+(?P<name>\S.*)?)?)?)?)?)?)?)?\s*"
)
_SEGMENT_LINE = re.compile(r"(?P<name>[^\s/\\]+)\s+(?P<samples>\d+)\s*", re.ASCII)


@dataclass(frozen=True)
class SignalLine:
    """What a header says about one signal; None where it does not say.

    Attributes
    ----------
    file : str
        Its signal file, in the header's folder.
    form : str
        The format of the samples, such as ``"16"``.
    per_frame : int
        Samples in each frame; the rate of the record is that of the frames.
    offset : int
        Bytes of the file before the first sample.
    gain : float or None
        Steps per unit; None where nobody calibrated the signal (left out, or 0).
    baseline : int
        The stored value that is 0 in the unit.
    units : str or None
        The unit, ``mV`` where a gain stands without one.
    initial : int
        The first sample, which format 8 needs.
    checksum : int or None
    name : str or None
    """

    file: str
    form: str
    per_frame: int
    offset: int
    gain: float | None
    baseline: int
    units: str | None
    initial: int
    checksum: int | None
    name: str | None


@dataclass(frozen=True)
class Header:
    """A header: of a record with signals, or of one made of segments.

    Attributes
    ----------
    rate : float or None
        Frames a second.
    num_samples : int or None
        Frames.
    num_signals : int
    signals : tuple of SignalLine
        Empty for a record made of segments.
    segments : tuple of (str, int)
        Record and frames of each segment, ``"~"`` for a gap; empty for a record with signals.
    """

    rate: float | None
    num_samples: int | None
    num_signals: int
    signals: tuple[SignalLine, ...]
    segments: tuple[tuple[str, int], ...] = ()


def read_header(file: Path) -> Header:
    """Read the header of one record.

    Parameters
    ----------
    file : Path
        The ``.hea`` file.

    Raises
    ------
    ValueError
        If it is no text, too long, or a line cannot be understood; the message shows the line.
    """
    check_size(file, MAX_HEADER_BYTES)
    content = file.read_bytes()
    if b"\0" in content:
        raise UnreadableHeader(f"path: header {file} is no text: it has zero bytes")
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError:
        text = content.decode("latin-1")
    lines = [line.strip() for line in re.split(r"\r\n|\r|\n", text)]
    lines = [line for line in lines if line and not line.startswith("#")]
    if not lines:
        raise UnreadableHeader(f"path: header {file} is empty")
    return parse_header(str(file), lines)


def parse_header(where: str, lines: Sequence[str]) -> Header:
    """The header of these lines, without comments, empty lines and spaces around them; raises as `read_header`."""
    found = _RECORD_LINE.fullmatch(lines[0])
    if found is None:
        raise UnreadableHeader(
            f"path: header {where} begins {lines[0][:200]!r}, expected record name, number of signals, rate and number "
            "of samples"
        )
    rate = None if found["rate"] is None else float(found["rate"])
    num_samples = None if found["samples"] is None else int(found["samples"])
    num_signals, segments = int(found["signals"]), found["segments"]
    if rate is not None and not (math.isfinite(rate) and rate > 0):
        raise UnreadableHeader(
            f"path: header {where}: sampling_rate: got {found['rate']}, expected a positive number of Hz"
        )
    count = num_signals if segments is None else int(segments)
    if len(lines) - 1 != count or not count or num_signals > MAX_SIGNALS:
        kind = "signals" if segments is None else "segments"
        raise UnreadableHeader(
            f"path: header {where} announces {count} {kind} and describes {len(lines) - 1} (1 to {MAX_SIGNALS} signals "
            "are read)"
        )
    if segments is not None:
        return Header(rate, num_samples, num_signals, (), tuple(_segment(where, line) for line in lines[1:]))
    signals = tuple(_signal(where, number, line) for number, line in enumerate(lines[1:]))
    return Header(rate, num_samples or None, num_signals, signals)


def _segment(where: str, line: str) -> tuple[str, int]:
    found = _SEGMENT_LINE.fullmatch(line)
    if found is None or found["name"] in (".", ".."):
        raise UnreadableHeader(
            f"path: header {where} has {line[:200]!r} for a segment, expected a name and its samples"
        )
    return found["name"], int(found["samples"])


def _signal(where: str, number: int, line: str) -> SignalLine:
    found = _SIGNAL_LINE.fullmatch(line)
    if found is None:
        raise UnreadableHeader(
            f"path: header {where} has a line for signal {number} that cannot be understood: {line!r}"
        )
    file = found["file"]
    if "/" in file or "\\" in file or file in (".", ".."):
        raise UnreadableHeader(
            f"path: header {where} names the signal file {file!r}, which is outside of its own folder"
        )
    per_frame, skew = int(found["per_frame"] or 1), int(found["skew"] or 0)
    if per_frame < 1 or skew:
        raise UnreadableHeader(
            f"path: header {where} gives signal {number} a skew or no samples ({line!r}), cannot be read"
        )
    gain = None if found["gain"] is None else float(found["gain"])
    if gain is not None and not math.isfinite(gain):
        raise UnreadableHeader(
            f"path: header {where} gives signal {number} the gain {found['gain']}, expected a finite one"
        )
    zero = int(found["zero"] or 0)
    checksum = found["checksum"]
    return SignalLine(
        file=file,
        form=found["format"],
        per_frame=per_frame,
        offset=int(found["offset"] or 0),
        gain=gain or None,
        baseline=zero if found["baseline"] is None else int(found["baseline"]),
        units=(found["units"] or "mV") if gain else found["units"],
        initial=int(found["initial"] or 0),
        checksum=None if checksum is None else int(checksum),
        name=None if found["name"] is None else found["name"].strip() or None,
    )
