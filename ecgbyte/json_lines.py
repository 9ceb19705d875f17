"""JSON lines, one object a line, plain or compressed by gzip where the name ends in ``.gz``."""

from __future__ import annotations

import gzip
import io
import json
import os
import zlib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from ecgbyte.files import write_atomically

MAX_BYTES = 1 << 30
"""Of the text that is read at once; a compressed file of a few kilobytes can hold far more."""


def compress(content: bytes) -> bytes:
    """Compress by gzip without a name and a time, so that the same content is the same bytes (with one zlib)."""
    stream = io.BytesIO()
    with gzip.GzipFile(filename="", mode="wb", compresslevel=9, fileobj=stream, mtime=0) as compressor:
        compressor.write(content)
    return stream.getvalue()


def write_json_lines(path: str | os.PathLike[str], lines: Iterable[Mapping[str, Any]]) -> None:
    """Write one object a line. Compressed files hold no name and no time: same objects, same bytes.

    Parameters
    ----------
    path : path-like
        Its folder must exist; compressed where it ends in ``.gz``.
    lines : iterable of mapping
        Plain data; numbers must be finite.
    """
    text = "".join(
        json.dumps(line, ensure_ascii=False, separators=(",", ":"), allow_nan=False) + "\n" for line in lines
    )
    content = text.encode("utf-8")
    if Path(path).suffix == ".gz":
        content = compress(content)
    write_atomically(path, content)


def read_text(path: str | os.PathLike[str], *, max_bytes: int = MAX_BYTES) -> str:
    """Read UTF-8 text, decompressed where the name ends in ``.gz``; errors as `numbered_json_lines`."""
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(f"path: there is no file {path}")
    try:
        with gzip.open(path) if path.suffix == ".gz" else path.open("rb") as stream:
            content = stream.read(max_bytes + 1)
        if len(content) > max_bytes:
            raise ValueError(f"{path}: holds more than {max_bytes:,} bytes of text, the most that is read")
        text = content.decode("utf-8")
    except (gzip.BadGzipFile, EOFError, zlib.error, UnicodeDecodeError) as error:
        form = "UTF-8 text, compressed by gzip" if path.suffix == ".gz" else "UTF-8 text"
        raise ValueError(f"{path}: expected {form} ({error})") from error
    return text


def read_json_lines(path: str | os.PathLike[str], *, max_bytes: int = MAX_BYTES) -> list[dict[str, Any]]:
    """What `numbered_json_lines` reads, without the numbers of the lines."""
    return [line for _, line in numbered_json_lines(path, max_bytes=max_bytes)]


def numbered_json_lines(
    path: str | os.PathLike[str], *, max_bytes: int = MAX_BYTES
) -> list[tuple[int, dict[str, Any]]]:
    """Read what `write_json_lines` wrote, or any file of one JSON object a line, with the number of each line.

    Blank lines are left out.

    Parameters
    ----------
    path : path-like
    max_bytes : int
        The longest text that is read, decompressed.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ValueError
        If it is not UTF-8, not gzip where its name says so, longer than `max_bytes`, or a line is no JSON object; the
        line is named.
    """
    path = Path(path)
    text = read_text(path, max_bytes=max_bytes)
    lines = []
    # Not str.splitlines: a text may hold other characters that it takes for the end of a line.
    for number, line in enumerate(io.StringIO(text, newline="\n"), 1):
        if not line.strip():
            continue
        try:
            found = json.loads(line)
        except (ValueError, RecursionError) as error:
            raise ValueError(f"{path}, line {number}: expected a JSON object ({error})") from error
        if not isinstance(found, dict):
            raise ValueError(f"{path}, line {number}: expected a JSON object, got {type(found).__name__}")
        lines.append((number, found))
    return lines
