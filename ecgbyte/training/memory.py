"""The most memory that training held."""

from __future__ import annotations

import ctypes
import gc
import sys
from pathlib import Path

import torch

_CLEAR = Path("/proc/self/clear_refs")
_STATUS = Path("/proc/self/status")


class PeakMemory:
    """Measures from its creation on.

    ``kind`` says what is measured:

    - ``"allocated on the GPU"``: by torch, of this process's GPU;
    - ``"resident during training"``: main memory of the process, the interpreter and what was loaded before included
      (Linux, where the system lets a process reset its peak);
    - ``"resident since the process began"``: the same, with a peak that may be older than the training.
    """

    def __init__(self, device: torch.device) -> None:
        self._device = device
        if device.type == "cuda":
            self.kind = "allocated on the GPU"
            torch.cuda.reset_peak_memory_stats(device)
            return
        _release_unused()
        try:
            # 5 resets the peak of the resident set; see proc_pid_clear_refs(5).
            _CLEAR.write_text("5")
            self._resident_peak()
            self.kind = "resident during training"
        except (OSError, ValueError):
            self.kind = "resident since the process began"

    def bytes(self) -> int:
        """Return the peak so far."""
        if self.kind == "allocated on the GPU":
            return int(torch.cuda.max_memory_allocated(self._device))
        if self.kind == "resident during training":
            return self._resident_peak()
        import resource

        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        return peak if sys.platform == "darwin" else peak * 1024

    @staticmethod
    def _resident_peak() -> int:
        for line in _STATUS.read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024
        raise ValueError(f"{_STATUS}: expected a line VmHWM, got none")


def _release_unused() -> None:
    """Give freed memory back to the system: what came before would hide what training takes anew."""
    gc.collect()
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None) if sys.platform == "linux" else None
    if trim is not None:
        trim(0)
