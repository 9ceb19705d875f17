"""Files that are damaged, odd or made to harm: refused with a ValueError or OSError, within bounded time and memory."""

from __future__ import annotations

import io
import os
import pickle
import resource
import subprocess
import sys
import zipfile
from pathlib import Path

import h5py
import numpy as np
import pytest
import scipy.io
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ecgbyte.signals.reading.reader import read_record
from ecgbyte.signals.reading.restricted_pickle import read_pickled_values
from tests.signals.reading.ecg_writers import CLINICAL, whole_microvolts
from tests.signals.reading.test_formats import FILES


class Harmful:
    """What its pickle calls when Python's own unpickler reads it."""

    def __init__(self, marker: Path) -> None:
        self.marker = marker

    def __reduce__(self) -> tuple:
        return os.mkdir, (str(self.marker),)


@pytest.mark.parametrize("protocol", [2, 3, 4, 5])
def test_plain_values_come_back_from_their_pickle(protocol: int) -> None:
    values = {
        "ecg": np.arange(24, dtype=np.float32).reshape(12, 2),
        "columns": np.asfortranarray(np.arange(6, dtype=">i2").reshape(2, 3)),
        "report": ["Sinusrhythmus", "überhöht", b"bytes\xff"],
        "scale": np.float64(0.25),
        "nested": {"a": (1, 2.5, None, True, -(2**40)), "b": [], "c": ()},
        "texts": np.array(["I", "II"]),
        "same": 7,
    }
    read = read_pickled_values(pickle.dumps(values, protocol))
    assert list(read) == list(values)
    for name in ("ecg", "columns", "texts"):
        np.testing.assert_array_equal(read[name], values[name])
    for name in ("report", "scale", "nested", "same"):
        assert read[name] == values[name]


@pytest.mark.parametrize("protocol", [2, 4])
def test_a_pickle_is_never_carried_out(protocol: int, tmp_path: Path) -> None:
    marker = tmp_path / "carried out"
    np.save(tmp_path / "a.npy", {"ecg": np.zeros((12, 100)), "extra": Harmful(marker)}, allow_pickle=True)
    with pytest.raises(ValueError, match=r"asks for (posix|nt)\.mkdir, which is not carried out"):
        read_record(tmp_path / "a.npy", sampling_rate=100)
    with pytest.raises(ValueError, match="not carried out"):
        read_pickled_values(pickle.dumps([Harmful(marker)], protocol))
    assert not marker.exists()


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b".",
        b"garbage",
        pickle.dumps(np.arange(4.0))[:-20],
        b"\x80\x04cbuiltins\neval\n(X\x01\x00\x00\x001tR.",
        b"\x80\x04c_codecs\nencode\n(X\x01\x00\x00\x00aX\x03\x00\x00\x00hextR.",
        b"\x80\x02cnumpy\nndarray\n)R.",
        b"\x80\x02]q\x00" + b"h\x00a" * 60_000 + b".",
        b"\x80\x02]q\x00" + b"]q\x01h\x00ah\x00a" * 1 + b"h\x01h\x01a.",
        b"\x80\x02" + b"]" * 3000 + b"a" * 2999 + b".",
        pickle.dumps({1.5: 2}),
        pickle.dumps({1, 2}),
    ],
)
def test_damaged_and_endless_pickles(content: bytes) -> None:
    with pytest.raises(ValueError, match=r"."):
        read_pickled_values(content)


def test_a_pickle_that_unfolds_without_end() -> None:
    lists = [[0] * 10]
    for _ in range(15):
        lists.append([lists[-1]] * 10)
    with pytest.raises(ValueError, match="more than 100000 values"):
        read_pickled_values(pickle.dumps(lists[-1]))


def limited(path: Path, *arguments: str, megabytes: int = 1500) -> str:
    """Read a record in a process of its own that may not have more memory; the error it ends with."""

    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_AS, (megabytes << 20,) * 2)

    code = (
        "import ecgbyte, sys\ntry: ecgbyte.read_record(sys.argv[1], sampling_rate=100, units='mV')\n"
        "except (ValueError, OSError) as error: print(type(error).__name__, error)"
    )
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
    done = subprocess.run(
        [sys.executable, "-c", code, str(path), *arguments],
        capture_output=True,
        text=True,
        timeout=120,
        preexec_fn=limit,
        env=environment,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def array_header(shape: tuple[int, ...], dtype: str = "<f8") -> bytes:
    stream = io.BytesIO()
    np.lib.format.write_array_header_1_0(stream, {"descr": dtype, "fortran_order": False, "shape": shape})
    return stream.getvalue()


@pytest.mark.skipif(sys.platform == "win32", reason="needs limits of POSIX")
def test_archives_that_unpack_to_gigabytes(tmp_path: Path) -> None:
    with (
        zipfile.ZipFile(tmp_path / "a.npz", "w", zipfile.ZIP_DEFLATED) as archive,
        archive.open("ecg.npy", "w", force_zip64=True) as member,
    ):
        member.write(array_header((12, 50_000_000)))
        for _ in range(600):
            member.write(bytes(8_000_000))
    assert (tmp_path / "a.npz").stat().st_size < 6_000_000
    assert "when unpacked" in limited(tmp_path / "a.npz")
    # A header that announces more than the archive has.
    with zipfile.ZipFile(tmp_path / "b.npz", "w") as archive:
        archive.writestr("ecg.npy", array_header((12, 50_000_000)) + bytes(1000))
    assert "announces 4800000000 bytes" in limited(tmp_path / "b.npz")
    (tmp_path / "c.npy").write_bytes(array_header((12, 50_000_000)) + bytes(1000))
    assert "its header announces" in limited(tmp_path / "c.npy")


@pytest.mark.skipif(sys.platform == "win32", reason="needs sparse files")
def test_a_sparse_signal_file_of_48_gigabytes(tmp_path: Path) -> None:
    frames = 2_000_000_000
    lines = [f"r 12 500 {frames}", *(f"r.dat 16 1000(0)/mV 16 0 0 0 0 V{k}" for k in range(12))]
    (tmp_path / "r.hea").write_text("\n".join(lines))
    with (tmp_path / "r.dat").open("wb") as stream:
        stream.truncate(24 * frames)
    assert "at most 134217728 values are read" in limited(tmp_path / "r")
    # A header that does not say how long the file is.
    (tmp_path / "r.hea").write_text("\n".join(["r 12 500", *lines[1:]]))
    assert "at most 134217728 values are read" in limited(tmp_path / "r")


@pytest.mark.skipif(sys.platform == "win32", reason="needs limits of POSIX")
def test_other_files_that_unpack_to_gigabytes(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file.create_dataset("ecg", shape=(12, 10**9), dtype="f4", chunks=(12, 1000), compression="gzip")
        file.create_dataset("other", shape=(4,), dtype="f4")
    assert "at most 134217728 values" in limited(tmp_path / "a.h5")
    with h5py.File(tmp_path / "b.h5", "w") as file:
        file.create_dataset("ecg", shape=(12, 20_000_000), dtype="f4", chunks=(12, 20_000_000), compression="gzip")
    assert "in pieces of 240000000 values" in limited(tmp_path / "b.h5")
    scipy.io.savemat(tmp_path / "c.mat", {"val": np.zeros((12, 12_000_000))}, do_compression=True)
    assert "holds more than 1073741824 bytes" in limited(tmp_path / "c.mat")


def test_hdf5_files_that_point_elsewhere(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "secret.h5", "w") as file:
        file.create_dataset("ecg", data=np.zeros((12, 100)))
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["ecg"] = h5py.ExternalLink(str(tmp_path / "secret.h5"), "/ecg")
        layout = h5py.VirtualLayout(shape=(12, 100), dtype="f8")
        layout[...] = h5py.VirtualSource(str(tmp_path / "secret.h5"), "ecg", shape=(12, 100))
        file.create_virtual_dataset("signal", layout)
        file.create_dataset("data", (12, 100), "f8", external=[(str(tmp_path / "secret.h5"), 0, 9600)])
    with pytest.raises(ValueError, match="expected one data set"):
        read_record(tmp_path / "a.h5", sampling_rate=100)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("long line", "I,II,III,aVR,aVL,aVF,V1,V2,V3,V4,V5,V6\n" + ",".join(["1" * 200_000] * 12) + "\n"),
        ("many columns", ",".join(["1.0"] * 5000) + "\n" + ",".join(["1.0"] * 5000) + "\n"),
        ("rows of several lengths", "I,II\n1,2\n3,4\n" * 1 + "5,6\n7\n"),
        ("words", "I,II\n1,2\n3,4\n5,six\n"),
        ("infinite", "I,II\n1,2\n3,inf\n"),
        ("deep XML", "<?xml version='1.0'?><RestingECG>" + "<a>" * 100_000),
        ("entities", '<!DOCTYPE a [<!ENTITY b "bb"><!ENTITY c "&b;&b;">]><RestingECG >&c;</RestingECG>'),
        ("deep JSON", "[" * 100_000),
    ],
)
def test_odd_texts(name: str, content: str, tmp_path: Path) -> None:
    (tmp_path / "a").write_text(content)
    with pytest.raises(ValueError, match=r"."):
        read_record(tmp_path / "a", leads=["I", "II"], sampling_rate=100)


@pytest.mark.parametrize("rate", ["1e308", "-5", "0", "1e-308"])
def test_rates_that_make_no_sense(rate: str, tmp_path: Path) -> None:
    (tmp_path / "r.hea").write_text(f"r 1 {rate} 100\nr.dat 16 1000(0)/mV 16 0 0 0 0 I\n")
    (tmp_path / "r.dat").write_bytes(np.arange(100, dtype="<i2").tobytes())
    with pytest.raises(ValueError, match=r"sampling_rate|expected record name"):
        read_record(tmp_path / "r", leads=["I"], verify_checksums=False)


@pytest.mark.parametrize("kind", [*FILES, *CLINICAL])
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_damaged_files_are_read_or_refused(kind: str, data: st.DataObject, tmp_path: Path) -> None:
    """Bytes changed, cut out or cut off: a record or a ValueError, never another error."""
    counts = whole_microvolts(samples=200)
    path = tmp_path / "a"
    if not (tmp_path / "whole").exists():
        if kind in FILES:
            name, _, write = FILES[kind]
            write(tmp_path / name, counts)
        else:
            pytest.importorskip("ecgdatakit")
            name = f"a{CLINICAL[kind][0]}"
            CLINICAL[kind][1](tmp_path / name, counts, 100)
        (tmp_path / name).rename(tmp_path / "whole")
    content = bytearray((tmp_path / "whole").read_bytes())
    for _ in range(data.draw(st.integers(1, 4))):
        # The beginning of a file, where its sizes stand, more often than what follows.
        place = data.draw(st.integers(0, min(len(content) - 1, data.draw(st.sampled_from([64, 600, 10**9])))))
        if data.draw(st.booleans()):
            content[place] = data.draw(st.integers(0, 255))
        else:
            del content[place : place + data.draw(st.sampled_from([1, 8, 1000]))]
        if not content:
            content = bytearray(b"\0")
    path.write_bytes(bytes(content))
    try:
        record = read_record(path, sampling_rate=100, units="mV", check_identities="off")
    except (ValueError, OSError):
        return
    assert np.isfinite(record.signal).all()
