"""What the command does with records that it cannot use."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from ecgbyte import ECGTokenizer
from ecgbyte.cli import encode, main
from ecgbyte.tokenizer.encoding_file import EncodedRecord, write_encoded
from tests.cli.cli_examples import QUICK, rejected


def test_train_rejects_damaged_records_and_goes_on(damaged, tmp_path, capsys):
    output = tmp_path / "tokenizer.json"
    arguments = [str(damaged), "-o", str(output), "--no-preprocess", "--num-merges", "30", "--no-progress"]
    assert main(["train", *arguments]) == 1
    reasons = rejected(tmp_path / "tokenizer.rejected.csv")
    assert sorted(reasons) == ["r1", "r2", "r4"]
    assert "r1.dat" in reasons["r1"]
    assert "r2.dat" in reasons["r2"]
    assert "200 samples a second, expected 100" in reasons["r4"]
    written = capsys.readouterr()
    assert written.err.count("rejected r1") == 1
    assert "3 records rejected" in written.out
    assert ECGTokenizer.load(output).training.records == 2
    # Resampling makes all rates one.
    elsewhere = tmp_path / "elsewhere.csv"
    assert main(["train", str(damaged), "-o", str(output), "--rejected", str(elsewhere), *QUICK]) == 1
    assert sorted(rejected(elsewhere)) == ["r1", "r2"]
    assert ECGTokenizer.load(output).training.records == 3


def test_encode_rejects_damaged_records_and_goes_on(damaged, tokenizer_file, tmp_path, capsys):
    folder = tmp_path / "encoded"
    common = [str(damaged), "-t", str(tokenizer_file), "-o", str(folder), "--no-progress"]
    assert main(["encode", *common]) == 1
    assert sorted(path.name for path in folder.iterdir()) == [
        "encoded.csv",
        "r0.npz",
        "r3.npz",
        "r4.npz",
        "rejected.csv",
    ]
    assert sorted(rejected(folder / "rejected.csv")) == ["r1", "r2"]
    # Taken as they are, records of another rate than the tokenizer's are rejected too.
    assert main(["encode", *common, "--no-preprocess", "--json"]) == 1
    reasons = rejected(folder / "rejected.csv")
    assert sorted(reasons) == ["r1", "r2", "r4"]
    assert "Preprocessor(target_rate=100)" in reasons["r4"]
    assert [json.loads(line)["record"] for line in capsys.readouterr().out.splitlines()[2:]] == ["r0", "r3"]
    # When all goes well, an old list of rejections does not stay.
    good = [str(damaged / "r0"), "-t", str(tokenizer_file), "-o", str(folder), "--no-progress"]
    assert main(["encode", *good]) == 0
    assert rejected(folder / "rejected.csv") == {}


def test_nothing_usable_is_an_error(damaged, tmp_path, capsys):
    output = tmp_path / "tokenizer.json"
    assert main(["train", str(damaged / "r1"), str(damaged / "r2.hea"), "-o", str(output), *QUICK]) == 2
    assert "none of the 2 records could be used" in capsys.readouterr().err
    assert sorted(rejected(tmp_path / "tokenizer.rejected.csv")) == ["r1", "r2"]
    assert not output.exists()


def test_an_unrelated_file_is_not_replaced_by_the_list(damaged, tokenizer_file, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    own = tmp_path / "rejected.csv"
    own.write_text("abstract,reviewer\n")
    arguments = ["encode", str(damaged), "-t", str(tokenizer_file), "--json", "--no-progress"]
    assert main(arguments) == 2
    written = capsys.readouterr()
    assert "rejected.csv exists and is no list of rejected records" in written.err
    assert written.out == ""
    assert own.read_text() == "abstract,reviewer\n"
    own.write_text("record,file,reason\nold,old.hea,gone\n")
    assert main(arguments) == 1
    assert sorted(rejected(own)) == ["r1", "r2"]


@pytest.mark.parametrize(("error", "code"), [(KeyboardInterrupt(), 130), (OSError("disk full"), 2)])
def test_the_list_is_kept_when_encoding_ends_early(error, code, damaged, tokenizer_file, tmp_path, monkeypatch, capsys):
    def write_first_only(target: Path, encoded: EncodedRecord) -> None:
        if encoded.record_id != "r0":
            raise error
        write_encoded(target, encoded)

    monkeypatch.setattr(encode, "write_encoded", write_first_only)
    folder = tmp_path / "encoded"
    common = ["-t", str(tokenizer_file), "-o", str(folder), "--no-progress"]
    assert main(["encode", str(damaged), *common]) == code
    assert sorted(rejected(folder / "rejected.csv")) == ["r1", "r2"]
    assert f"2 records rejected, see {folder / 'rejected.csv'}" in capsys.readouterr().err
    # With nothing rejected before the end, the older list stays.
    assert main(["encode", str(damaged / "r3"), *common]) == code
    assert sorted(rejected(folder / "rejected.csv")) == ["r1", "r2"]


@pytest.mark.parametrize(("error", "code"), [(KeyboardInterrupt(), 130), (OSError("disk full"), 2)])
def test_the_list_is_kept_when_training_ends_early(error, code, damaged, tmp_path, monkeypatch):
    def fail(tokenizer: ECGTokenizer, path: Path) -> None:
        raise error

    monkeypatch.setattr(ECGTokenizer, "save", fail)
    assert main(["train", str(damaged), "-o", str(tmp_path / "t.json"), *QUICK]) == code
    assert sorted(rejected(tmp_path / "t.rejected.csv")) == ["r1", "r2"]
