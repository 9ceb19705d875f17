"""Conversations about ECGs: the files of ECG-Chat, ECGInstruct (PULSE), ECG-Grounding (GEM) and of the ELM hub.

- ECG-Chat: Zhao et al. 2024, arXiv:2408.08849, https://github.com/YubaoZhao/ECG-Chat: ``id``, ``ecg`` and
  ``conversations``, one request and one report.
- ECGInstruct: Liu et al. 2024, arXiv:2410.19008, https://github.com/AIMedLab/PULSE: ``id``, ``image``,
  ``conversations`` of one or several exchanges.
- ECG-Grounding: Lan et al. 2025, arXiv:2503.06073, https://github.com/lanxiang1017/GEM: the same with ``ecg``.
- The hub's copies of ECG-QA and others (https://github.com/willxxy/ECG-Bench): ``ecg_path``, ``text`` (JSON in a
  string: turns, or question type, question and answer) and ``name``, in splits ``fold1_train``, ``fold1_test``, ...
"""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ecgbyte.checks import check_option
from ecgbyte.data.questions.json_files import parse_json, read_json, read_json_lines
from ecgbyte.data.questions.question import (
    CONVERSATION_QUESTION_TYPE,
    REPORT_QUESTION_TYPE,
    SINGLE_QUESTION_TYPES,
    Question,
)
from ecgbyte.data.questions.record_names import DATASETS, record_of

ASKS, ANSWERS = "human", "gpt"
# Where the signal, or a picture of it, goes in the text; every model here is given it in a place of its own. Spaces are
# bounded, since a pattern with several open ends takes time that grows with the square of their number.
_PLACEHOLDER = re.compile(r"<[ \t\r\n]{0,8}/?[ \t\r\n]{0,8}(?:ecg|signal|image)[ \t\r\n]{0,8}>", re.IGNORECASE)
_MOST_TURNS = 200


@dataclass(frozen=True)
class Conversations:
    """What a file of conversations holds.

    Attributes
    ----------
    questions : list of Question
        In the order of the file; of a conversation of several exchanges one each.
    rejected : list of (int, str)
        The places of entries that are not as published or about another data set, from 0, and why.
    """

    questions: list[Question]
    rejected: list[tuple[int, str]]


def read_conversations(
    path: str | os.PathLike[str], *, dataset: str, source: str = "conversations", split: str | None = None
) -> Conversations:
    """Read the conversations about the records of one data set.

    A turn comes from ``human`` or ``gpt``, in turns, with its text in ``value``. Placeholders such as ``<ecg>`` are
    taken out, runs of spaces and line breaks become one space. An entry of one exchange that is a request and a report
    is one question; of several, each exchange is a question, whose text begins with the exchanges before it.

    Parameters
    ----------
    path : path-like
        JSON (a list, or an object with a list for each split), JSON lines, or Parquet (needs pyarrow).
    dataset : str
        Entries about another data set are rejected; one of `ecgbyte.data.questions.record_names.DATASETS`.
    source : str
        The source of the questions, and the beginning of their sample ids.
    split : str, optional
        Which list of a file that holds several, such as ``"fold1_train"``.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ModuleNotFoundError
        If a Parquet file is given and pyarrow is not installed.
    ValueError
        If the file is none of these, or holds no usable entry about `dataset`.
    """
    check_option("dataset", dataset, DATASETS)
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(f"path: {path} does not exist, expected a file of conversations")
    questions: list[Question] = []
    rejected: list[tuple[int, str]] = []
    seen: dict[str, int] = {}
    for place, entry in enumerate(_entries(path, split)):
        try:
            found = _questions(entry, place, dataset, source)
            first = found[0].sample_id
            if first in seen:
                raise ValueError(f"id: {entry['id']!r} is that of entry {seen[first]} already")
        except ValueError as error:
            rejected.append((place, str(error)))
            continue
        seen[first] = place
        questions += found
    if not questions:
        first = f", the first because of {rejected[0][1]}" if rejected else ""
        raise ValueError(f"path: {path} holds no usable conversation; {len(rejected)} were rejected{first}")
    return Conversations(questions, rejected)


def _entries(path: Path, split: str | None) -> Sequence[Any]:
    if path.suffix == ".parquet":
        return _parquet_rows(path)
    if path.suffix == ".jsonl":
        return [value for _, value in read_json_lines(path)]
    value = read_json(path)
    if isinstance(value, dict) and value and all(isinstance(entries, list) for entries in value.values()):
        if split not in value:
            raise ValueError(f"split: got {split!r}, {path} holds {', '.join(value)}")
        value = value[split]
    elif split is not None:
        raise ValueError(f"split: got {split!r}, but {path} holds no splits")
    if not isinstance(value, list):
        raise ValueError(f"path: {path} holds a {type(value).__name__}, expected a list of conversations")
    return value


def _parquet_rows(path: Path) -> list[dict[str, Any]]:
    try:
        from pyarrow import ArrowInvalid, parquet
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError(f"path: {path} is a Parquet file; pip install pyarrow to read it") from error
    try:
        columns = [name for name in ("id", "ecg_path", "text", "name") if name in parquet.read_schema(path).names]
        rows: list[dict[str, Any]] = parquet.read_table(path, columns=columns).to_pylist()
    except (ArrowInvalid, OSError, ValueError) as error:
        raise ValueError(f"path: {path} cannot be read as Parquet: {error}") from error
    return rows


def _questions(entry: Any, place: int, dataset: str, source: str) -> list[Question]:
    if not isinstance(entry, dict):
        raise ValueError(f"expected an object, got {type(entry).__name__}")
    if "ecg_path" in entry and "text" in entry:
        return _hub_questions(entry, place, dataset, source)
    if "ecg" not in entry and "image" in entry:
        entry = {**entry, "ecg": entry["image"]}
    absent = [name for name in ("id", "ecg", "conversations") if name not in entry]
    if absent:
        raise ValueError(f"no field {absent[0]!r}, found {', '.join(map(repr, entry)) or 'none'}")
    identifier = entry["id"]
    if isinstance(identifier, bool) or not isinstance(identifier, (int, str)) or not str(identifier).strip():
        raise ValueError(f"id: got {identifier!r}, expected text or a whole number")
    record_id = _record_in(dataset, entry["ecg"], identifier)
    exchanges = _exchanges(entry["conversations"])
    return _of_exchanges(exchanges, f"{source}-{str(identifier).strip()}", record_id, source)


def _hub_questions(entry: dict[str, Any], place: int, dataset: str, source: str) -> list[Question]:
    record_id = _record_in(dataset, entry["ecg_path"], None)
    text = entry["text"]
    turns = parse_json("text", text) if isinstance(text, str) else text
    sample_id = f"{source}-{place}"
    if isinstance(turns, list) and len(turns) == 3 and all(isinstance(part, (str, list)) for part in turns):
        kind, question, answer = turns
        answers = answer if isinstance(answer, list) else [answer]
        if kind not in SINGLE_QUESTION_TYPES or not isinstance(question, str):
            raise ValueError(f"text: got {kind!r} and {question!r}, expected a question type and a question")
        if not answers or not all(isinstance(item, str) and item.strip() for item in answers):
            raise ValueError(f"text: the answer is {answer!r}, expected texts")
        return [
            _question(sample_id, record_id, source, kind, question.strip(), tuple(item.strip() for item in answers))
        ]
    return _of_exchanges(_exchanges(turns), sample_id, record_id, source)


def _record_in(dataset: str, ecg: Any, identifier: Any) -> str:
    found, record_id = record_of(ecg, identifier)
    # A bare number is taken for a study of MIMIC-IV-ECG, as ECG-Chat writes some, and for nothing else.
    if (found or "mimic-iv-ecg") != dataset:
        raise ValueError(f"ecg: {ecg!r} is about {found or 'a data set that it does not name'}, expected {dataset}")
    return record_id


def _exchanges(turns: Any) -> list[tuple[str, str]]:
    """The exchanges of a conversation, each a question and its answer."""
    if not isinstance(turns, list) or len(turns) < 2 or len(turns) % 2 or len(turns) > _MOST_TURNS:
        count = f"{len(turns)} turns" if isinstance(turns, list) else type(turns).__name__
        raise ValueError(f"conversations: got {count}, expected a list of two turns, or of pairs of turns")
    texts = [_text(turn, number, ANSWERS if number % 2 else ASKS) for number, turn in enumerate(turns)]
    return list(zip(texts[::2], texts[1::2], strict=True))


def _of_exchanges(exchanges: Sequence[tuple[str, str]], sample_id: str, record_id: str, source: str) -> list[Question]:
    if len(exchanges) == 1:
        ((question, answer),) = exchanges
        return [_question(sample_id, record_id, source, REPORT_QUESTION_TYPE, question, (answer,))]
    questions = []
    before = ""
    for number, (question, answer) in enumerate(exchanges, start=1):
        own_id = sample_id if number == 1 else f"{sample_id}-turn-{number}"
        questions.append(
            _question(own_id, record_id, source, CONVERSATION_QUESTION_TYPE, f"{before}{question}", (answer,))
        )
        before += f"{question} {answer} "
    return questions


def _question(
    sample_id: str, record_id: str, source: str, kind: str, question: str, answer: tuple[str, ...]
) -> Question:
    return Question(
        sample_id=sample_id,
        template_id=kind,
        question_type=kind,
        attribute_type=kind,
        question=question,
        answer=answer,
        record_ids=(record_id,),
        attributes=(),
        source=source,
    )


def _text(turn: Any, number: int, speaker: str) -> str:
    where = f"conversations[{number}]"
    if not isinstance(turn, dict) or "from" not in turn or "value" not in turn:
        raise ValueError(f"{where}: got {turn!r}, expected an object with 'from' and 'value'")
    if turn["from"] != speaker:
        raise ValueError(f"{where}: is from {turn['from']!r}, expected {speaker!r}")
    value = turn["value"]
    if not isinstance(value, str):
        raise ValueError(f"{where}: its value is {value!r}, expected text")
    text = " ".join(_PLACEHOLDER.sub(" ", value).split())
    if not text:
        raise ValueError(f"{where}: no text beside the placeholder in {value!r}")
    return text
