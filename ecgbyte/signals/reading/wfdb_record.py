"""Reading WFDB records: headers, all signal formats, records made of segments, and the checks that wfdb leaves out.

wfdb trusts the header: it ignores the checksums, reads a signal file that is longer than the header says as if nothing
were wrong, and reports a shorter one as an array that cannot be reshaped. Each of these is an error here. Only signal
files that are compressed (FLAC) are left to wfdb, which takes ten times as long for the others.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from ecgbyte.signals.reading.faults import CutFile, DamagedFile, UnreadableHeader
from ecgbyte.signals.reading.limits import MAX_VALUES, check_values
from ecgbyte.signals.reading.recorded_signals import RecordedSignal, RecordedSignals
from ecgbyte.signals.reading.wfdb_header import Header, SignalLine, read_header
from ecgbyte.signals.reading.wfdb_samples import BYTES_PER_SAMPLE, COMPRESSED_FORMATS, INVALID, num_bytes, read_samples

READER = "wfdb"
_GAP = "~"
# Segments of one record; MIMIC's longest have some thousands.
_MAX_SEGMENTS = 100_000


def header_of(path: Path) -> Path:
    """The header of a record that is named with or without ``.hea``, or by a signal file of the same name."""
    if path.suffix == ".hea":
        return path
    plain = path.with_name(f"{path.name}.hea")
    return plain if plain.is_file() or path.suffix not in (".dat", ".mat") else path.with_suffix(".hea")


def read_wfdb(path: Path, *, verify_checksums: bool = True) -> RecordedSignals:
    """Read one record.

    Parameters
    ----------
    path : Path
        The record, with or without ``.hea``, ``.dat`` or ``.mat`` at its end.
    verify_checksums : bool
        Compare each signal with the checksum that the header gives.

    Raises
    ------
    FileNotFoundError
        If the header or a signal file is missing; the message names both.
    ValueError
        If the header cannot be understood, a signal file is shorter or longer than it says, or a checksum differs.
    """
    file = header_of(path)
    if not file.is_file():
        signals = file.with_suffix(".dat")
        state = "exists" if signals.is_file() else "does not exist either"
        raise FileNotFoundError(f"path: header {file} does not exist (its signal file {signals.name} {state})")
    header = read_header(file)
    record_id = file.name.removesuffix(".hea")
    if header.segments:
        return RecordedSignals(READER, record_id, _joined(file, header, verify_checksums))
    return RecordedSignals(READER, record_id, _signals(file, header, verify_checksums))


def signal_files(header: Path) -> set[Path]:
    """The files that belong to a header beside it: signal files, and the headers of segments with theirs.

    Raises
    ------
    ValueError
        If a header cannot be understood.
    """
    parsed = read_header(header)
    files = {header.with_name(signal.file) for signal in parsed.signals}
    for name, _ in parsed.segments:
        segment = header.with_name(f"{name}.hea")
        if name != _GAP and segment != header and segment.is_file():
            lines = read_header(segment).signals
            files |= {segment, *(header.with_name(signal.file) for signal in lines)}
    return files


def _signals(file: Path, header: Header, verify_checksums: bool) -> list[RecordedSignal]:
    check_values(file, sum(signal.per_frame for signal in header.signals), header.num_samples or 0)
    first = header.signals[0]
    if first.form not in (*COMPRESSED_FORMATS, "8") and all(
        signal.file == first.file and signal.form == first.form and signal.per_frame == 1 and signal.gain
        for signal in header.signals
    ):
        return _alike_signals(file, header, verify_checksums)
    stored = _stored(file, header)
    if verify_checksums:
        for signal, samples in zip(header.signals, stored, strict=True):
            _check_sum(file, signal, samples)
    return [_physical(header, signal, samples) for signal, samples in zip(header.signals, stored, strict=True)]


def _alike_signals(file: Path, header: Header, verify_checksums: bool) -> list[RecordedSignal]:
    """The signals of one file in one format, as nearly all data sets have them: all at once."""
    lines = header.signals
    form, num_frames = _checked_file(file, header, lines[0].file, range(len(lines)))
    values = read_samples(file.with_name(lines[0].file), form, lines[0].offset, num_frames * len(lines))
    stored = np.ascontiguousarray(values.reshape(num_frames, len(lines)).T)
    if verify_checksums:
        sums = stored.sum(axis=1, dtype=np.int64)
        for line, samples, found in zip(lines, stored, sums.tolist(), strict=True):
            if line.checksum is not None and (found - line.checksum) % 65536:
                _check_sum(file, line, samples)
    physical = stored - np.array([[float(line.baseline)] for line in lines])
    gains = [float(line.gain or 0) for line in lines]
    physical /= np.array(gains)[:, None]
    if form in INVALID:
        physical[stored == INVALID[form]] = np.nan
    return [
        RecordedSignal(line.name, samples, header.rate, line.units, 1 / abs(gain))
        for line, samples, gain in zip(lines, physical, gains, strict=True)
    ]


def _stored(file: Path, header: Header) -> list[np.ndarray]:
    """The samples of each signal as stored, integers [samples]."""
    stored: list[np.ndarray] = [np.empty(0, dtype=np.int16)] * header.num_signals
    for name in dict.fromkeys(signal.file for signal in header.signals):
        rows = [row for row, signal in enumerate(header.signals) if signal.file == name]
        form, num_frames = _checked_file(file, header, name, rows)
        if form in COMPRESSED_FORMATS:
            for row, samples in zip(rows, _decompressed(file, rows), strict=True):
                stored[row] = samples
            continue
        per_frame = [header.signals[row].per_frame for row in rows]
        values = read_samples(
            file.with_name(name), form, header.signals[rows[0]].offset, num_frames * sum(per_frame)
        ).reshape(num_frames, sum(per_frame))
        columns = np.ascontiguousarray(values.T)
        place = 0
        for row, count in zip(rows, per_frame, strict=True):
            samples = columns[place] if count == 1 else values[:, place : place + count].reshape(-1)
            if form == "8":
                samples = header.signals[row].initial + np.cumsum(samples, dtype=np.int64)
            stored[row] = samples
            place += count
    return stored


def _checked_file(file: Path, header: Header, name: str, rows: Sequence[int]) -> tuple[str, int]:
    """The format of a signal file and its frames, if it exists and is as long as the header says."""
    signal_file = file.with_name(name)
    lines = [header.signals[row] for row in rows]
    forms = sorted({line.form for line in lines})
    if len(forms) > 1:
        raise UnreadableHeader(f"path: header {file} gives {name} several formats ({', '.join(forms)})")
    (form,) = forms
    if form not in BYTES_PER_SAMPLE and form not in COMPRESSED_FORMATS:
        known = ", ".join([*BYTES_PER_SAMPLE, *COMPRESSED_FORMATS])
        raise UnreadableHeader(f"path: header {file} gives signal {rows[0]} format {form}, expected one of {known}")
    if not signal_file.is_file():
        raise FileNotFoundError(f"path: signal file {signal_file} does not exist, named by the header {file.name}")
    found = signal_file.stat().st_size
    per_frame = sum(line.per_frame for line in lines)
    if form in COMPRESSED_FORMATS:
        if header.num_samples is None:
            raise UnreadableHeader(
                f"path: header {file} does not say how many samples the compressed file {name} holds"
            )
        return form, header.num_samples
    if len({line.offset for line in lines}) > 1:
        raise UnreadableHeader(f"path: header {file} gives the signals of {name} several offsets")
    num_frames = header.num_samples
    if num_frames is None:
        numerator, denominator, _ = BYTES_PER_SAMPLE[form]
        num_frames = max(0, found - lines[0].offset) * denominator // (numerator * per_frame)
        check_values(file, per_frame, num_frames)
    expected = lines[0].offset + num_bytes(form, num_frames * per_frame)
    # The packed formats may fill their last block.
    spare = 0 if BYTES_PER_SAMPLE[form][1] == 1 else 4
    if not expected <= found <= expected + spare:
        kind = "truncated" if found < expected else "longer than its header says"
        raise CutFile(
            f"path: signal file {signal_file} is {kind}: {found} bytes, expected {expected} "
            f"({per_frame} signals of {num_frames} samples in format {form})"
        )
    return form, num_frames


def _decompressed(file: Path, rows: Sequence[int]) -> list[np.ndarray]:
    # The wfdb package takes a second to import.
    import wfdb

    try:
        digital = wfdb.rdrecord(str(file.with_suffix("")), physical=False, channels=list(rows), smooth_frames=False)
    except (ValueError, TypeError, IndexError, KeyError, RuntimeError, OverflowError) as error:
        raise ValueError(f"path: signal file of record {file.with_suffix('')} cannot be read: {error}") from error
    return [np.asarray(samples) for samples in digital.e_d_signal]


def _check_sum(file: Path, signal: SignalLine, stored: np.ndarray) -> None:
    found = int(stored.sum(dtype=np.int64))
    if signal.checksum is not None and (found - signal.checksum) % 65536:
        raise DamagedFile(
            f"path: record {file.with_suffix('')} has checksum {found % 65536} in signal {signal.name}, "
            f"its header says {signal.checksum % 65536}: the signal file is damaged or belongs to another header"
        )


def _physical(header: Header, signal: SignalLine, stored: np.ndarray) -> RecordedSignal:
    """The samples in their unit, NaN where they are marked as invalid; as stored where the header gives no gain."""
    rate = None if header.rate is None else header.rate * signal.per_frame
    if signal.gain is None:
        return RecordedSignal(signal.name, stored, rate, None, 1.0)
    physical = stored - float(signal.baseline)
    physical /= signal.gain
    if signal.form in INVALID:
        physical[stored == INVALID[signal.form]] = np.nan
    return RecordedSignal(signal.name, physical, rate, signal.units, 1 / abs(signal.gain))


def _joined(file: Path, header: Header, verify_checksums: bool) -> list[RecordedSignal]:
    """The signals of a record made of segments, NaN where a segment lacks one and in gaps.

    A layout segment, which holds no samples, says which signals there are; without one they are those of the first.
    """
    if len(header.segments) > _MAX_SEGMENTS:
        raise UnreadableHeader(
            f"path: header {file} has {len(header.segments)} segments, at most {_MAX_SEGMENTS} are read"
        )
    total = sum(samples for _, samples in header.segments)
    if header.num_samples is not None and total != header.num_samples:
        raise UnreadableHeader(f"path: header {file} says {header.num_samples} samples, its segments have {total}")
    check_values(file, header.num_signals, total)
    joined: dict[str, np.ndarray] = {}
    about: dict[str, RecordedSignal] = {}
    start = 0
    for number, (name, samples) in enumerate(header.segments):
        if name != _GAP:
            part = file.with_name(f"{name}.hea")
            if not part.is_file():
                raise FileNotFoundError(f"path: segment {part} does not exist, named by the header {file.name}")
            inner = read_header(part)
            if inner.segments:
                raise UnreadableHeader(f"path: header {file} has the segment {name}, which is made of segments itself")
            if number == 0:
                for line in inner.signals:
                    joined[line.name or line.file] = np.full(total * line.per_frame, np.nan)
                if sum(len(signal) for signal in joined.values()) > MAX_VALUES:
                    raise ValueError(f"path: record {file} has more than {MAX_VALUES} values, cut it into shorter ones")
            if samples:
                for signal in _signals(part, inner, verify_checksums):
                    _place(file, joined, about, signal, name, start, samples)
        start += samples
    return [
        RecordedSignal(
            name,
            joined[name],
            None if header.rate is None else header.rate * len(joined[name]) / total,
            signal.unit,
            signal.resolution,
        )
        for name, signal in about.items()
    ]


def _place(
    file: Path,
    joined: dict[str, np.ndarray],
    about: dict[str, RecordedSignal],
    signal: RecordedSignal,
    segment: str,
    start: int,
    samples: int,
) -> None:
    """Put the samples of a segment's signal into its place in the whole record."""
    name = signal.name or segment
    if name not in joined:
        raise ValueError(f"path: segment {segment} of {file} has the signal {name}, which the first segment has not")
    per_frame, rest = divmod(len(signal.samples), samples)
    if rest or per_frame < 1 or len(joined[name]) < (start + samples) * per_frame:
        raise ValueError(
            f"path: segment {segment} of {file} has {len(signal.samples)} samples of {name}, expected {samples}"
        )
    other = about.setdefault(name, signal)
    if other.unit != signal.unit:
        raise ValueError(f"path: record {file} has signal {name} in {other.unit} and in {signal.unit}")
    if signal.resolution > other.resolution:
        about[name] = signal
    joined[name][start * per_frame : (start + samples) * per_frame] = signal.samples
