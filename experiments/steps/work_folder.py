"""The work folder: every step of a run has its own folder, named by what went into it, and is done once."""

from __future__ import annotations

import functools
import json
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from filelock import FileLock

from ecgbyte.files import fingerprint, write_atomically

ROOT = Path(__file__).resolve().parents[2]
# The modules that do the steps. The others plan, measure, draw and write out; a change there leaves finished steps as
# they are. A test holds that these import no others of the harness than `BESIDE_STEPS`.
STEP_MODULES = frozenset(
    {
        "profiles/methods",
        "profiles/profile",
        "steps/answers",
        "steps/attention",
        "steps/encoders",
        "steps/learning",
        "steps/method_runs",
        "steps/questions",
        "steps/segments",
        "steps/study",
        "steps/timing",
        "steps/token_usage",
        "steps/tokens",
        "steps/transfer",
        "steps/trivial",
        "steps/views",
    }
)
BESIDE_STEPS = frozenset({"profiles/expected_cost", "profiles/settings_reading", "steps/work_folder"})
# Of the library, what measures answers, and the command line, have no part in a step either.
_TOKEN_MEASURES = ("bin_error.py", "compression.py", "token_usage.py")


@functools.cache
def code_fingerprint() -> str:
    """Identifies the sources on which the numbers depend: the library, the kernels, and the steps of the harness.

    Read once a process: rows name the code that their steps were named by, whatever changes on the disk meanwhile.
    """
    sources = [path for folder in ("ecgbyte", "_ext") for path in (ROOT / folder).rglob("*.py*") if _in_steps(path)]
    sources += [ROOT / "experiments" / f"{name}.py" for name in STEP_MODULES]
    named = sorted(
        (path.relative_to(ROOT).as_posix(), path) for path in sources if path.suffix in (".py", ".pyx", ".pxd")
    )
    return fingerprint(*(part for name, path in named for part in (name, path.read_bytes())))


def _in_steps(path: Path) -> bool:
    """Whether a file of the library has a part in some step."""
    folder = path.relative_to(ROOT).parts[:2]
    return folder != ("ecgbyte", "cli") and (folder != ("ecgbyte", "metrics") or path.name in _TOKEN_MEASURES)


@dataclass(frozen=True)
class Step:
    """A step of a run, done or not.

    Attributes
    ----------
    name : str
        For people.
    folder : Path
        Where its files are, or will be.
    fingerprint : str
        Identifies everything that goes into it.
    """

    name: str
    folder: Path
    fingerprint: str

    @property
    def is_done(self) -> bool:
        """Whether it has been done."""
        return (self.folder / "done.json").exists()

    @cached_property
    def details(self) -> dict[str, Any]:
        """What it returned when it was done (plain data), with ``seconds``.

        Raises
        ------
        FileNotFoundError
            If it has not been done.
        """
        return dict(json.loads((self.folder / "done.json").read_text(encoding="utf-8")))


@dataclass(frozen=True)
class Failure:
    """A run that did not end, with the reason."""

    run: str
    error: str
    traceback: str


@dataclass(frozen=True)
class Task:
    """A step with the work that does it, and what that is expected to take.

    Attributes
    ----------
    step : Step
        What is done.
    build : callable
        Gets the step's folder, writes files into it, returns plain data.
    operations : float
        Expected floating-point operations; 0 where they do not matter.
    size : float
        Expected bytes on disk.
    """

    step: Step
    build: Callable[[Path], dict[str, Any]] = field(repr=False)
    operations: float = 0.0
    size: float = 0.0


class WorkFolder:
    """Names steps and does them.

    Parameters
    ----------
    folder : Path
        Holds one folder a step. It can be deleted at any time; the run then starts again from the beginning.
    code : str
        Identifies the code and what it runs on; part of every step's fingerprint.
    """

    def __init__(self, folder: Path, code: str) -> None:
        self.folder = folder
        self.code = code

    def step(self, name: str, settings: Mapping[str, Any], after: tuple[Step, ...] = ()) -> Step:
        """The step of that name, settings and predecessors, done or not.

        Parameters
        ----------
        name : str
            The step's name, for people.
        settings : mapping
            Plain data on which its outcome depends, beside `after` and the code.
        after : tuple of Step
            The steps whose files it reads.
        """
        identity = fingerprint(
            name, json.dumps(settings, sort_keys=True), *(step.fingerprint for step in after), self.code
        )
        return Step(name, self.folder / f"{name}-{identity.removeprefix('sha256:')}", identity)

    def run(self, task: Task) -> Step:
        """Do a task, unless it is done.

        A step that was interrupted finds its folder as it left it, so training goes on from its last checkpoint.
        Processes that share a work folder wait for each other's steps.
        """
        step = task.step
        if step.is_done:
            print(f"[{step.name}] done before", file=sys.stderr)
            return step
        step.folder.mkdir(parents=True, exist_ok=True)
        with FileLock(step.folder / "step.lock"):
            if not step.is_done:
                print(f"[{step.name}]", file=sys.stderr, flush=True)
                started = time.perf_counter()
                details = task.build(step.folder)
                content = {**details, "seconds": time.perf_counter() - started}
                write_atomically(step.folder / "done.json", json.dumps(content, sort_keys=True, indent=1))
        return step
