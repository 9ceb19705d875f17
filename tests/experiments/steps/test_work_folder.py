"""Steps of a run are done once, and again when what went into them has changed."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from experiments.profiles.profile import profile_names, read_profile
from experiments.report.deviations import deviations
from experiments.steps.work_folder import BESIDE_STEPS, ROOT, STEP_MODULES, Task, WorkFolder


class Counting:
    """A step's work that counts how often it is done."""

    def __init__(self) -> None:
        self.times = 0

    def __call__(self, folder: Path) -> dict[str, int]:
        self.times += 1
        (folder / "output.txt").write_text(str(self.times), encoding="utf-8")
        return {"times": self.times}


def test_a_step_is_done_once_for_the_same_settings_predecessors_and_code(tmp_path: Path) -> None:
    work, build = WorkFolder(tmp_path, "code-1"), Counting()
    first = work.step("train", {"epochs": 1})
    assert not first.is_done
    work.run(Task(first, build))
    again = work.run(Task(work.step("train", {"epochs": 1}), build))
    assert build.times == 1 and again.is_done
    assert (again.folder, again.fingerprint, again.details) == (first.folder, first.fingerprint, first.details)
    assert first.details["times"] == 1 and first.details["seconds"] >= 0


def test_changed_settings_predecessors_or_code_run_it_again(tmp_path: Path) -> None:
    build = Counting()
    earlier = WorkFolder(tmp_path, "code-1").step("segments", {})
    for code, settings, after in [
        ("code-1", {"epochs": 1}, ()),
        ("code-1", {"epochs": 2}, ()),
        ("code-2", {"epochs": 1}, ()),
        ("code-1", {"epochs": 1}, (earlier,)),
    ]:
        work = WorkFolder(tmp_path, code)
        work.run(Task(work.step("train", settings, after), build))
    assert build.times == 4
    assert len(list(tmp_path.glob("train-*"))) == 4


def test_steps_depend_on_no_module_outside_the_fingerprint() -> None:
    for name in STEP_MODULES:
        text = (ROOT / "experiments" / f"{name}.py").read_text(encoding="utf-8")
        imported = set()
        for place, names in re.findall(r"^from experiments\.([\w.]+) import (.+)$", text, re.MULTILINE):
            inner = {f"{place}/{part.split(' as ')[0].strip()}" for part in names.split(",")}
            imported |= inner if "." not in place else {place.replace(".", "/")}
        assert imported <= STEP_MODULES | BESIDE_STEPS, name


def test_an_interrupted_step_finds_its_folder_as_it_left_it(tmp_path: Path) -> None:
    work = WorkFolder(tmp_path, "code")
    step = work.step("train", {})

    def interrupted(folder: Path) -> dict[str, int]:
        (folder / "checkpoint").write_text("half", encoding="utf-8")
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        work.run(Task(step, interrupted))
    assert not step.is_done
    work.run(Task(step, lambda folder: {"found": (folder / "checkpoint").read_text(encoding="utf-8")}))
    assert step.details["found"] == "half"


def test_two_processes_that_share_a_work_folder_do_a_step_once(tmp_path: Path) -> None:
    script = """
import sys, time
from pathlib import Path
from experiments.steps.work_folder import Task, WorkFolder
work = WorkFolder(Path(sys.argv[1]), "code")
def build(folder):
    with (folder / "times.txt").open("a") as stream:
        stream.write("once\\n")
    time.sleep(1.0)
    return {}
work.run(Task(work.step("slow", {}), build))
"""
    command = [sys.executable, "-c", script, str(tmp_path)]
    processes = [subprocess.Popen(command, cwd=ROOT) for _ in range(2)]
    assert [process.wait(60) for process in processes] == [0, 0]
    (times,) = tmp_path.glob("slow-*/times.txt")
    assert times.read_text(encoding="utf-8") == "once\n"


def test_every_profile_says_where_it_differs_from_the_paper() -> None:
    for name in profile_names():
        profile = read_profile(name)
        text = " ".join(deviations(profile))
        assert ("they are not ECG-QA" in text) == ("generated" in profile.questions.source)
        assert ("synthetic" in text) == (profile.data.dataset == "synthetic")
        assert (f"{profile.data.sampling_rate} Hz (published: 500)" in text) == (profile.data.sampling_rate != 500)
        assert ("SmolLM2" in text or "smollm2" in text) == (profile.model.name == "smollm2")
        assert ("share its positions" in text) == (profile.training.questions_per_segment > 1)
