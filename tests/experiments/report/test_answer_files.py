"""Answers of several runs and inputs in one file a method, and back."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ecgbyte.data.questions.question import Question
from ecgbyte.json_lines import read_json_lines, write_json_lines
from ecgbyte.training.generation_file import Generation
from experiments.report.answer_files import (
    answered_methods,
    read_answer_files,
    read_question_file,
    write_answer_files,
)
from experiments.steps.answers import Answers

QUESTIONS = [
    Question(f"s{n}", "t", kind, "rhythm", f"question {n}?", (reference,), (f"r{n}",), (), "generated")
    for n, (kind, reference) in enumerate([("single-verify", "yes"), ("single-query", "größer")])
]
PATIENTS = {"r0": "p0", "r1": "p1"}


def answers(text: str, score: float) -> Answers:
    generations = [
        Generation(q.sample_id, q.record_id, PATIENTS[q.record_id], q.question, q.reference, f"{text} {q.sample_id}")
        for q in QUESTIONS
    ]
    return Answers(generations, {"s0": score})


GIVEN = {
    0: {"ecg": answers("first", 0.25), "flat-line": answers("flat", 0.5)},
    3: {"ecg": answers("", 0.75), "flat-line": answers("other", 1.0)},
}


def test_what_was_written_is_read_and_the_same_answers_are_the_same_bytes(tmp_path: Path) -> None:
    write_answer_files(tmp_path, QUESTIONS, PATIENTS, {"ecg-byte": GIVEN, "merl": {0: GIVEN[0]}})
    assert read_answer_files(tmp_path, "ecg-byte") == GIVEN
    assert read_answer_files(tmp_path, "merl") == {0: GIVEN[0]}
    assert answered_methods(tmp_path) == ["ecg-byte", "merl"]
    assert read_question_file(tmp_path)[1] == {
        "sample_id": "s1",
        "record_id": "r1",
        "patient_id": "p1",
        "question_type": "single-query",
        "question": "question 1?",
        "reference": "größer",
        "source": "generated",
    }
    write_answer_files(tmp_path / "again", QUESTIONS, PATIENTS, {"ecg-byte": GIVEN})
    for name in ("questions.jsonl.gz", "ecg-byte.jsonl.gz"):
        content = (tmp_path / "again" / name).read_bytes()
        assert content == (tmp_path / name).read_bytes()
        # No flags (so no name), no time, of no system.
        assert content[3] == 0 and content[4:8] == bytes(4) and content[9] == 255


def test_files_of_other_questions_are_refused(tmp_path: Path) -> None:
    write_answer_files(tmp_path, QUESTIONS, PATIENTS, {"merl": {0: {"ecg": answers("a", 0.5)}}})
    write_answer_files(tmp_path, QUESTIONS[:1], PATIENTS, {})
    with pytest.raises(ValueError, match=r"its samples are not those of questions\.jsonl\.gz"):
        read_answer_files(tmp_path, "merl")
    with pytest.raises(FileNotFoundError, match=r"clip\.jsonl\.gz"):
        read_answer_files(tmp_path, "clip")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda line: line["answers"].pop("3"), "line 2: has other runs or inputs than the first"),
        (lambda line: line["answers"]["0"].pop("ecg"), "line 2: has other runs or inputs than the first"),
        (lambda line: line.pop("answers"), "expected answers by seed and input in every line"),
        (lambda line: line.update(answers=[1]), "expected answers by seed and input in every line"),
    ],
)
def test_uneven_lines_are_refused(tmp_path: Path, change: Callable[[dict[str, Any]], object], message: str) -> None:
    write_answer_files(tmp_path, QUESTIONS, PATIENTS, {"ecg-byte": GIVEN})
    lines = read_json_lines(tmp_path / "ecg-byte.jsonl.gz")
    change(lines[1])
    write_json_lines(tmp_path / "ecg-byte.jsonl.gz", lines)
    with pytest.raises(ValueError, match=message):
        read_answer_files(tmp_path, "ecg-byte")


def test_bad_questions_are_refused(tmp_path: Path) -> None:
    write_answer_files(tmp_path, QUESTIONS, PATIENTS, {})
    lines = read_json_lines(tmp_path / "questions.jsonl.gz")
    for bad, message in (
        ([lines[0], lines[0]], "two questions have the same sample_id"),
        ([lines[0], {**lines[1], "reference": 3}], "question 2: expected texts of sample_id"),
        ([{"sample_id": "s0"}], "question 1: expected texts"),
    ):
        write_json_lines(tmp_path / "questions.jsonl.gz", bad)
        with pytest.raises(ValueError, match=message):
            read_question_file(tmp_path)
