"""The filter line says what was applied at the record's own rate, and no more."""

from __future__ import annotations

from ecgbyte import Preprocessor
from ecgbyte.viz import filter_line
from ecgbyte.viz.printout import unknown_filter_line


def test_all_steps_at_500_hz():
    assert filter_line(Preprocessor(target_rate=250), 500, 5000) == (
        "notch 50, 60 Hz  ·  0.5-100 Hz  ·  high-pass 0.05 Hz  ·  wavelet db6, level 4  ·  500 Hz, resampled to 250 Hz"
    )


def test_what_does_not_fit_below_half_the_rate_is_not_named():
    line = filter_line(Preprocessor(target_rate=None), 100)
    assert line == "high-pass 0.5 Hz  ·  high-pass 0.05 Hz  ·  wavelet db6, level 2  ·  100 Hz"


def test_published_faults_are_named():
    assert "filters as published" in filter_line(Preprocessor(target_rate=250, as_published=True), 500)


def test_nothing_is_claimed_where_nothing_is_known():
    assert filter_line(None, 360) == "no filter  ·  360 Hz"
    assert unknown_filter_line(None, 250) == "filters not known  ·  250 Hz"
    assert "prepared by the caller" in unknown_filter_line({"notch": [50.0]}, 250)
