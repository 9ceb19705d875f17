"""The committed results of the benchmarks, what pages say of them, and how a contest is held and written."""

from __future__ import annotations

import dataclasses
import math
import re
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.benchmarks.contest import Contest, Contestant, hold
from tests.benchmarks.contests.results import CONTESTS_FILE, LENGTHS_FILE, SLOPES_FILE, Slope, read_slopes, write_slopes
from tests.benchmarks.contests.speed_table import (
    BEGIN,
    CELL_BEGIN,
    END,
    RESULTS,
    SPEED_PAGE,
    pages,
    speed_cell,
    with_block,
)
from tests.benchmarks.contests.targets import TARGETS, reached
from tests.benchmarks.machine import ROOT
from tests.benchmarks.rows import BenchmarkRow, read_rows, write_rows


class Runner:
    """Stands in for pytest-benchmark's fixture, which plain pytest switches off."""

    def pedantic(
        self,
        target: Callable,
        args: tuple,
        setup: Callable[[], None],
        teardown: Callable[..., None],
        rounds: int,
        iterations: int,
    ) -> None:
        assert iterations == 1
        for _ in range(rounds):
            setup()
            target(*args)
            teardown(*args)


def contest(contestants: list[Contestant], **changes: Any) -> Contest:
    settings = {
        "name": "adding",
        "work": "adding one",
        "corpus": "numbers",
        "corpus_fingerprint": "none",
        "symbols": 10,
        "rounds": 4,
        "expected": lambda k: np.array([k + 1]),
        "compared_with": "a sum by hand",
        "inputs": 3,
        "checked_inputs": 3,
        "one_call": True,
    }
    return Contest(contestants=contestants, **{**settings, **changes})


def test_every_contestant_runs_once_a_round_and_the_order_turns() -> None:
    order: list[str] = []

    def named(name: str) -> Contestant:
        def call(k: int) -> np.ndarray:
            order.append(name)
            return np.array([k + 1])

        return Contestant(name=name, call=call)

    rows = hold(Runner(), contest([named("a"), named("b"), named("c")], checked_inputs=0), "default")
    assert "".join(order) == "abc" + "bca" + "cab" + "abc"
    assert [(row.contestant, row.rounds, row.calls, row.symbols) for row in rows] == [
        ("a", 4, 1, 10),
        ("b", 4, 1, 10),
        ("c", 4, 1, 10),
    ]
    assert rows[0].ratio == rows[0].ratio_lower == rows[0].ratio_upper == 1
    assert rows[1].ratio == pytest.approx(rows[1].seconds / rows[0].seconds)
    assert rows[1].symbols_per_second == pytest.approx(10 / rows[1].seconds)
    assert all(r.seconds_min <= r.seconds_lower <= r.seconds <= r.seconds_upper <= r.seconds_max for r in rows)
    assert {row.check for row in rows} == {"equal to a sum by hand"}


def test_short_work_is_called_several_times_on_all_inputs() -> None:
    seen: list[int] = []

    def call(k: int) -> np.ndarray:
        seen.append(k)
        return np.array([k + 1])

    (row,) = hold(Runner(), contest([Contestant(name="a", call=call)], one_call=False, rounds=2), "default")
    assert row.calls > 10 and len(seen) == 3 + 2 * row.calls
    assert seen[3:] == [k % 3 for k in range(2 * row.calls)]


def test_a_smoke_run_is_short() -> None:
    (row,) = hold(Runner(), contest([Contestant(name="a", call=lambda k: np.array([k + 1]))], rounds=9), "smoke")
    assert row.rounds == 3 and row.scale == "smoke"


def test_a_wrong_output_fails_the_contest() -> None:
    right = Contestant(name="right", call=lambda k: np.array([k + 1]))
    wrong = Contestant(name="wrong", call=lambda k: np.array([k + (k < 2)]))
    with pytest.raises(AssertionError, match="adding: wrong differs from a sum by hand on input 2"):
        hold(Runner(), contest([right, wrong]), "default")
    with pytest.raises(AssertionError, match="wrong differs"):
        hold(Runner(), contest([right, wrong], checked_inputs=0, rounds=3), "default")
    with pytest.raises(AssertionError, match="right differs"):
        hold(Runner(), contest([right, wrong], checked_inputs=0, rounds=3, expected="wrong"), "default")


def test_a_missing_peer_has_a_row_with_the_reason() -> None:
    right = Contestant(name="right", call=lambda k: np.array([k + 1]))
    rows = hold(Runner(), contest([right, Contestant(name="peer", skipped="peer is not installed")]), "default")
    assert rows[1].skipped == "peer is not installed" and math.isnan(rows[1].seconds) and rows[1].rounds == 0
    with pytest.raises(ValueError, match="first contestant must be able to run"):
        hold(Runner(), contest([Contestant(name="peer", skipped="gone"), right]), "default")


def test_rows_are_read_as_they_were_written(tmp_path: Path) -> None:
    right = Contestant(name="right, and quoted", call=lambda k: np.array([k + 1]))
    rows = hold(Runner(), contest([right, Contestant(name="peer", skipped='"gone"')]), "default")
    write_rows(tmp_path / "rows.csv", rows)
    read = read_rows(tmp_path / "rows.csv")
    write_rows(tmp_path / "again.csv", read)
    assert (tmp_path / "rows.csv").read_bytes() == (tmp_path / "again.csv").read_bytes()
    assert [row.key for row in read] == [row.key for row in rows]
    assert read[0].seconds == pytest.approx(rows[0].seconds, rel=1e-5) and math.isnan(read[1].ratio)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"skipped": "why"}, "expected one"),
        ({"seconds": math.nan}, "expected one"),
        ({"check": ""}, "does not say what its output was compared with"),
        ({}, "two of contest"),
    ],
)
def test_rows_that_say_too_little_or_too_much_are_refused(tmp_path: Path, changes: dict, message: str) -> None:
    (row,) = hold(Runner(), contest([Contestant(name="a", call=lambda k: np.array([k + 1]))]), "default")
    rows = [row, dataclasses.replace(row, **({"contestant": "b"} if changes else {}), **changes)]
    with pytest.raises(ValueError, match=message):
        write_rows(tmp_path / "rows.csv", rows)
    assert not list(tmp_path.iterdir())


def test_columns_of_another_version_are_refused(tmp_path: Path) -> None:
    (tmp_path / "rows.csv").write_text("contest,work\na,b\n", encoding="utf-8")
    with pytest.raises(ValueError, match="expected"):
        read_rows(tmp_path / "rows.csv")
    with pytest.raises(ValueError, match="expected"):
        read_slopes(tmp_path / "rows.csv")


def test_slopes_are_read_as_they_were_written(tmp_path: Path) -> None:
    slopes = [Slope("longest", "real", 1.015, 1.1, 10_000, 10_000_000, 7)]
    write_slopes(tmp_path / "slopes.csv", slopes)
    assert read_slopes(tmp_path / "slopes.csv") == slopes


def test_the_fastest_peer_counts_for_a_target() -> None:
    (row,) = hold(Runner(), contest([Contestant(name="ecgbyte", call=lambda k: np.array([k + 1]))]), "default")
    row = dataclasses.replace(row, contest="training-real", seconds=1.0)
    rows = [row] + [
        dataclasses.replace(row, contestant=name, seconds=seconds, skipped=skipped)
        for name, seconds, skipped in [
            ("rustbpe", 9.0, ""),
            ("gigabpe", 7.0, ""),
            ("HF tokenizers", 2.0, ""),
            ("youtokentome", math.nan, "not installed"),
        ]
    ]
    (entry,) = reached(rows)
    assert entry.first is row and entry.fastest.contestant == "gigabpe" and entry.target is TARGETS[0]
    assert reached(rows[:1]) == []


def committed() -> list[BenchmarkRow]:
    return [row for name in (CONTESTS_FILE, LENGTHS_FILE) for row in read_rows(RESULTS / name)]


def test_committed_results_are_of_one_run_that_means_something() -> None:
    rows = committed()
    assert len({(row.commit, row.date, row.cpu, row.scale) for row in rows}) == 1
    assert rows[0].scale in ("default", "full")
    for row in rows:
        assert row.corpus and row.work and row.compiler and row.flags and row.python
        if not row.skipped:
            assert row.symbols > 0 and row.rounds >= 2 and row.seconds_min <= row.seconds <= row.seconds_max
            assert row.version
    assert {target.contest for target in TARGETS} - {row.contest for row in rows} <= {"training-real-large"}
    slopes = read_slopes(RESULTS / SLOPES_FILE)
    assert len({(slope.kernel, slope.input) for slope in slopes}) == len(slopes) == 16
    assert all(math.isfinite(slope.slope) and slope.longest == 10_000_000 for slope in slopes)


def test_pages_say_what_the_committed_results_give() -> None:
    for path, text in pages().items():
        assert path.read_text(encoding="utf-8") == text, "run `python -m tests.benchmarks.contests.speed_table`"
    images = re.findall(r"!\[[^]]*\]\(([^)]+)\)", SPEED_PAGE.read_text(encoding="utf-8"))
    assert len(images) >= 2 and all((SPEED_PAGE.parent / image).is_file() for image in images)


def test_the_readme_names_the_ratios_of_the_published_algorithm(tmp_path: Path) -> None:
    (row,) = hold(Runner(), contest([Contestant(name="ecgbyte", call=lambda k: np.array([k + 1]))]), "default")
    ratios = {"whole-record": 126.805, "preprocessing": 13.766, "training-published": 1246.64}
    rows = [dataclasses.replace(row, contest=name) for name in ratios]
    write_rows(tmp_path / CONTESTS_FILE, rows)
    with pytest.raises(ValueError, match="contest whole-record for the published algorithm"):
        speed_cell(tmp_path)
    rows += [
        dataclasses.replace(row, contest=name, contestant="published algorithm (port)", ratio=ratio)
        for name, ratio in ratios.items()
    ]
    write_rows(tmp_path / CONTESTS_FILE, rows)
    expected = "from millivolts to tokens 127 times, filters 13.8 times, training 1,250 times as fast"
    assert speed_cell(tmp_path) == f"{CELL_BEGIN}{expected}{END}"


@pytest.mark.parametrize("begin", [BEGIN, CELL_BEGIN])
@pytest.mark.parametrize("page", ["", "{0}", "{1}{0}", "{0}{0}{1}", "{0}{1}{1}"])
def test_a_page_without_its_two_markers_is_refused(page: str, begin: str) -> None:
    with pytest.raises(ValueError, match="page: expected"):
        with_block(page.format(begin, END), f"{begin}{END}")


def test_peers_are_pinned() -> None:
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["optional-dependencies"]
    pinned = {name.split("==")[0] for name in extras["bench"] if "==" in name}
    assert pinned == {"rustbpe", "gigabpe", "sentencepiece", "tokenizers", "tiktoken"}
