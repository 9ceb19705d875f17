"""Which format a file has, by its content."""

from __future__ import annotations

import re
import zipfile
from pathlib import Path
from typing import BinaryIO

from ecgbyte.signals.reading.csv_files import looks_like_table
from ecgbyte.signals.reading.mat_files import is_mat

_HEAD_BYTES = 4096
_HDF5 = b"\x89HDF\r\n\x1a\n"
# HDF5 may begin after a block that another program has written; MATLAB's has 512 bytes.
_HDF5_PLACES = (0, 512, 1024, 2048)
_XML_ROOTS = {
    "AnnotatedECG": "hl7-aecg",
    "RestingECG": "muse-xml",
    "restingecgdata": "philips-xml",
}
CLINICAL_FORMATS = ("scp-ecg", "hl7-aecg", "dicom", "muse-xml", "philips-xml", "edf", "mfer", "ishne")
FORMATS = ("wfdb", "npy", "npz", "csv", "mat", "hdf5", *CLINICAL_FORMATS)
_WFDB_RECORD_LINE = re.compile(rb"\s*[^\s#/]+(/\d+)?[ \t]+\d+([ \t]+[\d.]+\S*([ \t]+\d+.*)?)?[ \t]*", re.ASCII)


def format_of(path: Path) -> str | None:
    """The format of a file: one of `FORMATS`, or None for a file that is none of them.

    Parameters
    ----------
    path : Path
        A file. A WFDB record is known by its header; a signal file alone shows nothing.

    Notes
    -----
    The first 4 kB are looked at, and the names in a zip's directory.
    """
    if not path.is_file():
        return None
    with path.open("rb") as stream:
        head = stream.read(_HEAD_BYTES)
        if any(_at(stream, place) == _HDF5 for place in _HDF5_PLACES):
            return "hdf5"
    if head.startswith(b"\x93NUMPY"):
        return "npy"
    if head.startswith(b"PK\x03\x04"):
        return "npz" if _is_npz(path) else None
    binary = _binary_format(head)
    if binary is not None:
        return binary
    if path.suffix == ".hea" and _is_wfdb_header(head):
        return "wfdb"
    return _text_format(head)


def _at(stream: BinaryIO, place: int) -> bytes:
    stream.seek(place)
    return stream.read(len(_HDF5))


def _is_npz(path: Path) -> bool:
    try:
        with zipfile.ZipFile(path) as archive:
            names = archive.namelist()
    except (zipfile.BadZipFile, ValueError, NotImplementedError, EOFError):
        return True  # the reader says what is wrong with it
    return any(name.endswith(".npy") for name in names)


def _binary_format(head: bytes) -> str | None:
    if head[128:132] == b"DICM":
        return "dicom"
    if head[:8] == b"ISHNE1.0":
        return "ishne"
    if head[:8] == b"0       " and len(head) >= 256:
        return "edf"
    if head[:1] == b"@" and head[2:6] == b"MFR ":
        return "mfer"
    # SCP-ECG: after checksum and length, section 0 with its own number, and a pointer to itself at byte 7.
    if len(head) >= 32 and head[8:10] == b"\0\0" and head[22:24] == b"\0\0" and head[28:32] == b"\x07\0\0\0":
        return "scp-ecg"
    return "mat" if is_mat(head) else None


def _is_wfdb_header(head: bytes) -> bool:
    lines = [line for line in head.splitlines() if line.strip() and not line.lstrip().startswith(b"#")]
    return bool(lines) and _WFDB_RECORD_LINE.fullmatch(lines[0]) is not None


def _text_format(head: bytes) -> str | None:
    wide = head.startswith((b"\xff\xfe", b"\xfe\xff"))
    if b"\0" in head and not wide:
        return None
    text = head.decode("utf-16" if wide else "utf-8", "ignore").lstrip("\ufeff")
    if text.lstrip().startswith("<"):
        for root, kind in _XML_ROOTS.items():
            if re.search(rf"<(?:[A-Za-z_][\w.-]*:)?{root}[\s>]", text):
                return kind
        return None
    return "csv" if looks_like_table(text) else None
