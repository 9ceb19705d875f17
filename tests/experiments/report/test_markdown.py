"""The reports: everything they must hold, from rows written by hand."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from experiments.report.content import Answer, FailedRun, ReportContent, read_content, write_content
from experiments.report.markdown import markdown_report
from experiments.report.report import Report, ShownFigure
from experiments.rows.schema import ResultRow, compact_json
from experiments.tables.catalogue import make_tables
from experiments.verdicts.catalogue import make_verdicts
from tests.experiments.made_up_rows import made_up_rows

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


FIGURE = ShownFigure("controls", b"", "language-quality", "Dots of every method.")


def report(rows: list[ResultRow], content: ReportContent = CONTENT, *figures: ShownFigure) -> Report:
    return Report(rows, content, make_verdicts(rows), make_tables(rows), figures)


def test_report_holds_everything() -> None:
    text = markdown_report(report([ROW], CONTENT, FIGURE, FIGURE._replace(name="other", under="")))
    assert text.startswith("# Results of profile `smoke`\n\nShows that the path works.\n")
    for expected in (
        "**Small run.**",
        "- **vit, seed 1**: RuntimeError: no memory",
        "- Quality: **cannot be tested here**. Trained in one stage on ECG tokens",
        AUDIT,
        "51.25",
        "(tables/language-quality.csv)",
        "(measures.csv)",
        "![Dots of every method.](figures/controls.png)",
        "## Other figures\n\n![Dots of every method.](figures/other.png)",
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
    assert text.index("figures/controls.png") < text.index("## Generated answers")


def test_report_links_nothing_that_only_redraw_makes() -> None:
    text = markdown_report(report(made_up_rows()))
    links = re.findall(r"\]\(([^)]+)\)", text)
    assert links and all(link.endswith((".csv", ".png")) for link in links)


HOSTILE = "<script>alert(1)</script> <img src=x onerror=y> & [x](javascript:y) ![z](http://z) `"


def test_report_is_text_and_no_html() -> None:
    content = ReportContent(
        note=HOSTILE,
        audit=f"``` {HOSTILE}",
        deviations=(HOSTILE,),
        failed=(FailedRun(HOSTILE, HOSTILE),),
        answers={HOSTILE: (Answer(HOSTILE, HOSTILE, HOSTILE, HOSTILE),)},
    )
    row = ROW._replace(method=HOSTILE, dataset=HOSTILE, profile=HOSTILE, device=HOSTILE, subset="all")
    text = markdown_report(report([row], content, FIGURE._replace(words=HOSTILE)))
    outside = re.sub(r"````text\n.*?\n````\n", "", text, flags=re.DOTALL)
    assert "<script" not in outside and "&lt;script&gt;" in outside
    assert "<img" not in outside and "&lt;img src=x onerror=y&gt;" in outside
    assert not re.search(r"(?<!\\)\]\((javascript|http)", outside)


def test_what_ran_counts_the_questions_of_a_transfer_too() -> None:
    there: dict[str, Any] = {"dataset": "ptb-xl", "trained_on": "synthetic", "n": 60, "seed": None, "seeds": 3}
    moved = ROW._replace(table="transfer", **there)
    tokens = moved._replace(table="tokenizer", metric="compression", n=900)  # segments, not questions
    lines = report([ROW, moved, tokens]).what_ran
    assert [(line[0], line[1], line[2], line[4]) for line in lines] == [
        ("ecg-byte", "ptb-xl", "3", "60"),
        ("ecg-byte", "synthetic", "1", "80"),
    ]


def test_full_runs_have_no_banner() -> None:
    assert "**Small run.**" not in markdown_report(report([ROW._replace(scale="full")]))


def test_rows_of_several_profiles_are_refused() -> None:
    with pytest.raises(ValueError, match="got rows of default, smoke"):
        report([ROW, ROW._replace(profile="default", seed=4)])
    with pytest.raises(ValueError, match="got rows of no profile"):
        report([])


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
