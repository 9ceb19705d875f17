"""Reading ``.npy`` and ``.npz`` files, and the pickled records and percentiles of the published preprocessing."""

from __future__ import annotations

import contextlib
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from ecgbyte.array_files import ARCHIVE_DAMAGE, archived_array, array_header
from ecgbyte.signals.reading.arrays import (
    ID_NAMES,
    LEAD_NAMES,
    RATE_NAMES,
    SIGNAL_NAMES,
    UNIT_NAMES,
    as_rate,
    as_texts,
    chosen_record,
    named,
    scalar,
    signals_of_array,
)
from ecgbyte.signals.reading.limits import MAX_VALUES, check_shape
from ecgbyte.signals.reading.recorded_signals import RecordedSignals
from ecgbyte.signals.reading.restricted_pickle import read_pickled_values

# A pickled record is one segment of an ECG with its texts.
_MAX_PICKLE_BYTES = 1 << 26
_MAX_MEMBERS = 100
# What ecgbyte's own encoding files hold, which are no records.
_ENCODING_MEMBERS = frozenset(("ids", "tokenizer", "range_mv"))
PUBLISHED = "published preprocessing"


def read_npy(path: Path, num_leads: int, record_id: str | None) -> RecordedSignals:
    """Read an array [leads, samples], [samples, leads], or with records as a first axis; or a published record.

    Raises
    ------
    ValueError
        If the file is damaged, its array is no signal, or its pickle holds anything but plain values and arrays.
    """
    with path.open("rb") as stream, _damage_named(path):
        shape, by_columns, dtype = array_header(stream)
        offset = stream.tell()
    if dtype.hasobject:
        return _published_record(path, _pickled(path, offset), num_leads, record_id)
    found = path.stat().st_size - offset
    if found != int(np.prod(shape, dtype=object)) * dtype.itemsize:
        raise ValueError(f"path: {path} has {found} bytes of data, its header announces {dtype} of shape {shape}")
    if not found:
        raise ValueError(f"path: {path} holds an empty array, shape {shape}")
    # Mapped, so that of many records only the chosen one is read.
    array = np.memmap(path, dtype=dtype, mode="r", offset=offset, shape=shape, order="F" if by_columns else "C")
    return _of_arrays(path, "npy", {"signal": array}, num_leads, record_id)


def read_npz(path: Path, num_leads: int, record_id: str | None) -> RecordedSignals:
    """Read an archive with a signal, and with lead names, rate, unit and ids where it has them.

    Raises
    ------
    ValueError
        If the archive is damaged or too large, or holds no signal.
    """
    arrays: dict[str, np.ndarray] = {}
    with _damage_named(path), zipfile.ZipFile(path) as archive:
        members = [info for info in archive.infolist() if info.filename.endswith(".npy")]
        if len(members) > _MAX_MEMBERS or sum(info.file_size for info in members) > 8 * MAX_VALUES:
            raise ValueError(
                f"{len(members)} arrays of {sum(info.file_size for info in members)} bytes together when unpacked; at "
                f"most {_MAX_MEMBERS} of {8 * MAX_VALUES} bytes are read"
            )
        names = {info.filename.removesuffix(".npy") for info in members}
        if names >= _ENCODING_MEMBERS:
            raise ValueError("it is what `ecgbyte encode` writes, tokens and no signal; `ecgbyte decode` reads it")
        for info in members:
            arrays[info.filename.removesuffix(".npy")] = archived_array(archive, info)
    return _of_arrays(path, "npz", arrays, num_leads, record_id)


def is_encoding(path: Path) -> bool:
    """Whether an archive is what ``ecgbyte encode`` writes."""
    with _damage_named(path), zipfile.ZipFile(path) as archive:
        return {name.removesuffix(".npy") for name in archive.namelist()} >= _ENCODING_MEMBERS


def read_published_percentiles(path: Path) -> dict[str, float]:
    """The statistics that the published preprocessing saves: a pickled dictionary in an ``.npy`` file.

    Returns
    -------
    dict of str to float
        ``percentile_1`` and ``percentile_99`` of the samples in mV, and the other numbers of the file.

    Raises
    ------
    ValueError
        If the file is something else.
    """
    with path.open("rb") as stream, _damage_named(path):
        _, _, dtype = array_header(stream)
        offset = stream.tell()
    values = _pickled(path, offset) if dtype.hasobject else None
    if not isinstance(values, dict) or not {"percentile_1", "percentile_99"} <= set(values):
        raise ValueError(f"path: {path} is no dictionary with percentile_1 and percentile_99")
    numbers = {name: scalar(value) for name, value in values.items()}
    return {name: float(value) for name, value in numbers.items() if isinstance(value, (int, float))}


@contextlib.contextmanager
def _damage_named(path: Path) -> Iterator[None]:
    """What NumPy and zipfile raise on damaged files, as a ValueError that names the file."""
    try:
        yield
    except ARCHIVE_DAMAGE as error:
        raise ValueError(f"path: {path} cannot be read: {error or type(error).__name__}") from error


def _pickled(path: Path, offset: int) -> Any:
    """The single object of an array of objects that numpy.save has pickled."""
    if path.stat().st_size > _MAX_PICKLE_BYTES:
        raise ValueError(f"path: {path} is a pickle of more than {_MAX_PICKLE_BYTES} bytes, which is not read")
    with path.open("rb") as stream:
        stream.seek(offset)
        content = stream.read()
    try:
        value = read_pickled_values(content)
    except ValueError as error:
        raise ValueError(f"path: {path} holds pickled objects that are not read: {error}") from error
    while isinstance(value, list) and len(value) == 1:
        (value,) = value
    return value


def _published_record(path: Path, value: Any, num_leads: int, record_id: str | None) -> RecordedSignals:
    if not isinstance(value, dict) or not isinstance(value.get("ecg"), np.ndarray):
        if isinstance(value, dict) and "percentile_1" in value:
            raise ValueError(f"path: {path} holds percentiles and no record")
        raise ValueError(f"path: {path} holds pickled objects without an array 'ecg', expected a published record")
    chosen_record(str(path), [path.stem], record_id)
    rate = as_rate(str(path), value["target_sf"]) if "target_sf" in value else None
    signals = signals_of_array(str(path), value["ecg"], num_leads, sampling_rate=rate)
    # Wavelet thresholds do not keep the identities of the limb leads.
    return RecordedSignals(PUBLISHED, path.stem, signals, raw=False)


def _of_arrays(
    path: Path, reader: str, arrays: dict[str, np.ndarray], num_leads: int, record_id: str | None
) -> RecordedSignals:
    where = str(path)
    name = named(arrays, SIGNAL_NAMES)
    if name is None:
        numeric = [key for key, array in arrays.items() if array.dtype.kind in "fiu" and array.ndim >= 2]
        if len(numeric) != 1:
            raise ValueError(
                f"path: {path} holds the arrays {', '.join(arrays) or 'none'}; expected one called "
                f"{' or '.join(SIGNAL_NAMES[:3])}, or a single one of two dimensions"
            )
        (name,) = numeric
    array = arrays[name]
    ids = named(arrays, ID_NAMES)
    if array.ndim == 3:
        known = None if ids is None else [str(item) for item in arrays[ids].reshape(-1).tolist()]
        if known is not None and len(known) != len(array):
            raise ValueError(f"path: {path} holds {len(array)} records and {len(known)} ids")
        names = known or [str(place) for place in range(len(array))]
        place = chosen_record(where, names, record_id)
        check_shape(path, array.shape[1:])
        array, identity = np.array(array[place]), names[place]
    else:
        identity = path.stem if ids is None else str(scalar(arrays[ids]))
        chosen_record(where, [identity], record_id)
        if array.ndim == 2:
            check_shape(path, array.shape)
        array = np.array(array)
    rate, leads, unit = named(arrays, RATE_NAMES), named(arrays, LEAD_NAMES), named(arrays, UNIT_NAMES)
    stated = None if rate is None else as_rate(where, arrays[rate])
    units = None if unit is None else sorted(set(as_texts(where, arrays[unit])))
    if units is not None and len(units) != 1:
        raise ValueError(f"path: {path} states the units {units}, expected one for all leads")
    signals = signals_of_array(
        where,
        array,
        num_leads,
        names=None if leads is None else as_texts(where, arrays[leads]),
        sampling_rate=None if stated is None or np.isnan(stated) else stated,
        unit=None if units is None else units[0],
    )
    return RecordedSignals(reader, identity, signals)


def record_ids_npy(path: Path) -> list[str] | None:
    """The ids of the records of an ``.npy`` file whose first axis is that of records; None where it holds one."""
    with path.open("rb") as stream, _damage_named(path):
        shape, _, dtype = array_header(stream)
    return [str(place) for place in range(shape[0])] if len(shape) == 3 and not dtype.hasobject else None
