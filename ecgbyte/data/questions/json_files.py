"""Reading the JSON files of questions: within bounds, and with errors that name the file."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

# All of ECG-QA's files together have some 300 MB, and the largest single one of any data set 1.5 GB.
MAX_BYTES = 1 << 31


def read_json(path: Path) -> Any:
    """The value of a JSON file.

    Raises
    ------
    ValueError
        If it is larger than `MAX_BYTES`, no JSON, or nested too deep.
    """
    return parse_json(str(path), read_text(path))


def read_json_lines(path: Path) -> list[tuple[int, Any]]:
    """The values of a file with one JSON value a line, with the number of each line from 1; raises as `read_json`."""
    lines = enumerate(read_text(path).splitlines(), start=1)
    return [(number, parse_json(f"{path}, line {number}", line)) for number, line in lines if line.strip()]


def read_text(path: Path) -> str:
    """The text of a file in UTF-8; raises as `read_json`."""
    size = path.stat().st_size
    if size > MAX_BYTES:
        raise ValueError(f"path: {path} has {size} bytes, at most {MAX_BYTES} are read")
    try:
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise ValueError(f"path: {path} is no JSON ({error})") from error


def parse_json(where: str, text: str) -> Any:
    """The value of a text in JSON; raises as `read_json`, with `where` in the message."""
    try:
        return json.loads(text)
    except RecursionError as error:
        raise ValueError(f"path: {where} is no JSON that can be read: it is nested too deep") from error
    except ValueError as error:  # json.JSONDecodeError, and numbers of too many digits
        raise ValueError(f"path: {where} is no JSON ({error})") from error
