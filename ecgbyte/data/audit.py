"""Do the splits share patients, records or questions? Printed with every table."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

from ecgbyte.data.catalogue import RecordEntry
from ecgbyte.data.questions.question import Question
from ecgbyte.data.splits import check_patient_ids

_QuestionKey = tuple[tuple[str, ...], str]


@dataclass(frozen=True)
class SplitCounts:
    """How much is in one split.

    Attributes
    ----------
    split : str
        Name of the split.
    patients, records : int
        Distinct patients and records.
    questions : int or None
        Questions, None where none were given.
    repeated_records, repeated_questions : int
        How many entries (questions) are repeats of an earlier record (record and text) of the same split.
    """

    split: str
    patients: int
    records: int
    questions: int | None
    repeated_records: int
    repeated_questions: int


@dataclass(frozen=True)
class SplitOverlap:
    """What two splits share: sorted ids of patients and records, and pairs of record ids and question text."""

    first: str
    second: str
    patients: tuple[str, ...]
    records: tuple[str, ...]
    questions: tuple[_QuestionKey, ...]

    @property
    def empty(self) -> bool:
        """Whether nothing is shared."""
        return not (self.patients or self.records or self.questions)


@dataclass(frozen=True)
class SplitAudit:
    """Counts of every split and overlaps of every pair of splits; ``str(audit)`` is the text shown with a table."""

    counts: tuple[SplitCounts, ...]
    overlaps: tuple[SplitOverlap, ...]

    @property
    def leaking(self) -> bool:
        """Whether two splits share a patient, a record or a question."""
        return any(not overlap.empty for overlap in self.overlaps)

    def raise_if_leaking(self) -> None:
        """Raise where two splits share anything.

        Raises
        ------
        ValueError
            Naming the splits, the numbers and the first shared ids.
        """
        problems = []
        for overlap in self.overlaps:
            if overlap.empty:
                continue
            shared = [
                f"{len(ids)} {kind} ({', '.join(str(item) for item in ids[:5])}{', ...' if len(ids) > 5 else ''})"
                for kind, ids in (
                    ("patients", overlap.patients),
                    ("records", overlap.records),
                    ("questions", tuple(f"{'+'.join(ids)}: {text}" for ids, text in overlap.questions)),
                )
                if ids
            ]
            problems.append(f"{overlap.first} and {overlap.second} share {'; '.join(shared)}")
        if problems:
            raise ValueError("the splits leak: " + " | ".join(problems))

    def __str__(self) -> str:
        width = max([len("split"), *(len(count.split) for count in self.counts)])
        lines = [f"{'split':<{width}}  {'patients':>8}  {'records':>8}  {'questions':>9}"]
        for count in self.counts:
            questions = "-" if count.questions is None else str(count.questions)
            line = f"{count.split:<{width}}  {count.patients:>8}  {count.records:>8}  {questions:>9}"
            if count.repeated_records or count.repeated_questions:
                line += f"  repeated: {count.repeated_records} records, {count.repeated_questions} questions"
            lines.append(line)
        for overlap in self.overlaps:
            if not overlap.empty:
                lines.append(
                    f"LEAK: {overlap.first} and {overlap.second} share {len(overlap.patients)} patients, "
                    f"{len(overlap.records)} records, {len(overlap.questions)} questions"
                )
        if not self.leaking:
            lines.append(f"shared between splits ({len(self.overlaps)} pairs): 0 patients, 0 records, 0 questions")
        return "\n".join(lines)


def audit_splits(
    splits: Mapping[str, Sequence[RecordEntry]],
    questions_by_split: Mapping[str, Sequence[Question]] | None = None,
) -> SplitAudit:
    """Count patients, records and questions of every split, and find what any two splits share.

    Parameters
    ----------
    splits : mapping of str to sequence of RecordEntry
        The splits by name.
    questions_by_split : mapping of str to sequence of Question, optional
        The questions of the splits; its names must be names in `splits`.

    Returns
    -------
    SplitAudit
        Call `SplitAudit.raise_if_leaking` to stop at an overlap.

    Raises
    ------
    ValueError
        If a patient's id is missing (in some records or in all of them), a record has two patients, a split is not
        known, or a question is about a record that is not in its split.
    """
    if not splits:
        raise ValueError("splits: empty, expected at least one split")
    check_patient_ids(entry for entries in splits.values() for entry in entries)
    _check_one_patient_a_record(splits)
    questions_by_split = {} if questions_by_split is None else questions_by_split
    unknown = sorted(set(questions_by_split) - set(splits))
    if unknown:
        raise ValueError(f"questions_by_split: {unknown[0]!r} is no split, expected names among {sorted(splits)}")

    patients = {name: {entry.patient_id for entry in entries} for name, entries in splits.items()}
    records = {name: {entry.record_id for entry in entries} for name, entries in splits.items()}
    asked: dict[str, Counter[_QuestionKey]] = {name: Counter() for name in splits}
    for name, questions in questions_by_split.items():
        for question in questions:
            strangers = [record_id for record_id in question.record_ids if record_id not in records[name]]
            if strangers:
                raise ValueError(
                    f"questions_by_split: question {question.sample_id} of {name!r} is about record {strangers[0]!r}, "
                    "which is not in that split"
                )
            asked[name][question.record_ids, question.question] += 1
    counts = tuple(
        SplitCounts(
            split=name,
            patients=len(patients[name]),
            records=len(records[name]),
            questions=asked[name].total() if name in questions_by_split else None,
            repeated_records=len(entries) - len(records[name]),
            repeated_questions=asked[name].total() - len(asked[name]),
        )
        for name, entries in splits.items()
    )
    overlaps = tuple(
        SplitOverlap(
            first,
            second,
            tuple(sorted(patients[first] & patients[second])),
            tuple(sorted(records[first] & records[second])),
            tuple(sorted(asked[first].keys() & asked[second].keys())),
        )
        for first, second in combinations(splits, 2)
    )
    return SplitAudit(counts, overlaps)


def _check_one_patient_a_record(splits: Mapping[str, Sequence[RecordEntry]]) -> None:
    patient_of: dict[str, str] = {}
    for entries in splits.values():
        for entry in entries:
            known = patient_of.setdefault(entry.record_id, entry.patient_id)
            if known != entry.patient_id:
                raise ValueError(f"splits: record {entry.record_id} belongs to patients {known} and {entry.patient_id}")
