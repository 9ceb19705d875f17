"""Every call of the kernels with memory that runs out at its first allocation, its second, and so on.

``python -m tests.faults.allocating COUNT``, which `tests.faults.allocations` starts with `failing_allocations.c`
preloaded.
"""

from __future__ import annotations

import ctypes
import gc
import json
import sys
from collections.abc import Callable
from typing import Any

import numpy as np

import ecgbyte
from ecgbyte.bpe import Vocabulary, train_merges
from ecgbyte.bpe.dropout import encode_batch_with_dropout
from ecgbyte.signals.denoise import wavelet_denoise
from ecgbyte.signals.filters import butterworth, notch
from ecgbyte.signals.resample import resample
from ecgbyte.symbols import desymbolize, symbolize

_RNG = np.random.default_rng(0)
_SYMBOLS = (np.abs(np.cumsum(_RNG.integers(-1, 2, 150_000))) % 26).astype(np.uint8)
_SHORT = [_SYMBOLS[start : start + 500] for start in range(0, 20_000, 500)]
_SIGNALS = np.clip(np.cumsum(_RNG.normal(0, 0.02, (12, 1500)), axis=1), -1, 1).astype(np.float32)
_MERGES = train_merges([_SYMBOLS], 120)
# Constant symbols never share a border with what is encoded behind them, so that pieces are joined the long way.
_FLAT = np.zeros(120_000, np.uint8)
_FLAT_MERGES = [[0, 0], [26, 26], [27, 0], [1, 2]]


def _vocabulary() -> Vocabulary:
    return Vocabulary(_MERGES)


def _tokenizer(**settings: Any) -> ecgbyte.ECGTokenizer:
    return ecgbyte.ECGTokenizer.from_merges(_MERGES, amplitude_range=(-1, 1), **settings)


def _signals(matching: str) -> object:
    tokenizer = _tokenizer(matching=matching)
    encodings = tokenizer.encode_batch([_SIGNALS, _SIGNALS[:, :700]], num_threads=2)
    return [tokenizer.encode(_SIGNALS).ids, *(encoding.ids for encoding in encodings), tokenizer.decode(encodings[0])]


CASES: dict[str, Callable[[], object]] = {
    "training": lambda: train_merges(_SHORT, 60),
    "training, threads": lambda: train_merges([_SYMBOLS, *_SHORT], 60, num_threads=2),
    "training, stream": lambda: train_merges(iter(_SHORT), 60),
    "vocabulary": lambda: _vocabulary().lengths,
    "longest": lambda: [_vocabulary().encode(row, "longest") for row in (_SYMBOLS, _SHORT[0])],
    "longest, flat": lambda: Vocabulary(_FLAT_MERGES).encode(_FLAT, "longest"),
    "longest, batch": lambda: _vocabulary().encode_batch([_SYMBOLS, *_SHORT], "longest", num_threads=2),
    "merge order": lambda: [_vocabulary().encode(row, "merge-order") for row in (_SYMBOLS, _SHORT[0])],
    "merge order, flat": lambda: Vocabulary(_FLAT_MERGES).encode(_FLAT, "merge-order"),
    "merge order, batch": lambda: _vocabulary().encode_batch([_SYMBOLS, *_SHORT], "merge-order", num_threads=2),
    "dropout": lambda: encode_batch_with_dropout(
        _vocabulary(), _SHORT, list(range(len(_SHORT))), dropout=0.2, num_threads=2
    ),
    "dropout, merge order": lambda: encode_batch_with_dropout(
        _vocabulary(), _SHORT, list(range(len(_SHORT))), dropout=0.2, matching="merge-order", num_threads=2
    ),
    "decoding": lambda: _vocabulary().decode(np.arange(100)),
    "starts": lambda: _vocabulary().starts(np.arange(100)),
    "signals, longest": lambda: _signals("longest"),
    "signals, merge order": lambda: _signals("merge-order"),
    "symbols": lambda: symbolize(_SIGNALS, -1, 1, num_threads=2),
    "samples of symbols": lambda: desymbolize(_SYMBOLS, -1, 1),
    "notch": lambda: notch(_SIGNALS, 500, 50),
    "band pass": lambda: butterworth(_SIGNALS, 500, low=0.5, high=40),
    "denoising": lambda: wavelet_denoise(_SIGNALS, 4),
    "resampling": lambda: resample(_SIGNALS, 500, 250),
}


def _bytes(found: object) -> list[bytes]:
    if isinstance(found, (list, tuple)):
        return [part for value in found for part in _bytes(value)]
    return [np.ascontiguousarray(found).tobytes()]


def _once(
    library: ctypes.CDLL, call: Callable[[], object], number: int, *, from_there_on: bool
) -> tuple[Any, int, int]:
    """What a call gives (None: MemoryError), how many allocations failed, and how many were not freed."""
    gc.collect()
    library.watch_allocations(number, int(from_there_on))
    try:
        found: Any = _bytes(call())
    except MemoryError:
        found = None
    failed = library.stop_failing()
    gc.collect()
    return found, failed, library.allocations_held()


def check(library: ctypes.CDLL, call: Callable[[], object], count: int) -> tuple[int, int]:
    """Let each of the first allocations of a call fail, alone and with all behind it.

    Returns
    -------
    tuple of int
        How many times memory ran out, and how many calls gave the right result all the same.

    Raises
    ------
    AssertionError
        If a call gave another result, or kept memory; or the next call did.
    """
    expected = _bytes(call())
    kept = _once(library, call, 0, from_there_on=False)[2]
    times = right = 0
    for from_there_on in (False, True):
        for number in range(1, count + 1):
            found, failed, held = _once(library, call, number, from_there_on=from_there_on)
            if failed == 0:
                break
            times += 1
            right += found is not None
            if found not in (None, expected):
                raise AssertionError(f"allocation {number} failed, and the result is another")
            if held > kept:
                raise AssertionError(f"allocation {number} failed, and {held - kept} others were not freed")
            found, _, held = _once(library, call, 0, from_there_on=False)
            if found != expected or held > kept:
                raise AssertionError(f"allocation {number} failed, and the call behind it goes wrong")
    return times, right


def main(count: int) -> None:
    library = ctypes.CDLL(None)
    for name in ("stop_failing", "allocations_held"):
        getattr(library, name).restype = ctypes.c_long
    library.watch_allocations.argtypes = [ctypes.c_long, ctypes.c_int]
    totals = {}
    for name, call in CASES.items():
        print(name, file=sys.stderr, flush=True)  # the last one named is the one that ended the process
        totals[name] = check(library, call, count)
    print(json.dumps(totals))


if __name__ == "__main__":
    main(int(sys.argv[1]))
