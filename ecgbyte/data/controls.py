"""What a model is shown instead of the ECG, to learn whether it uses the ECG at all."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from ecgbyte.data.splits import is_missing_id
from ecgbyte.signals.records import Record

INPUTS = ("ecg", "other-patient", "flat-line", "text-only")


def other_patient_records(record_ids: Sequence[str], patients: Mapping[str, str], *, seed: int) -> dict[str, str]:
    """Pair every record with a record of another patient.

    The records are laid out patient by patient, patients and their records in a drawn order, and rotated by the
    largest number of records that one patient has. Each record then stands in for exactly one other, unless one
    patient has more than half of all records: then the others' records are repeated as evenly as possible. The result
    does not depend on the order of `record_ids`.

    Parameters
    ----------
    record_ids : sequence of str
        Records of one split; those that occur twice count once.
    patients : mapping of str to str
        The patient of each record.
    seed : int
        Seed of the draw.

    Returns
    -------
    dict of str to str
        From each record to the one shown in its place, sorted by record.

    Raises
    ------
    ValueError
        If there is no record, a record's patient is missing, or all records are of one patient.
    """
    records_of: dict[str, list[str]] = {}
    for record_id in sorted(set(record_ids)):
        patient = patients.get(record_id)
        if patient is None or is_missing_id(patient):
            raise ValueError(f"patients: no patient is given for record {record_id!r}")
        records_of.setdefault(patient, []).append(record_id)
    if len(records_of) < 2:
        raise ValueError(
            f"record_ids: {sum(map(len, records_of.values()))} record(s) of {len(records_of)} patient(s); the ECG of "
            "another patient needs records of at least 2 patients"
        )
    rng = np.random.default_rng(seed)
    names = sorted(records_of)
    groups = []
    for index in rng.permutation(len(names)):
        own = records_of[names[index]]
        groups.append([own[place] for place in rng.permutation(len(own))])
    # The largest group first: the sort is stable, so the drawn order decides among equals.
    groups.sort(key=len, reverse=True)
    layout = [record_id for group in groups for record_id in group]
    largest = len(groups[0])
    if 2 * largest <= len(layout):
        pairs = {own: layout[(place + largest) % len(layout)] for place, own in enumerate(layout)}
    else:
        big, others = layout[:largest], layout[largest:]
        pairs = {own: others[place % len(others)] for place, own in enumerate(big)}
        pairs |= {own: big[place] for place, own in enumerate(others)}
    return dict(sorted(pairs.items()))


def flat_line(record: Record) -> Record:
    """The same record with every sample at 0 mV.

    Parameters
    ----------
    record : Record
        Any record.

    Returns
    -------
    Record
        Signal float32 [leads, samples] of zeros; rate, leads and id as given.
    """
    return replace(record, signal=np.zeros_like(record.signal))
