"""A finished run of the harness, exported, answers; what is no such run is told."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from ecgbyte.data.synthetic import SyntheticRecords
from ecgbyte.hub import answer_questions, load_model
from experiments.__main__ import main
from experiments.profiles.profile import read_profile


@pytest.fixture(scope="module")
def work(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The smoke profile's first run of ecg-byte, finished."""
    folder = tmp_path_factory.mktemp("export") / "work"
    assert main(["--profile", "smoke", "--only", "ecg-byte:0", "--work", str(folder)]) == 0
    return folder


def test_a_finished_run_answers(work: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    options = ["--profile", "smoke", "--work", str(work), "--dtype", "bfloat16"]
    assert main(["export", "ecg-byte:0", str(tmp_path / "model"), *options]) == 0
    assert capsys.readouterr().out == f"{tmp_path / 'model'}\n"
    saved = load_model(tmp_path / "model")
    profile = read_profile("smoke")
    assert saved.reading.segment_seconds == profile.data.segment_seconds
    assert saved.ecg_tokenizer.preprocessing == profile.preprocessing.preprocessor().settings()
    assert (tmp_path / "model" / "model.safetensors").stat().st_size < 3_000_000
    assert "`ecg-byte:0` of the profile `smoke`" in (tmp_path / "model" / "README.md").read_text(encoding="utf-8")
    data = SyntheticRecords(2, seed=5)
    records = [data.read(entry.record_id) for entry in data.entries[:2]]
    for result in answer_questions(saved, records, ["Is this ECG normal?"], max_new_tokens=4):
        assert 0 <= result.answers[0].yes <= 1 and result.tokens > 0


def test_a_run_with_token_frames_answers(work: Path, tmp_path: Path) -> None:
    frames = "plus.lead_markers=false, plus.ecg_loss_weight=0.0, plus.frame_seconds=0.2"
    options = ["--profile", "smoke", "--work", str(work), "--change", frames]
    assert main([*options, "--only", "ecg-byte-plus:0"]) == 0
    assert main(["export", "ecg-byte-plus:0", str(tmp_path / "model"), *options]) == 0
    saved = load_model(tmp_path / "model")
    data = SyntheticRecords(1, seed=5)
    (result,) = answer_questions(saved, [data.read(data.entries[0].record_id)], ["Is this ECG normal?"])
    assert 0 <= result.answers[0].yes <= 1 and result.tokens > 0 and result.tokens_cut == 0


def test_an_earlier_export_is_replaced_where_that_is_asked_for(work: Path, tmp_path: Path) -> None:
    arguments = ["export", "ecg-byte:0", str(tmp_path / "model"), "--profile", "smoke", "--work", str(work)]
    assert main(arguments) == 0
    whole = {path.name: path.read_bytes() for path in (tmp_path / "model").iterdir()}
    assert main(arguments) == 2, "unless it is asked for"
    assert main([*arguments, "--replace", "--dtype", "bfloat16"]) == 0
    smaller = {path.name: path.read_bytes() for path in (tmp_path / "model").iterdir()}
    assert set(smaller) == set(whole)
    assert len(smaller["model.safetensors"]) < 0.6 * len(whole["model.safetensors"])


@pytest.mark.parametrize(
    ("run", "message"),
    [
        ("ecg-byte:1", "run: ecg-byte:1 is not finished, 1 steps are left (train-ecg-byte-1"),
        ("merl:0", "run: merl:0 is not finished"),
        ("nothing:0", "run: 'nothing:0' is no run of smoke; there are ecg-byte:0"),
    ],
)
def test_what_cannot_be_exported_is_told(
    run: str, message: str, work: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["export", run, str(tmp_path / "model"), "--profile", "smoke", "--work", str(work)]) == 2
    assert message in capsys.readouterr().err
    assert not (tmp_path / "model").exists()


def test_a_folder_that_holds_something_stays(work: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "notes.txt").write_text("mine", encoding="utf-8")
    assert main(["export", "ecg-byte:0", str(tmp_path), "--profile", "smoke", "--work", str(work), "--replace"]) == 2
    assert "exists and is not an empty folder" in capsys.readouterr().err
    assert json.dumps(sorted(path.name for path in tmp_path.iterdir())) == '["notes.txt"]'
