"""What is done before any method: records and questions by split, and the segments."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from ecgbyte.data.audit import SplitAudit, audit_splits
from ecgbyte.data.catalogue import RecordEntry
from ecgbyte.data.controls import other_patient_records
from ecgbyte.data.questions.question import Question
from experiments.steps.asked_questions import read_questions
from experiments.steps.segments import Segments


@dataclass(frozen=True)
class Prepared:
    """Records and questions by split, with the audit that no patient is in two of them."""

    splits: Mapping[str, tuple[RecordEntry, ...]]
    patients: Mapping[str, str]
    questions: Mapping[str, list[Question]]
    audit: SplitAudit
    segments: Segments

    def record_ids(self, split: str) -> list[str]:
        """The records of a split."""
        return [entry.record_id for entry in self.splits[split]]

    def others(self, seed: int) -> dict[str, str]:
        """From each test record to that of another patient, drawn from `seed`."""
        return other_patient_records(self.record_ids("test"), self.patients, seed=seed)


def open_prepared(
    splits: Mapping[str, Sequence[RecordEntry]], segments: Segments, questions_folder: Path, *, is_leaky: bool = False
) -> Prepared:
    """Open what the steps ``segments`` and ``questions`` left.

    Parameters
    ----------
    splits : mapping of str to sequence of RecordEntry
        The records by split, less those that could not be used.
    segments : Segments
    questions_folder : Path
        Of the step ``questions``.
    is_leaky : bool
        Whether records are meant to be in several splits; the audit then says so, and nothing is refused.

    Raises
    ------
    ValueError
        If a patient, a record or a question is in two splits that is not meant to be.
    """
    questions = read_questions(questions_folder)
    audit = audit_splits(splits, questions)
    if not is_leaky:
        audit.raise_if_leaking()
    patients = {entry.record_id: entry.patient_id for chosen in splits.values() for entry in chosen}
    kept = {name: tuple(chosen) for name, chosen in splits.items()}
    return Prepared(kept, patients, questions, audit, segments)
