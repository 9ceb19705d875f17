"""The question itself: what it refuses, and what it says."""

from __future__ import annotations

from dataclasses import replace

import pytest

from ecgbyte.data.questions.question import Question

QUESTION = Question(
    sample_id="generated-000001",
    template_id="query-findings",
    question_type="single-query",
    attribute_type="rhythm",
    question="Which rhythm?",
    answer=("bigeminal pattern", "sinus rhythm"),
    record_ids=("00001",),
    attributes=(),
    source="generated",
)


def test_reference_joins_the_answer() -> None:
    assert QUESTION.reference == "bigeminal pattern, sinus rhythm"
    assert QUESTION.record_id == "00001"


def test_a_comparison_has_no_single_record() -> None:
    comparison = replace(QUESTION, question_type="comparison_irrelevant-query", record_ids=("00001", "00002"))
    with pytest.raises(ValueError, match="compares the records"):
        _ = comparison.record_id


@pytest.mark.parametrize(
    ("field", "value", "error", "message"),
    [
        ("question_type", "single-guess", ValueError, "question_type.*single-guess.*single-verify"),
        ("source", "web", ValueError, "source.*web.*ecg-qa"),
        ("answer", (), ValueError, "answer: no item"),
        ("answer", ("yes", " "), ValueError, "answer: an item is empty"),
        ("answer", "yes", TypeError, "answer: expected a tuple"),
        ("answer", (1,), TypeError, "answer: expected a tuple of str"),
        ("question", "  ", ValueError, "question: empty"),
        ("sample_id", 7, TypeError, "sample_id: expected str, got int"),
        ("record_ids", (), ValueError, "about 1 record"),
        ("record_ids", ("00001", "00002"), ValueError, "about 1 record"),
        ("question_type", "comparison_consecutive-verify", ValueError, "about 2 record"),
    ],
)
def test_bad_fields_are_named(field: str, value: object, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        replace(QUESTION, **{field: value})
