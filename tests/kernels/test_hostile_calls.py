"""Calls made by mistake or in bad faith: absurd numbers, other threads that write, odd memory, Ctrl-C."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import numpy as np
import pytest

import ecgbyte
from ecgbyte._ext.batch_encoding import BatchEncoding
from ecgbyte.bpe import MATCHING, Vocabulary, train_merges
from ecgbyte.bpe.dropout import encode_batch_with_dropout
from ecgbyte.bpe.vocabulary import MAX_SEQUENCE_SYMBOLS
from ecgbyte.checks import MAX_THREADS
from ecgbyte.signals.denoise import wavelet_denoise
from ecgbyte.signals.filters import notch
from ecgbyte.signals.resample import resample
from ecgbyte.symbols import desymbolize, symbolize

MERGES = [[0, 0], [26, 26], [27, 27], [1, 2]]


@pytest.mark.parametrize("num_threads", [0, MAX_THREADS + 1, 2**29, 2**30, 2**31, 2**63])
def test_absurd_numbers_of_threads_are_refused(num_threads: int) -> None:
    sequences = [np.zeros(10, np.uint8)]
    tokenizer = ecgbyte.ECGTokenizer.from_merges(MERGES)
    calls: list[Callable[[], object]] = [
        lambda: Vocabulary(MERGES).encode_batch(sequences, num_threads=num_threads),
        lambda: encode_batch_with_dropout(Vocabulary(MERGES), sequences, [1], dropout=0.1, num_threads=num_threads),
        lambda: train_merges(sequences, 2, num_threads=num_threads),
        lambda: tokenizer.encode(np.zeros((12, 50), np.float32), num_threads=num_threads),
        lambda: symbolize(np.zeros(9), -1, 1, num_threads=num_threads),
    ]
    for call in calls:
        with pytest.raises(ValueError, match=f"num_threads: got {num_threads}, expected 1 to {MAX_THREADS}"):
            call()


def test_the_kernel_itself_divides_by_no_overflow() -> None:
    tables = Vocabulary(MERGES)._tables
    for num_threads in (10_738, 2**20):
        batch = BatchEncoding(tables, [np.zeros(70_000, np.uint8)], False, num_threads)
        batch.encode()
        assert batch.join().tolist() == [0, 70_000 // 8]
    with pytest.raises(ValueError, match="num_threads"):
        BatchEncoding(tables, [np.zeros(10, np.uint8)], False, 2**30)


def test_counts_beyond_64_bits_are_refused() -> None:
    for call in (train_merges, ecgbyte.ECGTokenizer.train):
        with pytest.raises(ValueError, match=f"min_count: got {2**63}"):
            call([np.zeros((12, 9), np.uint8)], 1, min_count=2**63)
    assert len(train_merges([np.zeros(9, np.uint8)], 1, min_count=2**63 - 1)) == 0


@pytest.mark.parametrize("matching", MATCHING)
def test_too_long_sequences_are_refused_at_every_entry(matching: str) -> None:
    vocabulary = Vocabulary(MERGES)
    # No memory: one byte that stands for all.
    long = np.broadcast_to(np.uint8(0), MAX_SEQUENCE_SYMBOLS + 1)
    for call in (
        lambda: vocabulary.encode(long, matching),
        lambda: vocabulary.encode_batch([np.zeros(3, np.uint8), long], matching),
        lambda: vocabulary.encode_batch(long[np.newaxis], matching),
        lambda: encode_batch_with_dropout(vocabulary, [long], [0], dropout=0.1, matching=matching),
        lambda: ecgbyte.ECGTokenizer.from_merges(
            MERGES, num_leads=1, amplitude_range=(-1, 1), matching=matching
        ).encode(np.broadcast_to(np.float32(0), (1, MAX_SEQUENCE_SYMBOLS + 1))),
    ):
        with pytest.raises(ValueError, match=f"{MAX_SEQUENCE_SYMBOLS}"):
            call()


# Another thread writes symbols inside and outside of the alphabet while the kernels read them. Any answer will do, and
# a refusal as well, but not the end of the process: so in a process of its own.
_RACE = """
import threading
import numpy as np
from ecgbyte.bpe import Vocabulary, train_merges
from ecgbyte.symbols import desymbolize

rng = np.random.default_rng(0)
symbols = (np.abs(np.cumsum(rng.integers(-1, 2, 400_000))) % 26).astype(np.uint8)
vocabulary = Vocabulary(train_merges([symbols], 500))
ids = vocabulary.encode(symbols).astype(np.int64)
stop = threading.Event()

def spoil():
    while not stop.is_set():
        k = int(rng.integers(0, len(symbols) - 50_000))
        symbols[k : k + 50_000] = 255
        symbols[k : k + 50_000] = 3
        ids[k % 900 : k % 900 + 100] = 1 << 60
        ids[k % 900 : k % 900 + 100] = 5

thread = threading.Thread(target=spoil, daemon=True)
thread.start()
for turn in range(20):
    for call in (
        lambda: vocabulary.encode_batch([symbols, symbols], "longest", num_threads=2),
        lambda: vocabulary.encode_batch([symbols], "merge-order"),
        lambda: vocabulary.encode(symbols[:200_000], "longest"),
        lambda: vocabulary.encode(symbols, "merge-order"),
        lambda: vocabulary.decode(ids),
        lambda: train_merges([symbols], 20),
        lambda: desymbolize(symbols, -1.0, 1.0),
    ):
        try:
            call()
        except ValueError:
            pass
stop.set()
thread.join()
print("alive")
"""


def test_arrays_that_change_meanwhile_end_no_process() -> None:
    done = subprocess.run([sys.executable, "-c", _RACE], capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, (done.returncode, done.stderr[-2000:])
    assert done.stdout == "alive\n"


@contextmanager
def interrupted_after(seconds: float) -> Iterator[None]:
    """Raise KeyboardInterrupt as Ctrl-C does, when the process has worked for some time."""

    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt("as by Ctrl-C")

    before = signal.signal(signal.SIGPROF, interrupt)
    signal.setitimer(signal.ITIMER_PROF, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, before)


@pytest.mark.skipif(not hasattr(signal, "ITIMER_PROF"), reason="needs a timer of the process's own time")
@pytest.mark.parametrize("kind", ["flat", "noise"])
@pytest.mark.parametrize("call", ["encode", "encode_batch", "signal", "dropout"])
def test_long_encoding_heeds_ctrl_c(call: str, kind: str) -> None:
    length = 20_000_000
    symbols = np.zeros(length, np.uint8)
    if kind == "noise":
        symbols = np.random.default_rng(0).integers(0, 26, length, dtype=np.uint8)
    # Merges that make pieces of constant symbols hard to join: a token of three.
    vocabulary = Vocabulary([[0, 0], [26, 0], *([a, b] for a in range(1, 20) for b in range(1, 20))])
    if call == "signal":
        tokenizer = ecgbyte.ECGTokenizer.from_merges(
            vocabulary.merges, num_leads=1, amplitude_range=(-1, 1), matching="merge-order"
        )
        samples = desymbolize(symbols, -1, 1)[np.newaxis]
    with interrupted_after(0.1), pytest.raises(KeyboardInterrupt, match="as by"):
        if call == "encode":
            vocabulary.encode(symbols, "merge-order")
        elif call == "encode_batch":
            vocabulary.encode_batch([symbols, symbols], "merge-order", num_threads=2)
        elif call == "signal":
            tokenizer.encode(samples)
        else:
            encode_batch_with_dropout(vocabulary, [symbols], [1], dropout=0.1, matching="merge-order")


def misaligned(array: np.ndarray) -> np.ndarray:
    """The same values, one byte behind an aligned place."""
    raw = bytearray(array.nbytes + 1)
    moved = np.ndarray(array.shape, array.dtype, buffer=raw, offset=1)
    moved[...] = array
    assert not moved.flags.aligned
    return moved


def test_misaligned_arrays_are_copied() -> None:
    ids = np.arange(5, dtype=np.int64)
    vocabulary = Vocabulary(MERGES)
    assert np.array_equal(vocabulary.decode(misaligned(ids)), ids)
    assert np.array_equal(vocabulary.starts(misaligned(ids)), np.arange(6))
    signals = np.random.default_rng(0).normal(0, 0.3, (3, 1000))
    tokenizer = ecgbyte.ECGTokenizer.from_merges(MERGES, num_leads=3, amplitude_range=(-1, 1))
    for samples in (signals, signals.astype(np.float32)):
        for step in (
            lambda x: notch(x, 500, 50),
            lambda x: wavelet_denoise(x, 4),
            lambda x: resample(x, 500, 250),
            lambda x: symbolize(x, -1, 1),
            lambda x: tokenizer.encode(x).ids,
        ):
            assert np.array_equal(step(misaligned(samples)), step(samples))
