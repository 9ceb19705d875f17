"""The contest of preparing runs and checks its own output, on a few real records."""

from __future__ import annotations

import csv

import pytest

from tests.benchmarks import preparing


@pytest.mark.real_data
def test_every_contestant_prepares(real_data, monkeypatch, capsys):
    monkeypatch.setattr("sys.argv", ["preparing", str(real_data / "ptb-xl"), "--records", "8", "--rounds", "1"])
    preparing.main()
    rows = list(csv.DictReader(capsys.readouterr().out.strip().splitlines()))
    assert [row["contestant"] for row in rows] == list(preparing.CONTESTANTS)
    assert all(float(row["cpu_seconds"]) > 0 and int(row["bytes_per_record"]) > 10_000 for row in rows)
    assert "none rejected" in rows[0]["check"]


def test_the_committed_result_names_all_contestants():
    with preparing.RESULTS.open(newline="", encoding="utf-8") as stream:
        rows = {row["contestant"]: row for row in csv.DictReader(stream)}
    assert list(rows) == list(preparing.CONTESTANTS)
    base = float(rows["ecgbyte prepare"]["cpu_seconds"])
    for row in rows.values():
        assert float(row["cpu_ratio"]) == pytest.approx(float(row["cpu_seconds"]) / base, abs=0.01)
