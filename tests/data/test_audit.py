"""The audit counts what splits hold and finds everything they share."""

from __future__ import annotations

import pytest

from ecgbyte.data.audit import audit_splits
from ecgbyte.data.catalogue import RecordEntry
from ecgbyte.data.questions.question import Question


def entry(record_id: str, patient_id: str) -> RecordEntry:
    return RecordEntry(record_id, patient_id, 1, (), (), "")


def question(record_id: str, text: str = "Is it?") -> Question:
    return Question(f"q-{record_id}", "t", "single-verify", "noise", text, ("yes",), (record_id,), (), "generated")


SPLITS = {"train": [entry("a", "1"), entry("b", "1"), entry("c", "2")], "test": [entry("d", "3")]}


def test_counts_of_disjoint_splits() -> None:
    audit = audit_splits(SPLITS, {"train": [question("a"), question("a", "Was it?"), question("c")], "test": []})
    assert not audit.leaking
    audit.raise_if_leaking()
    assert [(c.split, c.patients, c.records, c.questions) for c in audit.counts] == [
        ("train", 2, 3, 3),
        ("test", 1, 1, 0),
    ]
    assert str(audit).splitlines() == [
        "split  patients   records  questions",
        "train         2         3          3",
        "test          1         1          0",
        "shared between splits (1 pairs): 0 patients, 0 records, 0 questions",
    ]


def test_without_questions_none_are_counted() -> None:
    audit = audit_splits(SPLITS)
    assert [count.questions for count in audit.counts] == [None, None]
    assert "-" in str(audit).splitlines()[1]


def test_a_shared_patient_is_found() -> None:
    audit = audit_splits({**SPLITS, "test": [entry("d", "2")]})
    assert audit.leaking
    assert audit.overlaps[0].patients == ("2",)
    assert "LEAK: train and test share 1 patients, 0 records, 0 questions" in str(audit)
    assert "shared between splits" not in str(audit)
    with pytest.raises(ValueError, match=r"train and test share 1 patients \(2\)"):
        audit.raise_if_leaking()


def test_a_shared_record_and_question_are_found() -> None:
    splits = {**SPLITS, "test": [entry("c", "2")]}
    audit = audit_splits(splits, {"train": [question("c"), question("b")], "test": [question("c")]})
    overlap = audit.overlaps[0]
    assert (overlap.records, overlap.questions) == (("c",), ((("c",), "Is it?"),))
    with pytest.raises(ValueError, match=r"1 records \(c\); 1 questions \(c: Is it\?\)"):
        audit.raise_if_leaking()


def test_the_same_text_about_another_record_is_no_leak() -> None:
    assert not audit_splits(SPLITS, {"train": [question("a")], "test": [question("d")]}).leaking


def test_repeats_within_a_split_are_counted() -> None:
    audit = audit_splits({"train": [entry("a", "1"), entry("a", "1")]}, {"train": [question("a"), question("a")]})
    assert (audit.counts[0].repeated_records, audit.counts[0].repeated_questions) == (1, 1)
    assert "repeated: 1 records, 1 questions" in str(audit)


def test_every_pair_of_splits_is_compared() -> None:
    audit = audit_splits({"train": [entry("a", "1")], "validation": [entry("b", "2")], "test": [entry("c", "2")]})
    assert [(o.first, o.second, o.empty) for o in audit.overlaps] == [
        ("train", "validation", True),
        ("train", "test", True),
        ("validation", "test", False),
    ]


def test_missing_patients() -> None:
    with pytest.raises(ValueError, match="patient_id is missing in all 4 records"):
        audit_splits({name: [entry(e.record_id, "None") for e in part] for name, part in SPLITS.items()})
    with pytest.raises(ValueError, match="missing in 1 of 4 records: d"):
        audit_splits({**SPLITS, "test": [entry("d", "nan")]})


def test_bad_arguments() -> None:
    with pytest.raises(ValueError, match="splits: empty"):
        audit_splits({})
    with pytest.raises(ValueError, match="'valid' is no split"):
        audit_splits(SPLITS, {"valid": []})
    with pytest.raises(ValueError, match="question q-d of 'train' is about record 'd'"):
        audit_splits(SPLITS, {"train": [question("d")]})
    with pytest.raises(ValueError, match="record a belongs to patients 1 and 9"):
        audit_splits({**SPLITS, "test": [entry("a", "9")]})
