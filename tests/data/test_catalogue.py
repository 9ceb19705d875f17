"""Entries of a data set: equal by content, unchangeable, with a report that may come late."""

from __future__ import annotations

import pytest

from ecgbyte.data.catalogue import Finding, RecordEntry

FINDINGS = (Finding("rhythm", "sinus rhythm"),)


def test_a_late_report_is_read_when_it_is_asked_for_and_counts_as_content() -> None:
    asked: list[int] = []

    def report() -> str:
        asked.append(1)
        return "sinus rhythm"

    late, known = (RecordEntry("r", "p", 1, FINDINGS, ("rhythm",), text) for text in (report, "sinus rhythm"))
    assert (late.record_id, late.patient_id, late.fold, late.findings, late.assessed) == (
        ("r", "p", 1, FINDINGS, ("rhythm",))
    )
    assert hash(late) == hash(known) and not asked
    assert late.report == "sinus rhythm" and asked
    assert late == known and repr(late) == repr(known)
    assert late != RecordEntry("r", "p", 1, FINDINGS, ("rhythm",), "other")
    assert late != RecordEntry("r", "p", 2, FINDINGS, ("rhythm",), report)
    assert late != "r"


def test_the_representation_is_as_fingerprints_know_it() -> None:
    assert repr(RecordEntry("r", "p", 1, FINDINGS, (), "text")) == (
        "RecordEntry(record_id='r', patient_id='p', fold=1, findings=(Finding(finding_type='rhythm', "
        "name='sinus rhythm', leads=(), certain=True),), assessed=(), report='text')"
    )


@pytest.mark.parametrize("name", ["record_id", "patient_id", "fold", "findings", "assessed", "report", "other"])
def test_an_entry_cannot_be_changed(name: str) -> None:
    with pytest.raises(AttributeError):
        setattr(RecordEntry("r", "p", 1, (), (), ""), name, "x")
