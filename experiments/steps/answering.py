"""Let a trained method answer the test questions under every input, and keep each answer."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from ecgbyte.data.questions.question import Question
from ecgbyte.files import write_atomically
from ecgbyte.training.examples import Example
from ecgbyte.training.generation import answer_and_score
from ecgbyte.training.generation_file import write_generations
from ecgbyte.training.sampling import sample_answers
from experiments.steps.answers import Answers, write_answers
from experiments.steps.learning import Learner, LearningSettings, train_learner
from experiments.steps.readers.reading import Reader
from experiments.steps.segments import Segments
from experiments.steps.shown import Shown
from experiments.steps.views import ECGView, assign_segments, make_examples


class OtherRecords(NamedTuple):
    """Of another data set than that of the training: segments, patients by record, and what is asked."""

    segments: Segments
    patients: Mapping[str, str]
    questions: Sequence[Question]


@dataclass(frozen=True)
class AnswerSettings:
    """How answers are generated.

    `batch_size` changes no answer on paper; in floating-point numbers it can change the last bit of a score, and so the
    choice between two tokens of equal score. It therefore is part of a step's identity.
    """

    max_new_tokens: int
    batch_size: int


def answer_test_questions(
    folder: Path,
    trained: Path,
    reader: Reader,
    learning: LearningSettings,
    settings: AnswerSettings,
    shown: Shown,
    inputs: Sequence[str],
    description: str,
) -> dict[str, Any]:
    """Let a trained method answer the test questions under every input: the work of a step.

    Parameters
    ----------
    folder, trained : Path
        Of this step and of the training.
    reader, learning
        As the method was trained with.
    settings : AnswerSettings
    shown : Shown
        As it was trained on.
    inputs : sequence of str
        Of `ecgbyte.data.controls.INPUTS`.
    description : str
        Names the progress bar.
    """
    learner, _ = train_learner(trained, reader, learning, shown)
    return answer_shown(folder, learner, reader, settings, shown, inputs, description)


def answer_shown(
    folder: Path,
    learner: Learner,
    reader: Reader,
    settings: AnswerSettings,
    shown: Shown,
    inputs: Sequence[str],
    description: str,
) -> dict[str, Any]:
    """Let a model answer the test questions under every input, trained or not; arguments as there."""
    altered = shown.with_altered(inputs, reader.read)
    asked = {name: altered.examples("test", name) for name in inputs}
    return answer_questions(folder, learner, asked, shown.prepared.questions["test"], settings, description)


def sample_test_answers(
    folder: Path,
    trained: Path,
    reader: Reader,
    learning: LearningSettings,
    settings: AnswerSettings,
    shown: Shown,
    number: int,
    temperature: float,
    description: str,
) -> dict[str, Any]:
    """Let a trained method answer the test questions by draws, several times: the work of a step.

    Parameters
    ----------
    number : int
        How many times; decoding k is drawn with the seed k.
    temperature : float
        See `ecgbyte.training.sampling.sample_answers`.
    folder, trained, reader, learning, settings, shown, description
        As in `answer_test_questions`; the methods's own input is shown.
    """
    learner, _ = train_learner(trained, reader, learning, shown)
    examples = shown.examples("test")
    for seed in range(number):
        if (folder / f"{decoding_name(seed)}-yes-scores.json").exists():
            continue
        generations = sample_answers(
            learner.model,
            examples,
            learner.collator,
            temperature=temperature,
            seed=seed,
            max_new_tokens=settings.max_new_tokens,
            batch_size=settings.batch_size,
            description=f"{description}, decoding {seed}",
        )
        write_answers(folder, decoding_name(seed), Answers(generations, {}))
    return {}


def decoding_name(seed: int) -> str:
    """What the answers of one decoding are called in their folder."""
    return f"decoding-{seed}"


def answer_about_others(
    folder: Path,
    trained: Path,
    reader: Reader,
    learning: LearningSettings,
    settings: AnswerSettings,
    shown: Shown,
    other: OtherRecords,
    inputs: Sequence[str],
    description: str,
) -> dict[str, Any]:
    """Let a trained method answer questions about the records of another data set: the work of a step.

    Parameters
    ----------
    other : OtherRecords
        Of the other data set.
    folder, trained, reader, learning, settings, shown, inputs, description
        As in `answer_test_questions`.
    """
    learner, _ = train_learner(trained, reader, learning, shown)
    view = None
    if shown.view is not None:
        seen = reader.read(other.segments.all_signals)
        view = ECGView(dict(zip(other.segments.keys, seen, strict=True)), shown.view.flat_line)
    places = assign_segments(other.questions, other.segments.per_record)
    asked = {
        name: make_examples(other.questions, other.patients, view, shown=name, segments=places, others={})
        for name in inputs
    }
    return answer_questions(folder, learner, asked, other.questions, settings, description)


def answer_questions(
    folder: Path,
    learner: Learner,
    examples_by_input: Mapping[str, Sequence[Example]],
    questions: Sequence[Question],
    settings: AnswerSettings,
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
