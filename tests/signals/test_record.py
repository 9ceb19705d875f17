"""The Record: what it stores, and what it refuses."""

from __future__ import annotations

import copy
import dataclasses
import pickle
from collections.abc import Callable

import numpy as np
import pytest

from ecgbyte.signals.leads import LEADS
from ecgbyte.signals.records import Record


def test_stored_as_read_only_contiguous_float32_copy() -> None:
    source = np.asfortranarray(np.arange(24, dtype=np.float64).reshape(12, 2))
    record = Record(source, 100, LEADS, "a")
    source[0, 0] = 99
    assert record.signal.dtype == np.float32
    assert record.signal.flags.c_contiguous and not record.signal.flags.writeable
    assert record.signal[0, 0] == 0
    assert (record.num_samples, record.duration, record.sampling_rate) == (2, 0.02, 100.0)
    with pytest.raises(ValueError, match="read-only"):
        record.signal[0, 0] = 1
    with pytest.raises(dataclasses.FrozenInstanceError):
        record.record_id = "b"  # type: ignore[misc]


@pytest.mark.parametrize("again", [lambda kept: pickle.loads(pickle.dumps(kept)), copy.copy, copy.deepcopy])
def test_copies_are_equal_and_read_only(again: Callable[[Record], Record]) -> None:
    record = Record(np.arange(6.0).reshape(3, 2), 100, ("aVF", "I", "V1"), "a")
    copied = again(record)
    for item in dataclasses.fields(Record):
        np.testing.assert_array_equal(getattr(copied, item.name), getattr(record, item.name))
    with pytest.raises(ValueError, match="read-only"):
        copied.signal[0, 0] = 1


def test_leads_are_reordered_by_name() -> None:
    record = Record(np.array([[1.0, 1], [2, 2], [3, 3]]), 100, ("AVF", "v1", "I"), "a")
    assert record.lead_names == ("I", "aVF", "V1")
    assert record.signal[:, 0].tolist() == [3, 1, 2]


def test_representation_is_short() -> None:
    assert len(repr(Record(np.zeros((12, 5000)), 500))) < 200


@pytest.mark.parametrize(
    ("signal", "rate", "names", "message"),
    [
        (np.zeros((12, 0)), 100, LEADS, "is empty"),
        (np.zeros(12), 100, LEADS, r"shape \(12,\)"),
        (np.zeros((12, 2, 2)), 100, LEADS, r"shape \(12, 2, 2\)"),
        (np.zeros((1000, 12)), 100, LEADS, "are leads and samples exchanged"),
        (np.zeros((11, 10)), 100, LEADS, "11 rows for 12 lead names"),
        (np.zeros((2, 10)), 100, ("I", "i"), "I given more than once"),
        (np.zeros((2, 10)), 100, ("I", "X"), "'X' is no lead"),
        (np.zeros((12, 10)), 0, LEADS, "sampling_rate: got 0"),
        (np.zeros((12, 10)), -5, LEADS, "sampling_rate: got -5"),
        (np.zeros((12, 10)), np.nan, LEADS, "sampling_rate: got nan"),
        (np.zeros((12, 10)), np.inf, LEADS, "sampling_rate: got inf"),
    ],
)
def test_refused_values(signal: np.ndarray, rate: float, names: tuple[str, ...], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Record(signal, rate, names, "a")


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf, 1e300])
def test_samples_that_are_not_finite_are_located(value: float) -> None:
    signal = np.zeros((12, 10))
    signal[4, 7] = value
    signal[5, 0] = value
    with pytest.raises(ValueError, match=r"record 'a' has .* in lead aVL at sample 7, 2 such samples"):
        Record(signal, 100, LEADS, "a")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"signal": np.zeros((12, 2), dtype=bool)}, "type bool"),
        ({"signal": np.zeros((12, 2), dtype=np.int16)}, r"int16.*become mV by \(samples - baseline\) / gain"),
        ({"signal": np.zeros((12, 2), dtype=complex)}, "type complex128"),
        ({"signal": np.full((12, 2), "x")}, "floating-point numbers"),
        ({"sampling_rate": "100"}, "sampling_rate: expected a number"),
        ({"sampling_rate": True}, "sampling_rate: expected a number"),
        ({"record_id": 7}, "record_id: expected a string"),
        ({"lead_names": "I"}, "single string"),
    ],
)
def test_refused_types(arguments: dict, message: str) -> None:
    fields = {"signal": np.zeros((12, 2)), "sampling_rate": 100, "lead_names": LEADS, "record_id": "a"}
    with pytest.raises(TypeError, match=message):
        Record(**(fields | arguments))


def test_empty_id() -> None:
    with pytest.raises(ValueError, match="record_id: is empty"):
        Record(np.zeros((12, 2)), 100, LEADS, "")
