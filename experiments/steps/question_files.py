"""One's own questions from a file of JSON lines, in the form of the ``questions.jsonl`` that results hold.

Each line is an object:

==================  ============================================================================================
``sample_id``       string, no two lines the same
``record_id``       string: a record of the profile's data set; its fold says which split the question goes to
``question``        string
``reference``       string: the right answer
``patient_id``      string, may be left out; where it is there, it must be the patient of the record
``question_type``   string, one of `ecgbyte.data.questions.question.QUESTION_TYPES` about one record; ``"single-query"``
``answer``          list of strings, where the answer is a list; ``", ".join(answer)`` is the reference
``attributes``      list of strings: what the question names, for areas under ROC curves by attribute
``attribute_type``  string: what kind of thing it asks about, ``"own"``
``template_id``     string: questions with the same one are alike; the question type
``source``          string, as in `ecgbyte.data.questions.question.Question`: tables keep several apart; ``"files"``
==================  ============================================================================================

The last six have the defaults named there, or none. Other keys are refused. A line that is not so is named by its
number, with the reason; no question of such a file is used, since those left would be a choice that nobody made.
"""

from __future__ import annotations

import functools
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from ecgbyte.data.catalogue import RecordEntry
from ecgbyte.data.questions.question import REPORT_QUESTION_TYPE, SINGLE_QUESTION_TYPES, Question

SOURCE = "files"
_TEXTS = ("sample_id", "record_id", "question", "reference")
_OPTIONAL_TEXTS = ("patient_id", "question_type", "attribute_type", "template_id", "source")
_LISTS = ("answer", "attributes")
# As many bad lines are named, and the others counted.
_NAMED = 20


class QuestionLine(NamedTuple):
    """A question, the patient that its line names (or None) and the number of the line, from 1."""

    question: Question
    patient_id: str | None
    number: int


# The records are chosen by the questions, the questions then dealt to the records: one reading serves both.
@functools.lru_cache(maxsize=2)
def read_question_file(path: Path) -> tuple[QuestionLine, ...]:
    """Read and check a file of questions.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ValueError
        If it holds no question, or lines that are none; the message names them by their numbers, with the reasons.
    """
    if not path.is_file():
        raise FileNotFoundError(f"--questions: there is no file {path}; expected one question a line, as JSON")
    lines: list[QuestionLine] = []
    faults: list[str] = []
    first: dict[str, int] = {}
    for number, raw in enumerate(path.read_bytes().splitlines(), 1):
        if not raw.strip():
            continue
        try:
            line = _line(raw, number)
            sample_id = line.question.sample_id
            if first.setdefault(sample_id, number) != number:
                raise ValueError(f"sample_id: {sample_id!r} is that of line {first[sample_id]}, too")
        except (ValueError, TypeError) as error:
            faults.append(f"line {number}: {error}")
        else:
            lines.append(line)
    _raise(path, faults)
    if not lines:
        raise ValueError(f"--questions: {path} holds no question; expected one a line, as JSON")
    return tuple(lines)


def check_patients(path: Path, splits: Mapping[str, Sequence[RecordEntry]]) -> None:
    """Check that the patients which a file of questions names are those of the records.

    Raises
    ------
    ValueError
        Naming the lines where they are not.
    """
    patients = {entry.record_id: entry.patient_id for entries in splits.values() for entry in entries}
    faults = [
        f"line {line.number}: patient_id: got {line.patient_id!r}, record {line.question.record_id!r} is of "
        f"{patients[line.question.record_id]!r}"
        for line in read_question_file(path)
        if line.patient_id is not None and patients.get(line.question.record_id, line.patient_id) != line.patient_id
    ]
    _raise(path, faults)


def _raise(path: Path, faults: Sequence[str]) -> None:
    if faults:
        more = f"\n  and {len(faults) - _NAMED} more" if len(faults) > _NAMED else ""
        raise ValueError(
            f"--questions: {len(faults)} lines of {path} are no questions:\n  " + "\n  ".join(faults[:_NAMED]) + more
        )


def _line(raw: bytes, number: int) -> QuestionLine:
    try:
        fields = json.loads(raw.decode("utf-8"), object_pairs_hook=_without_repeats)
    except UnicodeDecodeError as error:
        raise ValueError(f"not UTF-8 text ({error})") from error
    except json.JSONDecodeError as error:
        raise ValueError(f"not valid JSON ({error})") from error
    except RecursionError as error:
        raise ValueError("not a question: lists within lists without end") from error
    if not isinstance(fields, dict):
        raise ValueError(f"expected an object, got {type(fields).__name__}")
    unknown = sorted(set(fields) - {*_TEXTS, *_OPTIONAL_TEXTS, *_LISTS})
    if unknown:
        raise ValueError(f"unknown key {unknown[0]!r}, expected {', '.join((*_TEXTS, *_OPTIONAL_TEXTS, *_LISTS))}")
    for name in _TEXTS:
        if name not in fields:
            raise ValueError(f"{name}: missing")
    for name in (*_TEXTS, *_OPTIONAL_TEXTS):
        if name in fields and not (isinstance(fields[name], str) and fields[name].strip()):
            raise ValueError(f"{name}: got {fields[name]!r}, expected a text that is not empty")
    for name in _LISTS:
        found = fields.get(name, [])
        if not isinstance(found, list) or not all(isinstance(item, str) for item in found):
            raise ValueError(f"{name}: got {found!r}, expected a list of texts")
    return QuestionLine(_question(fields), fields.get("patient_id"), number)


def _question(fields: Mapping[str, Any]) -> Question:
    kind = fields.get("question_type", "single-query")
    allowed = (*SINGLE_QUESTION_TYPES, REPORT_QUESTION_TYPE)
    if kind not in allowed:
        raise ValueError(f"question_type: got {kind!r}, expected one of {', '.join(map(repr, allowed))}")
    answer = tuple(fields.get("answer", ())) or (fields["reference"],)
    question = Question(
        sample_id=fields["sample_id"],
        template_id=fields.get("template_id", kind),
        question_type=kind,
        attribute_type=fields.get("attribute_type", "own"),
        question=fields["question"],
        answer=answer,
        record_ids=(fields["record_id"],),
        attributes=tuple(fields.get("attributes", ())),
        source=fields.get("source", SOURCE),
    )
    if question.reference != fields["reference"]:
        raise ValueError(f"reference: got {fields['reference']!r}, the answer reads {question.reference!r}")
    return question


def _without_repeats(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        raise ValueError(f"the key {next(name for name in names if names.count(name) > 1)!r} stands twice")
    return found
