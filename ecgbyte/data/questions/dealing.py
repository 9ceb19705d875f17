"""Dealing questions that were read from files to splits of records, so that no patient is on both sides."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from ecgbyte.data.catalogue import RecordEntry
from ecgbyte.data.questions.question import Question

NO_SUCH_RECORD = "a record is in no split"
TWO_SPLITS = "the two records are in different splits"


@dataclass(frozen=True)
class DealtQuestions:
    """Questions by the split of their records.

    Attributes
    ----------
    by_split : dict of str to list of Question
        One list for each split, in the order in which the questions came.
    left_out : dict of str to int
        For each reason, `NO_SUCH_RECORD` or `TWO_SPLITS`, how many questions belong to no split.
    """

    by_split: dict[str, list[Question]]
    left_out: dict[str, int]

    def __str__(self) -> str:
        kept = ", ".join(f"{name} {len(questions)}" for name, questions in self.by_split.items())
        lost = "".join(f"; left out {count}: {reason}" for reason, count in self.left_out.items() if count)
        return f"questions by split: {kept}{lost}"


def resplit_questions(questions: Sequence[Question], splits: Mapping[str, Sequence[RecordEntry]]) -> DealtQuestions:
    """Give each question to the split that holds its record, or both of its records.

    Parameters
    ----------
    questions : sequence of Question
        From files, in any split of their own.
    splits : mapping of str to sequence of RecordEntry
        The splits by name; whether they share patients is for `ecgbyte.data.audit.audit_splits` to say.

    Returns
    -------
    DealtQuestions

    Raises
    ------
    ValueError
        If a record is in two splits, or two questions have the same id.
    """
    split_of: dict[str, str] = {}
    for name, entries in splits.items():
        for entry in entries:
            if split_of.setdefault(entry.record_id, name) != name:
                raise ValueError(f"splits: record {entry.record_id} is in {split_of[entry.record_id]} and in {name}")
    by_split: dict[str, list[Question]] = {name: [] for name in splits}
    left_out = {NO_SUCH_RECORD: 0, TWO_SPLITS: 0}
    for question in questions:
        names = {split_of.get(record_id, "") for record_id in question.record_ids}
        if "" in names:
            left_out[NO_SUCH_RECORD] += 1
        elif len(names) > 1:
            left_out[TWO_SPLITS] += 1
        else:
            by_split[names.pop()].append(question)
    repeated = [name for name, count in Counter(question.sample_id for question in questions).items() if count > 1]
    if repeated:
        raise ValueError(f"questions: {len(repeated)} ids occur more than once, such as {repeated[0]!r}")
    return DealtQuestions(by_split, left_out)


def draw_questions(questions: Sequence[Question], number: int, *, seed: int | Sequence[int]) -> list[Question]:
    """Draw at most so many questions, without replacement, and leave them in their order.

    Parameters
    ----------
    questions : sequence of Question
        What to draw from; the draw depends on their ids, not on their order.
    number : int
        How many; all where 0 or where there are no more.
    seed : int or sequence of int
        Seed of the draw.

    Raises
    ------
    ValueError
        If `number` is negative.
    """
    if number < 0:
        raise ValueError(f"number: got {number}, expected 0 (all) or more")
    if number == 0 or number >= len(questions):
        return list(questions)
    by_id = sorted(range(len(questions)), key=lambda place: questions[place].sample_id)
    drawn = np.random.default_rng(seed).permutation(len(questions))[:number]
    return [questions[place] for place in sorted(by_id[rank] for rank in drawn)]
