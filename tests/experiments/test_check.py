"""The check of a folder of results finds every seeded fault, and nothing in a folder that is in order."""

from __future__ import annotations

import csv
import json
import random
import re
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from ecgbyte.json_lines import read_json_lines, write_json_lines
from experiments.check import check_results, main
from experiments.rows.completeness import missing_rows
from experiments.rows.files import read_rows, write_rows
from experiments.rows.schema import ResultRow

RESULTS = Path(__file__).resolve().parents[2] / "results"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder in order that a test may damage."""
    target = tmp_path / "ablations"
    shutil.copytree(RESULTS / "ablations", target, ignore=shutil.ignore_patterns("figures", "tables", "report.*"))
    shutil.copy(RESULTS / "ablations" / "report.json", target)
    return target


def line_of(name: str, column: str, value: str, **wanted: str) -> Callable[[Path], None]:
    """Changes one cell of the first line that has the wanted cells."""

    def damage(folder: Path) -> None:
        with (folder / name).open(encoding="utf-8", newline="") as stream:
            lines = list(csv.DictReader(stream))
        line = next(line for line in lines if all(line[key] == cell for key, cell in wanted.items()))
        assert line[column] != value
        line[column] = value
        with (folder / name).open("w", encoding="utf-8", newline="") as stream:
            writer = csv.DictWriter(stream, list(lines[0]), lineterminator="\n")
            writer.writeheader()
            writer.writerows(lines)

    return damage


def without(**wanted: object) -> Callable[[Path], None]:
    """Leaves out the rows that have the wanted cells."""

    def damage(folder: Path) -> None:
        rows = read_rows(folder)
        kept = [row for row in rows if any(getattr(row, name) != value for name, value in wanted.items())]
        assert len(kept) < len(rows)
        write_rows(folder, kept)

    return damage


def change_answers(name: str, change: Callable[[list], object]) -> Callable[[Path], None]:
    def damage(folder: Path) -> None:
        path = folder / "answers" / name
        lines = read_json_lines(path)
        change(lines)
        write_json_lines(path, lines)

    return damage


def change_json(name: str, change: Callable[[dict], object]) -> Callable[[Path], None]:
    def damage(folder: Path) -> None:
        content = json.loads((folder / name).read_text(encoding="utf-8"))
        change(content)
        (folder / name).write_text(json.dumps(content), encoding="utf-8")

    return damage


def append(name: str, text: str) -> Callable[[Path], None]:
    def damage(folder: Path) -> None:
        with (folder / name).open("a", encoding="utf-8") as stream:
            stream.write(text)

    return damage


def twice(folder: Path) -> None:
    lines = (folder / "measures.csv").read_text(encoding="utf-8").splitlines(keepends=True)
    (folder / "measures.csv").write_text("".join([*lines, lines[5]]), encoding="utf-8")


def another_run(folder: Path) -> None:
    line = (folder / "runs.csv").read_text(encoding="utf-8").splitlines()[1]
    append("runs.csv", line.replace(":0", ":8") + "\n")(folder)


QUALITY = {"table": "language-quality", "metric": "accuracy", "subset": "all", "method": "ecg-byte", "input": "ecg"}


def first_run(folder: Path) -> str:
    """The line of the first run of ``runs.csv``."""
    return (folder / "runs.csv").read_text(encoding="utf-8").splitlines()[1]


FAULTS: dict[str, tuple[Callable[[Path], object], str]] = {
    "another version": (
        change_json("schema.json", lambda schema: schema.update(version=1)),
        "version: got 1, expected 2",
    ),
    "no definition": (
        change_json("schema.json", lambda schema: schema["signatures"]["efficiency"].pop("steps")),
        "does not define 'steps'",
    ),
    "a key twice": (twice, "two rows have the same key"),
    "not finite": (line_of("measures.csv", "value", "inf", **QUALITY), "value: got inf"),
    "out of bounds": (line_of("measures.csv", "value", "-3.0", **QUALITY), "expected 0 to 100"),
    "outside its interval": (line_of("measures.csv", "value", "3.0", **QUALITY), "interval: 3.0 lies outside"),
    "half an interval": (line_of("measures.csv", "ci_low", "", **QUALITY), "expected both or neither"),
    "another count": (line_of("measures.csv", "n", "599", **QUALITY), "n: got 599 .* but 600 such questions"),
    "an unknown run": (
        line_of("measures.csv", "run", "ecg-byte:9", **QUALITY),
        "run: got 'ecg-byte:9', which",
    ),
    "a missing metric": (without(**{**QUALITY, "metric": "rouge-l"}), "missing: no row of metric 'rouge-l'"),
    "a missing input": (
        without(table="language-quality", input="noise"),
        "answers: those of 'ecg-byte', seed 0, input 'noise', are measured by no row",
    ),
    "a missing difference": (
        without(table="comparisons", metric="meteor-p-holm", subset="all"),
        "missing: no row of .*base 'meteor'",
    ),
    "a missing measure of tokens": (without(table="tokenizer", metric="run-share"), "metric 'run-share'"),
    "a missing cost": (without(method="text-only", metric="steps"), "missing: no row of split 'train', metric 'steps'"),
    "a run without measures": (
        lambda folder: append("runs.csv", first_run(folder).replace(":0,", ":8,", 1) + "\n")(folder),
        "has no measure",
    ),
    "other answers": (
        change_answers("ecg-byte.jsonl.gz", lambda lines: [line["answers"]["0"].update(ecg="x") for line in lines[:9]]),
        "accuracy: got .* but the answers give",
    ),
    "answers of a question left out": (
        change_answers("ecg-byte.jsonl.gz", lambda lines: lines.pop()),
        "its samples are not those of questions",
    ),
    "no answers": (
        lambda folder: (folder / "answers" / "text-only.jsonl.gz").unlink(),
        "answers: there are none of 'text-only'",
    ),
    "a question left out": (
        change_answers("questions.jsonl.gz", lambda lines: lines.pop()),
        "its samples are not those",
    ),
    "a rejected record more": (
        append("rejected.csv", "7,it is broken\n"),
        r"holds 1 records, .* tells 0",
    ),
    "another tokenizer": (
        change_json("tokenizer.json", lambda content: content["merges"].pop()),
        r"tokenizer\.json|rows were made with",
    ),
    "broken curves": (lambda folder: (folder / "losses.json.gz").write_bytes(b"no"), "compressed by gzip"),
    "no audit": (change_json("report.json", lambda content: content.update(audit="")), "audit: got an empty text"),
    "no rows": (lambda folder: (folder / "measures.csv").unlink(), r"there is no file .*measures\.csv"),
}


@pytest.mark.parametrize("profile", ["ablations", "default", "ptbxl"])
def test_committed_results_are_in_order(profile: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([str(RESULTS / profile)]) == 0, capsys.readouterr().out
    assert capsys.readouterr().out.endswith(f"{profile}: in order\n")


@pytest.mark.parametrize("name", FAULTS)
def test_a_seeded_fault_is_found_and_told_in_a_line(
    name: str, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    damage, message = FAULTS[name]
    damage(folder)
    assert main([str(folder)]) == 1
    lines = capsys.readouterr().out.splitlines()
    assert all(line.startswith(f"{folder}: ") for line in lines)
    assert any(re.search(message, line) for line in lines), lines[:5]


def test_any_row_that_is_left_out_is_missed() -> None:
    rows = read_rows(RESULTS / "default")
    assert list(missing_rows(rows)) == []
    by_table: dict[str, list[ResultRow]] = {}
    for row in rows:
        by_table.setdefault(row.table, []).append(row)
    draw = random.Random(6)
    for of_table in by_table.values():
        gone = draw.choice(of_table)
        found = list(missing_rows([row for row in rows if row is not gone]))
        assert any(repr(gone.method) in line for line in found), gone.describe()


def test_a_learning_rate_that_is_left_out_is_missed() -> None:
    rows = read_rows(RESULTS / "default")
    taken = [row for row in rows if row.table == "learning-rates" and row.metric == "learning-rate"]
    assert len({row.seed for row in taken}) == 3
    for gone in taken:
        found = list(missing_rows([row for row in rows if row is not gone]))
        assert any(repr(gone.method) in line and "'learning-rate'" in line for line in found), gone.describe()


def test_a_folder_that_is_not_there_is_another_exit_code(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([str(tmp_path / "nothing")]) == 2
    assert "there is no folder" in capsys.readouterr().err
    with pytest.raises(FileNotFoundError):
        check_results(tmp_path / "nothing")


def test_types_are_counted_among_the_questions_of_the_headline(folder: Path) -> None:
    """ECG-QA's questions beside the generated ones have rows of their own."""
    path = folder / "answers" / "questions.jsonl.gz"
    asked = read_json_lines(path)
    verify = [place for place, question in enumerate(asked) if question["question_type"] == "single-verify"][:3]
    for place, question in enumerate(asked):
        question["source"] = "ecg-qa" if place in verify else "generated"
    write_json_lines(path, asked)
    faults = check_results(folder)
    assert faults and all("'single-verify'" in fault and fault.startswith("n: got") for fault in faults)
    rows = [
        row._replace(n=row.n - len(verify))
        if row.table == "language-quality" and row.subset == "single-verify" and row.metric != "truncated-inputs"
        else row
        for row in read_rows(folder)
    ]
    write_rows(folder, rows)
    assert check_results(folder) == []
