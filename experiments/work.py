"""The work folder: every step of a run has its own folder, named by what went into it, and is done once."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ecgbyte.files import fingerprint, write_atomically

ROOT = Path(__file__).resolve().parent.parent
# What only draws and writes out the rows; a change there leaves the finished steps as they are.
_PRESENTATION = {
    "__main__.py",
    "ecg_figures.py",
    "efficiency.py",
    "figure_files.py",
    "figures.py",
    "measure.py",
    "present.py",
    "published.py",
    "report.py",
    "results_rows.py",
    "row_groups.py",
    "table_rendering.py",
    "tables.py",
}


def code_fingerprint() -> str:
    """Identifies the sources on which the numbers depend: the library, the kernels, and the steps of the harness."""
    sources = [path for folder in ("ecgbyte", "_ext") for path in (ROOT / folder).rglob("*.py*")]
    sources += [path for path in (ROOT / "experiments").glob("*.py") if path.name not in _PRESENTATION]
    named = sorted(
        (path.relative_to(ROOT).as_posix(), path) for path in sources if path.suffix in (".py", ".pyx", ".pxd")
    )
    return fingerprint(*(part for name, path in named for part in (name, path.read_bytes())))


@dataclass(frozen=True)
class Step:
    """A finished step.

    Attributes
    ----------
    folder : Path
        Where its files are.
    fingerprint : str
        Identifies everything that went into it.
    details : dict
        What it returned when it ran (plain data), with ``seconds``.
    """

    folder: Path
    fingerprint: str
    details: dict[str, Any]


class WorkFolder:
    """Runs steps, or finds them done.

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
        folder.mkdir(parents=True, exist_ok=True)

    def run(
        self,
        name: str,
        settings: Mapping[str, Any],
        after: tuple[Step, ...],
        build: Callable[[Path], dict[str, Any]],
    ) -> Step:
        """Run `build` in the step's folder, unless a run with the same settings, predecessors and code is there.

        A step that was interrupted finds its folder as it left it, so training goes on from its last checkpoint.

        Parameters
        ----------
        name : str
            The step's name, for people.
        settings : mapping
            Plain data on which its outcome depends, beside `after` and the code.
        after : tuple of Step
            The steps whose files it reads.
        build : callable
            Gets the folder, writes files into it, returns plain data.
        """
        identity = fingerprint(
            name, json.dumps(settings, sort_keys=True), *(step.fingerprint for step in after), self.code
        )
        folder = self.folder / f"{name}-{identity.removeprefix('sha256:')}"
        done = folder / "done.json"
        if done.exists():
            print(f"[{name}] done before", file=sys.stderr)
            return Step(folder, identity, json.loads(done.read_text(encoding="utf-8")))
        print(f"[{name}]", file=sys.stderr, flush=True)
        folder.mkdir(parents=True, exist_ok=True)
        started = time.perf_counter()
        details = build(folder)
        details = {**details, "seconds": time.perf_counter() - started}
        write_atomically(done, json.dumps(details, sort_keys=True, indent=1))
        return Step(folder, identity, details)
