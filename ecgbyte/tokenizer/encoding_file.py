"""Files of encoded records: an ``.npz`` for one record, or JSON lines for several.

``.npz`` (readable with ``numpy.load(path, allow_pickle=False)``): ``ids`` int32 [tokens], ``leads`` int16 [tokens],
``offsets`` int32 [tokens, 2], ``shape`` int64 [2] (leads, samples), ``range_mv`` float64 [2] (low, high), ``clipped``
float64, and the strings ``record``, ``tokenizer`` (its fingerprint) and ``lead_names``; ``sampling_rate`` float64, NaN
where not known; ``checksum``, a string. JSON lines: one object a line with the same names, without ``leads`` and
``offsets``, which follow from the ids.

The checksum is over all of it but ``leads`` and ``offsets``, so that a cut or altered file is noticed. It is no
signature: reading also compares everything with the tokenizer, which no file can get round.
"""

from __future__ import annotations

import hashlib
import io
import json
import math
import os
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ecgbyte.array_files import ARCHIVE_DAMAGE, archived_array
from ecgbyte.checks import positive_number
from ecgbyte.files import write_atomically
from ecgbyte.signals.amplitude_range import AmplitudeRange
from ecgbyte.tokenizer.ecg_tokenizer import ECGTokenizer
from ecgbyte.tokenizer.encoding import Encoding, locate_tokens
from ecgbyte.tokenizer.input_signals import same_rate

_KEYS = ("record", "tokenizer", "ids", "shape", "range_mv", "clipped", "sampling_rate", "lead_names", "checksum")

# Of one record: as many bytes in an archive, unpacked, or in a line; and as many symbols. A day of 12 leads at 250 Hz
# has 2.6e8 symbols.
MAX_RECORD_BYTES = 2**28
MAX_RECORD_SYMBOLS = 2**29

_ARRAYS = frozenset((*_KEYS, "leads", "offsets"))
# Of one array of an archive, so that its values as Python objects take 1.3 GB at most.
_MAX_VALUES = 2**25


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
        content = {
            "record": self.record_id,
            "tokenizer": self.tokenizer_fingerprint,
            "ids": encoding.ids.tolist(),
            "shape": list(encoding.shape),
            "range_mv": [encoding.low, encoding.high],
            "clipped": encoding.clipped,
            "sampling_rate": self.sampling_rate,
            "lead_names": None if encoding.lead_names is None else list(encoding.lead_names),
        }
        return {**content, "checksum": _checksum(content)}


def _checksum(content: Mapping[str, Any]) -> str:
    """Over everything but the checksum itself, ``"sha256:"`` and 64 hexadecimal digits."""
    values = {key: content[key] for key in _KEYS if key != "checksum"}
    text = json.dumps(values, sort_keys=True, separators=(",", ":"))
    return f"sha256:{hashlib.sha256(text.encode('ascii')).hexdigest()}"


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
        checksum=np.array(encoded.as_dict()["checksum"]),
    )
    write_atomically(path, stream.getvalue())


def read_encoded(path: str | os.PathLike[str], tokenizer: ECGTokenizer) -> list[EncodedRecord]:
    """Read encoded records and check that `tokenizer` made them, as they stand there.

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
        If the file is cut or altered, of another tokenizer, or could not have been made by it: of another range, rate,
        number or names of leads, or with ids that it would not give. If a record takes more than 2**28 bytes, or holds
        more than 2**29 symbols or (in an archive) 2**25 tokens. The message names file and fault.
    """
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(f"path: there is no file {path}")
    entries = [("", _read_arrays(path))] if path.suffix == ".npz" else _read_lines(path)
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
    with path.open("rb") as stream:
        data = stream.read(MAX_RECORD_BYTES + 1)
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            members = archive.infolist()
            unpacked = sum(member.file_size for member in members)
            if max(unpacked, len(data)) > MAX_RECORD_BYTES:
                raise ValueError(f"takes more than {MAX_RECORD_BYTES} bytes, which no record does")
            names = [member.filename.removesuffix(".npy") for member in members]
            if len(names) > len(_ARRAYS):
                raise ValueError(f"holds {len(names)} members, expected at most {len(_ARRAYS)}")
            for name in names:
                if name not in _ARRAYS or names.count(name) > 1:
                    raise ValueError(f"holds {name[:80]!r}, expected each of {', '.join(sorted(_ARRAYS))} once at most")
            arrays = {name: archived_array(archive, member) for name, member in zip(names, members, strict=True)}
            for name, array in arrays.items():
                if array.size > _MAX_VALUES:
                    raise ValueError(f"{name} holds {array.size} values, at most {_MAX_VALUES} are read")
            entry = {name: array.tolist() if array.ndim else array.item() for name, array in arrays.items()}
    except (*ARCHIVE_DAMAGE, OSError) as error:
        raise ValueError(f"encoded file {path}: cannot be read (cut or altered?): {error}") from error
    if not entry.get("lead_names", True):
        entry["lead_names"] = None
    if isinstance(entry.get("sampling_rate"), float) and math.isnan(entry["sampling_rate"]):
        entry["sampling_rate"] = None
    return entry


def _read_lines(path: Path) -> Iterator[tuple[str, Any]]:
    with path.open("rb") as stream:
        number = 0
        while line := stream.readline(MAX_RECORD_BYTES + 1):
            number += 1
            if len(line) > MAX_RECORD_BYTES:
                raise ValueError(f"encoded file {path}, line {number}: is longer than {MAX_RECORD_BYTES} bytes")
            try:
                entry = json.loads(line.decode("utf-8"))
            except UnicodeDecodeError as error:
                raise ValueError(
                    f"encoded file {path}, line {number}: is no text: byte {error.start} is not UTF-8"
                ) from error
            except (ValueError, RecursionError) as error:
                raise ValueError(f"encoded file {path}, line {number}: is no complete JSON: {error}") from error
            yield f", line {number}", entry


def _checked_record(entry: Any, tokenizer: ECGTokenizer) -> EncodedRecord:
    if not isinstance(entry, dict):
        raise ValueError(f"holds a {type(entry).__name__}, expected an object")
    missing = [key for key in _KEYS if key not in entry]
    if missing == ["checksum"]:
        raise ValueError("checksum: missing; the file is cut, or of an earlier ecgbyte: encode the record again")
    if missing:
        raise ValueError(f"{missing[0]}: missing; expected {', '.join(_KEYS)}")
    if entry["tokenizer"] != tokenizer.fingerprint:
        raise ValueError(
            f"tokenizer: was encoded with {entry['tokenizer']!r}, but the tokenizer given is {tokenizer.fingerprint}"
        )
    if not isinstance(entry["record"], str):
        raise TypeError(f"record: got {entry['record']!r}, expected a string")
    leads, samples = _checked_shape(entry["shape"], tokenizer)
    low, high = _checked_range(entry["range_mv"], tokenizer)
    names = _checked_names(entry["lead_names"], tokenizer)
    rate = _checked_rate(entry["sampling_rate"], tokenizer)
    clipped = entry["clipped"]
    if type(clipped) is not float or not 0 <= clipped <= 1:
        raise ValueError(f"clipped: got {clipped!r}, expected a share from 0 to 1")
    ids = _checked_ids(entry["ids"], leads, samples, tokenizer)
    starts, offsets = locate_tokens(ids, tokenizer, samples)
    for name, located in (("leads", starts), ("offsets", offsets)):
        if name in entry and entry[name] != located.tolist():
            raise ValueError(f"{name}: are not those of the ids")
    # Last, so that what can be said more precisely is.
    expected = _checksum(entry)
    if entry["checksum"] != expected:
        raise ValueError(
            f"checksum: the file says {str(entry['checksum'])[:80]!r}, its content gives {expected}; it was altered "
            "after it was written"
        )
    encoding = Encoding(ids, starts, offsets, (leads, samples), low, high, clipped, names)
    return EncodedRecord(entry["record"], encoding, rate, entry["tokenizer"])


def _checked_shape(shape: Any, tokenizer: ECGTokenizer) -> tuple[int, int]:
    if not isinstance(shape, list) or len(shape) != 2 or not all(type(size) is int and size > 0 for size in shape):
        raise ValueError(f"shape: got {shape!r}, expected [leads, samples]")
    if shape[0] != tokenizer.num_leads:
        raise ValueError(f"shape: got {shape[0]} leads, the tokenizer takes {tokenizer.num_leads}")
    if shape[0] * shape[1] > MAX_RECORD_SYMBOLS:
        raise ValueError(f"shape: got {shape}, expected at most {MAX_RECORD_SYMBOLS} samples in all")
    return shape[0], shape[1]


def _checked_range(limits: Any, tokenizer: ECGTokenizer) -> tuple[float, float]:
    if not isinstance(limits, list) or len(limits) != 2 or not all(type(limit) is float for limit in limits):
        raise ValueError(f"range_mv: got {limits!r}, expected [low, high] in mV")
    low, high = limits
    if not (math.isfinite(low) and math.isfinite(high) and low < high):
        raise ValueError(f"range_mv: got {limits!r}, expected finite numbers in ascending order")
    own = tokenizer.amplitude_range
    if isinstance(own, AmplitudeRange) and (low, high) != (own.low, own.high):
        raise ValueError(f"range_mv: got {limits}, the tokenizer's is {[own.low, own.high]}")
    return low, high


def _checked_names(names: Any, tokenizer: ECGTokenizer) -> tuple[str, ...] | None:
    own = tokenizer.lead_names
    if names != (None if own is None else list(own)):
        raise ValueError(f"lead_names: got {names!r}, the tokenizer's are {own}")
    return own


def _checked_rate(rate: Any, tokenizer: ECGTokenizer) -> float | None:
    if rate is None:
        return None
    rate = positive_number("sampling_rate", rate)
    own = tokenizer.sampling_rate
    if own is not None and not same_rate(rate, own):
        raise ValueError(f"sampling_rate: got {rate:g}, the tokenizer's is {own:g}")
    return float(rate)


def _checked_ids(ids: Any, leads: int, samples: int, tokenizer: ECGTokenizer) -> np.ndarray:
    """The ids, if the tokenizer gives just these for the symbols that they stand for."""
    if not isinstance(ids, list):
        raise TypeError(f"ids: got {type(ids).__name__}, expected a list")
    token_ids, vocabulary = tokenizer._content.token_ids, tokenizer.vocabulary
    own = token_ids.own(ids)
    num_symbols = int(vocabulary.lengths[own].sum(dtype=np.int64))
    if num_symbols != leads * samples:
        raise ValueError(f"ids: hold {num_symbols} symbols, expected {leads} leads of {samples} samples")
    symbols = vocabulary.decode(own)
    sequences = leads if tokenizer.boundary == "lead" else 1
    again, _ = vocabulary.encode_batch(symbols.reshape(sequences, -1), tokenizer.matching)
    if not np.array_equal(again, own):
        raise ValueError("ids: are not those that the tokenizer gives for their symbols")
    return token_ids.shown(own)
