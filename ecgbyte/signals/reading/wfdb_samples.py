"""The samples of WFDB signal files in every format without compression (signal(5) of the WFDB manual)."""

from __future__ import annotations

from pathlib import Path

import numpy as np

# Bytes per sample as a fraction, and the unit in bytes that is never cut.
BYTES_PER_SAMPLE = {
    "8": (1, 1, 1),
    "80": (1, 1, 1),
    "16": (2, 1, 2),
    "61": (2, 1, 2),
    "160": (2, 1, 2),
    "24": (3, 1, 3),
    "32": (4, 1, 4),
    "212": (3, 2, 1),
    "310": (4, 3, 2),
    "311": (4, 3, 1),
}
# FLAC in 8, 16 and 24 bits.
COMPRESSED_FORMATS = ("508", "516", "524")
# The stored value that means that there is no valid sample; format 8, which stores differences, has none.
INVALID = {
    "80": -128,
    "16": -(1 << 15),
    "61": -(1 << 15),
    "160": -(1 << 15),
    "24": -(1 << 23),
    "32": -(1 << 31),
    "212": -(1 << 11),
    "310": -(1 << 9),
    "311": -(1 << 9),
    "508": -(1 << 7),
    "516": -(1 << 15),
    "524": -(1 << 23),
}


def num_bytes(form: str, num_samples: int) -> int:
    """The bytes that `num_samples` samples take."""
    numerator, denominator, unit = BYTES_PER_SAMPLE[form]
    return unit * -(-num_samples * numerator // (denominator * unit))


def read_samples(file: Path, form: str, offset: int, num_samples: int) -> np.ndarray:
    """Read the samples of all signals of a file as they are stored.

    Parameters
    ----------
    file : Path
    form : str
        One of `BYTES_PER_SAMPLE`; format 8 gives differences.
    offset : int
        Bytes before the first sample.
    num_samples : int
        Of all signals together; the file has been found to hold as many.

    Returns
    -------
    integers [num_samples]
        Of 16 bits for the formats of 16 bits, of 32 for all others.
    """
    if form in ("16", "61", "160"):
        kind = {"16": "<i2", "61": ">i2", "160": "<u2"}[form]
        stored = np.fromfile(file, dtype=kind, count=num_samples, offset=offset)
        if form == "160":
            return (stored.astype(np.int32) - 32768).astype(np.int16)
        return stored.astype(np.int16, copy=False)
    if form == "32":
        return np.fromfile(file, dtype="<i4", count=num_samples, offset=offset).astype(np.int32, copy=False)
    content = np.fromfile(file, dtype=np.uint8, count=num_bytes(form, num_samples), offset=offset)
    if form == "80":
        return content.astype(np.int32) - 128
    if form == "8":
        return content.view(np.int8).astype(np.int32)
    group = {"24": 3, "212": 3, "310": 4, "311": 4}[form]
    filled = np.concatenate([content, np.zeros(-len(content) % group, dtype=np.uint8)])
    parts = filled.reshape(-1, group).astype(np.int32)
    return {"24": _in_24_bits, "212": _in_12_bits, "310": _in_10_bits, "311": _in_10_bits_in_turn}[form](parts)[
        :num_samples
    ]


def _signed(values: np.ndarray, bits: int) -> np.ndarray:
    """Numbers of `bits` bits in two's complement."""
    return np.where(values >= 1 << (bits - 1), values - (1 << bits), values).astype(np.int32)


def _in_24_bits(parts: np.ndarray) -> np.ndarray:
    return _signed(parts[:, 0] | parts[:, 1] << 8 | parts[:, 2] << 16, 24)


def _in_12_bits(parts: np.ndarray) -> np.ndarray:
    """Two samples in three bytes; the four highest bits of both are in the second."""
    first = parts[:, 0] | (parts[:, 1] & 0x0F) << 8
    second = parts[:, 2] | (parts[:, 1] & 0xF0) << 4
    return _signed(np.stack([first, second], axis=1).reshape(-1), 12)


def _in_10_bits(parts: np.ndarray) -> np.ndarray:
    """Three samples in two words: bits 1 to 10 of each word, and bits 11 to 15 of both."""
    one, two = parts[:, 0] | parts[:, 1] << 8, parts[:, 2] | parts[:, 3] << 8
    third = one >> 11 | two >> 11 << 5
    return _signed(np.stack([one >> 1 & 0x3FF, two >> 1 & 0x3FF, third], axis=1).reshape(-1), 10)


def _in_10_bits_in_turn(parts: np.ndarray) -> np.ndarray:
    """Three samples in a number of 32 bits, from the lowest bit on."""
    words = parts.astype(np.int64) @ np.array([1, 1 << 8, 1 << 16, 1 << 24])
    return _signed(np.stack([words & 0x3FF, words >> 10 & 0x3FF, words >> 20 & 0x3FF], axis=1).reshape(-1), 10)
