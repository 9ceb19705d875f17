"""A folder that may not be written is one sentence that names it, exit code 2, before any work where that can be."""

from __future__ import annotations

from pathlib import Path

import pytest

from ecgbyte.cli import main
from experiments.__main__ import main as harness
from experiments.profiles.profile import read_profile
from experiments.report.results_folder import write_results
from tests.cli.cli_examples import QUICK, write_record
from tests.experiments.report.test_results_folder import outcome


@pytest.fixture(scope="module")
def records(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("records")
    for seed in range(3):
        write_record(folder / "records", f"r{seed}", seed)
    assert main(["train", str(folder / "records"), "-o", str(folder / "tokenizer.json"), *QUICK]) == 0
    return folder


@pytest.mark.parametrize("name", ["train", "encode", "prepare"])
def test_commands_tell_a_folder_that_may_not_be_written(
    name: str, records: Path, read_only_folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = {
        "train": ["-o", str(read_only_folder / "tokenizer.json"), *QUICK],
        "encode": ["-t", str(records / "tokenizer.json"), "-o", str(read_only_folder / "out"), "--no-progress"],
        "prepare": ["-o", str(read_only_folder / "out"), "--target-rate", "100", "--no-progress", "--no-estimate"],
    }
    assert main([name, str(records / "records"), *arguments[name]]) == 2
    (line,) = [text for text in capsys.readouterr().err.splitlines() if "error" in text]
    assert str(read_only_folder) in line
    assert list(read_only_folder.iterdir()) == []


def test_encoded_records_in_such_a_folder_are_told(
    records: Path, read_only_folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["-t", str(records / "tokenizer.json"), "-o", str(read_only_folder), "--no-progress"]
    assert main(["encode", str(records / "records"), *arguments]) == 2
    assert str(read_only_folder) in capsys.readouterr().err


def test_the_harness_tells_it_and_older_results_stay(
    tmp_path: Path, read_only_folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert harness(["--profile", "smoke", "--work", str(read_only_folder / "work"), "--results", str(tmp_path)]) == 2
    printed = capsys.readouterr().err
    assert printed.startswith("error: ") and str(read_only_folder) in printed and printed.count("\n") == 1
    with pytest.raises(OSError, match=str(read_only_folder)):
        write_results(outcome(tmp_path, 20.0), read_profile("smoke"), read_only_folder / "smoke")
    assert list(read_only_folder.iterdir()) == []
