"""The README's commands and examples run as written, on small files laid out as the README assumes."""

from __future__ import annotations

import configparser
import re
import shlex
import subprocess
import sys
import tomllib
from pathlib import Path

import numpy as np
import pytest

from experiments.options import parser
from experiments.profiles.profile import profile_names, read_profile

ROOT = Path(__file__).resolve().parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", README, flags=re.DOTALL)


@pytest.fixture
def records_folder(tmp_path: Path) -> Path:
    """Three synthetic 100 Hz records in PTB-XL's layout, in ``tmp_path/records100/00000``."""
    import wfdb

    from ecgbyte.data.synthetic import SyntheticRecords
    from ecgbyte.signals.leads import LEADS

    folder = tmp_path / "records100" / "00000"
    folder.mkdir(parents=True)
    records = SyntheticRecords(2, seed=0, sampling_rate=100)
    for number, entry in enumerate(records.entries[:3], 1):
        wfdb.wrsamp(
            f"{number:05d}_lr",
            fs=100,
            units=["mV"] * 12,
            sig_name=list(LEADS),
            p_signal=records.read(entry.record_id).signal.T.astype(np.float64),
            fmt=["16"] * 12,
            adc_gain=[1000.0] * 12,
            baseline=[0] * 12,
            write_dir=str(folder),
        )
    signal = SyntheticRecords(2, seed=0, sampling_rate=500).read(records.entries[0].record_id).signal
    np.savetxt(tmp_path / "recording.csv", signal.T, delimiter=",", header=",".join(LEADS), comments="", fmt="%.4f")
    return tmp_path


def test_python_examples_run(records_folder: Path) -> None:
    code = "\n".join(blocks("python"))
    assert "ECGTokenizer.train" in code and "train_merges" in code
    completed = subprocess.run(
        [sys.executable, "-c", code + "\nassert np.array_equal(tok.decode_symbols(ids), symbols[0])"],
        cwd=records_folder,
        capture_output=True,
        text=True,
    )
    assert completed.returncode == 0, completed.stderr


def test_shell_examples_run(records_folder: Path) -> None:
    lines = [line for block in blocks("bash") for line in block.splitlines() if line.startswith("ecgbyte ")]
    assert [line.split()[1] for line in lines] == ["train", "encode", "encode", "decode", "inspect"]
    for line in lines:
        command = shlex.split(line, comments=True)
        completed = subprocess.run(
            [sys.executable, "-m", "ecgbyte", *command[1:]], cwd=records_folder, capture_output=True, text=True
        )
        assert completed.returncode == 0, f"{line}\n{completed.stderr}"


def test_extras_and_profiles_that_the_readme_names_exist() -> None:
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["optional-dependencies"]
    named = {name for group in re.findall(r"install .*'\.\[([\w,]+)\]'", README) for name in group.split(",")}
    assert named and named <= set(extras)
    assert (ROOT / "constraints.txt").read_text(encoding="utf-8").strip() == "torch==2.13.0"
    assert set(re.findall(r"^\| `([\w-]+)` \| (?:synthetic|a subset|the same)", README, flags=re.MULTILINE)) == {
        name for name in profile_names() if not name.startswith("paper")
    }
    assert {name for name in profile_names() if f"`{name}`" in README} == set(profile_names())


def test_two_commands_name_environments_that_exist() -> None:
    named = set(re.findall(r"tox -e (\w+)", README))
    configuration = configparser.ConfigParser()
    configuration.read(ROOT / "tox.ini")
    defined = {section.removeprefix("testenv:") for section in configuration.sections()} | {"py"}
    assert {"reproduce", "py", "bench"} <= named <= defined
    for line in README.splitlines():
        if line.startswith("tox -e reproduce -- "):
            options = parser().parse_args(shlex.split(line.removeprefix("tox -e reproduce -- ")))
            assert read_profile(options.profile).data.dataset == "ptb-xl" and options.root is not None
    tests = next(line for line in README.splitlines() if "tox -e py" in line).split("#")[0].strip()
    assert tests in (ROOT / ".ci" / "run").read_text(encoding="utf-8")
