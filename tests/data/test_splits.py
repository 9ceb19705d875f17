"""Splits keep patients together, whatever the records."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ecgbyte.data.catalogue import RecordEntry
from ecgbyte.data.splits import check_patient_ids, is_missing_id, split_by_fold, split_by_patient


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


@given(
    patients=st.lists(st.integers(0, 30), min_size=1, max_size=120),
    seed=st.integers(0, 2**31),
    order=st.randoms(use_true_random=False),
)
def test_split_by_patient_separates_patients(patients: list[int], seed: int, order: object) -> None:
    entries = [entry(f"r{number}", f"p{patient}") for number, patient in enumerate(patients)]
    fractions = {"train": 0.5, "validation": 0.25, "test": 0.25}
    if len(set(patients)) < 8:
        return
    splits = split_by_patient(entries, fractions, seed=seed)
    groups = [{e.patient_id for e in part} for part in splits.values()]
    assert not (groups[0] & groups[1] or groups[0] & groups[2] or groups[1] & groups[2])
    assert sorted(e.record_id for part in splits.values() for e in part) == sorted(e.record_id for e in entries)
    assert abs(len(groups[0]) - len(set(patients)) / 2) <= 1
    shuffled = list(entries)
    order.shuffle(shuffled)  # type: ignore[attr-defined]
    again = split_by_patient(shuffled, fractions, seed=seed)
    assert {name: {e.record_id for e in part} for name, part in again.items()} == {
        name: {e.record_id for e in part} for name, part in splits.items()
    }


def test_another_seed_draws_other_patients() -> None:
    draws = {
        tuple(e.record_id for e in split_by_patient(ENTRIES, {"train": 0.5}, seed=seed)["train"]) for seed in range(5)
    }
    assert len(draws) == 5


@pytest.mark.parametrize(
    ("fractions", "message"),
    [
        ({}, "fractions: empty"),
        ({"train": 0.0}, "'train' is 0.0"),
        ({"train": float("nan")}, "'train' is nan"),
        ({"train": 0.8, "test": 0.4}, "add up to 1.2"),
        ({"train": 0.99, "test": 0.01}, "20 patients are too few for a share of 0.01 in 'test'"),
    ],
)
def test_bad_fractions(fractions: dict[str, float], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        split_by_patient(ENTRIES, fractions, seed=0)


@pytest.mark.parametrize("missing", ["", " ", "None", "nan", "NaN", "null"])
def test_missing_patients_are_errors(missing: str) -> None:
    assert is_missing_id(missing)
    with pytest.raises(ValueError, match="missing in all 2 records"):
        split_by_fold([entry("a", missing), entry("b", missing)])
    with pytest.raises(ValueError, match="missing in 1 of 2 records: b"):
        split_by_patient([entry("a", "p"), entry("b", missing)], {"train": 1.0}, seed=0)


def test_ids_that_look_alike_are_not_missing() -> None:
    check_patient_ids([entry("a", "0"), entry("b", "Nanette")])
    assert is_missing_id(None)
