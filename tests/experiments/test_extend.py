"""The examples of docs/extend.md run as they stand."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from ecgbyte.signals.leads import LEADS
from experiments.steps.work_folder import ROOT

PAGE = ROOT / "docs" / "extend.md"
# A file's name in a line of its own, then its content.
FILE = re.compile(r"^`([\w.]+)`:\n\n```\w+\n(.*?)^```$", re.MULTILINE | re.DOTALL)
COMMANDS = re.compile(r"^```bash\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def write_records(folder: Path) -> None:
    """Forty patients with fast or slow sines, as the example of a data set reads them."""
    folder.mkdir()
    time = np.arange(1250) / 250
    lines = ["record,patient,rhythm"]
    for number in range(40):
        rhythm, beats = (("fast", 2.5), ("slow", 1.0))[number % 2]
        signal = np.sin(2 * np.pi * beats * time[:, None] + np.arange(12)) * (1 + number / 100)
        # The last record is cut off, so that one is rejected.
        rows = signal[: 100 if number == 39 else None]
        np.savetxt(folder / f"r{number}.csv", rows, "%.4f", ",", header=",".join(LEADS), comments="")
        lines.append(f"r{number},p{number},{rhythm}")
    (folder / "records.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The page's files written, and its commands run."""
    folder = tmp_path_factory.mktemp("own")
    text = PAGE.read_text(encoding="utf-8")
    files = dict(FILE.findall(text))
    assert {"csv_folder.py", "write_questions.py", "lead_statistics.py", "run_mine.py", "own.toml"} <= set(files)
    for name, content in files.items():
        (folder / name).write_text(content, encoding="utf-8")
    write_records(folder / "RECORDS")
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(folder), str(ROOT)])}
    for command in COMMANDS.findall(text)[-1].splitlines():
        words = command.replace("python ", f"{sys.executable} ").split()
        if "run_mine.py" in words:
            words += ["--work", "work", "--results", "results"]
        ran = subprocess.run(words, cwd=folder, env=environment, capture_output=True, text=True)
        assert ran.returncode == 0, ran.stderr
    return folder


def test_the_examples_of_the_page_run(finished: Path) -> None:
    results = finished / "results" / "own"
    report = (results / "report.md").read_text(encoding="utf-8")
    for words in ("The ECGs are my own.", "Questions are the user's own", "my recordings, licence CC BY 4.0"):
        assert words in report, words
    rejected = (results / "rejected.csv").read_text(encoding="utf-8").splitlines()
    assert len(rejected) == 2 and rejected[1].startswith("r39,")
    quality = (results / "tables" / "language-quality.csv").read_text(encoding="utf-8")
    assert "lead-statistics" in quality and "text-only" in quality
    assert list((results / "answers").glob("lead-statistics.jsonl*"))


def test_a_step_of_ones_own_runs_again_when_its_code_changes(finished: Path) -> None:
    """The reader's training is another once its module says something else; the tokenizer's is not."""
    script = """
import json
from pathlib import Path
import run_mine
from experiments.plan import Plan
from experiments.profiles.profile import read_profile
from experiments.steps import code_identity
from experiments.steps.study import Study
from experiments.steps.work_folder import WorkFolder

def unfinished():
    # As a new process would read the code.
    code_identity._identity.cache_clear()
    code_identity._installed.cache_clear()
    roots = {"csv_folder:CSVFolder": Path("RECORDS")}
    study = Study(read_profile("own.toml"), WorkFolder(Path("work/own")), roots, Path("questions.jsonl"))
    tasks = [task for group in Plan(study).groups(["lead-statistics", "ecg-byte"]) for task in group.tasks]
    return sorted({task.step.name for task in tasks if not task.step.is_done}), len({task.step.name for task in tasks})

reader, records = Path("lead_statistics.py"), Path("csv_folder.py")
text = reader.read_text()
found = [unfinished()]
for old, new in (('"A method that', '"One that'), ("signals.std(axis=2)", "signals.max(axis=2)")):
    reader.write_text(text.replace(old, new))
    found.append(unfinished())
reader.write_text(text)
records.write_text(records.read_text().replace("ndmin=2", "ndmin=2, comments='#'"))
found.append(unfinished())
print(json.dumps(found))
"""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(finished), str(ROOT)])}
    command = [sys.executable, "-c", script]
    ran = subprocess.run(command, cwd=finished, env=environment, capture_output=True, text=True)
    assert ran.returncode == 0, ran.stderr
    (plain, _), (docstring, _), (statement, _), (data_set, number) = json.loads(ran.stdout.splitlines()[-1])
    assert plain == docstring == []
    assert statement == ["answers-lead-statistics-0", "train-lead-statistics-0"]
    assert len(data_set) == number > 8, "every step lies behind the records"
