"""The kernels release the interpreter lock: another Python thread advances while one call runs."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import numpy as np
import pytest

from ecgbyte._ext import symbols as symbols_kernel
from ecgbyte._ext.bpe_encoding import EncodingTables, first_outside
from ecgbyte._ext.bpe_training import MergeTrainer

SYMBOLS = np.random.default_rng(0).integers(0, 26, 2_000_000, dtype=np.uint8)
MERGES = np.array([(k, k + 1) for k in range(24)], dtype=np.int32)


def placed() -> tuple[MergeTrainer, Callable[[], np.ndarray]]:
    trainer = MergeTrainer(len(SYMBOLS) + 2, 26, 1)
    first = trainer.take_cells(len(SYMBOLS) + 1)

    def place() -> np.ndarray:
        counts = np.zeros((4, 26, 26), dtype=np.int64)
        trainer.place_rows(SYMBOLS[np.newaxis], first, counts)
        return counts

    return trainer, place


def training() -> Callable[[], object]:
    trainer, place = placed()
    trainer.begin(place().sum(axis=0))
    merges = np.empty((50, 2), dtype=np.int32)
    return lambda: trainer.train(merges)


def placing() -> Callable[[], object]:
    return placed()[1]


def encoding(merge_order: bool) -> Callable[[], object]:
    tables = EncodingTables(MERGES, 26)
    borders = np.array([0, len(SYMBOLS)])
    ids = np.empty(len(SYMBOLS), dtype=np.int32)
    counts = np.empty(1, dtype=np.int64)
    return lambda: tables.encode(SYMBOLS, borders, merge_order, ids, counts)


def decoding() -> Callable[[], object]:
    tables = EncodingTables(MERGES, 26)
    ids = SYMBOLS.astype(np.int64)
    return lambda: tables.decode(ids)


def symbolizing() -> Callable[[], object]:
    signal = SYMBOLS[np.newaxis].astype(np.float32)
    symbols = np.empty(signal.shape, dtype=np.uint8)
    return lambda: symbols_kernel.symbolize(signal, 0.0, 26.0, 26, symbols)


def desymbolizing() -> Callable[[], object]:
    signal = np.empty(len(SYMBOLS), dtype=np.float32)
    levels = np.arange(26, dtype=np.float32)
    return lambda: symbols_kernel.desymbolize(SYMBOLS, levels, signal)


CALLS: dict[str, Callable[[], Callable[[], object]]] = {
    "training": training,
    "placing": placing,
    "longest": lambda: encoding(False),
    "merge-order": lambda: encoding(True),
    "checking": lambda: lambda: first_outside(SYMBOLS, 26),
    "decoding": decoding,
    "symbolizing": symbolizing,
    "desymbolizing": desymbolizing,
}


@contextmanager
def no_forced_switches() -> Iterator[None]:
    """Let threads switch only where one gives the lock up, never because its turn is over."""
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1000.0)
    try:
        yield
    finally:
        sys.setswitchinterval(interval)


@pytest.mark.parametrize("kernel", CALLS)
def test_another_thread_advances_during_the_call(kernel: str) -> None:
    turns = [0]
    begun, ended = threading.Event(), threading.Event()

    def count() -> None:
        while not ended.is_set():
            turns[0] += 1
            begun.set()
            time.sleep(0)  # gives the lock up

    advanced = False
    with no_forced_switches():
        counter = threading.Thread(target=count)
        counter.start()
        begun.wait()
        # On a busy machine the system may leave the other thread asleep during one call; with the lock held it could
        # not advance in any.
        for _ in range(100):
            call = CALLS[kernel]()
            before = turns[0]
            call()
            advanced = turns[0] > before
            if advanced:
                break
        ended.set()
        counter.join()
    assert advanced
