"""A short form of ``python -m tests.faults``, and checks that fail where something is wrong."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.faults import allocations, kills
from tests.faults.killing import check_whole
from tests.faults.moments import in_child


@pytest.mark.skipif(bool(allocations.missing()), reason=allocations.missing() or "nothing is missing")
def test_memory_that_runs_out_in_the_kernels_is_told_and_given_back() -> None:
    totals = allocations.run_out(4)
    for kind in ("training", "longest, batch", "merge order, flat", "dropout", "signals, merge order"):
        assert totals[kind][0] > 0, f"{kind}: memory never ran out"
    assert sum(times - right for times, right in totals.values()) > 60


@pytest.mark.skipif(bool(kills.missing()), reason=kills.missing() or "nothing is missing")
@pytest.mark.parametrize("job", kills.COMMANDS)
def test_killed_jobs_leave_the_old_or_the_new_and_end_with_the_same_bytes(job: str) -> None:
    totals = kills.kill_command(job, 3, 5)
    assert sum(totals.values()) == 3 and totals["ended before"] < 3, totals


def test_what_is_half_written_is_seen() -> None:
    old, new = {"a": b"old"}, {"a": b"new", "b": b"beside"}
    check_whole({"a": b"old", "partial": b"any"}, old, new)
    check_whole({"a": b"new", "b": b"beside"}, old, new)
    for found in ({"a": b"ne"}, {"a": b"old", "b": b""}):
        with pytest.raises(AssertionError, match="neither the old nor the new"):
            check_whole(found, old, new)
    with pytest.raises(AssertionError, match="is lost"):
        check_whole({}, old, new)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_a_process_is_killed_before_a_change_of_a_file(tmp_path: Path) -> None:
    def write() -> None:
        for name in "abc":
            (tmp_path / name).write_text(name)

    assert not in_child(write, calls=2)
    assert {path.name for path in tmp_path.iterdir()} == {"a", "b"}
    assert in_child(write, calls=9)
    assert {path.name for path in tmp_path.iterdir()} == {"a", "b", "c"}
