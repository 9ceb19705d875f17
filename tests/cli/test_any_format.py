"""The command on files of many formats: nothing is lost without a word, and the counts add up."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import h5py
import numpy as np
import pytest

from ecgbyte import ECGTokenizer, Preprocessor, read_record
from ecgbyte.cli import main
from ecgbyte.signals.leads import LEADS
from tests.cli.cli_examples import QUICK, rejected, write_record
from tests.signals.reading.ecg_writers import CLINICAL, whole_microvolts
from tests.signals.reading.test_formats import write_csv, write_mat_4, write_npz, write_published

RATE = 500


@pytest.fixture
def mixed(tmp_path: Path) -> Path:
    """A folder of eight formats and more, with what also lies in such folders."""
    pytest.importorskip("ecgdatakit")
    folder = tmp_path / "mixed"
    write_record(folder / "wfdb", "r1", 1, rate=500)
    (folder / "wfdb" / "r1.atr").write_bytes(b"\x01\x02")
    counts = whole_microvolts(samples=2500)
    write_csv(folder / "a.csv", counts)
    write_npz(folder / "a.npz", counts)
    write_published(folder / "published.npy", counts)
    write_mat_4(folder / "counts.mat", counts)
    for kind, (ending, write) in CLINICAL.items():
        write(folder / f"{kind}{ending}", counts, RATE)
    with h5py.File(folder / "exams.h5", "w") as file:
        several = [np.array(list(whole_microvolts(2500, seed).values())).T / 1000 for seed in range(3)]
        file.create_dataset("tracings", data=np.array(several, dtype=np.float32))
        file.create_dataset("exam_id", data=[11, 22, 33])
        file.attrs["sampling_rate"] = 500
    (folder / "notes.txt").write_text("recorded on Monday\n")
    (folder / "labels.csv").write_text("id,age,label\n1,50,0\n2,60,1\n3,70,0\n")
    (folder / "._r1.hea").write_text("r1 12 500 2500\n")
    (folder / ".ipynb_checkpoints").mkdir()
    write_record(folder / ".ipynb_checkpoints", "r9", 9)
    (folder / "damaged.scp").write_bytes((folder / "scp-ecg.scp").read_bytes()[:5000])
    return folder


def test_a_folder_of_many_formats(mixed: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    output = tmp_path / "t.json"
    assert main(["train", str(mixed), "-o", str(output), *QUICK]) == 1
    written = capsys.readouterr()
    # WFDB, csv, npz, published, seven clinical ones and three exams; counts.mat states no unit, damaged.scp is cut.
    assert ECGTokenizer.load(output).training.records == 14
    assert set(rejected(tmp_path / "t.rejected.csv")) == {"counts", "damaged"}
    assert "2 other files are no records: labels.csv, notes.txt" in written.err
    assert "2 records rejected" in written.out
    assert "of the samples lie outside the range" in written.out

    folder = tmp_path / "encoded"
    assert main(["encode", str(mixed), "-t", str(output), "-o", str(folder), "--no-progress"]) == 1
    written = capsys.readouterr()
    assert "14 encoded from 14 of 16 records" in written.out
    assert "2 records rejected" in written.out
    with (folder / "encoded.csv").open(newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert len(rows) == 14
    readers = {row["record"]: row["reader"] for row in rows}
    assert readers["wfdb/r1"] == "wfdb"
    # Two files called a keep their endings.
    assert readers["a.csv"] == "csv" and readers["a.npz"] == "npz"
    assert {readers[f"exams#{number}"] for number in (11, 22, 33)} == {"hdf5"}
    assert {readers[kind] for kind in CLINICAL} == set(CLINICAL)
    assert all((folder / f"{row['record']}.npz").is_file() for row in rows)
    assert all(float(row["clipped"]) < 0.1 and row["doubts"] == "" for row in rows)
    assert "note: read by: " in written.err
    # The rejected ones are read with what they lack.
    common = ["-t", str(output), "--json", "--no-progress", "--rate", "500"]
    assert main(["encode", str(mixed / "counts.mat"), *common, "--units", "0.001"]) == 0
    counts = json.loads(capsys.readouterr().out)
    signal = Preprocessor(target_rate=100).apply(read_record(mixed / "scp-ecg.scp"))
    assert counts["ids"] == ECGTokenizer.load(output).encode(signal).ids.tolist()
    assert counts["doubts"] == []


def test_what_a_file_states_is_not_replaced_for_a_whole_folder(tmp_path: Path) -> None:
    path = write_record(tmp_path, "r1", 1, rate=200)
    np.save(tmp_path / "plain.npy", read_record(path).signal * 1000)
    settings = ["--units", "uV", "--rate", "200", "--no-preprocess", "--num-merges", "5", "--no-progress"]
    assert main(["train", str(tmp_path), "-o", str(tmp_path / "t.json"), *settings]) == 0
    expected = ECGTokenizer.train([read_record(path)] * 2, 5, progress=False)
    assert ECGTokenizer.load(tmp_path / "t.json").merges.tolist() == expected.merges.tolist()


def test_leads_are_chosen_and_derived(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    counts = whole_microvolts(2500)
    rows = np.array([counts[name] for name in ("II", "V1", "I")]) / 1000
    (tmp_path / "a.csv").write_text("MLII,V1,I\n" + "\n".join(",".join(map(str, row)) for row in rows.T.tolist()))
    common = ["train", str(tmp_path / "a.csv"), "--rate", "500", "-o", str(tmp_path / "t.json"), *QUICK]
    assert main([*common, "--leads", "I, V1"]) == 0
    assert ECGTokenizer.load(tmp_path / "t.json").lead_names == ("I", "V1")
    assert main([*common, "--leads", "MLII=II,I=I", "--derive-leads"]) == 0
    assert ECGTokenizer.load(tmp_path / "t.json").lead_names == LEADS[:6]
    capsys.readouterr()
    for options, message in (
        (["--leads", "I,V9"], "--leads: name: 'V9' is no lead"),
        (["--leads", "MLII="], "--leads: got 'MLII=', expected NAME=LEAD"),
        (["--units", "mmHg"], "--units: got 'mmHg'"),
        (["--rate", "-5"], "--rate: got -5"),
    ):
        assert main([*common, *options]) == 2
        assert message in capsys.readouterr().err


def test_doubts_are_counted_by_reason_and_listed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = tmp_path / "records"
    good = read_record(write_record(folder, "good", 1, rate=100)).signal
    np.savez(folder / "large.npz", ecg=good * 1000, fs=100)
    np.savez(folder / "larger.npz", ecg=good * 2000, fs=100)
    np.savez(folder / "small.npz", ecg=good / 1000, fs=100)
    np.savez(folder / "zero.npz", ecg=good * 0, fs=100)
    np.savez(folder / "constant.npz", ecg=good * 0 + 1, fs=100)
    assert main(["train", str(folder / "good"), "-o", str(tmp_path / "t.json"), *QUICK]) == 0
    options = [
        "-t",
        str(tmp_path / "t.json"),
        "-o",
        str(tmp_path / "out"),
        "--no-progress",
        "--check-identities",
        "off",
    ]
    capsys.readouterr()
    assert main(["encode", str(folder), *options]) == 0
    written = capsys.readouterr()
    assert "warning: 2 records in doubt, amplitude too large: large: " in written.err
    for reason in ("amplitude too small", "all samples are zero", "constant signal"):
        assert f"warning: 1 records in doubt, {reason}" in written.err
    assert "2 of 6 have most of their samples outside the tokenizer's range, the first is large" in written.err
    with (tmp_path / "out" / "encoded.csv").open(newline="") as stream:
        doubts = {row["record"]: row["doubts"] for row in csv.DictReader(stream)}
    assert doubts == {
        "constant": "constant signal",
        "good": "",
        "large": "amplitude too large",
        "larger": "amplitude too large",
        "small": "amplitude too small",
        "zero": "all samples are zero",
    }


def test_one_record_does_not_end_a_batch(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Rates that ask for huge filters, files that are sparse, memory that is not there: works or is rejected."""
    folder = tmp_path / "records"
    for number, rate in enumerate(["500", "499.999", "99999.999", "1234567.8", "1e-3", "360.123457"]):
        path = write_record(folder, f"r{number}", number, rate=100)
        header = path.with_suffix(".hea")
        header.write_text(header.read_text().replace("12 100 ", f"12 {rate} ", 1))
    sparse = write_record(folder, "sparse", 9)
    header = sparse.with_suffix(".hea")
    header.write_text(header.read_text().replace("12 100 500", "12 100 2000000000", 1))
    with sparse.with_suffix(".dat").open("r+b") as stream:
        stream.truncate(48_000_000_000)
    output = tmp_path / "t.json"
    assert main(["train", str(folder), "-o", str(output), *QUICK]) == 1
    reasons = rejected(tmp_path / "t.rejected.csv")
    assert sorted(reasons) == ["r2", "r3", "r4", "sparse"]
    assert "expected [leads, samples] with at least 2 samples" in reasons["r2"]  # 5 ms of it
    assert "expected 1 to 1e+06 Hz" in reasons["r3"]
    assert "at most 134217728 values" in reasons["sparse"]
    assert ECGTokenizer.load(output).training.records == 3


def test_another_list_of_that_name_is_not_replaced(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = write_record(tmp_path, "r1", 1)
    assert main(["train", str(path), "-o", str(tmp_path / "t.json"), *QUICK]) == 0
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "encoded.csv").write_text("patient,age\n")
    assert main(["encode", str(path), "-t", str(tmp_path / "t.json"), "-o", str(tmp_path / "out")]) == 2
    assert "encoded.csv exists and is no list of encoded records" in capsys.readouterr().err
    assert (tmp_path / "out" / "encoded.csv").read_text() == "patient,age\n"


def test_the_first_version_of_the_chain_filters_padding(tmp_path: Path) -> None:
    from ecgbyte.cli.record_files import preprocessor_from_settings

    settings = {name: value for name, value in Preprocessor().settings().items() if name != "leave_out_padding"}
    assert preprocessor_from_settings({**settings, "chain_version": 1}) == Preprocessor(leave_out_padding=False)
    with pytest.raises(ValueError, match="version 3"):
        preprocessor_from_settings({**settings, "chain_version": 3})
