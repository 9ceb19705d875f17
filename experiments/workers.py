"""Do the runs of a plan in several processes, one thread each, on whatever cores there are.

Two threads in one process are slower than two processes side by side, and many times slower on a busy machine, where
they wait for each other.
"""

from __future__ import annotations

import multiprocessing
import os
import queue
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from experiments.plan import DATA, Group, Plan, Progress, do_group, execute
from experiments.steps.work_folder import Failure

if TYPE_CHECKING:
    from experiments.steps.study import Study

# Of the environment of a worker: one thread, and no progress bars, which would write over each other.
_ENVIRONMENT = {"OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1", "TQDM_DISABLE": "1"}
_SECONDS_BETWEEN_LOOKS = 1.0


@dataclass(frozen=True)
class _Opening:
    """What a worker opens the study with."""

    profile: Any
    work: Path
    roots: dict[str, Path]
    questions_root: Path | None
    tracking: str | None


def default_jobs() -> int:
    """As many as there are cores for this process; one where a GPU does the work."""
    import torch

    if torch.cuda.is_available():
        return 1
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def execute_with(study: Study, groups: Sequence[Group], jobs: int) -> list[Failure]:
    """As `experiments.plan.execute`, in so many processes.

    The data are prepared before all others, in this process. Steps that are timed are done last, one after the other and
    alone.

    Parameters
    ----------
    study : Study
    groups : sequence of Group
        Of the study's plan.
    jobs : int
        One works in this process.
    """
    if jobs == 1:
        return execute(groups, study.work)
    first = next((group for group in groups if group.name == DATA), Group(DATA, study.data_tasks))
    failures = execute([first], study.work)
    if failures:
        return failures
    waiting = [group for group in groups if any(not task.step.is_done and not task.alone for task in group.tasks)]
    failures = _share_out(study, waiting, min(jobs, len(waiting))) if len(waiting) > 1 else []
    failed = {failure.run for failure in failures}
    return failures + execute([group for group in groups if group.name not in failed], study.work)


def _share_out(study: Study, groups: Sequence[Group], jobs: int) -> list[Failure]:
    opening = _Opening(study.profile, study.work.folder, dict(study.roots), study.questions_root, study.tracking)
    context = multiprocessing.get_context("spawn")
    names, results = context.Queue(), context.Queue()
    for group in groups:
        names.put(group.name)
    for _ in range(jobs):
        names.put(None)
    before = {name: os.environ.get(name) for name in _ENVIRONMENT}
    os.environ.update(_ENVIRONMENT)
    try:
        workers = [context.Process(target=_work, args=(opening, names, results), daemon=True) for _ in range(jobs)]
        for worker in workers:
            worker.start()
    finally:
        for name, value in before.items():
            os.environ.pop(name) if value is None else os.environ.update({name: value})
    try:
        return _gather(groups, workers, results)
    finally:
        # Where this process is interrupted, its workers are; their steps go on from their last checkpoints.
        for worker in workers:
            worker.terminate()
            worker.join()


def _gather(groups: Sequence[Group], workers: Sequence[Any], results: Any) -> list[Failure]:
    """What the workers tell, until all groups have ended or no worker is left."""
    progress = Progress(groups)
    left = {group.name: group for group in groups}
    begun: dict[int, str] = {}
    failures: list[Failure] = []
    while left:
        alive = [worker for worker in workers if worker.is_alive()]
        try:
            number, name, failure = results.get(timeout=_SECONDS_BETWEEN_LOOKS if alive else 0.0)
        except queue.Empty:
            if alive:
                _report_dead(workers, begun, left, failures)
                continue
            failures += [Failure(name, "no worker was left to do it", "") for name in left]
            return failures
        if failure is None:
            begun[number] = name
            continue
        begun.pop(number, None)
        group = left.pop(name, None)
        if failure:
            failures.append(failure)
            print(f"--- {name} failed: {failure.error}", file=sys.stderr, flush=True)
        if group is not None:
            progress.ended(group)
    return failures


def _report_dead(
    workers: Sequence[Any], begun: dict[int, str], left: dict[str, Group], failures: list[Failure]
) -> None:
    """A worker that was killed takes its group with it; the others go on."""
    for worker in workers:
        name = begun.get(worker.pid)
        if name is not None and not worker.is_alive():
            begun.pop(worker.pid)
            if left.pop(name, None) is not None:
                failures.append(Failure(name, f"its process ended with exit code {worker.exitcode}", ""))


def _work(opening: _Opening, names: Any, results: Any) -> None:
    """Do groups until there are no more: the work of a process."""
    from experiments.run import open_study

    plan: Plan | None = None
    while (name := names.get()) is not None:
        results.put((os.getpid(), name, None))
        if plan is None:
            study = open_study(
                opening.profile, opening.work, opening.roots, opening.questions_root, tracking=opening.tracking
            )
            plan = Plan(study)
        started = time.perf_counter()
        failure = do_group(plan.group(name), plan.study.work, alone=False)
        minutes = (time.perf_counter() - started) / 60
        print(f"--- {name} ended after {minutes:.1f} minutes", file=sys.stderr, flush=True)
        results.put((os.getpid(), name, failure or False))
