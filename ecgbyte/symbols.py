"""Symbols: a signal as letters of a small alphabet, and back.

``symbolize`` cuts the range low..high into `alphabet_size` equal bins and names each sample by its bin (a..z for the
26 of the ECG-Byte paper, arXiv:2412.14373, section 3.1); values outside the range take the first or the last bin.
``desymbolize`` gives the centre of the bin back, so the error is at most half a bin.

>>> import numpy as np
>>> letters(symbolize(np.array([-1.0, -0.5, 0.0, 0.5, 1.0]), -1.0, 1.0))
'agmtz'
"""

from __future__ import annotations

import itertools
import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ecgbyte._ext import symbols as _kernel
from ecgbyte.checks import check_num_threads, whole_number
from ecgbyte.sharing import map_shares

ALPHABET_SIZE = 26
MAX_ALPHABET_SIZE = 256  # a symbol is one byte

# What the published formula adds to high - low, so that a flat record does not divide by zero.
WIDENING = 1e-6

# What a thread takes at a time: about 0.15 ms of work. A signal of fewer than four shares is not shared, since a thread
# costs about as much to start.
_SAMPLES_PER_SHARE = 1 << 20

_SAMPLE_TYPES = (np.dtype(np.float32), np.dtype(np.float64), np.dtype(np.int16))


def check_alphabet_size(alphabet_size: int) -> int:
    """Return `alphabet_size` as an int if a byte can hold its symbols, else raise as `whole_number` does."""
    return whole_number("alphabet_size", alphabet_size, minimum=1, maximum=MAX_ALPHABET_SIZE)


def check_range(low: float, high: float) -> tuple[float, float]:
    """Return (low, high) as floats if they are finite, in order and of a finite width, else raise ValueError."""
    low, high = float(low), float(high)
    if not (math.isfinite(low) and math.isfinite(high) and math.isfinite(high - low)):
        raise ValueError(f"low, high: got {low} and {high}, expected finite numbers of a finite distance")
    if low >= high:
        raise ValueError(f"low, high: got {low} and {high}, expected low < high")
    return low, high


def symbolize(
    signal: NDArray[np.float32] | NDArray[np.float64] | NDArray[np.int16],
    low: float,
    high: float,
    *,
    alphabet_size: int = ALPHABET_SIZE,
    num_threads: int = 1,
) -> NDArray[np.uint8]:
    """Quantise a signal to symbols 0 .. `alphabet_size` - 1.

    Parameters
    ----------
    signal : float32, float64 or int16 [samples] or [leads, samples]
        In the unit of `low` and `high` (mV for a Record). Any strides; may be read-only; it is not changed.
    low, high : float
        Ends of the range, low < high.
    alphabet_size : int
        Number of symbols, 1 to 256.
    num_threads : int
        Threads that share a large signal; the result does not depend on it.

    Returns
    -------
    uint8, shape of `signal`, C order
        ``floor(alphabet_size * clip((x - low) / (high - low + 1e-6), 0, 1))``, at most ``alphabet_size - 1``,
        evaluated in float64.

    Raises
    ------
    TypeError
        If `signal` is no array of one of the three types.
    ValueError
        If `signal` has no samples, another number of axes, a NaN or an infinity (the message names lead and
        sample), or if the range is empty or not finite.

    Notes
    -----
    *Thread-safety*: safe; the interpreter lock is released during the work.

    O(samples), one pass; a byte a sample for the result and nothing else. Most symbols are estimated by a
    multiplication; those whose estimate comes too close to the border of two bins are computed by the formula itself,
    so the result is exactly that of the formula (the bound is in ``_ext/symbol_loops.h``).
    """
    low, high = check_range(low, high)
    alphabet_size = check_alphabet_size(alphabet_size)
    num_threads = check_num_threads(num_threads)
    if not isinstance(signal, np.ndarray):
        raise TypeError(f"signal: got {type(signal).__name__}, expected a NumPy array of float32, float64 or int16")
    if signal.dtype not in _SAMPLE_TYPES:
        raise TypeError(f"signal: got dtype {signal.dtype}, expected float32, float64 or int16 in native byte order")
    if signal.ndim not in (1, 2):
        raise ValueError(f"signal: got shape {signal.shape}, expected [samples] or [leads, samples]")
    if signal.size == 0:
        raise ValueError(f"signal: got shape {signal.shape}, expected at least one sample")

    symbols: NDArray[np.uint8] = np.empty(signal.shape, dtype=np.uint8)
    width = high - low + WIDENING
    if num_threads == 1 or signal.size < 4 * _SAMPLES_PER_SHARE:
        found = _kernel.symbolize(signal, low, width, alphabet_size, symbols)
    else:
        found = _shared_out(signal, low, width, alphabet_size, symbols, num_threads)
    if found is not None:
        lead, sample = found
        if signal.ndim == 2:
            place, value = f"lead index {lead}, sample {sample}", signal[lead, sample]
        else:
            place, value = f"sample {sample}", signal[sample]
        raise ValueError(f"signal: got {value} at {place}, expected finite values")
    return symbols


def _shared_out(
    signal: NDArray[Any], low: float, width: float, alphabet_size: int, symbols: NDArray[np.uint8], num_threads: int
) -> tuple[int, int] | None:
    """As the kernel, with the sample axis cut into shares."""
    samples = signal.shape[-1]
    parts = min(signal.size // _SAMPLES_PER_SHARE, samples)
    borders = [samples * k // parts for k in range(parts + 1)]
    found = map_shares(
        lambda part: _kernel.symbolize(signal, low, width, alphabet_size, symbols, *part),
        list(itertools.pairwise(borders)),
        num_threads,
    )
    return min((place for place in found if place is not None), default=None)


def desymbolize(
    symbols: NDArray[np.uint8],
    low: float,
    high: float,
    *,
    alphabet_size: int = ALPHABET_SIZE,
    as_published: bool = False,
) -> NDArray[np.float32]:
    """Give each symbol its amplitude back.

    Parameters
    ----------
    symbols : uint8, any shape
        Values 0 .. `alphabet_size` - 1.
    low, high : float
        The range the symbols were made with.
    alphabet_size : int
        Number of symbols, 1 to 256.
    as_published : bool
        False: the centre of the bin, ``low + (k + 0.5) / alphabet_size * (high - low + 1e-6)``, at most half a bin
        from the (clipped) sample. True: ``low + k / (alphabet_size - 1) * (high - low)`` as the published code
        does, up to a whole bin away.

    Returns
    -------
    float32, shape of `symbols`, C order
        In the unit of `low` and `high`.

    Raises
    ------
    TypeError
        If `symbols` is no uint8 array.
    ValueError
        If a symbol lies outside the alphabet, or the range is empty or not finite.

    Notes
    -----
    *Thread-safety*: safe; the interpreter lock is released during the work.
    """
    low, high = check_range(low, high)
    alphabet_size = check_alphabet_size(alphabet_size)
    if not isinstance(symbols, np.ndarray) or symbols.dtype != np.uint8:
        raise TypeError(f"symbols: got {_kind(symbols)}, expected a NumPy array of uint8")
    index = np.arange(alphabet_size, dtype=np.float64)
    if as_published:
        if alphabet_size == 1:
            raise ValueError("alphabet_size: got 1, expected at least 2 with as_published=True")
        levels = low + index / (alphabet_size - 1) * (high - low)
    else:
        levels = low + (index + 0.5) / alphabet_size * (high - low + WIDENING)
    flat = np.ascontiguousarray(symbols).reshape(-1)
    signal = np.empty(flat.shape, dtype=np.float32)
    bad = _kernel.desymbolize(flat, levels.astype(np.float32), signal)
    if bad >= 0:
        place = ", ".join(map(str, np.unravel_index(bad, symbols.shape)))
        raise ValueError(f"symbols: got {flat[bad]} at [{place}], expected 0 to {alphabet_size - 1}")
    return signal.reshape(symbols.shape)


def letters(symbols: NDArray[np.uint8]) -> str:
    """Write symbols [symbols] as a string of a..z.

    Raises
    ------
    TypeError
        If `symbols` is no uint8 array.
    ValueError
        If it is not one-dimensional, or a symbol is 26 or more.
    """
    if not isinstance(symbols, np.ndarray) or symbols.dtype != np.uint8:
        raise TypeError(f"symbols: got {_kind(symbols)}, expected a NumPy array of uint8")
    if symbols.ndim != 1:
        raise ValueError(f"symbols: got shape {symbols.shape}, expected [symbols]")
    outside = np.flatnonzero(symbols >= ALPHABET_SIZE)
    if outside.size:
        raise ValueError(f"symbols: got {symbols[outside[0]]} at {outside[0]}, expected 0 to {ALPHABET_SIZE - 1}")
    return (symbols + np.uint8(ord("a"))).tobytes().decode("ascii")


def from_letters(text: str) -> NDArray[np.uint8]:
    """Read a string of a..z as symbols; the inverse of `letters`.

    Raises
    ------
    TypeError
        If `text` is no string.
    ValueError
        If it holds anything but a..z; the message names the character and its place.
    """
    if not isinstance(text, str):
        raise TypeError(f"text: got {type(text).__name__}, expected str")
    for place, character in enumerate(text):
        if not "a" <= character <= "z":
            raise ValueError(f"text: got {character!r} at {place}, expected letters a to z")
    return np.frombuffer(text.encode("ascii"), dtype=np.uint8) - np.uint8(ord("a"))


def _kind(value: object) -> str:
    return f"dtype {value.dtype}" if isinstance(value, np.ndarray) else type(value).__name__
