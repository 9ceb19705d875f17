"""Training, validation and test: by the data set's folds, or by drawing patients."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence

from ecgbyte.data.catalogue import RecordEntry

SPLITS = ("train", "validation", "test")
# What a missing identifier looks like once something has turned it into text.
_MISSING_IDS = frozenset({"", "none", "nan", "null", "na", "n/a", "<na>"})


def is_missing_id(identifier: str | None) -> bool:
    """Whether a patient's id is missing: None, or text such as ``""``, ``"None"`` or ``"nan"``."""
    return identifier is None or str(identifier).strip().lower() in _MISSING_IDS


def check_patient_ids(entries: Iterable[RecordEntry]) -> None:
    """Check that every record names its patient.

    Raises
    ------
    ValueError
        If ids are missing; the message says whether all are, or lists the first records without one.
    """
    entries = list(entries)
    missing = [entry.record_id for entry in entries if is_missing_id(entry.patient_id)]
    if missing and len(missing) == len(entries):
        raise ValueError(
            f"patient_id is missing in all {len(entries)} records, so no split can be shown to separate patients; "
            "check how the ids are read"
        )
    if missing:
        shown = ", ".join(missing[:10]) + (", ..." if len(missing) > 10 else "")
        raise ValueError(f"patient_id is missing in {len(missing)} of {len(entries)} records: {shown}")


def split_by_fold(
    entries: Sequence[RecordEntry],
    *,
    train: Collection[int] = range(1, 9),
    validation: Collection[int] = (9,),
    test: Collection[int] = (10,),
) -> dict[str, tuple[RecordEntry, ...]]:
    """Split records by the folds that the data set assigns (PTB-XL: 1-8, 9 and 10).

    Parameters
    ----------
    entries : sequence of RecordEntry
        The records; their order is kept.
    train, validation, test : collection of int
        The folds of each split. Records in other folds are left out.

    Returns
    -------
    dict of str to tuple of RecordEntry
        ``"train"``, ``"validation"`` and ``"test"``.

    Raises
    ------
    ValueError
        If a fold is named twice, a patient's id is missing, or a patient's records lie in two splits.
    """
    check_patient_ids(entries)
    folds = {"train": tuple(train), "validation": tuple(validation), "test": tuple(test)}
    split_of_fold: dict[int, str] = {}
    for name, numbers in folds.items():
        for number in numbers:
            if number in split_of_fold:
                raise ValueError(f"{name}: fold {number} is in {split_of_fold[number]} already")
            split_of_fold[number] = name
    split_of_patient: dict[str, str] = {}
    for entry in entries:
        own = split_of_fold.get(entry.fold)
        if own is None:
            continue
        earlier = split_of_patient.setdefault(entry.patient_id, own)
        if earlier != own:
            raise ValueError(
                f"entries: patient {entry.patient_id} has records in folds of both {earlier} and {own} "
                f"(record {entry.record_id}, fold {entry.fold})"
            )
    return {name: tuple(e for e in entries if split_of_fold.get(e.fold) == name) for name in SPLITS}
