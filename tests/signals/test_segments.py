"""Cutting records into segments."""

from __future__ import annotations

import numpy as np
import pytest

from ecgbyte.signals.records import Record
from ecgbyte.signals.segments import cut_segments, leftover_samples, samples_per_segment


def test_segments_by_hand() -> None:
    signal = np.arange(12 * 11, dtype=np.float32).reshape(12, 11)
    segments = cut_segments(Record(signal, 2, record_id="a"), 2)
    assert [segment.record_id for segment in segments] == ["a#0", "a#1"]
    np.testing.assert_array_equal(segments[0].signal, signal[:, :4])
    np.testing.assert_array_equal(segments[1].signal, signal[:, 4:8])
    assert segments[1].sampling_rate == 2 and segments[1].signal.flags.c_contiguous
    assert leftover_samples(Record(signal, 2), 2) == 3


@pytest.mark.parametrize("samples", [500, 501, 999, 1000, 2499])
def test_segments_and_leftover_make_up_the_record(samples: int) -> None:
    record = Record(np.random.default_rng(samples).normal(size=(12, samples)), 250)
    segments = cut_segments(record, 2)
    joined = np.concatenate([segment.signal for segment in segments], axis=1)
    assert all(segment.num_samples == 500 for segment in segments)
    assert joined.shape[1] + leftover_samples(record, 2) == samples
    np.testing.assert_array_equal(joined, record.signal[:, : joined.shape[1]])


def test_rates_and_lengths() -> None:
    assert samples_per_segment(257, 2) == 514
    assert samples_per_segment(250, 0.1) == 25
    assert samples_per_segment(1000 / 3, 3) == 1000
    with pytest.raises(ValueError, match=r"0\.5 s at 257 Hz are 128\.5 samples, expected a whole number"):
        samples_per_segment(257, 0.5)


def test_record_shorter_than_a_segment() -> None:
    with pytest.raises(ValueError, match=r"'a' has 499 samples \(1\.996 s\), less than one segment of 500 \(2 s\)"):
        cut_segments(Record(np.zeros((12, 499)), 250, record_id="a"), 2)


@pytest.mark.parametrize("seconds", [0, -1, np.nan, np.inf, 1e-9])
def test_seconds_out_of_range(seconds: float) -> None:
    with pytest.raises(ValueError, match="seconds"):
        samples_per_segment(250, seconds)


@pytest.mark.parametrize("seconds", ["2", None, True])
def test_seconds_of_another_type(seconds: object) -> None:
    with pytest.raises(TypeError, match="seconds: expected a number"):
        samples_per_segment(250, seconds)  # type: ignore[arg-type]
