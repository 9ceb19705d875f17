"""Reading HDF5 files: CODE-15's (``tracings`` and ``exam_id``), others of one or many records, MATLAB 7.3."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

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
    signals_of_array,
)
from ecgbyte.signals.reading.limits import MAX_VALUES, check_shape
from ecgbyte.signals.reading.mat_files import signals_of_variables
from ecgbyte.signals.reading.recorded_signals import RecordedSignals
from ecgbyte.signals.records import Remark

READER = "hdf5"
# CODE-15 (doi:10.5281/zenodo.4916206): 400 Hz, leads DI, DII, DIII, AVR, AVL, AVF, V1 to V6, padded to 4,096 samples.
# The files themselves say none of it.
_CODE_LENGTH = 4096
_CODE_RATE = 400.0
_MAX_RECORDS = 10_000_000


def read_hdf5(path: Path, num_leads: int, record_id: str | None) -> RecordedSignals:
    """Read one record of an HDF5 file.

    Parameters
    ----------
    path : Path
    num_leads : int
        How many leads are asked for.
    record_id : str or None
        Its id (``exam_id`` and the like), or its place from 0 where the file has no ids.

    Raises
    ------
    ModuleNotFoundError
        If h5py is missing.
    ValueError
        If the file is damaged, holds no such data set, or holds several records and none is chosen.
    """
    with _opened(path) as file:
        if _is_matlab(path):
            return signals_of_variables(path, "mat 7.3", _matlab_variables(path, file), num_leads)
        data = _signals_of(path, file)
        if data.ndim == 2:
            chosen_record(str(path), [path.stem], record_id)
            check_shape(path, data.shape)
            array, identity = data[...], path.stem
        else:
            names = _ids_of(path, file, data.shape[0])
            place = chosen_record(str(path), names, record_id)
            check_shape(path, data.shape[1:])
            array, identity = data[place], names[place]
        remarks = []
        rate = _stated(file, data, RATE_NAMES)
        if rate is None and data.name == "/tracings" and _CODE_LENGTH in data.shape:
            rate = _CODE_RATE
            remarks.append(Remark("rate assumed", f"CODE's files hold {_CODE_RATE:g} Hz and do not say so"))
        leads, unit = _stated(file, data, LEAD_NAMES), _stated(file, data, UNIT_NAMES)
        signals = signals_of_array(
            str(path),
            np.asarray(array),
            num_leads,
            names=None if leads is None else as_texts(str(path), leads),
            sampling_rate=None if rate is None else as_rate(str(path), rate),
            unit=None if unit is None else as_texts(str(path), unit)[0],
        )
    return RecordedSignals(READER, identity, signals, remarks=remarks)


def record_ids_hdf5(path: Path) -> list[str] | None:
    """The ids of the records of a file of many; None where it holds one. Raises as `read_hdf5`."""
    with _opened(path) as file:
        if _is_matlab(path):
            return None
        data = _signals_of(path, file)
        return None if data.ndim == 2 else _ids_of(path, file, data.shape[0])


@contextlib.contextmanager
def _opened(path: Path) -> Iterator[Any]:
    try:
        import h5py
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError(f"path: {path} is an HDF5 file; pip install 'ecgbyte[hdf5]' to read it") from error
    try:
        with h5py.File(path, "r") as file:
            yield file
    except (OSError, RuntimeError, KeyError, TypeError, OverflowError, MemoryError) as error:
        raise ValueError(f"path: {path} cannot be read as an HDF5 file: {error}") from error


def _is_matlab(path: Path) -> bool:
    with path.open("rb") as stream:
        return stream.read(10) == b"MATLAB 7.3"


def _datasets(path: Path, file: Any) -> dict[str, Any]:
    """The data sets at the top of the file that lie in the file itself."""
    import h5py

    found = {}
    for name in list(file)[:1000]:
        if not isinstance(file.get(name, getlink=True), h5py.HardLink):
            continue
        entry = file[name]
        if isinstance(entry, h5py.Dataset) and not entry.is_virtual and entry.external is None:
            chunk = int(np.prod(entry.chunks or (1,), dtype=object))
            if chunk > MAX_VALUES:
                raise ValueError(
                    f"path: {path} stores {name} in pieces of {chunk} values, at most {MAX_VALUES} are read"
                )
            found[name] = entry
    return found


def _signals_of(path: Path, file: Any) -> Any:
    found = {name: data for name, data in _datasets(path, file).items() if data.ndim in (2, 3) and 0 not in data.shape}
    numeric = {name: data for name, data in found.items() if data.dtype.kind in "fiu"}
    name = named(numeric, SIGNAL_NAMES)
    if name is None:
        if len(numeric) != 1:
            raise ValueError(
                f"path: {path} holds {', '.join(file) or 'nothing'}; expected one data set of two or three dimensions, "
                f"or one called {' or '.join(SIGNAL_NAMES[:4])}"
            )
        (name,) = numeric
    data = numeric[name]
    if data.ndim == 3 and data.shape[0] > _MAX_RECORDS:
        raise ValueError(f"path: {path} holds {data.shape[0]} records, at most {_MAX_RECORDS} are read")
    return data


def _ids_of(path: Path, file: Any, count: int) -> list[str]:
    found = {name: data for name, data in _datasets(path, file).items() if data.ndim == 1}
    name = named(found, ID_NAMES)
    if name is None:
        return [str(place) for place in range(count)]
    # Files with more ids than records exist; the last ids belong to none.
    if found[name].shape[0] < count:
        raise ValueError(f"path: {path} holds {count} records and {found[name].shape[0]} ids")
    ids = found[name][:count]
    return [item.decode("utf-8", "replace") if isinstance(item, bytes) else str(item) for item in ids.tolist()]


def _stated(file: Any, data: Any, names: tuple[str, ...]) -> Any:
    """What attributes of the data set or the file say by one of these names, or a small data set so called."""
    for attributes in (data.attrs, file.attrs):
        name = named(attributes, names)
        if name is not None:
            return attributes[name]
    name = named(_datasets(Path(file.filename), file), names)
    if name is None or file[name].size > 1000:
        return None
    return file[name][...]


def _matlab_variables(path: Path, file: Any) -> dict[str, Any]:
    """The variables of a MATLAB 7.3 file; MATLAB stores by columns, so each matrix is turned."""
    values: dict[str, Any] = {}
    for name, data in _datasets(path, file).items():
        if data.size > MAX_VALUES:
            raise ValueError(f"path: {path} holds {data.size} values in {name}, at most {MAX_VALUES} are read")
        array = np.asarray(data[...])
        kind = data.attrs.get("MATLAB_class", b"")
        if kind == b"char":
            values[name] = "".join(map(chr, array.T.reshape(-1).tolist()))
        elif array.ndim == 2:
            values[name] = array.T
    return values
