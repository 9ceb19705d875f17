"""Records and a tokenizer that the tests of the command share."""

from __future__ import annotations

from pathlib import Path

import pytest

from ecgbyte.cli import main
from tests.cli.cli_examples import QUICK, write_record


@pytest.fixture(scope="module")
def records(tmp_path_factory) -> Path:
    """Four good records in two folders."""
    folder = tmp_path_factory.mktemp("records")
    for number in range(4):
        write_record(folder / f"part{number % 2}", f"r{number}", number)
    return folder


@pytest.fixture(scope="module")
def damaged(tmp_path_factory) -> Path:
    """Two good records, one whose signal file is cut, one without signal file, one of another rate."""
    folder = tmp_path_factory.mktemp("damaged")
    for number, rate in enumerate([100, 100, 100, 100, 200]):
        write_record(folder, f"r{number}", number, rate)
    cut = folder / "r1.dat"
    cut.write_bytes(cut.read_bytes()[:2000])
    (folder / "r2.dat").unlink()
    return folder


@pytest.fixture(scope="module")
def tokenizer_file(records, tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("tokenizer") / "tokenizer.json"
    assert main(["train", str(records), "-o", str(path), *QUICK]) == 0
    return path
