"""The smoke profile from end to end: interrupted, continued, run again; and what its files hold."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from experiments.__main__ import main
from experiments.profile import read_profile
from experiments.results_rows import COLUMNS, read_rows

ROOT = Path(__file__).resolve().parents[2]
INPUTS = {"ecg", "other-patient", "flat-line", "text-only"}


def command(folder: Path) -> list[str]:
    places = ["--results", str(folder / "results"), "--work", str(folder / "work")]
    return [sys.executable, "-m", "experiments", "--profile", "smoke", *places]


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A smoke run that was interrupted after a checkpoint of its training, and then continued."""
    folder = tmp_path_factory.mktemp("smoke")
    # A session of its own, so that the interrupt reaches the run alone.
    with subprocess.Popen(
        command(folder), cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, start_new_session=True
    ) as process:
        assert process.stderr is not None
        printed = ""
        # The progress bar prints at every step, so this goes on until a checkpoint is there.
        while not list((folder / "work").glob("smoke/train-ecg-byte-*/training/**/*.safetensors")):
            part = process.stderr.read(20)
            assert part, f"the run ended before it was interrupted: {printed}"
            printed += part
        os.kill(process.pid, signal.SIGINT)
        rest = process.stderr.read()
    assert process.returncode == 130, rest
    assert not (folder / "results" / "smoke").exists()
    completed = subprocess.run(command(folder), cwd=ROOT, capture_output=True, text=True)
    assert completed.returncode == 0, completed.stderr
    assert "[merl-stage-1] done before" in completed.stderr
    assert "[train-ecg-byte] done before" not in completed.stderr
    report = json.loads(next((folder / "work").glob("smoke/train-ecg-byte-*/done.json")).read_text())["report"]
    assert report["resumed_from_step"] > 0
    return folder


def test_rows_cover_every_method_input_and_stage(finished: Path) -> None:
    path = finished / "results" / "smoke" / "runs.csv"
    assert (
        path.read_text(encoding="utf-8")
        .splitlines()[0]
        .startswith("table,method,input,dataset,split,metric,value,ci_low,ci_high,n,seed,profile")
    )
    assert len(COLUMNS) == len(path.read_text(encoding="utf-8").splitlines()[0].split(","))
    rows = read_rows(path)
    quality = {(row.method, row.input) for row in rows if row.table == "language-quality" and row.metric == "bleu-4"}
    assert quality == {(method, shown) for method in ("ecg-byte", "merl") for shown in INPUTS} | {
        ("text-only", "text-only")
    }
    stages = {(row.method, row.stage) for row in rows if row.metric == "train-seconds"}
    assert stages == {
        ("ecg-byte", "tokenizer"),
        ("ecg-byte", "end-to-end"),
        ("merl", "stage-1"),
        ("merl", "features"),
        ("merl", "stage-2"),
        ("text-only", "end-to-end"),
    }
    timed = {(row.method, row.padding) for row in rows if row.metric == "timed-seconds-per-1000-samples"}
    assert timed == {(method, padding) for method in ("ecg-byte", "merl", "text-only") for padding in ("none", "1024")}
    trained = {(row.method, row.stage): row for row in rows if row.metric == "samples-seen" and row.padding == "shared"}
    assert len({row.value for row in trained.values()}) == 1, "every method sees the same number of questions"
    steps = {row.value for row in rows if row.metric == "steps" and row.stage != "stage-1"}
    assert len(steps) == 1, "every method makes the same number of steps"
    assert {row.scale for row in rows} == {"small run"}
    assert all(row.data_fingerprint and row.tokenizer_fingerprint and row.code_version for row in rows)


def test_every_question_is_answered_once_under_every_input(finished: Path) -> None:
    from ecgbyte.training.generation_file import read_generations

    wanted = read_profile("smoke").questions.test
    files = sorted((finished / "results" / "smoke" / "answers").glob("*.jsonl"))
    assert len(files) == 9
    for path in files:
        generations = read_generations(path)
        assert len({generation.sample_id for generation in generations}) == len(generations) <= wanted
        assert len(generations) > wanted // 2


def test_report_names_tables_figures_and_the_small_run(finished: Path) -> None:
    folder = finished / "results" / "smoke"
    report = (folder / "report.md").read_text(encoding="utf-8")
    assert "Small run" in report and "0 patients, 0 records, 0 questions" in report
    for figure in (
        "language-quality",
        "controls",
        "training-time",
        "learning-curves",
        "token-overlay",
        "reconstruction",
    ):
        assert (folder / "figures" / f"{figure}.png").stat().st_size > 5_000
        assert f"figures/{figure}.png" in report
    for table in ("language-quality", "controls", "roc-areas", "efficiency", "tokenizer"):
        assert (folder / "tables" / f"{table}.csv").exists()


def test_run_again_finds_everything_done_and_writes_the_same_bytes(
    finished: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = finished / "results" / "smoke" / "runs.csv"
    before = path.read_bytes()
    assert main(command(finished)[3:]) == 0
    assert "Language quality" in capsys.readouterr().out
    assert path.read_bytes() == before


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--profile", "nothing"], "profile: got 'nothing', expected one of"),
        (["--profile", "ptbxl"], "--root"),
        (["--profile", "ptbxl", "--root", "/nowhere"], "/nowhere"),
        (["--profile", "missing.toml"], "there is no file missing.toml"),
    ],
)
def test_bad_arguments_exit_with_2_and_say_why(
    arguments: list[str], message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*arguments, "--work", str(tmp_path / "work"), "--results", str(tmp_path / "results")]) == 2
    assert message in capsys.readouterr().err
