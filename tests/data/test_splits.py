"""Splits keep patients together, whatever the records."""

from __future__ import annotations

import pytest

from ecgbyte.data.catalogue import RecordEntry
from ecgbyte.data.splits import check_patient_ids, is_missing_id, split_by_fold


def entry(record_id: str, patient_id: str, fold: int = 1) -> RecordEntry:
    return RecordEntry(record_id, patient_id, fold, (), (), "")


ENTRIES = [entry(f"r{number:02d}", f"p{number // 2}", 1 + (number // 2) % 10) for number in range(40)]


def test_folds_of_ptbxl_are_the_default() -> None:
    splits = split_by_fold(ENTRIES)
    assert list(splits) == ["train", "validation", "test"]
    assert {e.fold for e in splits["train"]} == set(range(1, 9))
    assert {e.fold for e in splits["validation"]} == {9}
    assert {e.fold for e in splits["test"]} == {10}
    assert sorted(e.record_id for part in splits.values() for e in part) == [e.record_id for e in ENTRIES]


def test_folds_that_are_not_named_are_left_out() -> None:
    splits = split_by_fold(ENTRIES, train=(1, 2), validation=(3,), test=(4,))
    assert [len(part) for part in splits.values()] == [8, 4, 4]


def test_a_fold_named_twice_is_an_error() -> None:
    with pytest.raises(ValueError, match="test: fold 9 is in validation already"):
        split_by_fold(ENTRIES, test=(9, 10))


def test_a_patient_in_two_folds_is_an_error() -> None:
    with pytest.raises(ValueError, match="patient p1 has records in folds of both train and test"):
        split_by_fold([entry("a", "p1", 1), entry("b", "p1", 10)])


@pytest.mark.parametrize("missing", ["", " ", "None", "nan", "NaN", "null"])
def test_missing_patients_are_errors(missing: str) -> None:
    assert is_missing_id(missing)
    with pytest.raises(ValueError, match="missing in all 2 records"):
        split_by_fold([entry("a", missing), entry("b", missing)])
    with pytest.raises(ValueError, match="missing in 1 of 2 records: b"):
        split_by_fold([entry("a", "p"), entry("b", missing)])


def test_ids_that_look_alike_are_not_missing() -> None:
    check_patient_ids([entry("a", "0"), entry("b", "Nanette")])
    assert is_missing_id(None)
