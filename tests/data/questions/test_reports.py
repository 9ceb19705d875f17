"""Reports as answers."""

from __future__ import annotations

import pytest

from ecgbyte.data.catalogue import RecordEntry
from ecgbyte.data.questions.reports import REPORT_WORDINGS, report_questions


def entry(record_id: str, report: str) -> RecordEntry:
    return RecordEntry(record_id, "patient", 1, (), (), report)


def test_each_record_with_a_report_is_asked_for_it() -> None:
    entries = [entry(str(number), f"sinus  rhythm\n number {number}. ") for number in range(40)]
    entries += [entry("empty", "  "), entry("long", "w " * 300)]
    questions = report_questions(entries, split="train", most_characters=100)
    assert [item.record_id for item in questions] == [str(number) for number in range(40)]
    assert questions[3].reference == "sinus rhythm number 3." and questions[3].sample_id == "report-train-3"
    assert {item.question for item in questions} == set(REPORT_WORDINGS)
    assert questions == report_questions(entries, split="train", most_characters=100)
    assert questions != report_questions(entries, split="train", most_characters=100, seed=1)
    assert len(report_questions(entries)) == 41


def test_bad_arguments_are_refused() -> None:
    with pytest.raises(ValueError, match="most_characters: expected a positive number or None, got 0"):
        report_questions([entry("1", "x")], most_characters=0)
    with pytest.raises(ValueError, match="expected a record with a report of at most 3 characters, got 1 without"):
        report_questions([entry("1", "long")], most_characters=3)
