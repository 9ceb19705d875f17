"""Files of encoded records: an ``.npz`` for one record, or JSON lines for several.

``.npz`` (readable with ``numpy.load(path, allow_pickle=False)``): ``ids`` int32 [tokens], ``leads`` int16 [tokens],
``offsets`` int32 [tokens, 2], ``shape`` int64 [2] (leads, samples), ``range_mv`` float64 [2] (low, high), ``clipped``
float64, and the strings ``record``, ``tokenizer`` (its fingerprint) and ``lead_names``; ``sampling_rate`` float64, NaN
where not known. JSON lines: one object a line with the same names, without ``leads`` and ``offsets``, which follow from
the ids.
"""

from __future__ import annotations

import io
import json
import math
import os
import zipfile
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ecgbyte.checks import positive_number
from ecgbyte.files import write_atomically
from ecgbyte.tokenizer.ecg_tokenizer import ECGTokenizer
from ecgbyte.tokenizer.encoding import Encoding, locate_tokens
from ecgbyte.tokenizer.signal_encoding import checked_ids

_KEYS = ("record", "tokenizer", "ids", "shape", "range_mv", "clipped", "sampling_rate", "lead_names")

# What reading a damaged archive raises: zipfile a RuntimeError for a flag or method that it does not know, NumPy a
# MemoryError for a shape that no memory holds.
_ARCHIVE_ERRORS = (ValueError, EOFError, OSError, KeyError, RuntimeError, MemoryError, zipfile.BadZipFile, zlib.error)


@dataclass(frozen=True, eq=False)
class EncodedRecord:
    """An encoding with the record and the tokenizer that it came from.

    Attributes
    ----------
    record_id : str
    encoding : Encoding
    sampling_rate : float or None
        Samples a second; None where not known.
    tokenizer_fingerprint : str
    """

    record_id: str
    encoding: Encoding
    sampling_rate: float | None
    tokenizer_fingerprint: str

    def as_dict(self) -> dict[str, Any]:
        """The object of a JSON line."""
        encoding = self.encoding
        return {
            "record": self.record_id,
            "tokenizer": self.tokenizer_fingerprint,
            "ids": encoding.ids.tolist(),
            "shape": list(encoding.shape),
            "range_mv": [encoding.low, encoding.high],
            "clipped": encoding.clipped,
            "sampling_rate": self.sampling_rate,
            "lead_names": None if encoding.lead_names is None else list(encoding.lead_names),
        }


def write_encoded(path: str | os.PathLike[str], encoded: EncodedRecord) -> None:
    """Write one encoded record as ``.npz``, in one step; the same record gives the same bytes.

    Raises
    ------
    FileNotFoundError
        If the folder does not exist.
    """
    encoding = encoded.encoding
    stream = io.BytesIO()
    np.savez(
        stream,
        record=np.array(encoded.record_id),
        tokenizer=np.array(encoded.tokenizer_fingerprint),
        ids=encoding.ids,
        leads=encoding.leads,
        offsets=encoding.offsets,
        shape=np.array(encoding.shape, dtype=np.int64),
        range_mv=np.array([encoding.low, encoding.high], dtype=np.float64),
        clipped=np.float64(encoding.clipped),
        sampling_rate=np.float64(math.nan if encoded.sampling_rate is None else encoded.sampling_rate),
        lead_names=np.array(encoding.lead_names or (), dtype=np.str_),
    )
    write_atomically(path, stream.getvalue())


def read_encoded(path: str | os.PathLike[str], tokenizer: ECGTokenizer) -> list[EncodedRecord]:
    """Read encoded records and check that `tokenizer` made them.

    Parameters
    ----------
    path : path-like
        An ``.npz`` file, or JSON lines in a file of any other ending.
    tokenizer : ECGTokenizer
        The one they were encoded with.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ValueError
        If the file is cut or altered, or of another tokenizer; the message names file and fault.
    """
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(f"path: there is no file {path}")
    if path.suffix == ".npz":
        entries = [("", _read_arrays(path))]
    else:
        entries = _read_lines(path)
    records = []
    for place, entry in entries:
        try:
            records.append(_checked_record(entry, tokenizer))
        except (TypeError, ValueError) as error:
            raise ValueError(f"encoded file {path}{place}: {error}") from error
    if not records:
        raise ValueError(f"encoded file {path}: is empty, expected JSON lines")
    return records


def _read_arrays(path: Path) -> dict[str, Any]:
    data = path.read_bytes()
    try:
        archive = np.load(io.BytesIO(data), allow_pickle=False)
        if not isinstance(archive, np.lib.npyio.NpzFile):
            raise ValueError("no .npz archive")
        with archive:
            entry = {name: archive[name].tolist() if archive[name].ndim else archive[name].item() for name in archive}
    except _ARCHIVE_ERRORS as error:
        raise ValueError(f"encoded file {path}: cannot be read (cut or altered?): {error}") from error
    if not entry.get("lead_names", True):
        entry["lead_names"] = None
    if isinstance(entry.get("sampling_rate"), float) and math.isnan(entry["sampling_rate"]):
        entry["sampling_rate"] = None
    return entry


def _read_lines(path: Path) -> list[tuple[str, Any]]:
    entries = []
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except UnicodeDecodeError as error:
        raise ValueError(f"encoded file {path}: is no text: byte {error.start} is not UTF-8") from error
    for number, line in enumerate(lines, start=1):
        try:
            entries.append((f", line {number}", json.loads(line)))
        except (ValueError, RecursionError) as error:
            raise ValueError(f"encoded file {path}, line {number}: is no complete JSON: {error}") from error
    return entries


def _checked_record(entry: Any, tokenizer: ECGTokenizer) -> EncodedRecord:
    if not isinstance(entry, dict):
        raise ValueError(f"holds a {type(entry).__name__}, expected an object")
    missing = [key for key in _KEYS if key not in entry]
    if missing:
        raise ValueError(f"{missing[0]}: missing; expected {', '.join(_KEYS)}")
    if entry["tokenizer"] != tokenizer.fingerprint:
        raise ValueError(
            f"tokenizer: was encoded with {entry['tokenizer']!r}, but the tokenizer given is {tokenizer.fingerprint}"
        )
    shape, limits = entry["shape"], entry["range_mv"]
    if not isinstance(shape, list) or len(shape) != 2 or not all(type(size) is int and size > 0 for size in shape):
        raise ValueError(f"shape: got {shape!r}, expected [leads, samples]")
    if not isinstance(limits, list) or len(limits) != 2 or not all(type(limit) is float for limit in limits):
        raise ValueError(f"range_mv: got {limits!r}, expected [low, high] in mV")
    if not isinstance(entry["record"], str):
        raise TypeError(f"record: got {entry['record']!r}, expected a string")
    if not isinstance(entry["ids"], list):
        raise TypeError(f"ids: got {type(entry['ids']).__name__}, expected a list")
    ids = checked_ids(entry["ids"], tokenizer.vocabulary)
    symbols = int(tokenizer.vocabulary.starts(ids)[-1])
    if symbols != shape[0] * shape[1]:
        raise ValueError(f"ids: hold {symbols} symbols, expected {shape[0]} leads of {shape[1]} samples")
    leads, offsets = locate_tokens(ids, tokenizer.vocabulary, shape[1])
    rate, names = entry["sampling_rate"], entry["lead_names"]
    if names is not None and not (
        isinstance(names, list) and len(names) == shape[0] and all(isinstance(name, str) for name in names)
    ):
        raise ValueError(f"lead_names: got {names!r}, expected the names of {shape[0]} leads")
    clipped = entry["clipped"]
    if type(clipped) is not float or not 0 <= clipped <= 1:
        raise ValueError(f"clipped: got {clipped!r}, expected a share from 0 to 1")
    encoding = Encoding(
        ids,
        leads,
        offsets,
        (shape[0], shape[1]),
        limits[0],
        limits[1],
        clipped,
        None if names is None else tuple(names),
    )
    if rate is not None:
        rate = positive_number("sampling_rate", rate)
    return EncodedRecord(entry["record"], encoding, rate, entry["tokenizer"])
