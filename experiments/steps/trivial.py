"""Answers without a model and without the ECG: the most frequent training answer, and that of the nearest question."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from scipy.sparse import csr_array

from ecgbyte.data.questions.question import Question
from experiments.steps.answers import given_answers, write_given_answers

Rule = Callable[[Sequence[Question], Sequence[Question]], list[str]]
_ROWS_AT_ONCE = 256


def answer_by_rule(
    folder: Path, rule: Rule, train: Sequence[Question], test: Sequence[Question], patients: Mapping[str, str]
) -> dict[str, Any]:
    """Answer the test questions by a rule: the work of a step.

    Parameters
    ----------
    folder : Path
        The step's folder.
    rule : callable
        From training and test questions to one answer for each test question.
    train, test : sequences of Question
    patients : mapping of str to str
        From record id to patient id.
    """
    return write_given_answers(folder, given_answers(rule(train, test), test, patients))


def most_frequent_answers(train: Sequence[Question], test: Sequence[Question]) -> list[str]:
    """Answer with what is most often right for the question's template in training.

    A template that no training question has goes by its question type, and a type that none has by all questions. Of
    answers that are equally frequent the first in alphabetical order is taken.

    Parameters
    ----------
    train, test : sequences of Question

    Returns
    -------
    list of str
        One answer for each test question.

    Raises
    ------
    ValueError
        If there is no training question.
    """
    _check_train(train)
    by_template = _most_frequent((question.template_id, question.reference) for question in train)
    by_type = _most_frequent((question.question_type, question.reference) for question in train)
    overall = _most_frequent(("", question.reference) for question in train)[""]
    return [by_template.get(question.template_id, by_type.get(question.question_type, overall)) for question in test]


def nearest_question_answers(train: Sequence[Question], test: Sequence[Question]) -> list[str]:
    """Answer with what was right for the training question whose words are most alike.

    Likeness is the share of different words that two texts have in common, of all that either has (Jaccard), without
    regard to case. Where several training questions are nearest (the same text about other ECGs, for one), the answer
    most frequent among them is taken, and of equally frequent ones the first in alphabetical order. A question that
    shares no word with any is answered from all of them.

    Parameters
    ----------
    train, test : sequences of Question

    Returns
    -------
    list of str
        One answer for each test question.

    Raises
    ------
    ValueError
        If there is no training question.
    """
    _check_train(train)
    by_text: dict[frozenset[str], Counter[str]] = {}
    for question in train:
        by_text.setdefault(_words(question.question), Counter())[question.reference] += 1
    known, counters = list(by_text), list(by_text.values())
    asked = list(dict.fromkeys(_words(question.question) for question in test))
    numbers = {word: number for number, word in enumerate(sorted(frozenset().union(*known)))}
    of_known = _as_rows(known, numbers)
    sizes = np.array([len(words) for words in known])
    answers: dict[frozenset[str], str] = {}
    for start in range(0, len(asked), _ROWS_AT_ONCE):
        block = asked[start : start + _ROWS_AT_ONCE]
        shared = (_as_rows(block, numbers) @ of_known.T).toarray()
        either = sizes + np.array([len(words) for words in block])[:, None] - shared
        likeness = shared / np.maximum(either, 1)
        for words, row in zip(block, likeness, strict=True):
            together: Counter[str] = Counter()
            for place in np.flatnonzero(row == row.max()):
                together.update(counters[place])
            answers[words] = _first_of_most_frequent(together)
    return [answers[_words(question.question)] for question in test]


def _words(text: str) -> frozenset[str]:
    return frozenset(re.findall(r"\w+", text.lower()))


def _as_rows(texts: Sequence[frozenset[str]], numbers: dict[str, int]) -> csr_array:
    """Which words each text has, int32 [texts, words] of 0 and 1; words without a number are left out."""
    columns = [sorted(numbers[word] for word in words if word in numbers) for words in texts]
    starts = np.cumsum([0, *map(len, columns)])
    indices = np.array([column for row in columns for column in row], dtype=np.int64)
    return csr_array((np.ones(len(indices), dtype=np.int32), indices, starts), shape=(len(texts), max(len(numbers), 1)))


def _most_frequent(pairs: Iterable[tuple[str, str]]) -> dict[str, str]:
    counters: dict[str, Counter[str]] = {}
    for group, answer in pairs:
        counters.setdefault(group, Counter())[answer] += 1
    return {group: _first_of_most_frequent(counter) for group, counter in counters.items()}


def _first_of_most_frequent(counter: Counter[str]) -> str:
    return min(counter, key=lambda answer: (-counter[answer], answer))


def _check_train(train: Sequence[Question]) -> None:
    if not len(train):
        raise ValueError("train: got no question, expected at least one to take answers from")
