"""Writing files so that no half-written one is ever seen, and fingerprints of data."""

from __future__ import annotations

import hashlib
import os
import tempfile
from pathlib import Path

import numpy as np


def write_atomically(path: str | os.PathLike[str], content: str | bytes) -> None:
    """Write `content` beside `path` under a temporary name, then rename it to `path`.

    A reader sees the old file or the new one, never a part. Text is written as UTF-8 with line feeds on every system.

    Parameters
    ----------
    path : path-like
        The file to write; its folder must exist.
    content : str or bytes
        The whole content.

    Raises
    ------
    FileNotFoundError
        If the folder of `path` does not exist.
    """
    path = Path(path)
    data = content.encode("utf-8") if isinstance(content, str) else content
    if not path.parent.is_dir():
        raise FileNotFoundError(f"path: the folder {path.parent} of {path.name!r} does not exist")
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=".partial")
    try:
        with os.fdopen(handle, "wb") as stream:
            stream.write(data)
            stream.flush()
            os.fsync(stream.fileno())
        # mkstemp makes files private to their owner; give this one the mode that open() would.
        mask = os.umask(0)
        os.umask(mask)
        Path(temporary).chmod(0o666 & ~mask)
        Path(temporary).replace(path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


def fingerprint(*parts: str | bytes | np.ndarray) -> str:
    """SHA-256 of a sequence of parts, shortened to 16 hexadecimal digits.

    Arrays count with their data type, shape and values, so two arrays with the same bytes and another shape differ.

    Parameters
    ----------
    *parts : str, bytes or numpy.ndarray
        What identifies the data, in order.

    Returns
    -------
    str
        ``"sha256:"`` and 16 hexadecimal digits.
    """
    digest = hashlib.sha256()
    for part in parts:
        if isinstance(part, np.ndarray):
            values = np.ascontiguousarray(part)
            header, body = f"{values.dtype.str}{values.shape}".encode(), values.tobytes()
        elif isinstance(part, str):
            header, body = b"str", part.encode("utf-8")
        elif isinstance(part, bytes):
            header, body = b"bytes", part
        else:
            raise TypeError(f"parts: expected str, bytes or numpy arrays, got {type(part).__name__}")
        digest.update(f"{len(header)}:{len(body)}:".encode())
        digest.update(header)
        digest.update(body)
    return f"sha256:{digest.hexdigest()[:16]}"
