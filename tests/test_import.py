"""``import ecgbyte`` stays light: what is heavy is imported where it is used."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

HEAVY = ("torch", "transformers", "pandas", "wfdb", "matplotlib")


def modules_after(statement: str) -> list[str]:
    """The names of the heavy modules that a fresh interpreter has loaded after `statement`."""
    script = f"{statement}\nimport json, sys\nprint(json.dumps([m for m in {HEAVY!r} if m in sys.modules]))"
    done = subprocess.run([sys.executable, "-c", script], check=True, capture_output=True, text=True, timeout=120)
    return json.loads(done.stdout.splitlines()[-1])


@pytest.mark.parametrize(
    "statement",
    [
        "import ecgbyte",
        "from ecgbyte import ECGTokenizer, Encoding, Preprocessor, Record, bpe, read_record, symbols",
        "import ecgbyte.cli",
        "import ecgbyte; ecgbyte.ECGTokenizer.from_merges([(0, 0)])",
    ],
)
def test_nothing_heavy_is_imported(statement):
    assert modules_after(statement) == []


def test_the_check_would_see_a_heavy_module():
    assert modules_after("import wfdb")[-1] == "wfdb"


def test_every_public_name_can_be_had():
    import ecgbyte

    assert set(ecgbyte.__all__) <= set(dir(ecgbyte))
    for name in ecgbyte.__all__:
        assert getattr(ecgbyte, name) is not None
    with pytest.raises(AttributeError, match="no_such_name"):
        _ = ecgbyte.no_such_name
