"""Reading MATLAB files of versions 4, 5 and 7.3: a matrix called ``val``, ``ECG.data`` and their like."""

from __future__ import annotations

import struct
import zlib
from pathlib import Path
from typing import Any

import numpy as np

from ecgbyte.signals.reading.arrays import (
    LEAD_NAMES,
    RATE_NAMES,
    SIGNAL_NAMES,
    UNIT_NAMES,
    as_rate,
    as_texts,
    named,
    scalar,
    signals_of_array,
)
from ecgbyte.signals.reading.limits import MAX_VALUES, check_shape
from ecgbyte.signals.reading.recorded_signals import RecordedSignals

READER = "mat"
_HEADER_BYTES = 128
_COMPRESSED = 15
_MAX_BYTES = 8 * MAX_VALUES
# Version 4 begins with the type of a matrix, its rows and columns, whether it is complex, and the length of its name.
_VERSION_4 = struct.Struct("<5i")


def is_mat(head: bytes) -> bool:
    """Whether a file that begins so is a MATLAB file of version 4 or 5."""
    if head.startswith(b"MATLAB 5.0 MAT-file"):
        return True
    if len(head) < _VERSION_4.size + 2:
        return False
    kind, rows, columns, is_complex, name_length = _VERSION_4.unpack(head[: _VERSION_4.size])
    name = head[_VERSION_4.size : _VERSION_4.size + max(0, name_length)]
    return (
        0 <= kind < 60
        and kind % 10 in (0, 1)
        and rows > 0
        and columns > 0
        and is_complex in (0, 1)
        and 1 < name_length <= 64
        and name.endswith(b"\0")
        and name[:-1].isascii()
        and name[:-1].decode("ascii", "replace").isidentifier()
    )


def read_mat(path: Path, num_leads: int) -> RecordedSignals:
    """Read the matrix of a file of version 4 or 5, with rate, lead names and unit where it has them.

    Raises
    ------
    ValueError
        If the file is damaged or too large, or holds no such matrix.
    """
    _check_unpacked_size(path)
    values = _variables(path)
    structures = [value for value in values.values() if isinstance(value, dict)]
    if named(values, SIGNAL_NAMES) is not None and not isinstance(values[named(values, SIGNAL_NAMES) or ""], dict):
        held = values
    elif len(structures) == 1:
        # The challenge of 2018 keeps its records so: a structure ECG with sex, age and data.
        held = structures[0]
    else:
        held = values
    return signals_of_variables(path, READER, held, num_leads)


def signals_of_variables(path: Path, reader: str, held: dict[str, Any], num_leads: int) -> RecordedSignals:
    """The signals of the variables of a MATLAB file, whichever version; raises as `read_mat`."""
    matrices = {name: value for name, value in held.items() if _is_matrix(value)}
    name = named(matrices, SIGNAL_NAMES)
    if name is None:
        if len(matrices) != 1:
            shown = ", ".join(held) or "nothing"
            raise ValueError(
                f"path: {path} holds {shown}; expected one matrix, or one called {' or '.join(SIGNAL_NAMES[:3])}"
            )
        (name,) = matrices
    array = matrices[name]
    check_shape(path, array.shape)
    where = str(path)
    rate, leads, unit = named(held, RATE_NAMES), named(held, LEAD_NAMES), named(held, UNIT_NAMES)
    signals = signals_of_array(
        where,
        array,
        num_leads,
        names=None if leads is None else as_texts(where, held[leads]),
        sampling_rate=None if rate is None else as_rate(where, held[rate]),
        unit=None if unit is None else as_texts(where, held[unit])[0],
    )
    return RecordedSignals(reader, path.stem, signals)


def _is_matrix(value: Any) -> bool:
    return isinstance(value, np.ndarray) and value.dtype.kind in "fiu" and value.ndim == 2 and value.size > 1


def _variables(path: Path) -> dict[str, Any]:
    from scipy.io import loadmat
    from scipy.io.matlab import MatReadError

    try:
        loaded = loadmat(path, simplify_cells=False, verify_compressed_data_integrity=True)
    except (
        ValueError,
        TypeError,
        KeyError,
        IndexError,
        NotImplementedError,
        OverflowError,
        MemoryError,
        MatReadError,
        OSError,
        zlib.error,
        struct.error,
        UnicodeDecodeError,
        RecursionError,
    ) as error:
        raise ValueError(f"path: {path} cannot be read as a MATLAB file: {error}") from error
    return {name: _unpacked(value) for name, value in loaded.items() if not name.startswith("__")}


def _unpacked(value: Any) -> Any:
    """A structure of one element as a dictionary, cells of texts as texts, all else as it is."""
    if isinstance(value, np.ndarray) and value.dtype.names and value.size == 1:
        element = value.reshape(-1)[0]
        return {name: _unpacked(element[name]) for name in value.dtype.names}
    if isinstance(value, np.ndarray) and value.dtype == object and value.size:
        items = [scalar(item) for item in value.reshape(-1)]
        return np.array(items) if all(isinstance(item, str) for item in items) else value
    return value


def _check_unpacked_size(path: Path) -> None:
    """Refuse a file whose parts are larger than `_MAX_BYTES` when they are unpacked, without keeping them."""
    if path.stat().st_size > _MAX_BYTES:
        raise ValueError(f"path: {path} has {path.stat().st_size} bytes, at most {_MAX_BYTES} are read")
    with path.open("rb") as stream:
        head = stream.read(_HEADER_BYTES)
        if not head.startswith(b"MATLAB 5.0 MAT-file") or len(head) < _HEADER_BYTES:
            return
        order = ">" if head[126:128] == b"MI" else "<"
        total = 0
        while len(tag := stream.read(8)) == 8:
            kind, length = struct.unpack(order + "2I", tag)
            if kind != _COMPRESSED:
                stream.seek(length, 1)
                continue
            unpacker, left = zlib.decompressobj(), length
            while left > 0:
                part = stream.read(min(left, 1 << 20))
                if not part:
                    return  # truncated, which loadmat reports
                left -= len(part)
                while part:
                    try:
                        total += len(unpacker.decompress(part, 1 << 24))
                    except zlib.error as error:
                        raise ValueError(f"path: {path} cannot be read as a MATLAB file: {error}") from error
                    part = unpacker.unconsumed_tail
                    if total > _MAX_BYTES:
                        raise ValueError(f"path: {path} holds more than {_MAX_BYTES} bytes when it is unpacked")
