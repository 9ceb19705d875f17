"""Records on disk that the tests of prepared folders share."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.cli_examples import write_record

pytest.importorskip("pyarrow", reason="preparing records needs pyarrow")


@pytest.fixture(scope="session")
def tree(tmp_path_factory) -> Path:
    """Ten good records."""
    folder = tmp_path_factory.mktemp("tree")
    for number in range(10):
        write_record(folder, f"r{number}", number)
    return folder
