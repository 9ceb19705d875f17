"""The most memory that a piece of work takes: of the GPU by torch's own count, of the process by the system's."""

from __future__ import annotations

import ctypes
import gc
import os
import threading
from pathlib import Path
from types import TracebackType

import torch

_STATUS, _CLEAR = "status", "clear_refs"


class PeakMemory:
    """Measure the highest memory use inside a ``with`` block.

    Parameters
    ----------
    device : torch.device or str
        Where the work runs. ``"cuda"``: memory that torch allocated there. Else: resident memory of this process, with
        all that was there before, such as the libraries themselves.
    process_folder : path-like
        Of this process, as Linux has it.
    interval : float
        Seconds between looks at the memory, where the system's own peak cannot be set back.

    Attributes
    ----------
    start_bytes, peak_bytes : int or None
        On entry, after the C library gave back what it kept of freed memory, and the most until the end. None where the memory cannot be read; `reason` says why.
    method : str
        ``"torch.cuda"``, ``"VmHWM"`` (the kernel's own peak, exact), or ``"sampled"`` (a thread looks again and again,
        and may miss a short peak).
    reason : str or None

    Notes
    -----
    *Thread-safety*: one block at a time in a process, not one inside another: the peak is the process's, and is set
    back on entry.
    """

    def __init__(
        self, device: torch.device | str = "cpu", *, process_folder: str | Path = "/proc/self", interval: float = 0.01
    ) -> None:
        if interval <= 0:
            raise ValueError(f"interval: expected a positive number of seconds, got {interval}")
        self.device = torch.device(device)
        self.start_bytes: int | None = None
        self.peak_bytes: int | None = None
        self.method = ""
        self.reason: str | None = None
        self._folder = Path(process_folder)
        self._interval = interval
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None

    def __enter__(self) -> PeakMemory:
        self.start_bytes = self.peak_bytes = self.reason = None
        if self.device.type == "cuda":
            self.method = "torch.cuda"
            torch.cuda.synchronize(self.device)
            torch.cuda.reset_peak_memory_stats(self.device)
            self.start_bytes = torch.cuda.memory_allocated(self.device)
            return self
        _give_back_free_memory()
        self.start_bytes = self._read("VmRSS")
        if self.start_bytes is None:
            self.reason = f"{self._folder / _STATUS} has no VmRSS"
        elif self._set_back():
            self.method = "VmHWM"
        else:
            self.method = "sampled"
            self.peak_bytes = self.start_bytes
            self._stop.clear()
            self._thread = threading.Thread(target=self._sample, daemon=True)
            self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self.method == "torch.cuda":
            torch.cuda.synchronize(self.device)
            self.peak_bytes = torch.cuda.max_memory_allocated(self.device)
        elif self.method == "VmHWM":
            self.peak_bytes = self._read("VmHWM")
        elif self._thread is not None:
            self._stop.set()
            self._thread.join()
            self._thread = None
            self._look()

    def _read(self, name: str) -> int | None:
        """A line such as ``VmRSS:  1024 kB``, in bytes."""
        status = self._folder / _STATUS
        lines = status.read_text(encoding="ascii", errors="replace").splitlines() if status.is_file() else []
        sizes = [int(line.split()[1]) for line in lines if line.startswith(f"{name}:")]
        return 1024 * sizes[0] if sizes else None

    def _set_back(self) -> bool:
        """Set the kernel's peak back to now; False where that is not allowed or has no effect."""
        before = self._read("VmHWM")
        if before is None:
            return False
        try:
            # "5" sets the peak back (proc_pid_clear_refs(5)).
            descriptor = os.open(self._folder / _CLEAR, os.O_WRONLY)
            try:
                os.write(descriptor, b"5")
            finally:
                os.close(descriptor)
        except OSError:
            return False
        after, now = self._read("VmHWM"), self._read("VmRSS")
        # Kernels count pages per thread in lots, so the two may differ by a little.
        return after is not None and now is not None and (after < before or after - now < 2**20)

    def _look(self) -> None:
        now = self._read("VmRSS")
        if now is not None:
            self.peak_bytes = max(now, self.peak_bytes or 0)

    def _sample(self) -> None:
        while not self._stop.wait(self._interval):
            self._look()


def _give_back_free_memory() -> None:
    """Return to the system what the C library keeps of freed memory: it would count as in use."""
    gc.collect()
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None) if os.name == "posix" else None
    if trim is not None:
        trim(0)
