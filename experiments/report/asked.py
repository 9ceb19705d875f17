"""Questions with every method's answers, as a page browses them: each text once, and whether it is right."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from ecgbyte.metrics.language import normalize_answer
from experiments.report.answer_files import QUESTIONS_FILE, answered_methods, read_answer_files, read_question_file
from experiments.rows.groups import method_order


def read_asked(folder: str | os.PathLike[str]) -> dict[str, Any] | None:
    """The questions of a folder of answers and what every method said under its own input, in every run.

    Parameters
    ----------
    folder : path-like
        As `experiments.report.answer_files.write_answer_files` writes it.

    Returns
    -------
    dict or None
        ``samples``, the sample ids; ``texts``, every question, reference and answer once; ``forms``, of each text a
        number that equal answers share (`ecgbyte.metrics.language.normalize_answer`); ``questions``, of each [type,
        place of its text, place of its reference, record id, source]; ``methods``, from name to the places of the
        answers, one list a run. None where there are no answers.
    """
    folder = Path(folder)
    if not (folder / QUESTIONS_FILE).is_file():
        return None
    places: dict[str, int] = {}

    def place(text: str) -> int:
        return places.setdefault(text, len(places))

    asked = read_question_file(folder)
    questions = [
        [q["question_type"], place(q["question"]), place(q["reference"]), q["record_id"], q.get("source", "")]
        for q in asked
    ]
    methods = {}
    for method in sorted(answered_methods(folder), key=method_order):
        runs = []
        for by_input in read_answer_files(folder, method).values():
            own = by_input.get("ecg") or next(iter(by_input.values()))
            runs.append([place(item.answer) for item in own.generations])
        methods[method] = runs
    forms: dict[tuple[str, ...], int] = {}
    return {
        "samples": [q["sample_id"] for q in asked],
        "texts": list(places),
        "forms": [forms.setdefault(normalize_answer(text), len(forms)) for text in places],
        "questions": questions,
        "methods": methods,
    }
