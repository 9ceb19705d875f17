"""The answers of a method under one input, and the files that keep them."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ecgbyte.data.questions.question import Question
from ecgbyte.files import write_atomically
from ecgbyte.training.generation_file import Generation, read_generations, write_generations


@dataclass(frozen=True)
class Answers:
    """A method's answers under one input.

    Attributes
    ----------
    generations : list of Generation
        One a question, in the order of the questions.
    yes_scores : dict
        From sample id to P(yes) / (P(yes) + P(no)), for the verify questions.
    """

    generations: list[Generation]
    yes_scores: dict[str, float]


def given_answers(answers: Sequence[str], questions: Sequence[Question], patients: Mapping[str, str]) -> Answers:
    """Answers that no model gave, in the form of a method's; they have no scores of yes and no."""
    generations = [
        Generation(
            question.sample_id,
            question.record_id,
            patients[question.record_id],
            question.question,
            question.reference,
            answer,
        )
        for question, answer in zip(questions, answers, strict=True)
    ]
    return Answers(generations, {})


def write_given_answers(folder: Path, answers: Answers) -> dict[str, Any]:
    """Write answers of a method without a model as `experiments.steps.answering.answer_questions` writes a model's.

    Their input is ``"text-only"``.
    """
    write_answers(folder, "text-only", answers)
    return {"truncation": {}}


def write_answers(folder: Path, shown: str, answers: Answers) -> None:
    """Write the answers under one input, the scores last: where they are, all is."""
    write_generations(folder / f"{shown}.jsonl", answers.generations)
    write_atomically(folder / f"{shown}-yes-scores.json", json.dumps(answers.yes_scores))


def open_answers(folder: Path, shown: str) -> Answers:
    """What `experiments.steps.answering.answer_questions` wrote for one input."""
    scores = json.loads((folder / f"{shown}-yes-scores.json").read_text(encoding="utf-8"))
    return Answers(read_generations(folder / f"{shown}.jsonl"), scores)


def scores_in_order(answers: Answers, questions: Sequence[Question]) -> np.ndarray:
    """The yes scores of `questions`, float64 [questions]."""
    return np.array([answers.yes_scores[question.sample_id] for question in questions], dtype=np.float64)
