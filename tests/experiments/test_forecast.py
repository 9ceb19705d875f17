"""What a plan is expected to take: sums, units, another machine, and JSON."""

from __future__ import annotations

import json
import math
from pathlib import Path

import pytest

from experiments.__main__ import main
from experiments.forecast import as_json, duration, forecast, in_words
from experiments.plan import Group
from experiments.profiles.expected_cost import EFFICIENCY
from experiments.steps.work_folder import Step, Task


def task(name: str, operations: float, size: float = 0.0) -> Task:
    """One that is not done."""
    return Task(Step(name, Path("nowhere") / name, name, "code"), lambda folder: {}, operations, size)


def test_a_step_that_two_runs_need_counts_once() -> None:
    shared = task("segments", 10e9, 2e6)
    found = forecast([Group("a:0", (shared, task("train-a", 50e9))), Group("b:0", (shared,))], flops=1e9)
    assert [(step.run, step.step) for step in found.steps] == [("a:0", "segments"), ("a:0", "train-a")]
    content = json.loads(as_json(found))
    assert content["operations"] == 60e9 and content["bytes"] == 2e6
    assert content["seconds"] == pytest.approx(60 / EFFICIENCY)
    assert content["measured_here"] is False
    assert "what --flops says" in in_words(found)


def test_a_faster_machine_takes_less_time() -> None:
    groups = [Group("a:0", (task("train-a", 5e15),))]
    slow, fast = (forecast(groups, flops).steps[0].seconds for flops in (1e12, 300e12))
    assert slow == pytest.approx(300 * fast)


def test_what_a_models_name_does_not_tell_is_null() -> None:
    content = json.loads(as_json(forecast([Group("a:0", (task("train-a", math.nan),))], flops=1e9)))
    assert content["operations"] is None and content["steps"][0]["seconds"] is None


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(90, "1.5 minutes"), (3 * 3600, "3.0 hours"), (47 * 3600, "47.0 hours"), (86400 * 1200, "1,200.0 days")],
)
def test_durations_are_said_as_people_say_them(seconds: float, said: str) -> None:
    assert duration(seconds) == said


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--dry-run", "--flops", "-1"], "--flops: got -1, expected a positive number"),
        (["--json"], "--json, --flops: say how --dry-run shows"),
    ],
)
def test_what_does_nothing_is_refused(
    arguments: list[str], message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["--profile", "smoke", "--work", str(tmp_path), *arguments]) == 2
    assert message in capsys.readouterr().err
