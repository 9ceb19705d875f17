"""Baselines that copy training answers: by hand, and against comparing every pair of questions."""

from __future__ import annotations

import re
from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ecgbyte.data.questions.question import Question
from experiments.steps.trivial import most_frequent_answers, nearest_question_answers

TEXTS = st.lists(st.sampled_from(["is", "there", "flutter", "in", "lead", "v2", "Block"]), max_size=6).map(" ".join)
TRAIN = st.lists(st.tuples(TEXTS.filter(bool), st.sampled_from(["yes", "no", "none"])), min_size=1, max_size=30)


def question(text: str, answer: str = "unknown", template: str = "t", kind: str = "single-query") -> Question:
    return Question("s", template, kind, "rhythm", text, (answer,), ("r",), (), "generated")


def test_most_frequent_answer_of_the_template_then_the_type_then_all() -> None:
    train = [
        question("a", "yes", "t1", "single-verify"),
        question("a", "no", "t1", "single-verify"),
        question("a", "no", "t1", "single-verify"),
        question("a", "yes", "t2", "single-verify"),
        question("a", "yes", "t2", "single-verify"),
        question("a", "none", "t3", "single-query"),
    ]
    test = [
        question("b", template="t1", kind="single-verify"),
        question("b", template="t2", kind="single-verify"),
        question("b", template="new", kind="single-verify"),
        question("b", template="new", kind="single-query"),
        question("b", template="new", kind="single-choose"),
    ]
    assert most_frequent_answers(train, test) == ["no", "yes", "yes", "none", "yes"]
    assert most_frequent_answers(train[::-1], test) == ["no", "yes", "yes", "none", "yes"]
    # Equally frequent: the first in alphabetical order, whatever the order of the questions.
    assert most_frequent_answers(train[:2], test[:1]) == most_frequent_answers(train[1::-1], test[:1]) == ["no"]


def test_nearest_question_by_hand() -> None:
    train = [
        question("Is there flutter in lead V2?", "yes"),
        question("is there FLUTTER, in lead v2", "no"),
        question("Is there flutter in lead V2?", "no"),
        question("Which rhythm is shown?", "sinus rhythm"),
    ]
    asked = [question("Is there flutter in V2?"), question("What rhythm is it?"), question("Nothing alike")]
    assert nearest_question_answers(train, asked) == ["no", "sinus rhythm", "no"]
    assert nearest_question_answers(train, []) == []


@settings(max_examples=60, deadline=None)
@given(TRAIN, st.lists(TEXTS.filter(bool), max_size=10))
def test_nearest_question_equals_comparing_every_pair(train: list[tuple[str, str]], asked: list[str]) -> None:
    def words(text: str) -> set[str]:
        return set(re.findall(r"\w+", text.lower()))

    expected = []
    for text in asked:
        likeness = [len(words(text) & words(known)) / len(words(text) | words(known)) for known, _ in train]
        answers = Counter(answer for value, (_, answer) in zip(likeness, train, strict=True) if value == max(likeness))
        expected.append(min(answers, key=lambda answer: (-answers[answer], answer)))
    known = [question(text, answer) for text, answer in train]
    assert nearest_question_answers(known, [question(text) for text in asked]) == expected


@pytest.mark.parametrize("baseline", [most_frequent_answers, nearest_question_answers])
def test_no_training_question_is_refused(baseline) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(ValueError, match="train: got no question"):
        baseline([], [question("a")])
