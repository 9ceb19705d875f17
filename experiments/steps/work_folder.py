"""The work folder: every step of a run has its own folder, named by what went into it, and is done once."""

from __future__ import annotations

import json
import re
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from filelock import FileLock

from ecgbyte.files import fingerprint, write_atomically
from experiments.steps.code_identity import code_identity

ROOT = Path(__file__).resolve().parents[2]


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
    code : str
        Identifies the code that does it, which is part of that.
    """

    name: str
    folder: Path
    fingerprint: str
    code: str

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
    alone : bool
        Whether nothing else may run meanwhile, since it is timed.
    """

    step: Step
    build: Callable[[Path], dict[str, Any]] = field(repr=False)
    operations: float = 0.0
    size: float = 0.0
    alone: bool = False


class WorkFolder:
    """Names steps and does them.

    Parameters
    ----------
    folder : Path
        Holds one folder a step. It can be deleted at any time; the run then starts again from the beginning.
    identify : callable
        From the modules that do a step to what identifies their code; see
        `experiments.steps.code_identity.code_identity`.
    """

    def __init__(self, folder: Path, identify: Callable[..., str] = code_identity) -> None:
        self.folder = folder
        self.identify = identify

    def step(
        self, name: str, settings: Mapping[str, Any], after: tuple[Step, ...] = (), *, modules: Sequence[str]
    ) -> Step:
        """The step of that name, settings, predecessors and code, done or not.

        Parameters
        ----------
        name : str
            The step's name, for people.
        settings : mapping
            Plain data on which its outcome depends, beside `after` and the code.
        after : tuple of Step
            The steps whose files it reads.
        modules : sequence of str
            The modules that do it: those and all that they import are its code.
        """
        code = self.identify(*modules)
        identity = fingerprint(name, json.dumps(settings, sort_keys=True), *(step.fingerprint for step in after), code)
        # A data set's name may hold signs that no folder's should.
        plain = re.sub(r"[^\w.-]", "-", name)
        return Step(name, self.folder / f"{plain}-{identity.removeprefix('sha256:')}", identity, code)

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
