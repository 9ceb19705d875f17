"""Peak memory of a process, from Linux's own counters.

``anonymous`` memory is what a program asked for; ``resident`` memory has in addition the pages of mapped files, which
the system can drop at any time. The kernel keeps the peak of the resident memory (VmHWM) exactly, and forgets it when 5
is written to ``clear_refs``; of the anonymous memory it keeps none, so another process looks at it now and then.
"""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

SECONDS_BETWEEN_LOOKS = 0.005


def memory_now(process: int | str = "self") -> dict[str, int]:
    """The memory of a process in bytes: VmRSS, VmHWM, RssAnon, RssFile and others; empty when it has ended."""
    try:
        lines = Path(f"/proc/{process}/status").read_text(encoding="utf-8").splitlines()
    except (FileNotFoundError, ProcessLookupError):
        return {}
    fields = (line.split() for line in lines)
    return {field[0].rstrip(":"): int(field[1]) * 1024 for field in fields if field[2:] == ["kB"]}


def forget_peak() -> None:
    """Let the peak of this process's resident memory begin again at what is resident now."""
    Path("/proc/self/clear_refs").write_text("5", encoding="ascii")


@dataclass(frozen=True)
class MeasuredCall:
    """Time and memory of a call in this process, made once or, for the time, more often.

    Attributes
    ----------
    seconds : list of float
        Of each call.
    processor_seconds, begin, end : float
        Of the first call, which is the one whose memory was measured,
        On the clock that all processes of the machine share.
    resident_before, resident_peak : int
        In bytes, mapped files included.
    anonymous_before : int
        In bytes.
    """

    seconds: list[float]
    processor_seconds: float
    begin: float
    end: float
    resident_before: int
    resident_peak: int
    anonymous_before: int


def measure_call(call: Callable[[], object], rounds: int) -> tuple[object, MeasuredCall]:
    """Call once and measure time and memory, then call again for the time of all rounds; the first output."""
    forget_peak()
    before = memory_now()
    used_before = time.process_time()
    begin = time.monotonic()
    output = call()
    end = time.monotonic()
    used = time.process_time() - used_before
    after = memory_now()
    seconds = [end - begin]
    for _ in range(rounds - 1):
        again = time.monotonic()
        call()
        seconds.append(time.monotonic() - again)
    return output, MeasuredCall(seconds, used, begin, end, before["VmRSS"], after["VmHWM"], before["RssAnon"])


def run_watched(command: list[str], folder: Path) -> tuple[str, list[tuple[float, int]]]:
    """Run a program and look at its anonymous memory meanwhile.

    Parameters
    ----------
    command : list of str
    folder : path
        Where it runs.

    Returns
    -------
    output : str
        What it wrote to standard output.
    looks : list of (float, int)
        Time and anonymous memory in bytes.

    Raises
    ------
    RuntimeError
        If it failed; killed for want of memory counts as that.
    """
    looks: list[tuple[float, int]] = []
    with subprocess.Popen(command, cwd=folder, stdout=subprocess.PIPE, text=True) as process:
        while process.poll() is None:
            if now := memory_now(process.pid):
                looks.append((time.monotonic(), now.get("RssAnon", 0)))
            time.sleep(SECONDS_BETWEEN_LOOKS)
        output = process.stdout.read() if process.stdout else ""
    if process.returncode != 0:
        raise RuntimeError(f"{' '.join(command)} ended with status {process.returncode}")
    return output, looks
