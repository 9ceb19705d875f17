"""Every generated answer, as compressed JSON lines: the questions once, and one file a method with all its runs."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ecgbyte.data.questions.question import Question
from ecgbyte.json_lines import read_json_lines, write_json_lines
from ecgbyte.training.generation_file import Generation
from experiments.steps.answers import Answers

QUESTIONS_FILE = "questions.jsonl.gz"
_SUFFIX = ".jsonl.gz"
# Digits of P(yes): enough for areas under ROC curves.
_DIGITS = 6
_QUESTION = ("sample_id", "record_id", "patient_id", "question_type", "question", "reference")
# Files of older results do not have it.
_SOURCE = "source"


def write_answer_files(
    folder: str | os.PathLike[str],
    questions: Sequence[Question],
    patients: Mapping[str, str],
    answers: Mapping[str, Mapping[int, Mapping[str, Answers]]],
) -> None:
    """Write ``questions.jsonl.gz`` and ``METHOD.jsonl.gz`` for every method; same answers, same bytes.

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
    asked = [
        (q.sample_id, q.record_id, patients[q.record_id], q.question_type, q.question, q.reference, q.source)
        for q in questions
    ]
    write_json_lines(folder / QUESTIONS_FILE, [dict(zip((*_QUESTION, _SOURCE), cells, strict=True)) for cells in asked])
    for method, by_seed in answers.items():
        lines = []
        for place, question in enumerate(questions):
            given: dict[str, dict[str, str]] = {}
            scores: dict[str, dict[str, float]] = {}
            for seed, by_input in by_seed.items():
                given[str(seed)] = {shown: found.generations[place].answer for shown, found in by_input.items()}
                for shown, found in by_input.items():
                    if question.sample_id in found.yes_scores:
                        score = round(found.yes_scores[question.sample_id], _DIGITS)
                        scores.setdefault(str(seed), {})[shown] = score
            lines.append({"sample_id": question.sample_id, "answers": given, "yes": scores})
        write_json_lines(folder / f"{method}{_SUFFIX}", lines)


def answered_methods(folder: str | os.PathLike[str]) -> list[str]:
    """The methods whose answers lie in a folder, sorted."""
    names = (path.name for path in Path(folder).glob(f"*{_SUFFIX}"))
    return sorted(name.removesuffix(_SUFFIX) for name in names if name != QUESTIONS_FILE)


def read_question_file(folder: str | os.PathLike[str]) -> list[dict[str, str]]:
    """The questions that `write_answer_files` wrote: sample, record and patient id, question type, text, reference, and
    the source where the file says it.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ValueError
        If a line holds something else, or two questions have the same sample id.
    """
    path = Path(folder) / QUESTIONS_FILE
    questions = read_json_lines(path)
    for number, question in enumerate(questions, 1):
        if set(question) - {_SOURCE} != set(_QUESTION) or not all(isinstance(text, str) for text in question.values()):
            raise ValueError(f"{path}, question {number}: expected texts of {', '.join(_QUESTION)}")
    if len({question["sample_id"] for question in questions}) < len(questions):
        raise ValueError(f"{path}: two questions have the same sample_id")
    return questions


def read_answer_files(folder: str | os.PathLike[str], method: str) -> dict[int, dict[str, Answers]]:
    """What `write_answer_files` wrote of a method, from training seed to input to answers.

    Raises
    ------
    FileNotFoundError
        If a file is missing.
    ValueError
        If the samples of the two files are not the same, or a line has other runs or inputs than the first.
    """
    folder = Path(folder)
    path = folder / f"{method}{_SUFFIX}"
    questions, lines = read_question_file(folder), read_json_lines(path)
    if [line.get("sample_id") for line in lines] != [question["sample_id"] for question in questions]:
        raise ValueError(f"{path}: its samples are not those of {QUESTIONS_FILE}")
    try:
        shape = _shape(lines[0]) if lines else {}
        for number, line in enumerate(lines, 1):
            if _shape(line) != shape:
                raise ValueError(f"{path}, line {number}: has other runs or inputs than the first line")
        return {
            int(seed): {shown: _answers(questions, lines, seed, shown) for shown in inputs}
            for seed, inputs in shape.items()
        }
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"{path}: expected answers by seed and input in every line ({error!r})") from error


def _shape(line: Mapping[str, Any]) -> dict[str, list[str]]:
    return {seed: list(by_input) for seed, by_input in line["answers"].items()}


def _answers(
    questions: Sequence[Mapping[str, str]], lines: Sequence[Mapping[str, Any]], seed: str, shown: str
) -> Answers:
    generations = [
        Generation(
            asked["sample_id"],
            asked["record_id"],
            asked["patient_id"],
            asked["question"],
            asked["reference"],
            line["answers"][seed][shown],
        )
        for asked, line in zip(questions, lines, strict=True)
    ]
    scores = {line["sample_id"]: line["yes"][seed][shown] for line in lines if shown in line["yes"].get(seed, {})}
    return Answers(generations, scores)
