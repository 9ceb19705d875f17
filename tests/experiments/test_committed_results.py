"""The results in the repository can be read, and their tables are what their rows give."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest

from ecgbyte.metrics.language import exact_match
from ecgbyte.tokenizer.ecg_tokenizer import ECGTokenizer
from experiments.report.answer_files import read_answer_files
from experiments.rows.files import read_rows
from experiments.steps.answers import Answers
from experiments.tables.catalogue import make_tables
from experiments.tables.rendering import to_csv
from experiments.verdicts.catalogue import make_verdicts, verdict_table

FOLDERS = sorted(file.parent for file in (Path(__file__).resolve().parents[2] / "results").glob("*/measures.csv"))


def test_the_profiles_that_the_readme_shows_are_there() -> None:
    assert {"ablations", "default", "ptbxl"} <= {folder.name for folder in FOLDERS}


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_tables_are_what_the_rows_give(folder: Path) -> None:
    rows = read_rows(folder)
    assert {row.profile for row in rows} == {folder.name}
    for table in (verdict_table(make_verdicts(rows)), *make_tables(rows)):
        assert (folder / "tables" / f"{table.name}.csv").read_text(encoding="utf-8") == to_csv(table)


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_rows_belong_to_the_tokenizer_and_the_answers_beside_them(folder: Path) -> None:
    rows = read_rows(folder)
    tokenizer = ECGTokenizer.load(folder / "tokenizer.json")
    assert {row.tokenizer_fingerprint for row in rows} == {tokenizer.fingerprint}
    answers: dict[str, dict[int, dict[str, Answers]]] = {}
    for row in rows:
        if (row.table, row.metric, row.subset, row.seeds) == ("language-quality", "accuracy", "all", 1):
            if row.method not in answers:
                answers[row.method] = read_answer_files(folder / "answers", row.method)
            given = answers[row.method][row.seed][row.input].generations
            right = exact_match([answer.reference for answer in given], [answer.answer for answer in given])
            assert (len(given), right) == (row.n, pytest.approx(row.value, abs=1e-6))
            assert len({answer.patient_id for answer in given}) > 1
    with (folder / "rejected.csv").open(encoding="utf-8", newline="") as stream:
        rejected = list(csv.DictReader(stream))
    assert len(rejected) == json.loads((folder / "details.json").read_text(encoding="utf-8"))["data"]["rejected"]
