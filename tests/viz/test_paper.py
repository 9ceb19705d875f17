"""Where leads lie on the paper: rows never touch, time runs as on a printout, and absent leads leave a gap."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ecgbyte.signals.leads import LEADS
from ecgbyte.viz.paper import LAYOUTS, LEFT_MM, lay_out
from tests.viz.shown_records import beating_record


@settings(max_examples=60, deadline=None)
@given(
    seed=st.integers(0, 2**32 - 1),
    layout=st.sampled_from(LAYOUTS),
    seconds=st.floats(0.05, 14),
    rate=st.sampled_from([50.0, 100.0, 250.0, 333.3]),
    leads=st.integers(1, 12),
)
def test_rows_hold_their_traces_and_do_not_touch(seed, layout, seconds, rate, leads):
    rng = np.random.default_rng(seed)
    samples = max(1, round(seconds * rate))
    signal = rng.normal(0, rng.choice([0.01, 1, 8]), (leads, samples)).astype(np.float32)
    names = [LEADS[k] for k in sorted(rng.choice(12, leads, replace=False))]
    paper = lay_out(signal, rate, names, layout, int(rng.integers(samples)))
    assert paper.rows
    for row in paper.rows:
        assert row.zero % 5 == 0
        for panel in row.panels:
            trace = row.zero - 10 * signal[panel.lead, panel.start : panel.stop].astype(float)
            assert row.top + 1 < trace.min()
            assert trace.max() < row.bottom - 1
            assert row.top <= row.zero - panel.label - 3.5
            assert panel.left + (panel.stop - panel.start) / rate * 25 <= paper.width - 5 + 1e-6
    for upper, lower in itertools.pairwise(paper.rows):
        assert upper.bottom <= lower.top
    assert paper.rows[0].top >= 0
    assert paper.rows[-1].bottom < paper.height


def test_three_by_four_shows_consecutive_quarters_and_lead_two_in_full():
    record = beating_record(0)
    paper = lay_out(record.signal, 100, record.lead_names, "3x4")
    assert paper.width == 15 + 250 + 5
    names = [[record.lead_names[panel.lead] for panel in row.panels] for row in paper.rows]
    assert names == [["I", "aVR", "V1", "V4"], ["II", "aVL", "V2", "V5"], ["III", "aVF", "V3", "V6"], ["II"]]
    for row in paper.rows[:3]:
        assert [(panel.start, panel.stop) for panel in row.panels] == [(0, 250), (250, 500), (500, 750), (750, 1000)]
        assert [panel.left for panel in row.panels] == [15, 77.5, 140, 202.5]
    (strip,) = paper.rows[3].panels
    assert (strip.start, strip.stop, strip.left, strip.rhythm) == (0, 1000, LEFT_MM, True)


def test_six_by_two_is_half_as_wide():
    record = beating_record(0)
    paper = lay_out(record.signal, 100, record.lead_names, "6x2")
    assert paper.width == 15 + 125 + 5
    assert [(p.start, p.stop) for p in paper.rows[5].panels] == [(0, 250), (250, 500)]
    assert [[(p.start, p.stop) for p in row.panels] for row in paper.rows[6:]] == [[(0, 500)], [(500, 1000)]]


def test_a_long_record_is_shown_window_by_window():
    record = beating_record(0, seconds=23)
    paper = lay_out(record.signal, 100, record.lead_names, "12x1", 2000)
    assert {(panel.start, panel.stop) for row in paper.rows for panel in row.panels} == {(2000, 2300)}
    assert len(paper.rows) == 12


def test_absent_leads_leave_a_gap():
    record = beating_record(0, lead_names=("I", "V1", "V4"))
    paper = lay_out(record.signal, 100, record.lead_names, "3x4")
    assert [[panel.left for panel in row.panels] for row in paper.rows] == [[15, 140, 202.5], [15]]
    assert paper.rows[1].panels[0].lead == 0  # without lead II, the first lead is the rhythm strip


def test_errors():
    signal = np.zeros((2, 100), dtype=np.float32)
    with pytest.raises(ValueError, match="layout: got '4x3'"):
        lay_out(signal, 100, ["I", "II"], "4x3")
    with pytest.raises(ValueError, match="first: got 100, expected a sample, 0 to 99"):
        lay_out(signal, 100, ["I", "II"], "3x4", 100)
    signal[1, 7] = -101
    with pytest.raises(ValueError, match="-101 mV in lead II at sample 7"):
        lay_out(signal, 100, ["I", "II"], "3x4")
