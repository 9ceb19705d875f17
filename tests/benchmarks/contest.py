"""A contest: the same work by several contestants, timed in rounds that interleave them.

In every round each contestant runs once (short work: several times in a row), in an order that turns by one place from
round to round, so that what else the machine does falls on all of them alike. The first contestant is timed by
pytest-benchmark as well; the others run before and after it in the same round. Outputs are checked outside the timed
part: over several inputs before the first round, and after every round the last output of each contestant.
"""

from __future__ import annotations

import dataclasses
import gc
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from .machine import describe_machine, version_of
from .rows import BenchmarkRow

# What one contestant should last in one round, so that the clock and the call of it do not count.
SECONDS_PER_ROUND = 0.02
# A smoke run only shows that all works.
_SMOKE_ROUNDS, _SMOKE_CHECKED = 3, 5
_MOST_CALLS = 5000


@dataclass(frozen=True, kw_only=True)
class Contestant:
    """One implementation, with its own form of input at hand.

    Attributes
    ----------
    name : str
        As printed.
    call : callable(int) -> output
        Does the work on input number k of the contest and returns its own form of output.
    package : str
        The distribution whose version is told; empty for code of this repository.
    threads : int
        That `call` uses.
    comparable : callable(output) -> array or other
        Makes the output comparable with what `Contest.expected` gives.
    check : callable(int, output), optional
        Takes the place of the comparison, for a contestant whose output differs by its own rule; raises
        AssertionError.
    compared_with : str
        What the output is compared with, in words ("equal to" is put before it); empty takes that of the contest.
        With a `check` of its own, the whole statement.
    note, skipped : str
        As in `BenchmarkRow`.
    """

    name: str
    call: Callable[[int], Any] = lambda _: None
    package: str = ""
    threads: int = 1
    comparable: Callable[[Any], Any] = lambda output: output
    check: Callable[[int, Any], None] | None = None
    compared_with: str = ""
    note: str = ""
    skipped: str = ""


@dataclass(frozen=True, kw_only=True)
class Contest:
    """One piece of work, its input and its contestants.

    Attributes
    ----------
    name, work, corpus, corpus_fingerprint, symbols, merges
        As in `BenchmarkRow`.
    contestants : sequence of Contestant
        The one whose speed is looked at first.
    rounds : int
        How often each of them is timed.
    expected : callable(int) -> output, or str
        What an independent implementation makes of input k; or the name of a contestant whose output of the same
        round is taken (for work too long to be done once more).
    compared_with : str
        That independent implementation, in words.
    inputs : int
        How many different inputs there are; calls go through them in turn.
    checked_inputs : int
        How many of them are checked before the first round; 0 leaves out that warm-up, for long work.
    one_call : bool
        Call once a round, whatever it lasts.
    """

    name: str
    work: str
    corpus: str
    corpus_fingerprint: str
    symbols: int
    contestants: Sequence[Contestant]
    rounds: int
    expected: Callable[[int], Any] | str
    compared_with: str
    merges: int = 0
    inputs: int = 1
    checked_inputs: int = 1
    one_call: bool = False
    note: str = ""


@dataclass
class _Timing:
    """What was timed of one contestant."""

    contestant: Contestant
    calls: int = 1
    seconds: list[float] = field(default_factory=list)
    next_input: int = 0
    last: tuple[int, Any] = (0, None)

    def run_round(self, inputs: int) -> None:
        call, first, calls = self.contestant.call, self.next_input, self.calls
        order = [(first + k) % inputs for k in range(calls)]
        enabled = gc.isenabled()
        gc.disable()
        try:
            start = time.perf_counter()
            for k in order:
                output = call(k)
            stop = time.perf_counter()
        finally:
            if enabled:
                gc.enable()
        self.seconds.append((stop - start) / calls)
        self.next_input = (first + calls) % inputs
        self.last = (order[-1], output)


def hold(benchmark: Any, contest: Contest, scale: str) -> list[BenchmarkRow]:
    """Run a contest by pytest-benchmark's fixture and return a row for each contestant.

    Raises
    ------
    AssertionError
        If an output is not what it is compared with.
    """
    if scale == "smoke":
        fewer = {
            "rounds": min(contest.rounds, _SMOKE_ROUNDS),
            "checked_inputs": min(contest.checked_inputs, _SMOKE_CHECKED),
        }
        contest = dataclasses.replace(contest, **fewer)
    timings = [_Timing(contestant) for contestant in contest.contestants if not contestant.skipped]
    if not timings or timings[0].contestant is not contest.contestants[0]:
        raise ValueError(f"{contest.name}: the first contestant must be able to run")
    for timing in timings:
        _warm_up(contest, timing)
    number = 0
    before: list[_Timing] = []
    after: list[_Timing] = []

    def run_those_before() -> None:
        nonlocal number
        turn = number % len(timings)
        order = timings[turn:] + timings[:turn]
        place = order.index(timings[0])
        before[:], after[:] = order[:place], order[place + 1 :]
        number += 1
        gc.collect()
        for timing in before:
            timing.run_round(contest.inputs)

    def run_those_after() -> None:
        for timing in after:
            timing.run_round(contest.inputs)
        for timing in timings:
            _check(contest, timings, timing)

    benchmark.pedantic(
        timings[0].run_round,
        (contest.inputs,),
        setup=lambda: run_those_before(),
        teardown=lambda _: run_those_after(),
        rounds=contest.rounds,
        iterations=1,
    )
    measured = {id(timing.contestant): timing for timing in timings}
    return [
        _row(contest, contestant, measured.get(id(contestant)), timings[0], scale) for contestant in contest.contestants
    ]


def _warm_up(contest: Contest, timing: _Timing) -> None:
    """Check some outputs, and learn from the time of the last how often to call in a round."""
    seconds = SECONDS_PER_ROUND
    for k in range(min(contest.checked_inputs, contest.inputs)):
        start = time.perf_counter()
        output = timing.contestant.call(k)
        seconds = time.perf_counter() - start
        timing.last = (k, output)
        if not isinstance(contest.expected, str):
            _check(contest, [timing], timing)
    if not contest.one_call and contest.checked_inputs:
        timing.calls = min(_MOST_CALLS, max(1, round(SECONDS_PER_ROUND / max(seconds, 1e-9))))


def _check(contest: Contest, timings: list[_Timing], timing: _Timing) -> None:
    contestant, (k, output) = timing.contestant, timing.last
    if contestant.check is not None:
        contestant.check(k, output)
        return
    if isinstance(contest.expected, str):
        oracle = next(other for other in timings if other.contestant.name == contest.expected)
        expected = oracle.contestant.comparable(oracle.last[1])
    else:
        expected = contest.expected(k)
    found = contestant.comparable(output)
    same = np.array_equal(found, expected) if isinstance(found, np.ndarray) else found == expected
    assert same, f"{contest.name}: {contestant.name} differs from {contest.compared_with} on input {k}"


def _row(contest: Contest, contestant: Contestant, timing: _Timing | None, first: _Timing, scale: str) -> BenchmarkRow:
    row = BenchmarkRow(
        **dataclasses.asdict(describe_machine(scale)),
        contest=contest.name,
        work=contest.work,
        contestant=contestant.name,
        version=version_of(contestant.package or "ecgbyte"),
        threads=contestant.threads,
        corpus=contest.corpus,
        corpus_fingerprint=contest.corpus_fingerprint,
        symbols=contest.symbols,
        merges=contest.merges,
        note="; ".join(part for part in (contest.note, contestant.note) if part),
        skipped=contestant.skipped,
    )
    if timing is None:
        return row
    seconds = np.array(timing.seconds)
    median = float(np.median(seconds))
    ratios = seconds / np.array(first.seconds)
    if contestant.check is not None:
        check = contestant.compared_with
    elif contestant.name == contest.expected:
        check = f"equal to what {first.contestant.name} gives"
    else:
        check = f"equal to {contestant.compared_with or contest.compared_with}"
    return dataclasses.replace(
        row,
        rounds=len(seconds),
        calls=timing.calls,
        seconds=median,
        seconds_min=float(seconds.min()),
        seconds_max=float(seconds.max()),
        seconds_lower=float(np.percentile(seconds, 25)),
        seconds_upper=float(np.percentile(seconds, 75)),
        symbols_per_second=contest.symbols / median,
        ratio=median / float(np.median(first.seconds)),
        ratio_lower=float(np.percentile(ratios, 25)),
        ratio_upper=float(np.percentile(ratios, 75)),
        check=check,
    )
