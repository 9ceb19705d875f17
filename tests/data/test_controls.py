"""The controls: another patient's ECG, and a flat line."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ecgbyte.data.controls import INPUTS, flat_line, other_patient_records
from ecgbyte.signals.leads import LEADS
from ecgbyte.signals.records import Record


@given(patients=st.lists(st.integers(0, 8), min_size=2, max_size=60), seed=st.integers(0, 1000))
def test_every_record_gets_one_of_another_patient(patients: list[int], seed: int) -> None:
    if len(set(patients)) < 2:
        return
    patient_of = {f"r{number}": f"p{patient}" for number, patient in enumerate(patients)}
    pairs = other_patient_records(list(patient_of), patient_of, seed=seed)
    assert sorted(pairs) == sorted(patient_of)
    assert all(patient_of[own] != patient_of[other] for own, other in pairs.items())
    uses = Counter(pairs.values())
    largest = max(Counter(patients).values())
    if 2 * largest <= len(patients):
        assert set(uses.values()) == {1}
    else:
        assert max(uses.values()) <= -(-largest // (len(patients) - largest))
    assert pairs == other_patient_records(list(patient_of)[::-1], patient_of, seed=seed)


def test_another_seed_gives_other_pairs() -> None:
    patient_of = {f"r{number}": f"p{number}" for number in range(50)}
    assert other_patient_records(list(patient_of), patient_of, seed=0) != other_patient_records(
        list(patient_of), patient_of, seed=1
    )


def test_only_the_records_named_take_part() -> None:
    patient_of = {"a": "1", "b": "2", "c": "3"}
    assert other_patient_records(["a", "b", "a"], patient_of, seed=0) == {"a": "b", "b": "a"}


@pytest.mark.parametrize(
    ("record_ids", "patients", "message"),
    [
        ([], {}, r"0 record\(s\) of 0 patient"),
        (["a", "b"], {"a": "1", "b": "1"}, r"2 record\(s\) of 1 patient"),
        (["a", "b"], {"a": "1"}, "no patient is given for record 'b'"),
        (["a", "b"], {"a": "1", "b": "nan"}, "no patient is given for record 'b'"),
    ],
)
def test_bad_arguments(record_ids: list[str], patients: dict[str, str], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        other_patient_records(record_ids, patients, seed=0)


def test_flat_line_keeps_all_but_the_signal() -> None:
    record = Record(np.ones((12, 20), dtype=np.float32), 100.0, LEADS, "00001")
    flat = flat_line(record)
    assert flat.signal.shape == (12, 20)
    assert flat.signal.dtype == np.float32
    assert not flat.signal.any()
    assert (flat.sampling_rate, flat.lead_names, flat.record_id) == (100.0, LEADS, "00001")
    assert record.signal.all()


def test_inputs() -> None:
    assert INPUTS == ("ecg", "other-patient", "flat-line", "text-only")
