"""Stop a process at a moment that a seed chooses: before one of its changes of the file system, or after some time."""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Callable


def before_each_change(act: Callable[[], object]) -> None:
    """From now on call `act` before each change of the file system that this process makes."""

    def seen(event: str, arguments: tuple[object, ...]) -> None:
        changes = event in ("os.rename", "os.remove", "os.rmdir", "os.mkdir", "os.chmod")
        if event == "open":
            flags = arguments[2]
            changes = isinstance(flags, int) and bool(flags & (os.O_WRONLY | os.O_RDWR | os.O_CREAT))
        if changes:
            act()

    sys.addaudithook(seen)


def kill_at_call(calls: int) -> None:
    """Make this process kill itself before its n-th change of the file system (0: the first)."""
    left = calls

    def count_down() -> None:
        nonlocal left
        left -= 1
        if left < 0:
            os.kill(os.getpid(), signal.SIGKILL)

    before_each_change(count_down)


def changes_of(do: Callable[[], object]) -> int:
    """How many changes of the file system something makes, done in a forked child."""
    reading, writing = os.pipe()

    def counted() -> None:
        before_each_change(lambda: os.write(writing, b"."))
        do()

    try:
        in_child(counted)
        os.close(writing)
        writing = -1
        with os.fdopen(reading, "rb", closefd=False) as stream:
            return len(stream.read())
    finally:
        os.close(reading)
        if writing >= 0:
            os.close(writing)


def in_child(do: Callable[[], object], *, seconds: float | None = None, calls: int | None = None) -> bool:
    """Do something in a forked child, killed after `seconds` or before its n-th change of the file system.

    Returns
    -------
    bool
        Whether it came to its end.

    Raises
    ------
    RuntimeError
        If it failed by itself.
    """
    child = os.fork()
    if child == 0:
        try:
            if calls is not None:
                kill_at_call(calls)
            do()
        except BaseException as error:
            print(repr(error), file=sys.stderr, flush=True)
            os._exit(1)
        os._exit(0)
    if seconds is not None:
        time.sleep(seconds)
        os.kill(child, signal.SIGKILL)
    _, status = os.waitpid(child, 0)
    if os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL:
        return False
    if status != 0:
        raise RuntimeError(f"a child failed with status {status}")
    return True
