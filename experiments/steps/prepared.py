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
from experiments.steps.segments import Segments, kept_entries


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
    entries: Mapping[str, Sequence[RecordEntry]], segments_folder: Path, questions_folder: Path
) -> Prepared:
    """Open what the steps ``segments`` and ``questions`` left.

    Parameters
    ----------
    entries : mapping of str to sequence of RecordEntry
        The records that were chosen, by split.
    segments_folder, questions_folder : Path
        Of the two steps.

    Raises
    ------
    ValueError
        If a patient, a record or a question is in two splits.
    """
    segments = Segments.open(segments_folder)
    splits = kept_entries(entries, segments)
    questions = read_questions(questions_folder)
    audit = audit_splits(splits, questions)
    audit.raise_if_leaking()
    patients = {entry.record_id: entry.patient_id for chosen in splits.values() for entry in chosen}
    return Prepared(splits, patients, questions, audit, segments)
