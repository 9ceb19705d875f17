"""The questions of a run as they are kept: one a line, with its split."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ecgbyte.data.questions.question import Question
from ecgbyte.files import write_atomically
from experiments.steps.segments import SPLITS

QUESTIONS_FILE = "questions.jsonl"


def write_questions(folder: Path, asked: Mapping[str, Sequence[Question]]) -> dict[str, Any]:
    """Write the questions of every split into ``questions.jsonl``, one a line."""
    lines = [
        json.dumps({"split": name, **dataclasses.asdict(question)}, ensure_ascii=False)
        for name in SPLITS
        for question in asked[name]
    ]
    write_atomically(folder / QUESTIONS_FILE, "".join(f"{line}\n" for line in lines))
    return {name: len(asked[name]) for name in SPLITS}


def read_questions(folder: Path) -> dict[str, list[Question]]:
    """What `write_questions` wrote, in the same order."""
    asked: dict[str, list[Question]] = {name: [] for name in SPLITS}
    with (folder / QUESTIONS_FILE).open(encoding="utf-8") as stream:
        for line in stream:
            fields = json.loads(line)
            split = fields.pop("split")
            tuples = {name: tuple(fields[name]) for name in ("answer", "record_ids", "attributes")}
            asked[split].append(Question(**{**fields, **tuples}))
    return asked
