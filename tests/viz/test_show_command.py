"""``ecgbyte show``: what it writes, what it says, and what it does with records it cannot use."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import wfdb

from ecgbyte import ECGTokenizer, Preprocessor, read_record
from ecgbyte.cli import main
from ecgbyte.signals.leads import LEADS
from ecgbyte.viz import token_page
from tests.viz.shown_records import beating_record
from tests.viz.test_page import content_of


def write_record(folder: Path, name: str, seed: int, rate: int = 200) -> Path:
    """A WFDB record whose limb leads keep their identities."""
    signal = beating_record(seed, seconds=4, rate=rate).signal.astype(float)
    first, second = signal[:2]
    signal[2:6] = [second - first, -(first + second) / 2, first - second / 2, second - first / 2]
    wfdb.wrsamp(
        name,
        fs=rate,
        units=["mV"] * 12,
        sig_name=list(LEADS),
        p_signal=signal.T,
        fmt=["16"] * 12,
        adc_gain=[1000.0] * 12,
        baseline=[0] * 12,
        write_dir=str(folder),
    )
    return folder / name


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    made = tmp_path_factory.mktemp("records")
    for number in range(3):
        write_record(made, f"r{number}", number)
    return made


@pytest.fixture(scope="module")
def tokenizer_file(folder, tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("tokenizer") / "tokenizer.json"
    train = ["train", str(folder), "-o", str(path), "--num-merges", "40", "--target-rate", "100", "--no-progress"]
    assert main(train) == 0
    return path


def test_a_page_is_what_the_library_writes(folder, tokenizer_file, tmp_path, capsys):
    output = tmp_path / "page.html"
    capsys.readouterr()
    options = ["--merges", "30", "--token", "31", "--title", "Two", "--note", "Source", "--json"]
    records = [str(folder / "r0"), str(folder / "r2.hea")]
    assert main(["show", *records, "-t", str(tokenizer_file), "-o", str(output), *options]) == 0
    preprocessor = Preprocessor(target_rate=100)
    line = (
        "notch 50, 60 Hz  ·  high-pass 0.5 Hz  ·  high-pass 0.05 Hz  ·  wavelet db6, level 3  ·  "
        "200 Hz, resampled to 100 Hz"
    )
    expected = token_page(
        [preprocessor.apply(read_record(folder / name)) for name in ("r0", "r2")],
        ECGTokenizer.load(tokenizer_file),
        filter_lines=[line, line],
        num_merges=30,
        token=31,
        title="Two",
        note="Source",
    )
    assert output.read_text(encoding="utf-8") == expected
    told = json.loads(capsys.readouterr().out)
    assert told == {"file": str(output), "bytes": output.stat().st_size, "records": ["r0", "r2"], "rejected": 0}


def test_segments_become_records_of_their_own(folder, tokenizer_file, tmp_path):
    output = tmp_path / "page.html"
    command = ["show", str(folder / "r0"), "-t", str(tokenizer_file), "-o", str(output), "--segment-seconds", "2"]
    assert main(command) == 0
    records = content_of(output.read_text(encoding="utf-8"))["records"]
    assert [(record["id"], record["samples"]) for record in records] == [("r0#0", 200), ("r0#1", 200)]


@pytest.mark.parametrize("ending", ["png", "svg"])
def test_a_picture(folder, tokenizer_file, tmp_path, ending, capsys):
    output = tmp_path / f"picture.{ending}"
    options = ["--layout", "6x2", "--decoded", "--merges", "20", "--token", "7"]
    assert main(["show", str(folder / "r1"), "-t", str(tokenizer_file), "-o", str(output), *options]) == 0
    assert f"{output}: 1 record, " in capsys.readouterr().out
    assert output.read_bytes().startswith(b"\x89PNG" if ending == "png" else b"<?xml")


def test_a_record_that_cannot_be_used_is_rejected_and_the_others_are_shown(folder, tokenizer_file, tmp_path, capsys):
    for name in ("r0.hea", "r0.dat", "r1.hea"):
        (tmp_path / name).write_bytes((folder / name).read_bytes())
    output = tmp_path / "page.html"
    assert main(["show", str(tmp_path), "-t", str(tokenizer_file), "-o", str(output)]) == 1
    assert [record["id"] for record in content_of(output.read_text(encoding="utf-8"))["records"]] == ["r0"]
    assert "r1" in (tmp_path / "page.rejected.csv").read_text()
    assert "1 records rejected" in capsys.readouterr().out


def test_records_of_another_rate_are_rejected_without_preprocessing(folder, tokenizer_file, tmp_path, capsys):
    output = tmp_path / "page.html"
    command = ["show", str(folder / "r0"), "-t", str(tokenizer_file), "-o", str(output), "--no-preprocess"]
    assert main(command) == 2
    assert "none of the 1 records could be used" in capsys.readouterr().err
    assert not output.exists()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["-o", "page.pdf"], "--output: ending of the file: got '.pdf'"),
        (["-o", "absent/page.html"], "--output: the folder absent does not exist"),
        (["-o", "page.html", "--layout", "3x4"], "--layout, --decoded: for pictures"),
        (["-o", "page.html", "--decoded"], "--layout, --decoded: for pictures"),
        (["-o", "page.png", "--note", "x"], "--note: for pages"),
        (["-o", "page.png"], "--output: a picture shows one record, got 3; write a page, page.html"),
        (["-o", "page.html", "--merges", "41"], "num_merges: got 41, expected 0 to 40"),
        (["-o", "page.html", "--token", "66"], "token: got 66, expected 0 to 65"),
    ],
)
def test_errors(folder, tokenizer_file, tmp_path, monkeypatch, capsys, options, message):
    monkeypatch.chdir(tmp_path)
    assert main(["show", str(folder), "-t", str(tokenizer_file), *options]) == 2
    assert message in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_a_folder_is_no_page(folder, tokenizer_file, tmp_path, capsys):
    (tmp_path / "page.html").mkdir()
    assert main(["show", str(folder), "-t", str(tokenizer_file), "-o", str(tmp_path / "page.html")]) == 2
    assert "is a folder, expected a file" in capsys.readouterr().err
