"""The reports: everything they must hold, from rows written by hand."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from experiments.redraw import draw_results, main
from experiments.report.content import Answer, FailedRun, ReportContent, read_content, write_content
from experiments.report.markdown import what_ran, write_report
from experiments.rows.files import write_rows
from experiments.rows.losses import LOSSES_FILE, write_losses
from experiments.rows.schema import ResultRow, compact_json
from experiments.tables.catalogue import write_tables
from experiments.verdicts.catalogue import make_verdicts

ROW = ResultRow(
    table="language-quality",
    method="ecg-byte",
    input="ecg",
    dataset="synthetic",
    split="test",
    metric="accuracy",
    value=51.25,
    n=80,
    seed=3,
    profile="smoke",
    scale="small run",
    signature="exact-match",
    configuration_fingerprint="sha256:00aa",
    device="cpu",
    versions=compact_json({"torch": "2.13.0"}),
    code_version="0.1",
)
AUDIT = "patients in two splits: 0"
ANSWERS = [Answer(f"question {i}?", "yes", "no" if i else "", f"record-{i}") for i in range(7)]
CONTENT = ReportContent(
    note="Shows that the path works.",
    audit=AUDIT,
    deviations=("Tiny model instead of Llama-3.2-1B.",),
    failed=(FailedRun("vit, seed 1", "RuntimeError: no memory"),),
    answers={"ecg-byte": tuple(ANSWERS), "merl": ()},
)


def write(folder: Path, rows: list[ResultRow], figures: list[Path] | None = None) -> str:
    tables, verdicts = write_tables(rows, folder / "tables", AUDIT), make_verdicts(rows)
    path = write_report(folder, rows=rows, content=CONTENT, verdicts=verdicts, tables=tables, figures=figures or [])
    return path.read_text(encoding="utf-8")


def test_report_holds_everything(tmp_path: Path) -> None:
    figure = tmp_path / "figures" / "controls.png"
    text = write(tmp_path, [ROW], [figure])
    assert text.startswith("# Results of profile `smoke`\n\nShows that the path works.\n")
    for expected in (
        "**Small run.**",
        "- **vit, seed 1**: RuntimeError: no memory",
        "- **not tested here**: End-to-end ECG-Byte answers about as well",
        AUDIT,
        "51.25",
        "(tables/language-quality.csv)",
        "(measures.csv)",
        "![controls](figures/controls.png)",
        "- Tiny model instead of Llama-3.2-1B.",
        "sha256:00aa",
        "Versions: torch 2.13.0.",
        "Code: 0.1.",
        "### Quoted from elsewhere, not measured here",
        "Not measured in this profile: paired tests between methods; ",
        "question 0?",
        "(empty)",
        "record-4",
    ):
        assert expected in text, expected
    assert "question 5?" not in text
    assert str(tmp_path) not in text
    for line in text.splitlines():
        if "](tables/" in line:
            assert (tmp_path / line.split("](")[1].rstrip(").")).is_file()
    assert write(tmp_path, [ROW], [figure]) == text


def test_what_ran_counts_the_questions_of_a_transfer_too() -> None:
    there: dict[str, Any] = {"dataset": "ptb-xl", "trained_on": "synthetic", "n": 60, "seed": None, "seeds": 3}
    moved = ROW._replace(table="transfer", **there)
    tokens = moved._replace(table="tokenizer", metric="compression", n=900)  # segments, not questions
    lines = what_ran([ROW, moved, tokens])
    assert [(line[0], line[1], line[2], line[4]) for line in lines] == [
        ("ecg-byte", "ptb-xl", "3", "60"),
        ("ecg-byte", "synthetic", "1", "80"),
    ]


def test_full_runs_have_no_banner(tmp_path: Path) -> None:
    assert "**Small run.**" not in write(tmp_path, [ROW._replace(scale="full")])


def test_rows_of_several_profiles_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="got rows of default, smoke"):
        write(tmp_path, [ROW, ROW._replace(profile="default")])
    with pytest.raises(ValueError, match="got rows of no profile"):
        write(tmp_path, [])


def test_figures_elsewhere_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="does not lie below"):
        write(tmp_path / "results", [ROW], [tmp_path / "controls.png"])


def test_content_comes_back_as_it_was(tmp_path: Path) -> None:
    write_content(tmp_path, CONTENT)
    assert read_content(tmp_path) == CONTENT
    with pytest.raises(ValueError, match="audit: got an empty text"):
        ReportContent(note="", audit=" ")
    with pytest.raises(FileNotFoundError, match=r"report\.json"):
        read_content(tmp_path / "elsewhere")
    (tmp_path / "report.json").write_text('{"note": "x"}')
    with pytest.raises(ValueError, match="expected the content of a report"):
        read_content(tmp_path)


def test_a_folder_is_drawn_again_from_its_files(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_rows(tmp_path, [ROW])
    write_content(tmp_path, CONTENT)
    write_losses(tmp_path / LOSSES_FILE, [{"method": "ecg-byte", "stage": "end-to-end", "losses": [2.0]}])
    (tmp_path / "figures").mkdir()
    stale, kept = tmp_path / "figures" / "ablations.png", tmp_path / "figures" / "token-overlay.png"
    stale.write_bytes(b"old")
    draw_results(tmp_path)
    (tmp_path / "figures" / "language-quality.png").rename(kept)
    first = (tmp_path / "report.md").read_text()
    assert "learning-curves.png" in first and not stale.exists()
    assert main([str(tmp_path)]) == 0
    assert "token-overlay.png" in (tmp_path / "report.html").read_text()
    assert main([str(tmp_path / "elsewhere")]) == 2
    assert "there is no file" in capsys.readouterr().err
