"""Let a trained method answer the test questions under every input, and keep each answer."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ecgbyte.data.questions.question import Question
from ecgbyte.files import write_atomically
from ecgbyte.training.examples import Example
from ecgbyte.training.generation import answer_and_score
from ecgbyte.training.generation_file import Generation, read_generations, write_generations
from experiments.profiles.profile import EvaluationSettings
from experiments.steps.learning import Learner


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


def answer_questions(
    folder: Path,
    learner: Learner,
    examples_by_input: Mapping[str, Sequence[Example]],
    questions: Sequence[Question],
    settings: EvaluationSettings,
    description: str,
) -> dict[str, Any]:
    """Write ``<input>.jsonl`` and ``<input>-yes-scores.json`` for every input; what is there already is kept."""
    verify = {question.sample_id for question in questions if question.question_type == "single-verify"}
    truncation = {}
    for shown, examples in examples_by_input.items():
        truncation[shown] = learner.collator.truncation(examples).to_dict()
        scores_file = folder / f"{shown}-yes-scores.json"
        if scores_file.exists():
            continue
        generations, scores = answer_and_score(
            learner.model,
            examples,
            learner.collator,
            max_new_tokens=settings.max_new_tokens,
            batch_size=settings.batch_size,
            description=f"{description}, {shown}",
        )
        write_generations(folder / f"{shown}.jsonl", generations)
        scored = zip(generations, scores.tolist(), strict=True)
        named = {generation.sample_id: score for generation, score in scored if generation.sample_id in verify}
        write_atomically(scores_file, json.dumps(named))
    return {"truncation": truncation}


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
    """Write answers of a method without a model as `answer_questions` does, under the input ``"text-only"``."""
    write_generations(folder / "text-only.jsonl", answers.generations)
    write_atomically(folder / "text-only-yes-scores.json", json.dumps(answers.yes_scores))
    return {"truncation": {}}


def open_answers(folder: Path, shown: str) -> Answers:
    """What `answer_questions` wrote for one input."""
    scores = json.loads((folder / f"{shown}-yes-scores.json").read_text(encoding="utf-8"))
    return Answers(read_generations(folder / f"{shown}.jsonl"), scores)


def scores_in_order(answers: Answers, questions: Sequence[Question]) -> np.ndarray:
    """The yes scores of `questions`, float64 [questions]."""
    return np.array([answers.yes_scores[question.sample_id] for question in questions], dtype=np.float64)
