"""What a plan is expected to take, for ``--dry-run``: operations, time and disk of every step, in words or as JSON."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from typing import Any, NamedTuple

from experiments.plan import Group
from experiments.profiles.expected_cost import EFFICIENCY, operations_per_second

_MINUTE, _HOUR, _DAY = 60.0, 3600.0, 86400.0
_LEFT_OUT = "Preprocessing, generation of questions and small steps are not counted."


class ExpectedStep(NamedTuple):
    """One step: the first run that needs it, whether it is done (then it takes nothing), and what it should take."""

    run: str
    step: str
    done: bool
    operations: float
    seconds: float
    bytes: float


class Forecast(NamedTuple):
    """What the steps of a plan are expected to take.

    Attributes
    ----------
    steps : list of ExpectedStep
        Each once, in the order of the plan.
    operations_per_second : float
        Of one machine, however many processes share it.
    measured : bool
        Whether this machine was measured for that; else it was given.
    """

    steps: list[ExpectedStep]
    operations_per_second: float
    measured: bool


def forecast(groups: Sequence[Group], flops: float | None = None) -> Forecast:
    """What the steps of these groups are expected to take.

    Parameters
    ----------
    groups : sequence of Group
    flops : float, optional
        Operations a second of the machine that is meant, as its maker states them for matrix products; this machine is
        measured for a moment where it is not given.

    Raises
    ------
    ValueError
        If `flops` is not positive.
    """
    if flops is not None and not 0 < flops < float("inf"):
        raise ValueError(f"--flops: got {flops:g}, expected a positive number, such as 300e12")
    rate = operations_per_second() if flops is None else EFFICIENCY * flops
    steps: dict[str, ExpectedStep] = {}
    for group in groups:
        for task in group.tasks:
            operations, size = (0.0, 0.0) if task.step.is_done else (task.operations, task.size)
            expected = ExpectedStep(group.name, task.step.name, task.step.is_done, operations, operations / rate, size)
            steps.setdefault(task.step.fingerprint, expected)
    return Forecast(list(steps.values()), rate, flops is None)


def in_words(found: Forecast) -> str:
    """A line a step, the sum, and how it was reckoned."""
    lines = [f"{'run':<40} {'step':<34} {'':<5} {'GFLOP':>14} {'time':>12} {'MB':>10}"]
    lines += [_line(step.run, step.step, "done" if step.done else "", step) for step in found.steps]
    operations, seconds, size = (
        sum(values)
        for values in zip(*((step.operations, step.seconds, step.bytes) for step in found.steps), strict=True)
    )
    whole = ExpectedStep("", "", False, operations, seconds, size)
    lines.append(_line("in all", f"{len(found.steps)} steps", "", whole))
    reached = "a matrix product reached here just now" if found.measured else "--flops says"
    lines.append(
        f"Expected from the settings, at {found.operations_per_second / 1e9:,.0f} GFLOP/s, {EFFICIENCY:.0%} of what "
        f"{reached}. {_LEFT_OUT}"
    )
    return "\n".join(lines)


def as_json(found: Forecast) -> str:
    """The same for programs: the steps, their sums, and the rate, in operations, seconds and bytes."""
    names = ("operations", "seconds", "bytes")
    sums = {name: _or_none(sum(getattr(step, name) for step in found.steps)) for name in names}
    content = {
        "steps": [{name: _or_none(value) for name, value in step._asdict().items()} for step in found.steps],
        **sums,
        "operations_per_second": found.operations_per_second,
        "measured_here": found.measured,
        "not_counted": _LEFT_OUT,
    }
    return json.dumps(content, indent=1, allow_nan=False)


def _or_none(value: Any) -> Any:
    """JSON has no NaN, which stands for what a model's name does not tell."""
    return None if isinstance(value, float) and math.isnan(value) else value


def duration(seconds: float) -> str:
    """Seconds as a person says them: in minutes, hours or days."""
    if seconds < _HOUR:
        return f"{seconds / _MINUTE:.1f} minutes"
    if seconds < 2 * _DAY:
        return f"{seconds / _HOUR:.1f} hours"
    return f"{seconds / _DAY:,.1f} days"


def _line(run: str, step: str, state: str, expected: ExpectedStep) -> str:
    return (
        f"{run:<40} {step:<34} {state:<5} {expected.operations / 1e9:>14,.0f} {duration(expected.seconds):>12} "
        f"{expected.bytes / 1e6:>10,.1f}"
    )
