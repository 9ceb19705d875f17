"""Moved and scaled segments: within their limits, the same for the same key, and real pieces of the record."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ecgbyte.training.augmentation import SegmentAugmentation

RECORD = np.random.default_rng(0).normal(size=(3, 50))


@given(st.integers(0, 40), st.integers(0, 20), st.floats(1.0, 1.5), st.text(max_size=5), st.integers(0, 5))
@settings(deadline=None, max_examples=100)
def test_a_segment_is_a_piece_of_its_record_times_a_gain(
    start: int, shift: int, gain: float, key: str, seed: int
) -> None:
    augmentation = SegmentAugmentation(largest_shift=shift, largest_gain=gain, seed=seed)
    found = augmentation.segment(RECORD, start, 10, key=key)
    assert found.shape == (3, 10) and found.dtype == np.float32
    places = range(max(0, start - shift), min(40, start + shift) + 1)
    scales = [float(found[0, 0] / RECORD[0, place]) for place in places]
    assert any(
        np.allclose(found, RECORD[:, place : place + 10] * scale, rtol=1e-5) and 1 / gain - 1e-5 <= scale <= gain + 1e-5
        for place, scale in zip(places, scales, strict=True)
    )
    np.testing.assert_array_equal(found, augmentation.segment(RECORD, start, 10, key=key))


def test_keys_and_seeds_draw_for_themselves_and_without_limits_nothing_changes() -> None:
    augmentation = SegmentAugmentation(largest_shift=8, largest_gain=1.2)
    drawn = {augmentation.segment(RECORD, 20, 10, key=str(key)).tobytes() for key in range(20)}
    assert len(drawn) == 20
    other = SegmentAugmentation(largest_shift=8, largest_gain=1.2, seed=1)
    assert other.segment(RECORD, 20, 10, key="0").tobytes() not in drawn
    assert augmentation.changes and not SegmentAugmentation().changes
    np.testing.assert_array_equal(
        SegmentAugmentation().segment(RECORD, 20, 10, key="0"), RECORD[:, 20:30].astype(np.float32)
    )


def test_bad_arguments_are_refused() -> None:
    with pytest.raises(ValueError, match="largest_shift: expected a whole number of samples, got -1"):
        SegmentAugmentation(largest_shift=-1)
    with pytest.raises(ValueError, match=r"largest_gain: expected a number of 1 at least, got 0\.5"):
        SegmentAugmentation(largest_gain=0.5)
    with pytest.raises(ValueError, match=r"start, samples: .* got 41 and 10 of \[3, 50\]"):
        SegmentAugmentation().segment(RECORD, 41, 10, key="")
