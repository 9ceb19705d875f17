"""Runs shared out to processes: done once, in any number of them, with what fails and who is killed told."""

from __future__ import annotations

import os
import signal
import time
from multiprocessing.connection import Connection
from pathlib import Path

import pytest

from experiments import jobs
from experiments.jobs import execute_in_processes, num_jobs
from experiments.plan import Group
from experiments.steps.work_folder import Step, Task, WorkFolder


def groups(folder: Path, names: list[str]) -> list[Group]:
    """Groups of one step that writes a file: who did it.

    `broken` fails, `killed` ends its process, `left` and `right` end only once both have begun.
    """

    def task(name: str) -> Task:
        step = Step(name, folder / name, name, "code")

        def build(place: Path) -> dict[str, object]:
            if name == "broken":
                raise RuntimeError("it is broken")
            if name == "killed":
                os.kill(os.getpid(), signal.SIGKILL)
            if name in ("left", "right"):
                (folder / f"{name} has begun").touch()
                wait_for(folder / ("left has begun" if name == "right" else "right has begun"))
            (place / "process").write_text(str(os.getpid()))
            return {}

        return Task(step, build)

    return [Group(name, (task(name),)) for name in names]


def wait_for(path: Path) -> None:
    """Until the file is there; an error after a time that no busy machine needs."""
    deadline = time.monotonic() + 120
    while not path.exists():
        if time.monotonic() > deadline:
            raise TimeoutError(f"{path.name}: not in two minutes")
        time.sleep(0.01)


def work(connection: Connection, arguments: list[str]) -> None:
    """In place of the harness's own process: the plan is made of the names that are its arguments."""
    folder, *names = arguments
    made = {group.name: group for group in groups(Path(folder), names)}
    while (name := connection.recv()) is not None:
        connection.send(jobs.execute([made[name]], WorkFolder(Path(folder))))


def test_runs_are_done_once_in_processes_and_failures_are_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jobs, "_work", work)
    names = ["data", "left", "right", "broken", "a", "killed", "b", "c"]
    failures = execute_in_processes(groups(tmp_path, names), WorkFolder(tmp_path), [str(tmp_path), *names], jobs=2)
    assert [failure.run for failure in failures] == ["broken", "killed"]
    assert failures[0].error == "RuntimeError: it is broken"
    assert "exit code -9" in failures[1].error
    done = {name: int((tmp_path / name / "process").read_text()) for name in names if name not in ("broken", "killed")}
    assert done.pop("data") == os.getpid()
    assert os.getpid() not in done.values()
    assert done["left"] != done["right"]


@pytest.mark.parametrize("number", [1, 5])
def test_one_run_needs_no_other_process(number: int, tmp_path: Path) -> None:
    assert execute_in_processes(groups(tmp_path, ["data", "a"]), WorkFolder(tmp_path), [], jobs=number) == []
    assert (tmp_path / "a" / "process").read_text() == str(os.getpid())


def test_the_number_of_processes() -> None:
    assert num_jobs(3) == 3
    assert num_jobs(None) >= 1
    with pytest.raises(ValueError, match="--jobs: got 0, expected at least 1"):
        num_jobs(0)
