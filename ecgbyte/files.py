"""Writing files so that no half-written one is ever seen, and fingerprints of data.

A file is written beside its place under a temporary name, ``.<name>.partial``, which is then renamed. Whoever writes it
holds a lock on it, so that a later save of the same file can tell what a killed process left (and removes it) from what
another process is still writing. What is no regular file (a device, a FIFO) is written into and never replaced, and a
symbolic link is followed.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
import shutil
import stat
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, cast

import numpy as np
from numpy.typing import DTypeLike, NDArray

from ecgbyte.partial_files import file_status, written_beside, written_into

_DISK_FULL = (errno.ENOSPC, errno.EDQUOT)
_ZEROS_AT_ONCE = 1 << 24


@contextlib.contextmanager
def replacing(path: str | os.PathLike[str]) -> Iterator[Path]:
    """Give an empty file to write to; `path` holds what was written when the block ends, and is untouched if it fails.

    A reader sees the old file or the new one, never a part. An existing file keeps its mode; a new one gets the mode
    that ``open`` would give it. A symbolic link stays, and the file that it points to is replaced. A device or a FIFO
    is opened for writing and gets the bytes.

    Parameters
    ----------
    path : path-like
        The file to write; its folder must exist.

    Yields
    ------
    pathlib.Path
        To be opened by name and written whole; its name says nothing about the format.

    Raises
    ------
    FileNotFoundError
        If the folder of `path` does not exist.
    IsADirectoryError
        If `path` is a folder.
    PermissionError
        If the folder or an existing file may not be written.
    OSError
        If the disk is full (``ENOSPC``, or ``EDQUOT`` for a quota): the message names the file and what is free. As the
        system says, where it says something else.

    Notes
    -----
    *Thread-safety*: safe; of several writers of one file the last to finish wins, whole.
    """
    path = Path(path)
    before = file_status(path)
    if before is not None and stat.S_ISDIR(before.st_mode):
        raise IsADirectoryError(f"path: {path} is a folder, expected a file")
    target = Path(os.path.realpath(path))
    # Else a device, a FIFO, a socket, or a file that has a name no more (/dev/stdout).
    whole = before is None or (stat.S_ISREG(before.st_mode) and target.exists())
    writing = written_beside(target, before) if whole else written_into(path)
    with full_disk_told(path), writing as partial:
        yield partial


@contextlib.contextmanager
def full_disk_told(path: str | os.PathLike[str]) -> Iterator[None]:
    """Make the error of a full disk one sentence: what was not written (`path`, a file or a folder), what is free.

    Raises
    ------
    OSError
        In place of one with the number ``ENOSPC`` or ``EDQUOT``, with the same number.
    """
    try:
        yield
    except OSError as error:
        if error.errno not in _DISK_FULL:
            raise
        free = shutil.disk_usage(Path(os.path.realpath(path)).parent).free / 1e6
        reason = f"no space left on the disk or in the quota ({free:.1f} MB free), not written"
        raise OSError(error.errno, reason, str(path)) from error


def write_atomically(path: str | os.PathLike[str], content: str | bytes) -> None:
    """Write a whole file as `replacing` does. Text is written as UTF-8 with line feeds on every system.

    Parameters
    ----------
    path : path-like
        The file to write; its folder must exist.
    content : str or bytes
        The whole content.

    Raises
    ------
    OSError
        As `replacing`.
    """
    data = content.encode("utf-8") if isinstance(content, str) else content
    with replacing(path) as partial:
        partial.write_bytes(data)


def write_arrays(path: str | os.PathLike[str], arrays: Mapping[str, NDArray[Any]]) -> None:
    """Write arrays into an ``.npz`` file as `replacing` does; the same arrays give the same bytes.

    Parameters
    ----------
    path : path-like
        The file to write; its folder must exist.
    arrays : mapping of str to numpy.ndarray
        By name.

    Raises
    ------
    TypeError
        If an array is of Python objects, which would be pickled.
    OSError
        As `replacing`.
    """
    for name, array in arrays.items():
        if array.dtype.hasobject:
            raise TypeError(f"arrays: {name!r} is of dtype {array.dtype}, expected numbers or text")
    with replacing(path) as partial, partial.open("wb") as stream:
        np.savez(stream, **cast(dict[str, Any], arrays))


def open_memmap(path: str | os.PathLike[str], dtype: DTypeLike, shape: tuple[int, ...]) -> np.memmap[Any, Any]:
    """Create an ``.npy`` file of zeros and open it for writing, with its room on the disk reserved.

    Without the room a memory map on a full disk ends the process (SIGBUS) where it is written. Combine it with
    `replacing` for a file that is whole or absent.

    Parameters
    ----------
    path : path-like
        Replaced where it exists.
    dtype, shape
        Of the array, C order.

    Raises
    ------
    OSError
        If the disk has no room for the array.
    """
    array: np.memmap[Any, Any] = np.lib.format.open_memmap(path, mode="w+", dtype=dtype, shape=shape)
    with Path(path).open("r+b") as stream:
        _reserve(stream.fileno(), array.offset, array.offset + array.nbytes)
    return array


def _reserve(handle: int, start: int, end: int) -> None:
    """Make sure that a file has room on the disk from its first byte to `end`; from `start` on it reads as zeros."""
    if hasattr(os, "posix_fallocate"):
        try:
            os.posix_fallocate(handle, 0, end)
            return
        except OSError as error:
            if error.errno not in (errno.EOPNOTSUPP, errno.EINVAL):
                raise
    # A system or a file system that reserves nothing: zeros are written.
    os.lseek(handle, start, os.SEEK_SET)
    while start < end:
        start += os.write(handle, bytes(min(_ZEROS_AT_ONCE, end - start)))


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
