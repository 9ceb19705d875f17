"""Commands and examples of the README and the pages around it run as written; what they name, exists."""

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
import yaml

from ecgbyte import __version__
from ecgbyte.cli import build_parser
from experiments.options import parser
from experiments.profiles.methods import METHODS
from experiments.profiles.profile import profile_names, read_profile

ROOT = Path(__file__).resolve().parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
TOKENIZERS, HARNESS = ((ROOT / "docs" / name).read_text(encoding="utf-8") for name in ("tokenizers.md", "harness.md"))
# The pages that this file holds to what they say; links lead from where each lies.
PAGES = ("README.md", "results/README.md", "results/benchmarks/README.md", "docs/harness.md", "docs/reproduction.md")


def blocks(page: str, language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", page, flags=re.DOTALL)


def run_python(code: str, folder: Path) -> None:
    done = subprocess.run([sys.executable, "-c", code], cwd=folder, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def pixels(path: Path) -> np.ndarray:
    import matplotlib.image

    return np.asarray(matplotlib.image.imread(path))


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


def test_the_readme_fits_a_sitting() -> None:
    assert len(README.splitlines()) <= 120


def test_ten_lines_of_python_run(tmp_path: Path) -> None:
    (code,) = blocks(README, "python")
    assert len([line for line in code.splitlines() if line and not line.startswith("#")]) <= 10
    run_python(f"{code}\nassert signal.shape == clean.signal.shape and encoding.num_tokens > 1000", tmp_path)
    assert pixels(tmp_path / "tokens.png").shape[1] > 1000


def test_the_picture_is_what_its_script_draws(tmp_path: Path) -> None:
    assert "python docs/examples/draw_tokens.py docs/pictures/tokens.png" in README
    script = ROOT / "docs" / "examples" / "draw_tokens.py"
    done = subprocess.run([sys.executable, script, "tokens.png"], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    drawn, committed = pixels(tmp_path / "tokens.png"), pixels(ROOT / "docs" / "pictures" / "tokens.png")
    # Other versions of matplotlib place letters a little otherwise.
    assert drawn.shape == committed.shape and np.abs(drawn - committed).mean() < 0.01


def test_tokenizers_of_your_own(records_folder: Path) -> None:
    code = "\n".join(blocks(TOKENIZERS, "python"))
    assert "ECGTokenizer.train" in code and "train_merges" in code
    run_python(f"{code}\nassert np.array_equal(tokenizer.decode_symbols(ids), symbols[0])", records_folder)


@pytest.mark.parametrize(
    ("page", "commands"),
    [(README, ["train", "encode", "show"]), (TOKENIZERS, ["train", "inspect", "encode", "encode", "decode"])],
    ids=["README", "tokenizers"],
)
def test_shell_examples_run(page: str, commands: list[str], records_folder: Path) -> None:
    lines = [line for block in blocks(page, "bash") for line in block.splitlines() if line.startswith("ecgbyte ")]
    words = [shlex.split(line, comments=True)[1:] for line in lines]
    # A trained model takes longer than a test: its command is read here, and run in tests/hub.
    for asked in (command for command in words if command[0] == "answer"):
        chosen = build_parser(asked).parse_args(asked)
        assert f"--export {chosen.model} " in (ROOT / "tox.ini").read_text(encoding="utf-8") and chosen.question
    run = [command for command in words if command[0] != "answer"]
    assert [command[0] for command in run] == commands
    for command in run:
        done = subprocess.run(
            [sys.executable, "-m", "ecgbyte", *command], cwd=records_folder, capture_output=True, text=True
        )
        assert done.returncode == 0, f"{command}\n{done.stderr}"


def test_extras_that_the_readme_names_exist() -> None:
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["optional-dependencies"]
    named = {name for group in re.findall(r"install .*'\.\[([\w,]+)\]'", README) for name in group.split(",")}
    assert named and named <= set(extras)
    assert (ROOT / "constraints.txt").read_text(encoding="utf-8").strip() == "torch==2.13.0"


def test_the_harness_page_names_every_profile_and_method() -> None:
    assert set(re.findall(r"^\| `([\w-]+)` \| (?:synthetic|a subset|the same)", HARNESS, flags=re.MULTILINE)) == {
        name for name in profile_names() if not name.startswith("paper")
    }
    assert {name for name in profile_names() if f"`{name}`" in HARNESS} == set(profile_names())
    endings = ("-as-published", "-from-scratch", "-random")
    # Of methods that differ in their encoder alone, one is named and the others are "and so on".
    named = {name for name in METHODS if not name.endswith(endings)} | {f"merl{ending}" for ending in endings}
    assert {name for name in named if f"`{name}`" not in HARNESS} == set()


def test_commands_of_the_harness_are_understood() -> None:
    lines = [line for block in blocks(HARNESS, "bash") for line in block.splitlines()]
    asked = [line.removeprefix("python -m experiments ") for line in lines if line.startswith("python -m experiments ")]
    assert len(asked) >= 5
    for line in asked:
        options = parser().parse_args(shlex.split(line, comments=True))
        wanted = set(read_profile(options.profile).methods)
        for run in (options.only or "").split(","):
            assert run.split(":")[0] in {"", *wanted}
    for name in ("--jobs", "--json", "--flops", "--only", "--finished", "--dry-run", "--seeds", "--change"):
        assert name in HARNESS


def test_two_commands_name_environments_that_exist() -> None:
    named = set(re.findall(r"tox -e (\w+)", README))
    configuration = configparser.ConfigParser()
    configuration.read(ROOT / "tox.ini")
    defined = {section.removeprefix("testenv:") for section in configuration.sections()} | {"py"}
    assert named == {"reproduce", "py"} and named <= defined
    reproduced = [line for line in HARNESS.splitlines() if line.startswith("tox -e reproduce -- ")]
    assert reproduced
    for line in reproduced:
        options = parser().parse_args(shlex.split(line.removeprefix("tox -e reproduce -- ")))
        assert read_profile(options.profile).data.dataset == "ptb-xl" and options.root is not None
    tests = next(line for line in README.splitlines() if "tox -e py" in line).split("#")[0].strip()
    assert tests in (ROOT / ".ci" / "run").read_text(encoding="utf-8")


@pytest.mark.parametrize("page", PAGES)
def test_links_lead_somewhere(page: str) -> None:
    text = (ROOT / page).read_text(encoding="utf-8")
    links = re.findall(r"\]\((?!http)([^)#\s]+)(#[\w-]+)?\)", text)
    assert links
    for file, anchor in links:
        target = (ROOT / page).parent / file
        assert target.exists(), f"{page}: {file}"
        if anchor:
            heads = re.findall(r"^#+ (.+)$", target.read_text(encoding="utf-8"), flags=re.MULTILINE)
            assert anchor[1:] in {re.sub(r"[^\w -]", "", head).lower().replace(" ", "-") for head in heads}


def test_the_citation_says_what_the_package_says() -> None:
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert citation["cff-version"] == "1.2.0" and citation["type"] == "software"
    assert citation["title"] == project["name"] and citation["abstract"] == project["description"]
    assert citation["version"] == __version__ and citation["license"] == project["license"]
    assert [author["name"] for author in citation["authors"]] == [author["name"] for author in project["authors"]]
    assert citation["keywords"] == project["keywords"]
    assert len(citation["references"]) == 2 and all(work["authors"] for work in citation["references"])
