"""The kernels release the interpreter lock: another Python thread advances while one call runs."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import numpy as np
import pytest

from ecgbyte._ext import lead_lanes, polyphase, wavelet_shrinkage, zero_phase
from ecgbyte._ext import symbols as symbols_kernel
from ecgbyte._ext.batch_encoding import BatchEncoding
from ecgbyte._ext.bpe_encoding import MAX_COPIED_SYMBOLS, EncodingTables
from ecgbyte._ext.bpe_training import MergeTrainer
from ecgbyte._ext.signal_encoding import SignalBatch, SignalEncoder, locate
from ecgbyte.signals.records import Record

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
    return lambda: tables.encode_sequence(SYMBOLS[:MAX_COPIED_SYMBOLS], merge_order)


def batch_encoding(copying: bool) -> Callable[[], object]:
    batch = BatchEncoding(EncodingTables(MERGES, 26), [SYMBOLS], merge_order=False)
    if not copying:
        return batch.encode
    batch.encode()
    ids = np.empty(batch.join()[-1], dtype=np.int32)
    return lambda: batch.copy(ids)


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


def signal_encoding() -> Callable[[], object]:
    signal = SYMBOLS[np.newaxis].astype(np.float32)
    batch = SignalBatch([signal], 1, Record, None, None, None)
    encoder = SignalEncoder(EncodingTables(MERGES, 26), False, True, None, 1e-6, 0.5)
    counts, ranges = np.empty((2, 1, 1), dtype=np.int64), np.empty((1, 2))
    return lambda: encoder.encode(batch, 0, 1, 0, 1, counts, ranges)


def locating() -> Callable[[], object]:
    ids, lengths = SYMBOLS.astype(np.int32), np.ones(26, dtype=np.int32)
    leads, offsets = np.empty(len(ids), dtype=np.int16), np.empty((len(ids), 2), dtype=np.int32)
    return lambda: locate(ids, lengths, 1000, leads, offsets)


def filtering() -> Callable[[], object]:
    lanes, tail, delays = np.zeros((100_000, 12)), np.zeros((99_999, 12)), np.zeros((4, 2, 12))
    return lambda: zero_phase.filter_lanes(lanes, 99_999, np.zeros((4, 6)), np.zeros((4, 2)), delays, tail)


def denoising() -> Callable[[], object]:
    lanes, bands = np.zeros((100_000, 12)), np.zeros((wavelet_shrinkage.band_rows(100_000, 4), 12))
    return lambda: wavelet_shrinkage.denoise_lanes(lanes, 4, np.zeros((4, 12)), 1.0, bands)


def resampling() -> Callable[[], object]:
    lanes, resampled = np.zeros((100_000, 12)), np.zeros((90_000, 12))
    return lambda: polyphase.resample_lanes(lanes, np.zeros((1, 41)), 1, 40, resampled)


def turning(back: bool) -> Callable[[], object]:
    lanes, signal = np.zeros((200_000, 12)), np.zeros((12, 200_000), dtype=np.float32)
    return lambda: lead_lanes.from_lanes(lanes, signal) if back else lead_lanes.to_lanes(signal, lanes)


CALLS: dict[str, Callable[[], Callable[[], object]]] = {
    "training": training,
    "placing": placing,
    "longest": lambda: encoding(False),
    "merge-order": lambda: encoding(True),
    "batch, encoding": lambda: batch_encoding(False),
    "batch, copying": lambda: batch_encoding(True),
    "decoding": decoding,
    "symbolizing": symbolizing,
    "desymbolizing": desymbolizing,
    "signal encoding": signal_encoding,
    "locating": locating,
    "filtering": filtering,
    "denoising": denoising,
    "resampling": resampling,
    "to lanes": lambda: turning(back=False),
    "from lanes": lambda: turning(back=True),
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
