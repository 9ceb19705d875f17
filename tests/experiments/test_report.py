"""The report: everything it must hold, from rows written by hand."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from experiments.report import Answer, write_report
from experiments.results_rows import ResultRow, compact_json
from experiments.tables import write_tables

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


def write(folder: Path, rows: list[ResultRow], figures: list[Path] | None = None) -> str:
    tables = write_tables(rows, folder / "tables", AUDIT)
    path = write_report(
        folder,
        rows=rows,
        note="Shows that the path works.",
        audit_text=AUDIT,
        tables=tables,
        figures=figures or [],
        answers={"ecg-byte": ANSWERS, "merl": []},
        deviations=["Tiny model instead of Llama-3.2-1B."],
    )
    return path.read_text(encoding="utf-8")


def test_report_holds_everything(tmp_path: Path) -> None:
    figure = tmp_path / "figures" / "controls.png"
    text = write(tmp_path, [ROW], [figure])
    assert text.startswith("# Results of profile `smoke`\n\nShows that the path works.\n")
    for expected in (
        "**Small run.**",
        AUDIT,
        "51.25",
        "(tables/language-quality.csv)",
        "(runs.csv)",
        "![controls](figures/controls.png)",
        "- Tiny model instead of Llama-3.2-1B.",
        "sha256:00aa",
        "Versions: torch 2.13.0.",
        "Code: 0.1.",
        "### Quoted from elsewhere, not measured here",
        "question 0?",
        "(empty)",
        "record-4",
    ):
        assert expected in text, expected
    assert "question 5?" not in text
    assert str(tmp_path) not in text
    for line in text.splitlines():
        if "](tables/" in line:
            assert (tmp_path / line.split("](")[1].rstrip(")")).is_file()
    assert write(tmp_path, [ROW], [figure]) == text


def test_full_runs_have_no_banner(tmp_path: Path) -> None:
    assert "**Small run.**" not in write(tmp_path, [dataclasses.replace(ROW, scale="full")])


def test_rows_of_several_profiles_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="got rows of default, smoke"):
        write(tmp_path, [ROW, dataclasses.replace(ROW, profile="default")])
    with pytest.raises(ValueError, match="got rows of no profile"):
        write(tmp_path, [])


def test_figures_elsewhere_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="does not lie below"):
        write(tmp_path / "results", [ROW], [tmp_path / "controls.png"])
