"""``ecg_tokenizer.json``: one self-contained file that a person can read and that loading only checks.

The file is a JSON object, its keys in this order::

    format           "ecgbyte-tokenizer"
    version          1; 2 where there are `ids`
    checksum         "sha256:" and 64 hexadecimal digits over all other keys and values
    alphabet_size    number of letters
    units            "mV"
    amplitude_range  {"low", "high", "error_mv": number, "num_values": whole number}, "per-record", or null;
                     with levels of unequal width also "borders": list of numbers from low to high
    sampling_rate    samples a second, or null
    num_leads        number of leads, or null
    lead_names       list of names in canonical order, or null
    boundary         "lead" or "record"
    matching         "longest" or "merge-order"
    preprocessing    settings of the preprocessing, or null
    training         the summary of the training, or null
    ids              of a published vocabulary only: {"scheme": "published", "order": the ids in the order of the
                     rows of a checkpoint}; shown to users are then 97 + k for letter k and 256 + k for merge k
    merges           list of [left id, right id], one a line; line k makes id alphabet_size + k

Numbers are written so that they read back exactly. There is no time, no path and no machine name in the file: the same
data and settings give the same bytes.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import os
import re
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ecgbyte.bpe import Vocabulary
from ecgbyte.checks import whole_number
from ecgbyte.files import write_atomically
from ecgbyte.signals.amplitude_levels import AmplitudeLevels
from ecgbyte.signals.amplitude_range import AmplitudeRange
from ecgbyte.tokenizer.id_scheme import PublishedIds
from ecgbyte.tokenizer.tokenizer_content import TokenizerContent, TrainingSummary

FILE_NAME = "ecg_tokenizer.json"
FORMAT = "ecgbyte-tokenizer"
VERSION = 1
# Of files with ids of their own, which an older ecgbyte must not read as if they had none.
VERSION_WITH_IDS = 2
UNITS = "mV"
MAX_FILE_BYTES = 32 * 2**20

_FORMAT_LINE = re.compile(rb'"format"\s*:\s*"ecgbyte-tokenizer"')
_BYTES_LOOKED_AT = 2**16

_KEYS = (
    "format",
    "version",
    "checksum",
    "alphabet_size",
    "units",
    "amplitude_range",
    "sampling_rate",
    "num_leads",
    "lead_names",
    "boundary",
    "matching",
    "preprocessing",
    "training",
    "merges",
)
_KEYS_WITH_IDS = (*_KEYS[:-1], "ids", "merges")
_PUBLISHED = "published"
_TRAINING_KEYS = tuple(field.name for field in dataclasses.fields(TrainingSummary))


def checksum(content: TokenizerContent) -> str:
    """SHA-256 over the content of a tokenizer: equal for two tokenizers if and only if all settings and merges are.

    Returns
    -------
    str
        ``"sha256:"`` and 64 hexadecimal digits.
    """
    return _checksum_of(_as_dict(content))


def write_tokenizer(path: str | os.PathLike[str], content: TokenizerContent) -> None:
    """Write a tokenizer file, in one step.

    Parameters
    ----------
    path : path-like
        The file; its folder must exist.
    content : TokenizerContent
        What to write.

    Raises
    ------
    FileNotFoundError
        If the folder does not exist.
    FileExistsError
        If a file of another kind stands there.
    """
    check_replaceable(path)
    write_atomically(path, format_tokenizer(content))


def is_tokenizer_file(path: str | os.PathLike[str]) -> bool:
    """Whether a file says that it is a tokenizer file; it may be damaged all the same."""
    if not Path(path).is_file():
        return False
    with Path(path).open("rb") as stream:
        return _FORMAT_LINE.search(stream.read(_BYTES_LOOKED_AT)) is not None


def check_replaceable(path: str | os.PathLike[str]) -> None:
    """Make sure that saving a tokenizer to `path` destroys nothing else.

    Raises
    ------
    FileExistsError
        If a file of another kind stands there, such as the text tokenizer of a model.
    """
    path = Path(path)
    if path.is_file() and path.stat().st_size and not is_tokenizer_file(path):
        raise FileExistsError(f"path: {path} exists and is no ECG tokenizer; it stays as it is, name another file")


def format_tokenizer(content: TokenizerContent) -> str:
    """The text of a tokenizer file, ASCII, with a line feed at its end."""
    values = _as_dict(content)
    keys = _KEYS if content.published_ids is None else _KEYS_WITH_IDS
    lines = [f"{json.dumps(key)}: {json.dumps(values[key])}" for key in keys if key not in ("checksum", "merges")]
    lines.insert(_KEYS.index("checksum"), f'"checksum": "{_checksum_of(values)}"')
    merges = ",\n".join(f"    [{left}, {right}]" for left, right in values["merges"])
    lines.append(f'"merges": [\n{merges}\n  ]' if merges else '"merges": []')
    return "{\n  " + ",\n  ".join(lines) + "\n}\n"


def read_tokenizer(path: str | os.PathLike[str]) -> TokenizerContent:
    """Read a tokenizer file and check all of it. Nothing in the file is executed.

    Parameters
    ----------
    path : path-like
        A file that `write_tokenizer` wrote.

    Returns
    -------
    TokenizerContent

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ValueError
        If the file is too large, no JSON, of another format or version, lacks a key or has one too many, holds a value
        of the wrong type or out of bounds, or its checksum is not that of its content. The message names the file.
    """
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(f"path: there is no tokenizer file {path}")
    with path.open("rb") as stream:
        data = stream.read(MAX_FILE_BYTES + 1)
    try:
        return parse_tokenizer(data)
    except (TypeError, ValueError) as error:
        raise ValueError(f"tokenizer file {path}: {error}") from error


def parse_tokenizer(data: bytes) -> TokenizerContent:
    """Check the bytes of a tokenizer file; see `read_tokenizer`.

    Raises
    ------
    TypeError, ValueError
        As `read_tokenizer`, without the name of the file.
    """
    if len(data) > MAX_FILE_BYTES:
        raise ValueError(f"is larger than {MAX_FILE_BYTES} bytes, which no tokenizer is")
    values = _parse_json(data)
    if not isinstance(values, dict):
        raise ValueError(f"holds a JSON {type(values).__name__}, expected an object")
    if values.get("format") != FORMAT:
        raise ValueError(f"format: got {_short(values.get('format'))}, expected {FORMAT!r}")
    version = values.get("version")
    if type(version) is not int or version not in (VERSION, VERSION_WITH_IDS):
        raise ValueError(
            f"version: got {_short(version)}, expected {VERSION} or {VERSION_WITH_IDS} "
            "(is the file of a newer ecgbyte?)"
        )
    _check_keys("", values, _KEYS if version == VERSION else _KEYS_WITH_IDS)
    if values["units"] != UNITS:
        raise ValueError(f"units: got {_short(values['units'])}, expected {UNITS!r}")
    content = TokenizerContent(
        vocabulary=Vocabulary(_parse_merges(values["merges"]), alphabet_size=values["alphabet_size"]),
        boundary=values["boundary"],
        matching=values["matching"],
        amplitude_range=_parse_range(values["amplitude_range"]),
        sampling_rate=values["sampling_rate"],
        num_leads=values["num_leads"],
        lead_names=values["lead_names"],
        preprocessing=values["preprocessing"],
        training=_parse_training(values["training"]),
        published_ids=None if version == VERSION else _parse_ids(values["ids"]),
    )
    # Over what was understood, so that nothing in the file can differ from what the tokenizer does.
    expected = checksum(content)
    if values["checksum"] != expected:
        raise ValueError(
            f"checksum: the file says {_short(values['checksum'])}, its content gives {expected}; "
            "the file was altered after it was saved"
        )
    return content


def _as_dict(content: TokenizerContent) -> dict[str, Any]:
    """Every key of the file but the checksum."""
    amplitude_range = content.amplitude_range
    borders = {"borders": amplitude_range.borders.tolist()} if isinstance(amplitude_range, AmplitudeLevels) else {}
    ids = {}
    if content.published_ids is not None:
        ids = {"ids": {"scheme": _PUBLISHED, "order": list(content.published_ids.order)}}
    return {
        "format": FORMAT,
        "version": VERSION_WITH_IDS if ids else VERSION,
        "alphabet_size": content.vocabulary.alphabet_size,
        "units": UNITS,
        "amplitude_range": (
            {
                "low": float(amplitude_range.low),
                "high": float(amplitude_range.high),
                "error_mv": float(amplitude_range.error_mv),
                "num_values": int(amplitude_range.num_values),
                **borders,
            }
            if isinstance(amplitude_range, AmplitudeRange)
            else amplitude_range
        ),
        "sampling_rate": content.sampling_rate,
        "num_leads": content.num_leads,
        "lead_names": None if content.lead_names is None else list(content.lead_names),
        "boundary": content.boundary,
        "matching": content.matching,
        "preprocessing": content.preprocessing,
        "training": None if content.training is None else dataclasses.asdict(content.training),
        **ids,
        "merges": content.vocabulary.merges.tolist(),
    }


def _checksum_of(values: Mapping[str, Any]) -> str:
    canonical = json.dumps(values, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return f"sha256:{hashlib.sha256(canonical.encode('ascii')).hexdigest()}"


def _parse_json(data: bytes) -> Any:
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise ValueError(f"is no text: byte {error.start} is not UTF-8") from error
    try:
        return json.loads(text, object_pairs_hook=_object_without_repeats, parse_constant=_refuse_constant)
    except json.JSONDecodeError as error:
        raise ValueError(
            f"is no complete JSON (cut or altered?): {error.msg} at line {error.lineno}, column {error.colno}"
        ) from error
    except RecursionError as error:
        raise ValueError("is nested too deeply for a tokenizer file") from error


def _object_without_repeats(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    values = dict(pairs)
    if len(values) != len(pairs):
        counts = Counter(name for name, _ in pairs)
        repeated = min(name for name, count in counts.items() if count > 1)
        raise ValueError(f"key {_short(repeated)} occurs more than once")
    return values


def _refuse_constant(name: str) -> float:
    raise ValueError(f"holds the number {name}, expected finite numbers")


def _check_keys(prefix: str, values: Mapping[str, Any], expected: tuple[str, ...]) -> None:
    missing = [key for key in expected if key not in values]
    if missing:
        raise ValueError(f"{prefix}{missing[0]}: missing; expected the keys {', '.join(expected)}")
    extra = sorted(key for key in values if key not in expected)
    if extra:
        raise ValueError(f"{prefix}{_short(extra[0])}: unknown key; expected the keys {', '.join(expected)}")


def _parse_range(value: object) -> AmplitudeRange | str | None:
    if value is None or isinstance(value, str):
        return value
    if not isinstance(value, dict):
        raise TypeError(f"amplitude_range: got {_short(value)}, expected an object, 'per-record' or null")
    keys = ("low", "high", "error_mv", "num_values")
    _check_keys("amplitude_range.", value, (*keys, "borders") if "borders" in value else keys)
    for key in ("low", "high", "error_mv"):
        if type(value[key]) is not float:
            raise TypeError(f"amplitude_range.{key}: got {_short(value[key])}, expected a number with a decimal point")
    num_values = whole_number("amplitude_range.num_values", value["num_values"], minimum=0)
    if "borders" not in value:
        return AmplitudeRange(value["low"], value["high"], error_mv=value["error_mv"], num_values=num_values)
    borders = value["borders"]
    if not isinstance(borders, list) or not all(type(border) is float for border in borders):
        raise TypeError(f"amplitude_range.borders: got {_short(borders)}, expected a list of numbers")
    levels = AmplitudeLevels(borders, error_mv=value["error_mv"], num_values=num_values)
    if (levels.low, levels.high) != (value["low"], value["high"]):
        raise ValueError(
            f"amplitude_range.borders: reach from {levels.low} to {levels.high} mV, low and high are {value['low']} "
            f"and {value['high']}"
        )
    return levels


def _parse_training(value: object) -> TrainingSummary | None:
    if value is None:
        return None
    if not isinstance(value, dict):
        raise TypeError(f"training: got {_short(value)}, expected an object or null")
    _check_keys("training.", value, _TRAINING_KEYS)
    return TrainingSummary(**value)


def _parse_ids(value: object) -> PublishedIds:
    if not isinstance(value, dict):
        raise TypeError(f"ids: got {_short(value)}, expected an object")
    _check_keys("ids.", value, ("scheme", "order"))
    if value["scheme"] != _PUBLISHED:
        raise ValueError(f"ids.scheme: got {_short(value['scheme'])}, expected {_PUBLISHED!r}")
    if not isinstance(value["order"], list):
        raise TypeError(f"ids.order: got {_short(value['order'])}, expected a list of ids")
    return PublishedIds(tuple(value["order"]))


def _parse_merges(value: object) -> list[list[int]]:
    if not isinstance(value, list):
        raise TypeError(f"merges: got {_short(value)}, expected a list of [left id, right id]")
    for k, pair in enumerate(value):
        if not isinstance(pair, list) or len(pair) != 2 or not all(type(side) is int for side in pair):
            raise TypeError(f"merges: merge {k} is {_short(pair)}, expected [left id, right id]")
        if not all(0 <= side < 2**31 for side in pair):
            raise ValueError(f"merges: merge {k} is {_short(pair)}, expected ids that are made before it")
    return value


def _short(value: object) -> str:
    """`value` for a message, cut where it is long."""
    text = repr(value)
    return text if len(text) <= 80 else f"{text[:77]}..."
