"""The smoke profile from end to end: interrupted, continued, run again; and what its files hold."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from experiments.__main__ import main
from experiments.check import check_results
from experiments.profiles.methods import METHODS
from experiments.profiles.profile import read_profile
from experiments.report.answer_files import read_answer_files
from experiments.rows.files import read_rows
from experiments.rows.groups import PERFECT
from experiments.rows.metrics import FROM_BEST, INPUTS, TABLES
from experiments.verdicts.values import best_of, quality

ROOT = Path(__file__).resolve().parents[2]
# The first training of the smoke profile.
_INTERRUPTED = "smoke/trial-ecg-byte-0.001-*"
# The harness, which gets Ctrl-C when the first checkpoint has been written.
_INTERRUPTING = """
import os, signal, sys
from ecgbyte.training import loop
save = loop.save_checkpoint
def save_and_interrupt(*given, **named):
    save(*given, **named)
    os.kill(os.getpid(), signal.SIGINT)
loop.save_checkpoint = save_and_interrupt
from experiments.__main__ import main
sys.exit(main(sys.argv[1:]))
"""


def command(folder: Path) -> list[str]:
    places = ["--results", str(folder / "results"), "--work", str(folder / "work")]
    return [sys.executable, "-m", "experiments", "--profile", "smoke", *places]


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A smoke run that was interrupted after a checkpoint of its first training, and then continued."""
    folder = tmp_path_factory.mktemp("smoke")
    stopped = subprocess.run(
        [sys.executable, "-c", _INTERRUPTING, *command(folder)[3:], "--jobs", "1"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        # A session of its own, so that the interrupt reaches the run alone.
        start_new_session=True,
    )
    assert stopped.returncode == 130, stopped.stderr
    assert not (folder / "results" / "smoke").exists()
    completed = subprocess.run(command(folder), cwd=ROOT, capture_output=True, text=True)
    assert completed.returncode == 0, completed.stderr
    assert "[tokens] done before" in completed.stderr
    (interrupted,) = [
        report
        for path in (folder / "work").glob(f"{_INTERRUPTED}/done.json")
        if (report := json.loads(path.read_text(encoding="utf-8"))["report"])["resumed_from_step"] > 0
    ]
    assert interrupted["resumed_from_step"] % 2 == 0, "it went on from a checkpoint"
    return folder


def test_rows_cover_every_method_seed_input_and_stage(finished: Path) -> None:
    rows = read_rows(finished / "results" / "smoke")
    sees_ecg = {name for name, method in METHODS.items() if method.sees_ecg}
    runs = {
        (row.method, row.input, row.seeds) for row in rows if row.table == "language-quality" and row.subset == "all"
    }
    # One run is all that there is of what nothing draws.
    seeds_of = {name: (1, 2) if METHODS[name].is_trained or METHODS[name].draws else (1,) for name in sees_ecg}
    assert runs == {(name, shown, seeds) for name in sees_ecg for shown in INPUTS for seeds in seeds_of[name]} | {
        ("text-only", "text-only", 1),
        ("text-only", "text-only", 2),
        ("most-frequent", "text-only", 1),
        ("nearest-question", "text-only", 1),
    }
    metrics = {row.metric for row in rows if row.table == "language-quality" and row.method == "ecg-byte"}
    wanted = ["bleu-4", "bleu-4-sentence", "rouge-1", "rouge-2", "rouge-l", "meteor", "accuracy"]
    assert metrics >= {*wanted, "empty-answers", "truncated-inputs"}
    assert {row.seed for row in rows if row.method == "ecg-byte" and row.metric == "train-seconds"} == {0, 1}
    stages = {(row.method, row.stage) for row in rows if row.metric == "train-seconds" and row.table == "efficiency"}
    assert {stage for method, stage in stages if method == "ecg-byte"} == {"tokenizer", "end-to-end"}
    assert {stage for method, stage in stages if method == "merl"} == {"stage-1", "features", "stage-2"}
    assert {stage for method, stage in stages if method == "clip-vit"} == {
        "stage-1 (clip)",
        "stage-1 (vit)",
        "features",
        "stage-2",
    }
    timed = {(row.method, row.padding) for row in rows if row.metric == "timed-seconds-per-1000-samples"}
    claimed = {"ecg-byte", "ecg-byte-plus", "merl", "vit", "clip", "clip-vit", "linear-patches", "text-only"}
    assert timed == {(name, layout) for name in claimed for layout in ("512", "none", "packed", "shared")}
    counted = [
        row for row in rows if row.metric in ("samples-seen", "steps") and row.stage in ("end-to-end", "stage-2")
    ]
    for metric in ("samples-seen", "steps"):
        own = [row for row in counted if row.metric == metric and row.table == "efficiency"]
        values = {row.value for row in own if not METHODS[row.method].uses_plus}
        assert len(values) == 1, f"every method has the same {metric}"
        # More targets are more samples, and cost what they cost.
        assert min(row.value for row in own if METHODS[row.method].uses_plus) > values.pop()
    assert {row.table for row in rows} == set(TABLES) - {"transfer"}
    assert {row.variant for row in rows if row.table == "ablations"} == {
        "base",
        *read_profile("smoke").ablations.changes,
    }
    assert {row.scale for row in rows} == {"small run"}
    assert all(row.data_fingerprint and row.tokenizer_fingerprint and row.code_version for row in rows)
    # Each row names the code of its own run: an encoder is no part of a method that reads tokens.
    codes = {row.method: row.code_version for row in rows if row.table == "language-quality"}
    assert codes["merl"] == codes["merl-as-published"] and codes["ecg-byte"] == codes["ecg-byte-merge-order"]
    assert len({codes[name] for name in ("ecg-byte", "merl", "vit", "clip", "linear-patches", "most-frequent")}) == 6


def test_ablations_are_paired_with_the_run_without_a_change(finished: Path) -> None:
    rows = [row for row in read_rows(finished / "results" / "smoke") if row.table == "ablations"]
    named = {(row.variant, row.input, row.metric): row for row in rows}
    merges, share, leaky, whole = read_profile("smoke").ablations.changes
    paired = {variant for variant, _, metric in named if metric.endswith("-difference")}
    # The base is not compared with itself; another split, or other training questions, ask other questions.
    assert paired == {merges, share} and {leaky, whole} < {row.variant for row in rows}
    for metric in ("accuracy", "bleu-4"):
        for variant in paired:
            found = named[variant, "ecg", f"{metric}-difference"]
            assert found.value == pytest.approx(
                named[variant, "ecg", metric].value - named["base", "ecg", metric].value, abs=2e-6
            )
            assert found.ci_low <= found.value <= found.ci_high
            assert found.code_version != named[variant, "ecg", metric].code_version


def test_ablations_with_the_questions_of_the_methods_are_paired_with_the_best_two_stage_method(finished: Path) -> None:
    rows = read_rows(finished / "results" / "smoke")
    whole = read_profile("smoke").ablations.changes[-1]
    # With the budget of the others, other questions are asked than of the methods.
    (found,) = [row for row in rows if row.metric == FROM_BEST]
    assert (found.table, found.variant, found.method, found.input) == ("ablations", whole, "ecg-byte", "ecg")
    (own,) = [row for row in rows if (row.variant, row.input, row.metric) == (whole, "ecg", "accuracy")]
    best = quality(rows, found.dataset, str(best_of(rows, found.dataset, "two-stage")), "accuracy")
    assert best is not None and found.value == pytest.approx(own.value - best.value, abs=3e-6)
    assert found.ci_low <= found.value <= found.ci_high


def test_every_question_is_answered_once_under_every_input_in_every_run(finished: Path) -> None:
    folder = finished / "results" / "smoke" / "answers"
    assert {path.name.removesuffix(".jsonl.gz") for path in folder.iterdir()} == {*METHODS, "questions"}
    questions = read_profile("smoke").questions
    wanted = questions.test + questions.reports
    for name, method in METHODS.items():
        runs = read_answer_files(folder, name)
        assert set(runs) == ({0, 1} if method.is_trained or method.draws else {0})
        for by_input in runs.values():
            assert set(by_input) == (set(INPUTS) if method.sees_ecg else {"text-only"})
            for answers in by_input.values():
                samples = [generation.sample_id for generation in answers.generations]
                assert len(set(samples)) == len(samples) <= wanted
                assert len(samples) > wanted // 2


def test_reports_name_tables_figures_and_the_small_run(finished: Path) -> None:
    folder = finished / "results" / "smoke"
    report = (folder / "report.md").read_text(encoding="utf-8")
    page = (folder / "report.html").read_text(encoding="utf-8")
    assert "Small run" in report and "0 patients, 0 records, 0 questions" in report
    assert "Small run" in page and "Claims and verdicts" in page
    for figure in ("language-quality", "controls", "training-time", "learning-curves", "token-overlay", "ablations"):
        assert (folder / "figures" / f"{figure}.png").stat().st_size > 5_000
        assert f"figures/{figure}.png" in report
    attended = {path.stem for path in (folder / "figures").glob("attention-*.png")}
    plain = {name for name in attended if not name.endswith("-controls")}
    assert plain and attended == plain | {f"{name}-controls" for name in plain}
    for table in ("language-quality", "controls", "roc-areas", "efficiency", "tokenizer", "ablations", "verdicts"):
        assert (folder / "tables" / f"{table}.csv").exists()
    assert not (folder / "failed.json").exists()


def test_the_plan_names_every_run_and_what_is_done(finished: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*command(finished)[3:], "--dry-run"]) == 0
    printed = capsys.readouterr().out
    assert "minutes" in printed and printed.splitlines()[-1].startswith("Expected from the settings, at ")
    lines = [line for line in printed.splitlines() if " train-ecg-byte-1 " in line]
    assert len(lines) == 1 and lines[0].startswith("ecg-byte:1 ") and " done " in lines[0]
    assert main([*command(finished)[3:], "--dry-run", "--change", "training.weight_decay=0.02", "--only", "merl"]) == 0
    steps = {line.split()[1]: line for line in capsys.readouterr().out.splitlines() if line.startswith("merl:")}
    assert " done " in steps["pretrain-merl"] and " done " not in steps["train-merl-0"]
    assert main([*command(finished)[3:], "--dry-run", "--only", "merlin"]) == 2
    assert "--only: 'merlin' is no run" in capsys.readouterr().err


def test_a_failed_run_is_recorded_and_the_others_go_on(
    finished: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from experiments.steps import encoder_tasks

    def broken(*_: object, **__: object) -> None:
        raise RuntimeError("the encoder is broken")

    monkeypatch.setattr(encoder_tasks, "pretrain_encoder", broken)
    # Another learning rate of stage 1: done before is all but merl.
    arguments = [*command(finished)[3:], "--change", "encoders.merl.learning_rate=0.002", "--results", str(tmp_path)]
    assert main([*arguments, "--jobs", "1"]) == 1
    assert "failed: merl:0: RuntimeError: the encoder is broken" in capsys.readouterr().err
    folder = tmp_path / "smoke"
    failures = json.loads((folder / "failed.json").read_text(encoding="utf-8"))
    assert {failure["run"] for failure in failures} == {
        *(f"merl{kind}:{seed}" for kind in ("", "-as-published") for seed in (0, 1)),
        "ablation:method=merl, data.train_share=0.48:0",
    }
    assert all("the encoder is broken" in failure["traceback"] for failure in failures)
    assert "the encoder is broken" in (folder / "report.html").read_text(encoding="utf-8")
    methods = {row.method for row in read_rows(folder)} - {PERFECT}
    assert methods == set(METHODS) - {"merl", "merl-as-published"}


def test_what_is_finished_can_be_written_while_the_rest_is_not(
    finished: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = [*command(finished)[3:], "--change", "encoders.merl.learning_rate=0.003", "--results", str(tmp_path)]
    steps = set((finished / "work" / "smoke").glob("*"))
    assert main([*arguments, "--finished"]) == 1
    assert "failed: merl:0: not finished, to do: pretrain-merl, " in capsys.readouterr().err
    assert set((finished / "work" / "smoke").glob("*")) == steps, "nothing ran"
    rows = read_rows(tmp_path / "smoke")
    assert {row.method for row in rows} - {PERFECT} == set(METHODS) - {"merl", "merl-as-published"}
    assert main([*arguments, "--finished", "--only", "merl"]) == 2
    assert "--finished: writes results" in capsys.readouterr().err


def test_run_again_finds_everything_done_and_writes_the_same_bytes(
    finished: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = finished / "results" / "smoke"
    before = {path: path.read_bytes() for path in folder.rglob("*") if path.suffix in (".csv", ".json", ".gz")}
    assert len(before) > 30
    assert main(command(finished)[3:]) == 0
    assert "Language quality" in capsys.readouterr().out
    assert {path: path.read_bytes() for path in before} == before
    assert check_results(folder) == []


def test_a_run_whose_name_has_a_comma_can_be_picked(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    longer = "data.segment_seconds=5.0, data.segments_per_record=2, model.max_length=3072"
    several = f"ablation:{longer}"
    change = f"ablations.changes=['{longer}'], ablations.seeds=[0, 1, 2], evaluation.padded_length=3072"
    chosen = ["--profile", "ablations", "--change", change, "--only", f"{several},text-only:0"]
    assert main([*chosen, "--work", str(tmp_path), "--dry-run"]) == 0
    lines = capsys.readouterr().out.splitlines()
    runs = {line.split("  ")[0].split(" train-")[0] for line in lines if " train-" in line}
    assert runs == {*(f"{several}:{seed}" for seed in (0, 1, 2)), "text-only:0"}


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
