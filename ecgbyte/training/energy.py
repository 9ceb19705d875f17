"""The energy that a piece of work takes, where the machine tells: processors through RAPL, NVIDIA GPUs through NVML.

RAPL: ``/sys/class/powercap`` of Linux (https://docs.kernel.org/power/powercap/powercap.html), which many machines let
only the administrator read. NVML: the package ``nvidia-ml-py``. Both count what the whole processor or GPU takes, other
programs included. What cannot be read is not guessed.
"""

from __future__ import annotations

import importlib
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any

import torch

_Counter = Callable[[], int]


class EnergyMeter:
    """Measure the energy used inside a ``with`` block.

    Parameters
    ----------
    device : torch.device or str
        Where the work runs; with ``"cuda"`` the GPU is measured as well as the processor.
    powercap : path-like
        The folder of RAPL's counters.
    interval : float
        Seconds between readings. Counters of processors start again from 0 after some minutes under load.
    nvml : module or None
        Stands in for ``pynvml``.

    Attributes
    ----------
    joules : float or None
        The sum of `parts`; None where nothing could be read.
    parts : dict of str to float
        Joules by source: ``"RAPL package-0"``, ``"NVML 0"``. Compare only sums over the same sources.
    reason : str or None
        What could not be read and why.

    Notes
    -----
    *Thread-safety*: instances are independent; enter each once at a time.
    """

    def __init__(
        self,
        device: torch.device | str = "cpu",
        *,
        powercap: str | Path = "/sys/class/powercap",
        interval: float = 30.0,
        nvml: Any = None,
    ) -> None:
        if interval <= 0:
            raise ValueError(f"interval: expected a positive number of seconds, got {interval}")
        self.device = torch.device(device)
        self.joules: float | None = None
        self.parts: dict[str, float] = {}
        self.reason: str | None = None
        self._powercap = Path(powercap)
        self._interval = interval
        self._nvml = nvml
        self._meters: list[_Meter] = []
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None

    def __enter__(self) -> EnergyMeter:
        self.joules, self.parts = None, {}
        meters, reasons = _processor_meters(self._powercap)
        if self.device.type == "cuda":
            of_gpu, reason = _gpu_meter(self.device, self._nvml)
            meters += [of_gpu] if of_gpu else []
            reasons += [reason] if reason else []
        self._meters, self.reason = meters, "; ".join(reasons) or None
        self._stop.clear()
        if meters:
            self._thread = threading.Thread(target=self._watch, daemon=True)
            self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self._thread is not None:
            self._stop.set()
            self._thread.join()
            self._thread = None
        for meter in self._meters:
            meter.look()
        self.parts = {meter.name: meter.used * meter.joules_per_count for meter in self._meters}
        self.joules = sum(self.parts.values()) if self.parts else None

    def _watch(self) -> None:
        while not self._stop.wait(self._interval):
            for meter in self._meters:
                meter.look()


class _Meter:
    """A counter that grows and, past its range, starts again from 0."""

    def __init__(self, name: str, count: _Counter, joules_per_count: float, counts: int | None) -> None:
        self.name = name
        self.joules_per_count = joules_per_count
        self.used = 0
        self._count = count
        self._counts = counts
        self._last = count()

    def look(self) -> None:
        now = self._count()
        grown = now - self._last
        if grown < 0:
            if self._counts is None:
                raise ValueError(f"{self.name}: the counter went back from {self._last} to {now}")
            grown += self._counts
        self.used += grown
        self._last = now


def _processor_meters(powercap: Path) -> tuple[list[_Meter], list[str]]:
    """A meter of every processor package and of the memory beside it, and what is missing."""
    # intel-rapl also serves AMD processors; intel-rapl-mmio counts the same packages once more.
    zones = sorted(powercap.glob("intel-rapl:*")) if powercap.is_dir() else []
    meters, unreadable = [], []
    for zone in zones:
        try:
            name = (zone / "name").read_text(encoding="ascii").strip()
            # Cores and graphics are parts of their package; psys is the whole board.
            if not (name.startswith("package") or name == "dram"):
                continue
            package = f" {zone.name.split(':')[1]}" if name == "dram" else ""
            # The highest value comes before 0, so the counter has one value more.
            counts = int((zone / "max_energy_range_uj").read_text(encoding="ascii")) + 1
            meters.append(_Meter(f"RAPL {name}{package}", _file_counter(zone / "energy_uj"), 1e-6, counts))
        except OSError as error:
            unreadable.append(f"{zone.name}: {error.strerror}")
    if unreadable:
        # Some packages without the others would look like a small sum.
        return [], [f"RAPL: {', '.join(unreadable)}"]
    return meters, [] if meters else [f"RAPL: no processor package in {powercap}"]


def _file_counter(path: Path) -> _Counter:
    return lambda: int(path.read_text(encoding="ascii"))


def _gpu_meter(device: torch.device, nvml: Any) -> tuple[_Meter | None, str | None]:
    if nvml is None:
        try:
            nvml = importlib.import_module("pynvml")
        except ImportError:
            return None, "NVML: needs the package nvidia-ml-py (pip install nvidia-ml-py)"
    try:
        nvml.nvmlInit()
        handle = _gpu_handle(nvml, device)
        number = device.index or 0
        return _Meter(f"NVML {number}", lambda: int(nvml.nvmlDeviceGetTotalEnergyConsumption(handle)), 1e-3, None), None
    except nvml.NVMLError as error:
        return None, f"NVML: {error}"


def _gpu_handle(nvml: Any, device: torch.device) -> Any:
    """NVML numbers all GPUs of the machine, torch those that the process may see; the identifier is the same."""
    if not torch.cuda.is_available():
        return nvml.nvmlDeviceGetHandleByIndex(device.index or 0)
    identifier = str(torch.cuda.get_device_properties(device).uuid)
    return nvml.nvmlDeviceGetHandleByUUID(identifier if identifier.startswith("GPU-") else f"GPU-{identifier}")


def total_joules(meters: Sequence[EnergyMeter]) -> float | None:
    """Return the sum over several blocks, or None if one of them could not be measured."""
    values = [meter.joules for meter in meters]
    return None if not values or None in values else float(sum(value for value in values if value is not None))
