"""What this machine is and how the kernels on it were built."""

from __future__ import annotations

import ast
import datetime
import functools
import importlib.metadata
import math
import os
import platform
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

import numpy as np

from ecgbyte._ext import bpe_training

from .rows import Machine

ROOT = Path(__file__).resolve().parents[2]


@functools.cache
def describe_machine(scale: str) -> Machine:
    """The columns that all rows of this run share; asked once a process, so that all rows agree."""
    try:
        load = os.getloadavg()[0]
    except OSError:
        load = math.nan
    return Machine(
        cpu=_cpu(),
        cores=usable_cores(),
        instructions=_instructions(),
        compiler=_first_line([*sysconfig.get_config_var("CC").split()[:1], "--version"]) or platform.python_compiler(),
        flags=_flags(),
        python=f"{platform.python_implementation()} {platform.python_version()}",
        numpy=np.__version__,
        os=platform.platform(),
        commit=_commit(),
        date=datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        load_average=round(load, 2),
        scale=scale,
    )


def usable_cores() -> int:
    """Cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def thread_counts() -> tuple[int, ...]:
    """Two threads first, whose gain the project asks for, then one; then all cores where there are more than two."""
    return (2, 1) if usable_cores() <= 2 else (2, 1, usable_cores())


def version_of(package: str) -> str:
    """Version of an installed distribution, empty where it is not known."""
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return ""


def _cpu() -> str:
    information = Path("/proc/cpuinfo")
    if information.exists():
        found: dict[str, str] = {}
        for line in information.read_text(encoding="utf-8").splitlines():
            name, _, value = line.partition(":")
            found.setdefault(name.strip(), value.strip())
        if "model name" in found:
            family = f", family {found['cpu family']}, model {found['model']}" if "cpu family" in found else ""
            return f"{found['model name']}{family}"
    return _first_line(["sysctl", "-n", "machdep.cpu.brand_string"]) or platform.processor() or platform.machine()


def _instructions() -> str:
    """The set that the kernels chose when they were imported."""
    return ("portable", "avx2", "avx512")[bpe_training.CHOSEN_SET]


def _flags() -> str:
    """The flags of Python's own build, then those that setup.py adds for the kernels, then the environment's."""
    added: list[str] = []
    for node in ast.walk(ast.parse((ROOT / "setup.py").read_text(encoding="utf-8"))):
        if isinstance(node, ast.List) and any(
            isinstance(item, ast.Constant) and item.value == "-O3" for item in node.elts
        ):
            added = [str(ast.literal_eval(item)) for item in node.elts]
    own = sysconfig.get_config_var("CFLAGS") or ""
    return " ".join([own, *added, os.environ.get("CFLAGS", "")]).strip() if sys.platform != "win32" else "/O2"


def _commit() -> str:
    commit = _first_line(["git", "-C", str(ROOT), "rev-parse", "--short=12", "HEAD"])
    changed = _first_line(["git", "-C", str(ROOT), "status", "--porcelain", "--untracked-files=no"])
    return commit + "+" if commit and changed else commit


def _first_line(command: list[str]) -> str:
    if shutil.which(command[0]) is None:
        return ""
    found = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)
    return found.stdout.splitlines()[0].strip() if found.returncode == 0 and found.stdout else ""
