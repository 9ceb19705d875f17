"""Reports as answers: one question a record, whose answer is all that its report says."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

from ecgbyte.data.catalogue import RecordEntry
from ecgbyte.data.questions.question import REPORT_QUESTION_TYPE, Question

REPORT_WORDINGS = (
    "Write the report of this ECG.",
    "What would the report of this recording say?",
    "Report on this tracing in full.",
)


def report_questions(
    entries: Sequence[RecordEntry], *, split: str = "", seed: int = 0, most_characters: int | None = None
) -> list[Question]:
    """Ask for the report of each record that has one.

    Parameters
    ----------
    entries : sequence of RecordEntry
        The records of one split.
    split : str
        The split's name; part of the sample ids.
    seed : int
        Of the wording that each record gets.
    most_characters : int or None
        Records with a longer report are not asked: an answer is never cut.

    Returns
    -------
    list of Question
        In the order of `entries`; type ``"report"``, source ``"reports"``, sample ids
        ``"report-<split>-<record id>"``. Runs of spaces and line breaks in a report become one space.

    Raises
    ------
    ValueError
        If `most_characters` is not positive, or no record can be asked.
    """
    if most_characters is not None and most_characters < 1:
        raise ValueError(f"most_characters: expected a positive number or None, got {most_characters}")
    prefix = f"report-{split}-" if split else "report-"
    questions = []
    for entry in entries:
        report = " ".join(entry.report.split())
        if not report or (most_characters is not None and len(report) > most_characters):
            continue
        digest = hashlib.sha256(f"{seed}|{entry.record_id}".encode()).digest()
        questions.append(
            Question(
                sample_id=f"{prefix}{entry.record_id}",
                template_id=REPORT_QUESTION_TYPE,
                question_type=REPORT_QUESTION_TYPE,
                attribute_type=REPORT_QUESTION_TYPE,
                question=REPORT_WORDINGS[digest[0] % len(REPORT_WORDINGS)],
                answer=(report,),
                record_ids=(entry.record_id,),
                attributes=(),
                source="reports",
            )
        )
    if not questions:
        limit = "" if most_characters is None else f" of at most {most_characters} characters"
        raise ValueError(f"entries: expected a record with a report{limit}, got {len(entries)} without")
    return questions
