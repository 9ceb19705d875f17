"""ECG-Chat's conversations about ECGs of MIMIC-IV-ECG: one request and one report each.

ECG-Chat: Zhao et al. 2024, arXiv:2408.08849, https://github.com/YubaoZhao/ECG-Chat.
"""

from __future__ import annotations

import json
import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ecgbyte.data.questions.question import REPORT_QUESTION_TYPE, Question

ASKS, ANSWERS = "human", "gpt"
# Where the signal, or a picture of it, goes in the text; every model here is given it in a place of its own.
_PLACEHOLDER = re.compile(r"<\s*/?\s*(?:ecg|signal|image)\s*>", re.IGNORECASE)
_STUDY = re.compile(r"s?(\d+)(?:\.(?:dat|hea|npy))?", re.ASCII)


@dataclass(frozen=True)
class ECGChatQuestions:
    """What a file of conversations holds.

    Attributes
    ----------
    questions : list of Question
        In the order of the file; type ``"report"``, sample ids ``"ecg-chat-<id>"``, source ``"ecg-chat"``.
    rejected : list of (int, str)
        The places of entries that are not as published, from 0, and why.
    """

    questions: list[Question]
    rejected: list[tuple[int, str]]


def read_ecgchat(path: str | os.PathLike[str]) -> ECGChatQuestions:
    """Read ``pretrain_mimic.json``: a list of objects with ``id``, ``ecg`` and ``conversations``.

    A conversation is a request from ``human`` and an answer from ``gpt``, each with its text in ``value``.
    Placeholders such as ``<ecg>`` are taken out, runs of spaces and line breaks become one space. ``ecg`` is the path
    of a record of MIMIC-IV-ECG; its last part is the study's id, and so the record's.

    Parameters
    ----------
    path : path-like
        The file.

    Returns
    -------
    ECGChatQuestions
        An entry that is not as described is not among the questions but among the rejected, with its reason.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ValueError
        If the file is no JSON, no list, or holds no usable entry.
    """
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(f"path: {path} does not exist, expected ECG-Chat's pretrain_mimic.json")
    try:
        entries = json.loads(path.read_text(encoding="utf-8"))
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise ValueError(f"path: {path} is no JSON ({error})") from error
    if not isinstance(entries, list):
        raise ValueError(f"path: {path} holds a {type(entries).__name__}, expected a list of conversations")
    questions: list[Question] = []
    rejected: list[tuple[int, str]] = []
    seen: dict[str, int] = {}
    for place, entry in enumerate(entries):
        try:
            question = _question(entry)
            if question.sample_id in seen:
                raise ValueError(f"id: {entry['id']!r} is that of entry {seen[question.sample_id]} already")
        except ValueError as error:
            rejected.append((place, str(error)))
            continue
        seen[question.sample_id] = place
        questions.append(question)
    if not questions:
        first = f", the first because of {rejected[0][1]}" if rejected else ""
        raise ValueError(f"path: {path} holds no usable conversation; {len(rejected)} were rejected{first}")
    return ECGChatQuestions(questions, rejected)


def _question(entry: Any) -> Question:
    if not isinstance(entry, dict):
        raise ValueError(f"expected an object, got {type(entry).__name__}")
    absent = [name for name in ("id", "ecg", "conversations") if name not in entry]
    if absent:
        raise ValueError(f"no field {absent[0]!r}, found {', '.join(map(repr, entry)) or 'none'}")
    identifier, ecg, turns = entry["id"], entry["ecg"], entry["conversations"]
    if isinstance(identifier, bool) or not isinstance(identifier, (int, str)) or not str(identifier).strip():
        raise ValueError(f"id: got {identifier!r}, expected text or a whole number")
    if not isinstance(turns, list) or len(turns) != 2:
        count = f"{len(turns)} turns" if isinstance(turns, list) else type(turns).__name__
        raise ValueError(f"conversations: got {count}, expected a list of two turns")
    return Question(
        sample_id=f"ecg-chat-{str(identifier).strip()}",
        template_id=REPORT_QUESTION_TYPE,
        question_type=REPORT_QUESTION_TYPE,
        attribute_type=REPORT_QUESTION_TYPE,
        question=_text(turns[0], 0, ASKS),
        answer=(_text(turns[1], 1, ANSWERS),),
        record_ids=(_record_id(ecg),),
        attributes=(),
        source="ecg-chat",
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


def _record_id(ecg: Any) -> str:
    last = str(ecg).replace("\\", "/").rstrip("/").rsplit("/", 1)[-1] if isinstance(ecg, (str, int)) else ""
    found = _STUDY.fullmatch(last)
    if found is None or isinstance(ecg, bool):
        raise ValueError(f"ecg: got {ecg!r}, expected the path of a record whose last part is the study's number")
    return found[1]
