"""Every generated answer, as JSON lines: the questions once, and one file a method with all of its runs and inputs."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path

from ecgbyte.data.questions.question import Question
from ecgbyte.files import write_atomically
from ecgbyte.training.generation_file import Generation
from experiments.steps.answers import Answers

QUESTIONS_FILE = "questions.jsonl"
# Digits of P(yes): enough for areas under ROC curves.
_DIGITS = 6


def write_answer_files(
    folder: str | os.PathLike[str],
    questions: Sequence[Question],
    patients: Mapping[str, str],
    answers: Mapping[str, Mapping[int, Mapping[str, Answers]]],
) -> None:
    """Write ``questions.jsonl`` and ``METHOD.jsonl`` for every method.

    Parameters
    ----------
    folder : path-like
        Made if it is not there.
    questions : sequence of Question
        In the order of the answers.
    patients : mapping
        From record id to patient id.
    answers : mapping
        From method to training seed to input to answers.
    """
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    lines = [
        {
            "sample_id": question.sample_id,
            "record_id": question.record_id,
            "patient_id": patients[question.record_id],
            "question_type": question.question_type,
            "question": question.question,
            "reference": question.reference,
        }
        for question in questions
    ]
    _write(folder / QUESTIONS_FILE, lines)
    for method, by_seed in answers.items():
        lines = []
        for place, question in enumerate(questions):
            line: dict[str, object] = {"sample_id": question.sample_id, "answers": {}, "yes": {}}
            for seed, by_input in by_seed.items():
                given = {shown: found.generations[place].answer for shown, found in by_input.items()}
                scores = {
                    shown: round(found.yes_scores[question.sample_id], _DIGITS)
                    for shown, found in by_input.items()
                    if question.sample_id in found.yes_scores
                }
                line["answers"][str(seed)] = given  # type: ignore[index]
                if scores:
                    line["yes"][str(seed)] = scores  # type: ignore[index]
            lines.append(line)
        _write(folder / f"{method}.jsonl", lines)


def read_answer_files(folder: str | os.PathLike[str], method: str) -> dict[int, dict[str, Answers]]:
    """What `write_answer_files` wrote of a method, from training seed to input to answers.

    Raises
    ------
    FileNotFoundError
        If a file is missing.
    ValueError
        If the samples of the two files are not the same.
    """
    folder = Path(folder)
    questions, lines = _read(folder / QUESTIONS_FILE), _read(folder / f"{method}.jsonl")
    if [line["sample_id"] for line in lines] != [question["sample_id"] for question in questions]:
        raise ValueError(f"{folder / f'{method}.jsonl'}: its samples are not those of {QUESTIONS_FILE}")
    answers: dict[int, dict[str, Answers]] = {}
    for seed, by_input in (lines[0]["answers"] if lines else {}).items():
        for shown in by_input:
            generations = [
                Generation(
                    question["sample_id"],
                    question["record_id"],
                    question["patient_id"],
                    question["question"],
                    question["reference"],
                    line["answers"][seed][shown],
                )
                for question, line in zip(questions, lines, strict=True)
            ]
            scores = {
                line["sample_id"]: line["yes"][seed][shown] for line in lines if shown in line["yes"].get(seed, {})
            }
            answers.setdefault(int(seed), {})[shown] = Answers(generations, scores)
    return answers


def _write(path: Path, lines: Sequence[Mapping[str, object]]) -> None:
    write_atomically(path, "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines))


def _read(path: Path) -> list[dict]:  # type: ignore[type-arg]
    if not path.is_file():
        raise FileNotFoundError(f"folder: there is no file {path}")
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
