"""The same ECG in every format: each reader gives what was written, in mV and by the names of the leads."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np
import pytest
import scipy.io
import wfdb

import ecgbyte
from ecgbyte.signals.leads import LEADS
from ecgbyte.signals.reading.numpy_files import read_published_percentiles
from ecgbyte.signals.reading.reader import known_format, read_record, record_ids
from tests.signals.reading.ecg_writers import CLINICAL, Counts, whole_microvolts

RATE = 500
Options = dict[str, object]


def millivolts(counts: Counts) -> np.ndarray:
    return np.array(list(counts.values())) / 1000


def write_npy(path: Path, counts: Counts) -> Options:
    np.save(path, millivolts(counts))
    return {"sampling_rate": RATE}


def write_npy_turned(path: Path, counts: Counts) -> Options:
    np.save(path, np.array(list(counts.values())).T.astype(">f4"))
    return {"sampling_rate": RATE, "units": "uV"}


def write_npz(path: Path, counts: Counts) -> Options:
    names = list(reversed(counts))
    rows = np.array([counts[name] for name in names])
    np.savez_compressed(path, ecg=rows, fs=RATE, leads=names, units="uV")
    return {}


def write_published(path: Path, counts: Counts) -> Options:
    held = {"ecg": millivolts(counts), "report": "sinus", "path": "a/b", "orig_sf": RATE, "target_sf": RATE}
    np.save(path, held, allow_pickle=True)
    return {}


def write_csv(path: Path, counts: Counts) -> Options:
    header = ",".join(["time (ms)", *(f"{name} (mV)" for name in counts)])
    times = np.arange(len(counts["I"])) * 1000 / RATE
    np.savetxt(
        path, np.column_stack([times, millivolts(counts).T]), delimiter=",", header=header, comments="", fmt="%.6g"
    )
    return {}


def write_csv_of_a_device(path: Path, counts: Counts) -> Options:
    rows = [";".join(f"{value:.3f}".replace(".", ",") for value in sample) for sample in millivolts(counts).T]
    lines = [f"# sampling_rate: {RATE}", "# units: mV", ";".join(f'"Lead {name}"' for name in counts), *rows]
    path.write_text("\n".join(lines))
    return {}


def write_mat_5(path: Path, counts: Counts) -> Options:
    scipy.io.savemat(path, {"val": np.array(list(counts.values())), "fs": RATE, "units": "uV"}, do_compression=True)
    return {}


def write_mat_4(path: Path, counts: Counts) -> Options:
    scipy.io.savemat(path, {"val": np.array(list(counts.values()))}, format="4")
    return {"sampling_rate": RATE, "units": 0.001}


def write_mat_of_2018(path: Path, counts: Counts) -> Options:
    scipy.io.savemat(path, {"ECG": {"sex": "Male", "age": 50, "data": millivolts(counts)}})
    return {"sampling_rate": RATE}


def write_mat_7(path: Path, counts: Counts) -> Options:
    with h5py.File(path, "w", userblock_size=512) as file:
        file.create_dataset("val", data=np.array(list(counts.values())).T).attrs["MATLAB_class"] = np.bytes_("int16")
        file.create_dataset("fs", data=[[float(RATE)]]).attrs["MATLAB_class"] = np.bytes_("double")
    with path.open("r+b") as stream:
        stream.write(b"MATLAB 7.3 MAT-file, Platform: GLNXA64".ljust(512))
    return {"units": "uV"}


def write_hdf5(path: Path, counts: Counts) -> Options:
    with h5py.File(path, "w") as file:
        data = file.create_dataset("ecg", data=millivolts(counts).T, compression="gzip")
        data.attrs["sampling_rate"], data.attrs["units"] = RATE, "mV"
        data.attrs["lead_names"] = list(counts)
    return {}


FILES: dict[str, tuple[str, str, Callable[[Path, Counts], Options]]] = {
    "npy": ("a.npy", "npy", write_npy),
    "npy, a row a sample": ("a.npy", "npy", write_npy_turned),
    "npz": ("a.npz", "npz", write_npz),
    "published": ("a.npy", "published preprocessing", write_published),
    "csv": ("a.csv", "csv", write_csv),
    "csv of a device": ("a.txt", "csv", write_csv_of_a_device),
    "mat 5": ("a.mat", "mat", write_mat_5),
    "mat 4": ("a.mat", "mat", write_mat_4),
    "mat of 2018": ("a.mat", "mat", write_mat_of_2018),
    "mat 7.3": ("a.mat", "mat 7.3", write_mat_7),
    "hdf5": ("a.h5", "hdf5", write_hdf5),
}


@pytest.mark.parametrize("kind", FILES)
def test_what_was_written_is_read(kind: str, tmp_path: Path) -> None:
    name, reader, write = FILES[kind]
    counts = whole_microvolts()
    options = write(tmp_path / name, counts)
    record = read_record(tmp_path / name, **options)
    np.testing.assert_allclose(record.signal, millivolts(counts), rtol=1e-6, atol=1e-7)
    assert (record.reader, record.sampling_rate, record.lead_names, record.record_id) == (reader, RATE, LEADS, "a")
    assert record.doubts == ()
    # The name says nothing: under another one the same is read.
    other = tmp_path / "ECG of a patient"
    (tmp_path / name).rename(other)
    np.testing.assert_array_equal(read_record(other, **options).signal, record.signal)


@pytest.mark.parametrize("kind", CLINICAL)
def test_what_a_device_would_write_is_read(kind: str, tmp_path: Path) -> None:
    pytest.importorskip("ecgdatakit")
    ending, write = CLINICAL[kind]
    counts = whole_microvolts(seed=1)
    write(tmp_path / f"a{ending}", counts, RATE)
    record = read_record(tmp_path / f"a{ending}")
    np.testing.assert_array_equal(record.signal, millivolts(counts).astype(np.float32))
    assert (record.reader, record.sampling_rate, record.record_id) == (kind, RATE, "a")
    renamed = (tmp_path / f"a{ending}").rename(tmp_path / "b")
    assert known_format(renamed) == kind


@pytest.mark.parametrize("kind", CLINICAL)
def test_eight_leads_of_a_device_and_four_that_follow(kind: str, tmp_path: Path) -> None:
    pytest.importorskip("ecgdatakit")
    ending, write = CLINICAL[kind]
    counts = whole_microvolts(seed=2)
    stored = {name: values for name, values in counts.items() if name[0] == "V" or name in ("I", "II")}
    write(tmp_path / f"a{ending}", stored, RATE)
    with pytest.raises(ValueError, match=r"no lead III, aVR, aVL, aVF.*or compute these with derive_leads=True"):
        read_record(tmp_path / f"a{ending}")
    record = read_record(tmp_path / f"a{ending}", derive_leads=True)
    np.testing.assert_allclose(record.signal, millivolts(counts), rtol=1e-6, atol=1e-7)
    assert record.derived_leads == ("III", "aVR", "aVL", "aVF")


def test_a_missing_package_is_named_with_its_extra(tmp_path: Path) -> None:
    CLINICAL["scp-ecg"][1](tmp_path / "a.scp", whole_microvolts(), RATE)
    write_hdf5(tmp_path / "a.h5", whole_microvolts())
    for name, package, extra in (("a.scp", "ecgdatakit", "clinical"), ("a.h5", "h5py", "hdf5")):
        code = (
            f"import sys; sys.modules[{package!r}] = None\n"
            f"import ecgbyte\ntry: ecgbyte.read_record({str(tmp_path / name)!r})\n"
            "except ModuleNotFoundError as error: print(error)"
        )
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
        assert f"pip install 'ecgbyte[{extra}]'" in done.stdout


def test_the_published_percentiles(tmp_path: Path) -> None:
    held = {
        "global_min": -9.5,
        "global_max": 8.0,
        "percentile_1": np.float64(-1.25),
        "percentile_99": 2.5,
        "skipped": 3,
    }
    np.save(tmp_path / "percentiles.npy", held, allow_pickle=True)
    found = read_published_percentiles(tmp_path / "percentiles.npy")
    assert (found["percentile_1"], found["percentile_99"], found["skipped"]) == (-1.25, 2.5, 3.0)
    with pytest.raises(ValueError, match="holds percentiles and no record"):
        read_record(tmp_path / "percentiles.npy")
    np.save(tmp_path / "a.npy", np.zeros((12, 5)))
    with pytest.raises(ValueError, match="no dictionary with percentile_1 and percentile_99"):
        read_published_percentiles(tmp_path / "a.npy")


def test_code_15(tmp_path: Path) -> None:
    """Exams of 4,096 samples at 400 Hz, zeros at both ends, ids beside them, nothing said of rate or unit."""
    counts = whole_microvolts(samples=2934, rate=400)
    tracings = np.zeros((3, 4096, 12), dtype=np.float32)
    tracings[1, 581 : 581 + 2934] = millivolts(counts).T
    with h5py.File(tmp_path / "exams_part0.hdf5", "w") as file:
        file.create_dataset("tracings", data=tracings, chunks=(1, 4096, 12), compression="gzip")
        file.create_dataset("exam_id", data=np.array([590673, 1169160, 7, 0], dtype=np.int64))
    path = tmp_path / "exams_part0.hdf5"
    assert record_ids(path) == ["590673", "1169160", "7"]
    with pytest.raises(ValueError, match=r"record_id: missing; .* holds 3 records"):
        read_record(path)
    record = read_record(path, record_id="1169160")
    assert (record.record_id, record.sampling_rate, record.num_samples) == ("1169160", 400.0, 4096)
    np.testing.assert_array_equal(record.signal[:, 581 : 581 + 2934], millivolts(counts).astype(np.float32))
    assert {remark.reason for remark in record.remarks} == {
        "rate assumed",
        "units assumed",
        "lead names assumed",
        "constant padding",
    }
    with pytest.warns(UserWarning, match="all samples are zero"):
        read_record(path, record_id="590673")


def test_many_records_in_an_array(tmp_path: Path) -> None:
    several = np.stack([millivolts(whole_microvolts(seed=seed)) for seed in range(3)])
    np.save(tmp_path / "a.npy", several)
    assert record_ids(tmp_path / "a.npy") == ["0", "1", "2"]
    record = read_record(tmp_path / "a.npy", record_id="2", sampling_rate=RATE)
    np.testing.assert_array_equal(record.signal, several[2].astype(np.float32))
    np.savez(tmp_path / "a.npz", x=several.transpose(0, 2, 1), ids=["p", "q", "r"])
    record = read_record(tmp_path / "a.npz", record_id="q", sampling_rate=RATE)
    np.testing.assert_array_equal(record.signal, several[1].astype(np.float32))
    with pytest.raises(ValueError, match="holds 0 records with the id 's'"):
        read_record(tmp_path / "a.npz", record_id="s", sampling_rate=RATE)


def test_what_decode_writes_is_read(tmp_path: Path) -> None:
    from ecgbyte.cli import main
    from ecgbyte.tokenizer.encoding_file import EncodedRecord, write_encoded

    signal = millivolts(whole_microvolts()).astype(np.float32)
    tokenizer = ecgbyte.ECGTokenizer.train([ecgbyte.Record(signal, RATE)], num_merges=10, progress=False)
    tokenizer.save(tmp_path / "t.json")
    encoding = tokenizer.encode(signal)
    write_encoded(tmp_path / "e.npz", EncodedRecord("r", encoding, float(RATE), tokenizer.fingerprint))
    expected = tokenizer.decode(encoding)
    for name in ("s.npz", "s.npy", "s.csv"):
        common = [str(tmp_path / "e.npz"), "-t", str(tmp_path / "t.json"), "-o", str(tmp_path / name)]
        assert main(["decode", *common]) == 0
        record = read_record(tmp_path / name, sampling_rate=RATE, check_identities="off")
        np.testing.assert_array_equal(record.signal, expected)
    with pytest.raises(ValueError, match=r"what `ecgbyte encode` writes"):
        read_record(tmp_path / "e.npz")


@pytest.mark.parametrize(
    "content", [b"", b"\x00\x01\x02" * 40, b"# Notes\n\nabout ECGs\n", b'{"a": 1}', b"PK\x03\x04 no"]
)
def test_unknown_content(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "a.bin").write_bytes(content)
    with pytest.raises(ValueError, match=r"no format that is known|cannot be read"):
        read_record(tmp_path / "a.bin")


def test_a_folder_and_nothing_at_all(tmp_path: Path) -> None:
    with pytest.raises(IsADirectoryError, match="is a folder"):
        read_record(tmp_path)
    with pytest.raises(FileNotFoundError, match=r"nothing.hea does not exist"):
        read_record(tmp_path / "nothing")


@pytest.mark.real_data
@pytest.mark.parametrize("folder", ["records100", "records500"])
def test_real_records_in_every_format(real_data: Path, folder: str, tmp_path: Path) -> None:
    pytest.importorskip("ecgdatakit")
    for number, header in enumerate(sorted((real_data / "ptb-xl" / folder).glob("*/*.hea"))[:4]):
        stored = wfdb.rdrecord(str(header.with_suffix("")), physical=False)
        assert set(stored.adc_gain) == {1000.0} and set(stored.baseline) == {0}
        rate = int(stored.fs)
        counts = dict(zip(LEADS, stored.d_signal.T.astype(np.int16), strict=True))
        expected = ecgbyte.read_record(header).signal
        for kind, (ending, write) in CLINICAL.items():
            path = tmp_path / f"{kind}-{number}{ending}"
            write(path, counts, rate)
            record = ecgbyte.read_record(path)
            assert (record.reader, record.sampling_rate) == (kind, rate)
            np.testing.assert_allclose(record.signal, expected, rtol=1e-6, atol=1e-7)
        for kind, (name, reader, write_plain) in FILES.items():
            path = tmp_path / f"{number}-{kind}{name[1:]}"
            options = write_plain(path, counts)
            record = ecgbyte.read_record(path, **{**options, "sampling_rate": rate})
            assert record.reader == reader
            np.testing.assert_allclose(record.signal, expected, rtol=1e-6, atol=1e-7)


def test_the_page_about_formats_says_what_holds() -> None:
    from ecgbyte.signals import plausibility
    from ecgbyte.signals.padding import SHORTEST_SECONDS
    from ecgbyte.signals.preprocess import MOST_NOTCHES
    from ecgbyte.signals.reading import limits
    from ecgbyte.signals.resample import LARGEST_TERM

    page = (Path(__file__).resolve().parents[3] / "docs" / "formats.md").read_text(encoding="utf-8")
    for said in (
        f"{limits.MAX_VALUES:,}: 12 leads",
        f"| {limits.MAX_SIGNALS:,} |",
        f"{limits.MAX_TEXT_BYTES >> 20} MiB",
        f"{limits.MAX_CLINICAL_BYTES >> 20} MiB",
        f"more than {plausibility.LARGEST_MV:g} mV",
        f"spans {plausibility.SMALLEST_MV:g} mV",
        f"for {SHORTEST_SECONDS:g} s or more",
        f"numbers up to {LARGEST_TERM:,}",
        f"| {MOST_NOTCHES}; 100 kHz |",
    ):
        assert said in page, said
    for kind in ("SCP-ECG", "HL7 aECG", "DICOM", "MUSE", "Philips", "EDF", "MFER", "CODE-15", "MATLAB", "WFDB"):
        assert kind in page
