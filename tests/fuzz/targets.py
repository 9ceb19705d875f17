"""What is fuzzed, by name, and what fuzzing begins with."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from tests.fuzz.kernels import check_encoding, check_preprocessing, check_symbols, check_training
from tests.fuzz.readers import READERS, good_files

# Inputs that once went wrong, a folder for each target: tests for ever after.
CRASHES = Path(__file__).resolve().parent / "crashes"

KERNELS: dict[str, Callable[[bytes], None]] = {
    "encoding": check_encoding,
    "training": check_training,
    "symbols": check_symbols,
    "preprocessing": check_preprocessing,
}

TARGETS: dict[str, Callable[[bytes], None]] = {**KERNELS, **READERS}


def seeds(target: str) -> list[bytes]:
    """Inputs that go right: of a kernel some made from fixed numbers, of a reader good files."""
    if target in KERNELS:
        return [bytes((k * k * step + step) % 251 for k in range(200)) for step in (1, 7, 40, 111)]
    return good_files(target)


def crashes(target: str) -> list[Path]:
    """Committed inputs that once went wrong."""
    return sorted(path for path in (CRASHES / target).glob("*") if path.is_file())
