"""Steps of a run are done once, and again when what went into them has changed."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from experiments.steps.work_folder import ROOT, Step, Task, WorkFolder


def work_folder(folder: Path, code: str = "code-1") -> WorkFolder:
    """One whose code is a name, and not read."""
    return WorkFolder(folder, lambda *modules: f"{code}: {', '.join(modules)}")


def step(work: WorkFolder, settings: dict[str, int], after: tuple[Step, ...] = ()) -> Step:
    return work.step("train", settings, after, modules=("learning",))


class Counting:
    """A step's work that counts how often it is done."""

    def __init__(self) -> None:
        self.times = 0

    def __call__(self, folder: Path) -> dict[str, int]:
        self.times += 1
        (folder / "output.txt").write_text(str(self.times), encoding="utf-8")
        return {"times": self.times}


def test_a_step_is_done_once_for_the_same_settings_predecessors_and_code(tmp_path: Path) -> None:
    work, build = work_folder(tmp_path), Counting()
    first = step(work, {"epochs": 1})
    assert first.code == "code-1: learning"
    assert not first.is_done
    work.run(Task(first, build))
    again = work.run(Task(step(work, {"epochs": 1}), build))
    assert build.times == 1 and again.is_done
    assert (again.folder, again.fingerprint, again.details) == (first.folder, first.fingerprint, first.details)
    assert first.details["times"] == 1 and first.details["seconds"] >= 0


def test_changed_settings_predecessors_or_code_run_it_again(tmp_path: Path) -> None:
    build = Counting()
    earlier = work_folder(tmp_path).step("segments", {}, modules=("segments",))
    for code, settings, after in [
        ("code-1", {"epochs": 1}, ()),
        ("code-1", {"epochs": 2}, ()),
        ("code-2", {"epochs": 1}, ()),
        ("code-1", {"epochs": 1}, (earlier,)),
    ]:
        work = work_folder(tmp_path, code)
        work.run(Task(step(work, settings, after), build))
    assert build.times == 4
    assert len(list(tmp_path.glob("train-*"))) == 4


def test_an_interrupted_step_finds_its_folder_as_it_left_it(tmp_path: Path) -> None:
    work = work_folder(tmp_path)
    begun = step(work, {})

    def interrupted(folder: Path) -> dict[str, int]:
        (folder / "checkpoint").write_text("half", encoding="utf-8")
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        work.run(Task(begun, interrupted))
    assert not begun.is_done
    work.run(Task(begun, lambda folder: {"found": (folder / "checkpoint").read_text(encoding="utf-8")}))
    assert begun.details["found"] == "half"


def test_two_processes_that_share_a_work_folder_do_a_step_once(tmp_path: Path) -> None:
    script = """
import sys, time
from pathlib import Path
from experiments.steps.work_folder import Task, WorkFolder
work = WorkFolder(Path(sys.argv[1]))
def build(folder):
    with (folder / "times.txt").open("a") as stream:
        stream.write("once\\n")
    time.sleep(1.0)
    return {}
work.run(Task(work.step("slow", {}, modules=("experiments.steps.work_folder",)), build))
"""
    command = [sys.executable, "-c", script, str(tmp_path)]
    processes = [subprocess.Popen(command, cwd=ROOT) for _ in range(2)]
    assert [process.wait(60) for process in processes] == [0, 0]
    (times,) = tmp_path.glob("slow-*/times.txt")
    assert times.read_text(encoding="utf-8") == "once\n"


def test_a_name_with_signs_stays_in_the_folder(tmp_path: Path) -> None:
    named = work_folder(tmp_path).step("transfer-../my.sets:Set", {}, modules=("learning",))
    assert named.folder.parent == tmp_path and named.name == "transfer-../my.sets:Set"
