"""Answers of several runs and inputs in one file a method, and back."""

from __future__ import annotations

from pathlib import Path

import pytest

from ecgbyte.data.questions.question import Question
from ecgbyte.training.generation_file import Generation
from experiments.report.answer_files import read_answer_files, write_answer_files
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


def test_what_was_written_is_read(tmp_path: Path) -> None:
    given = {
        0: {"ecg": answers("first", 0.25), "flat-line": answers("flat", 0.5)},
        3: {"ecg": answers("", 0.75), "flat-line": answers("other", 1.0)},
    }
    write_answer_files(tmp_path, QUESTIONS, PATIENTS, {"ecg-byte": given, "merl": {0: given[0]}})
    assert read_answer_files(tmp_path, "ecg-byte") == given
    assert read_answer_files(tmp_path, "merl") == {0: given[0]}


def test_files_of_other_questions_are_refused(tmp_path: Path) -> None:
    write_answer_files(tmp_path, QUESTIONS, PATIENTS, {"merl": {0: {"ecg": answers("a", 0.5)}}})
    write_answer_files(tmp_path, QUESTIONS[:1], PATIENTS, {})
    with pytest.raises(ValueError, match=r"its samples are not those of questions\.jsonl"):
        read_answer_files(tmp_path, "merl")
    with pytest.raises(FileNotFoundError, match=r"clip\.jsonl"):
        read_answer_files(tmp_path, "clip")
