"""Archives of encoded records that were made to harm, or damaged: a ValueError, whatever NumPy makes of them."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

import numpy as np
import pytest

from ecgbyte.tokenizer.encoding_file import EncodedRecord, read_encoded, write_encoded
from tests.tokenizer.ecg_examples import small_tokenizer, wandering_record

TOKENIZER = small_tokenizer(amplitude_range="per-record")
RECORD = wandering_record(7)


def as_npy(array: np.ndarray) -> bytes:
    stream = io.BytesIO()
    np.save(stream, array)
    return stream.getvalue()


def header_of(text: str) -> bytes:
    """An ``.npy`` file of nothing but a header."""
    content = text.encode().ljust(117) + b"\n"
    return b"\x93NUMPY\x01\x00" + len(content).to_bytes(2, "little") + content


IDS = as_npy(np.arange(5, dtype=np.int32))


@pytest.mark.parametrize(
    ("member", "content"),
    [
        ("note.txt", b"hello"),
        ("more.npy", IDS),
        ("ids.npy", b"hello"),
        ("ids.npy", IDS.replace(b"{'descr'", b"({'desc'", 1)),
        ("ids.npy", IDS.replace(b"{'descr'", b"[[[[[[[[", 1)),
        ("ids.npy", header_of("{'descr': '<i4', 'fortran_order': False, 'shape': (9999999999999,), }")),
        ("ids.npy", header_of("{'descr': '<i4', 'fortran_order': False, 'shape': (-1,), }")),
        # Values that take no bytes: a list of them would take all memory.
        ("ids.npy", header_of("{'descr': '<U0', 'fortran_order': False, 'shape': (9999999999,), }")),
        ("ids.npy", header_of("{'descr': '|O', 'fortran_order': False, 'shape': (1,), }")),
        ("ids.npy", as_npy(np.array(["a", "b"]))),
    ],
)
def test_members_that_are_no_arrays_of_ours_are_refused(member: str, content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "a.npz"
    write_encoded(path, EncodedRecord("r", TOKENIZER.encode(RECORD), 100.0, TOKENIZER.fingerprint))
    with zipfile.ZipFile(path) as archive:
        members = {info.filename: archive.read(info) for info in archive.infolist()}
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in (members | {member: content}).items():
            archive.writestr(name, data)
    with pytest.raises(ValueError, match=r"a\.npz"):
        read_encoded(path, TOKENIZER)


def test_a_member_that_stands_there_twice_is_refused(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a.npz", "w") as archive:
        for _ in range(2):
            with pytest.warns(UserWarning) if archive.namelist() else io.BytesIO():
                archive.writestr("ids.npy", IDS)
    with pytest.raises(ValueError, match=r"holds 'ids', expected each of .* once at most"):
        read_encoded(tmp_path / "a.npz", TOKENIZER)
