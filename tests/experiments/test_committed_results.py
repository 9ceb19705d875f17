"""The results in the repository can be read, and their tables are what their rows give."""

from __future__ import annotations

import csv
import json
from collections.abc import Sequence
from pathlib import Path

import pytest

from ecgbyte.metrics.language import exact_match
from ecgbyte.tokenizer.ecg_tokenizer import ECGTokenizer
from ecgbyte.training.generation_file import Generation, read_generations
from experiments.answer_files import QUESTIONS_FILE, read_answer_files
from experiments.row_files import read_rows
from experiments.table_rendering import to_csv
from experiments.tables import make_tables
from experiments.verdicts import make_verdicts, verdict_table

FOLDERS = sorted(file.parent for file in (Path(__file__).resolve().parents[2] / "results").glob("*/runs.csv"))


def test_the_profiles_that_the_readme_shows_are_there() -> None:
    assert {"default", "ptbxl"} <= {folder.name for folder in FOLDERS}


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_tables_are_what_the_rows_give(folder: Path) -> None:
    rows = read_rows(folder / "runs.csv")
    assert {row.profile for row in rows} == {folder.name}
    for table in (verdict_table(make_verdicts(rows)), *make_tables(rows)):
        assert (folder / "tables" / f"{table.name}.csv").read_text(encoding="utf-8") == to_csv(table)


def answers_of(folder: Path, method: str) -> dict[int, dict[str, Sequence[Generation]]]:
    """From training seed to input to answers."""
    files = folder / "answers"
    if (files / QUESTIONS_FILE).exists():
        read = read_answer_files(files, method)
        return {seed: {shown: given.generations for shown, given in runs.items()} for seed, runs in read.items()}
    # Results of an earlier version: one run, one file an input.
    named = {path.stem.removeprefix(f"{method}-"): path for path in files.glob(f"{method}-*.jsonl")}
    return {0: {shown: read_generations(path) for shown, path in named.items()}}


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_rows_belong_to_the_tokenizer_and_the_answers_beside_them(folder: Path) -> None:
    rows = read_rows(folder / "runs.csv")
    tokenizer = ECGTokenizer.load(folder / "tokenizer.json")
    assert {row.tokenizer_fingerprint for row in rows} == {tokenizer.fingerprint}
    answers: dict[str, dict[int, dict[str, Sequence[Generation]]]] = {}
    for row in rows:
        if (row.table, row.metric, row.subset, row.seeds) == ("language-quality", "accuracy", "all", 1):
            of_method = answers.setdefault(row.method, answers_of(folder, row.method))
            given = of_method[row.seed][row.input]
            right = exact_match([answer.reference for answer in given], [answer.answer for answer in given])
            assert (len(given), right) == (row.n, pytest.approx(row.value, abs=1e-6))
            assert len({answer.patient_id for answer in given}) > 1
    with (folder / "rejected.csv").open(encoding="utf-8", newline="") as stream:
        rejected = list(csv.DictReader(stream))
    assert len(rejected) == json.loads((folder / "details.json").read_text(encoding="utf-8"))["data"]["rejected"]
