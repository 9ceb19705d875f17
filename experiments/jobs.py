"""The runs of a plan in several processes, each with one thread: faster than one process with several, and steadier.

Threads that wait for each other spin, and on a busy machine that takes most of the time; processes do not wait for each
other. A run's steps are those of a single process, and processes that need the same step wait for it
(`experiments.steps.work_folder.WorkFolder.run`), so the results do not depend on the number of processes.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import signal
import sys
import threading
from collections import deque
from collections.abc import Sequence
from multiprocessing.connection import Connection, wait
from typing import Any

from ecgbyte.checks import whole_number
from experiments.options import parser, read_chosen
from experiments.plan import Group, Plan, execute
from experiments.run import open_study
from experiments.steps.work_folder import Failure, WorkFolder

_LONGEST_GOODBYE = 30  # seconds that a process has to end after an interrupt


def num_jobs(asked: int | None) -> int:
    """How many processes: what was asked for, else one for each core, or one alone where they would share a GPU.

    Raises
    ------
    ValueError
        If fewer than one were asked for.
    """
    if asked is not None:
        return whole_number("--jobs", asked, minimum=1)
    import torch

    if torch.cuda.is_available():
        return 1
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def execute_in_processes(
    groups: Sequence[Group], work: WorkFolder, arguments: Sequence[str], jobs: int
) -> list[Failure]:
    """Do all tasks that are not done, as `experiments.plan.execute` does, several runs at a time.

    Tasks that are timed are done last, one after the other.

    Parameters
    ----------
    groups : sequence of Group
        In their order; the first is done alone where it is the data that the others need.
    work : WorkFolder
    arguments : sequence of str
        Of the command line: from them each process makes the same plan.
    jobs : int
        Processes at a time, at least 1.

    Returns
    -------
    list of Failure
        In the order of the groups; a process that was killed is one.
    """
    first = [group for group in groups if group.name == "data"]
    failures = execute(first, work)
    left = deque(group.name for group in groups if group.name != "data")
    open_runs = [
        group
        for group in groups
        if group.name in left and any(not task.step.is_done and not task.alone for task in group.tasks)
    ]
    jobs = min(jobs, len(open_runs))
    if jobs <= 1:
        return failures + execute([group for group in groups if group.name != "data"], work)
    order = list(left)
    found: dict[str, list[Failure]] = {}
    workers = [_Worker(arguments) for _ in range(jobs)]
    try:
        busy: dict[Any, tuple[_Worker, str]] = {}  # by connection
        while left or busy:
            while workers and left:
                worker = workers.pop()
                busy[worker.connection] = (worker, left.popleft())
                worker.give(busy[worker.connection][1])
            for connection in wait(list(busy)):
                worker, name = busy.pop(connection)
                found[name], alive = worker.result(name)
                workers.append(worker if alive else _Worker(arguments))
                print(f"--- {len(found)} of {len(order)} runs ended", file=sys.stderr, flush=True)
    finally:
        for worker in [*workers, *(worker for worker, _ in busy.values())]:
            worker.end()
    failures += [failure for name in order for failure in found[name]]
    failed = {failure.run for failure in failures}
    timed = [group for group in groups if group.name not in failed and any(task.alone for task in group.tasks)]
    return failures + execute(timed, work)


class _Worker:
    """A process that does the runs that it is given, one at a time."""

    def __init__(self, arguments: Sequence[str]) -> None:
        # A fresh interpreter: a copy of one with threads may wait for ever.
        context = multiprocessing.get_context("spawn")
        self.connection, other = context.Pipe()
        self._process = context.Process(target=_work, args=(other, list(arguments)), daemon=True)
        self._process.start()
        other.close()

    def give(self, name: str) -> None:
        with contextlib.suppress(OSError):  # a process that has ended is noticed where its result is asked for
            self.connection.send(name)

    def result(self, name: str) -> tuple[list[Failure], bool]:
        """The failures of the run that was given, and whether the process lives."""
        try:
            return self.connection.recv(), True
        except (EOFError, OSError):
            self._process.join()
            error = f"its process ended with exit code {self._process.exitcode} (killed, or out of memory?)"
            return [Failure(name, error, "")], False

    def end(self) -> None:
        """End the process; one that is at work is interrupted, and goes on from its last checkpoint next time."""
        with contextlib.suppress(OSError):  # it has ended already
            self.connection.send(None)
        self.connection.close()
        if self._process.is_alive():
            # What has nothing to do is gone by itself.
            self._process.join(0.2)
        if self._process.is_alive():
            self._process.terminate()
            self._process.join(_LONGEST_GOODBYE)
        if self._process.is_alive():
            self._process.kill()
            self._process.join()


def _work(connection: Connection, arguments: list[str]) -> None:
    """Make the plan that the arguments say, and do runs of it until there is none."""
    # Ended from outside, it stops as by Ctrl-C.
    signal.signal(signal.SIGTERM, _interrupt)
    threading.Thread(target=_end_with_parent, daemon=True).start()
    try:
        options = parser().parse_args(arguments)
        profile, roots = read_chosen(options)
        study = open_study(profile, options.work / profile.name, roots, options.questions, tracking=options.tracking)
        groups: dict[str, Any] = {group.name: group for group in Plan(study).groups()}
        while (name := connection.recv()) is not None:
            connection.send(execute([groups[name]], study.work, alone=False))
    except (KeyboardInterrupt, EOFError, BrokenPipeError):
        pass  # interrupted, or the process that gives the runs is gone


def _interrupt(*_: object) -> None:
    raise KeyboardInterrupt


def _end_with_parent() -> None:
    """Wait until the process that gives the runs is gone, however it ended, and stop then."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        wait([parent.sentinel])
        os.kill(os.getpid(), signal.SIGTERM)
