"""Writing results over older ones: what stops it leaves the older ones as they were, and the command says why."""

from __future__ import annotations

import errno
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from experiments import run
from experiments.__main__ import main
from experiments.profiles.profile import read_profile
from experiments.report import answer_files, content, results_folder
from experiments.report.outcome import Outcome
from experiments.report.results_folder import write_results
from experiments.rows import files, losses
from experiments.rows.files import read_rows
from experiments.rows.losses import LOSSES_FILE, read_curves
from experiments.steps.work_folder import Failure
from tests.experiments.rows.example_row import ROW

WRITERS = [
    (files, "write_atomically"),
    (losses, "write_atomically"),
    (answer_files, "write_json_lines"),
    (content, "write_atomically"),
    (results_folder, "write_atomically"),
]


def outcome(tmp_path: Path, value: float, **other: Any) -> Outcome:
    """What a run of no methods leaves, with one row."""
    rejected = tmp_path / "step-rejected.csv"
    rejected.write_text("record,reason\n")
    tokenizer: Any = SimpleNamespace(save=lambda path: path.write_text(f"tokenizer {value}"))
    empty: dict[str, Any] = {"answers": {}, "questions": [], "patients": {}, "token_usages": {}, "failures": []}
    empty |= {"segments": None, "example_record": "r", "attention": None, "details": {"data": {"rejected": 0}}}
    curves = [{"method": "ecg-byte", "stage": "end-to-end", "seed": 0, "losses": [value], "validation": []}]
    rows = [ROW._replace(value=value, profile="smoke")]
    made = {"rows": rows, "audit": "none in two splits", "losses": curves, "tokenizer": tokenizer, "rejected": rejected}
    return Outcome(**{**empty, **made, **other})  # type: ignore[arg-type]


@pytest.fixture
def no_drawing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Figures and pages have tests of their own."""
    monkeypatch.setattr(results_folder, "_draw_example", lambda *_: None)
    monkeypatch.setattr(results_folder, "write_token_usage", lambda path, usages: path.write_text("{}"))
    monkeypatch.setattr(results_folder, "write_ecgs", lambda path, *_: path.write_text("{}"))
    monkeypatch.setattr(results_folder, "draw_results", lambda folder: [])


@pytest.mark.usefixtures("no_drawing")
def test_results_are_written_over_older_ones(tmp_path: Path) -> None:
    folder, profile = tmp_path / "results" / "smoke", read_profile("smoke")
    failure = Failure("merl:0", "RuntimeError: no memory", "Traceback ...")
    write_results(outcome(tmp_path, 20.0, failures=[failure]), profile, folder)
    assert (folder / "failed.json").exists()
    (folder / "tables").mkdir()
    (folder / "tables" / "old.csv").write_text("of the older run")
    (folder / "notes.md").write_text("mine")
    write_results(outcome(tmp_path, 22.0), profile, folder)
    assert read_rows(folder)[0].value == 22.0 and read_curves(folder / LOSSES_FILE)[0].losses.tolist() == [22.0]
    assert not (folder / "failed.json").exists() and not (folder / "tables").exists()
    assert (folder / "notes.md").read_text() == "mine"


@pytest.mark.usefixtures("no_drawing")
@pytest.mark.parametrize("error", [OSError(errno.ENOSPC, "No space left on device"), KeyboardInterrupt()])
def test_what_stops_a_writer_leaves_the_older_results(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: BaseException
) -> None:
    folder, profile = tmp_path / "results" / "smoke", read_profile("smoke")
    write_results(outcome(tmp_path, 20.0), profile, folder)
    before = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    assert len(before) >= 9
    calls = 0
    for stop in range(1, 50):
        calls = 0
        with monkeypatch.context() as patch:
            for module, name in WRITERS:
                patch.setattr(module, name, stopping(getattr(module, name), stop, error))
            try:
                write_results(outcome(tmp_path, 22.0), profile, folder)
            except type(error) as raised:
                assert raised is error
                calls = stop
        if not calls:
            break
        assert {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()} == before
    assert stop > 7 and read_rows(folder)[0].value == 22.0, "it stopped at every file and then went on to the end"


_written = 0


def stopping(write: Any, stop: int, error: BaseException) -> Any:
    """Writes as `write` does, and raises in the place of the call number `stop` of all writers together."""
    global _written
    _written = 0

    def stopped(*arguments: Any, **options: Any) -> None:
        global _written
        _written += 1
        if _written == stop:
            raise error
        write(*arguments, **options)

    return stopped


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (
            OSError(errno.ENOSPC, "No space left on device", "work/segments.npy"),
            "No space left on device: 'work/segments.npy'",
        ),
        (PermissionError(errno.EACCES, "Permission denied", "/results"), "Permission denied: '/results'"),
        (NotADirectoryError(errno.ENOTDIR, "Not a directory", "results/smoke"), "Not a directory: 'results/smoke'"),
    ],
)
def test_the_command_ends_with_one_sentence_that_names_the_file(
    error: OSError, message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def full(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr(run, "open_study", full)
    assert main(["--profile", "smoke", "--work", str(tmp_path), "--results", str(tmp_path)]) == 2
    printed = capsys.readouterr().err
    assert printed.startswith("error: ") and message in printed and printed.count("\n") == 1
