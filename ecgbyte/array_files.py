"""Arrays in ``.npy`` and ``.npz`` files from anywhere: nothing unpickled, no more memory than the file announces."""

from __future__ import annotations

import lzma
import struct
import tokenize
import zipfile
import zlib
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

ARCHIVE_DAMAGE = (
    ValueError,
    SyntaxError,
    tokenize.TokenError,
    EOFError,
    KeyError,
    TypeError,
    IndexError,
    AttributeError,
    OverflowError,
    RuntimeError,
    MemoryError,
    zipfile.BadZipFile,
    zlib.error,
    lzma.LZMAError,
    struct.error,
)
"""What NumPy and zipfile raise on damaged files: a MemoryError for a shape that no memory holds, a TokenError for a
header that is cut, a RuntimeError (a NotImplementedError is one) for a compression that zipfile does not know."""


def array_header(stream: BinaryIO) -> tuple[tuple[int, ...], bool, np.dtype[Any]]:
    """Shape, whether the columns come first, and type, as the beginning of an ``.npy`` file has them.

    Raises
    ------
    ValueError, or another of `ARCHIVE_DAMAGE`
        If it is damaged, or of a version that no array of numbers or texts is written in.
    """
    version = np.lib.format.read_magic(stream)
    if version == (1, 0):
        return np.lib.format.read_array_header_1_0(stream)
    if version == (2, 0):
        return np.lib.format.read_array_header_2_0(stream)
    raise ValueError(f"version {version} of the format, expected 1.0 or 2.0")


def archived_array(archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> NDArray[Any]:
    """One array of an archive, no larger than the archive says that it is; read-only.

    Raises
    ------
    ValueError, or another of `ARCHIVE_DAMAGE`
        If it is damaged, holds Python objects, or announces more than the archive has.
    """
    with archive.open(info) as opened:
        stream: Any = opened
        shape, by_columns, dtype = array_header(stream)
        if dtype.hasobject:
            raise ValueError(f"{info.filename} holds Python objects, expected numbers or texts")
        count = int(np.prod(shape, dtype=object))
        announced = count * dtype.itemsize
        if announced > info.file_size:
            raise ValueError(f"{info.filename} announces {announced} bytes, the archive has {info.file_size}")
        content = stream.read(announced)
    array: NDArray[Any] = np.frombuffer(content, dtype=dtype, count=count) if count else np.empty(0, dtype)
    return array.reshape(shape, order="F" if by_columns else "C")
