"""How much of a file is read, so that no file takes more time or memory than an ECG needs.

What is larger is refused before it is read, from what the file says about itself: the length in a header, the shape of
an array, the sizes in a zip's directory.
"""

from __future__ import annotations

from pathlib import Path

# Values (signals times samples) of one record: 12 leads of 6 hours at 500 Hz, or 3 leads of 24 hours at 500 Hz. Reading
# as many from a WFDB file takes 2.8 GB.
MAX_VALUES = 1 << 27
# Files that are parsed as a whole, in bytes: text, XML, and the binary formats of devices.
MAX_TEXT_BYTES = 1 << 28
MAX_CLINICAL_BYTES = 1 << 26
MAX_HEADER_BYTES = 1 << 20
MAX_SIGNALS = 1000
# Samples a second; what lies outside is no ECG.
LOWEST_RATE = 1.0
HIGHEST_RATE = 1e6


def check_values(path: Path, num_signals: int, num_samples: int) -> None:
    """Refuse a record of more than `MAX_VALUES` values.

    Raises
    ------
    ValueError
        If it is larger, or has more than `MAX_SIGNALS` signals.
    """
    if num_signals > MAX_SIGNALS:
        raise ValueError(f"path: {path} has {num_signals} signals, at most {MAX_SIGNALS} are read")
    if num_signals * num_samples > MAX_VALUES:
        raise ValueError(
            f"path: {path} says that it holds {num_signals} signals of {num_samples} samples; at most {MAX_VALUES} "
            "values are read as one record, cut it into shorter ones"
        )


def check_shape(path: Path, shape: tuple[int, ...]) -> None:
    """`check_values` for an array of two dimensions, of which the longer one is time."""
    check_values(path, min(shape), max(shape))


def check_size(path: Path, largest: int) -> None:
    """Refuse a file of more than `largest` bytes.

    Raises
    ------
    ValueError
        If it is larger.
    """
    found = path.stat().st_size
    if found > largest:
        raise ValueError(f"path: {path} has {found} bytes, at most {largest} are read of a file of this kind")
