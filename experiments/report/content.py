"""What a report says beside tables and figures: kept in ``report.json``, so that pages can be made again from files."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from ecgbyte.files import write_atomically

CONTENT_FILE = "report.json"


class Answer(NamedTuple):
    """One generated answer beside its question and reference."""

    question: str
    reference: str
    answer: str
    record_id: str


class FailedRun(NamedTuple):
    """A run that did not end: which (method, seed), and its error."""

    run: str
    error: str


@dataclass(frozen=True)
class ReportContent:
    """The words of a report.

    Attributes
    ----------
    note : str
        What the profile is for, one sentence.
    audit : str
        The audit of the splits; never empty.
    deviations : sequence of str
        Where the run differs from what was published.
    failed : sequence of FailedRun
        Runs that did not end.
    answers : mapping
        From method to answers; which ones is decided by a rule, not by looks.
    """

    note: str
    audit: str
    deviations: Sequence[str] = ()
    failed: Sequence[FailedRun] = ()
    answers: Mapping[str, Sequence[Answer]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not self.audit.strip():
            raise ValueError("audit: got an empty text; no report goes out without the audit of its splits")


def write_content(folder: str | os.PathLike[str], content: ReportContent) -> None:
    """Write ``report.json`` into a profile's folder of results."""
    write_atomically(Path(folder) / CONTENT_FILE, json.dumps(asdict(content), indent=1, ensure_ascii=False) + "\n")


def read_content(folder: str | os.PathLike[str]) -> ReportContent:
    """Read what `write_content` wrote.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ValueError
        If it holds something else.
    """
    path = Path(folder) / CONTENT_FILE
    if not path.is_file():
        raise FileNotFoundError(f"folder: there is no file {path}")
    try:
        values: Any = json.loads(path.read_text(encoding="utf-8"))
        return ReportContent(
            note=str(values["note"]),
            audit=str(values["audit"]),
            deviations=tuple(str(item) for item in values["deviations"]),
            failed=tuple(FailedRun(*item) for item in values["failed"]),
            answers={str(name): tuple(Answer(*item) for item in items) for name, items in values["answers"].items()},
        )
    except (KeyError, TypeError, AttributeError, json.JSONDecodeError) as error:
        raise ValueError(f"{path}: expected the content of a report, got something else ({error})") from error
