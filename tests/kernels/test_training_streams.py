"""Training on streams, memory maps and threads gives what training on the same sequences in a list gives."""

from __future__ import annotations

import signal
import threading
import weakref
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ecgbyte._ext.bpe_training import MergeTrainer
from ecgbyte.bpe import train_merges
from ecgbyte.bpe.reference import train_merges_reference
from tests.kernels.kernel_strategies import corpora


def walks(seed: int, sequences: int, symbols: int, alphabet_size: int = 26) -> np.ndarray:
    """Random walks, uint8 [sequences, symbols]."""
    steps = np.random.default_rng(seed).integers(-1, 2, size=(sequences, symbols))
    return (np.cumsum(steps, axis=1) % alphabet_size).astype(np.uint8)


@settings(deadline=None)  # a busy machine is no failure
@given(corpora(), st.data())
def test_an_iterable_gives_the_merges_of_the_list(corpus: tuple[int, list[np.ndarray]], data: st.DataObject) -> None:
    alphabet_size, sequences = corpus
    sequences += [np.resize(sequence, (data.draw(st.integers(0, 3)), 7)) for sequence in sequences if len(sequence)]
    rows = [row for array in sequences for row in np.atleast_2d(array).tolist()]
    expected = train_merges_reference(rows, 20, alphabet_size=alphabet_size)
    for given_form in (iter(sequences), (sequence for sequence in sequences)):
        merges = train_merges(given_form, 20, alphabet_size=alphabet_size)
        assert [tuple(pair) for pair in merges.tolist()] == expected


@pytest.mark.parametrize("alphabet_size", [26, 255, 256])
@pytest.mark.parametrize("chunk", [1, 3, 7, 64])
def test_chunks_of_any_size(alphabet_size: int, chunk: int) -> None:
    rows = walks(alphabet_size, 130, 331, alphabet_size)
    expected = train_merges(rows, 200, alphabet_size=alphabet_size)
    chunks = (rows[begin : begin + chunk] for begin in range(0, len(rows), chunk))
    np.testing.assert_array_equal(train_merges(chunks, 200, alphabet_size=alphabet_size), expected)


@pytest.mark.parametrize("length", [8191, 8192, 8193, 16385, 100_003])
def test_rows_longer_than_what_is_placed_at_once(length: int) -> None:
    rows = walks(length, 2, length, 5)
    trainer = MergeTrainer(1, 5, 1)
    counts = np.zeros((4, 5, 5), dtype=np.int64)
    assert trainer.place_rows(rows, trainer.take_cells(2 * (length + 1)), counts) is None
    expected = np.zeros((5, 5), dtype=np.int64)
    np.add.at(expected, (rows[:, :-1], rows[:, 1:]), 1)
    np.testing.assert_array_equal(counts.sum(axis=0), expected)
    rows[1, length - 1] = 5
    assert trainer.place_rows(rows, 1, counts) == (1, length - 1)


def test_a_stream_that_grows_the_room_many_times() -> None:
    rows = walks(1, 90, 100_000)
    expected = train_merges(rows, 100)
    np.testing.assert_array_equal(train_merges(iter(rows), 100), expected)


def test_no_array_of_a_stream_is_kept() -> None:
    alive: list[weakref.ref] = []

    def stream() -> Iterator[np.ndarray]:
        for seed in range(5):
            array = walks(seed, 3, 1000)
            alive.append(weakref.ref(array))
            yield array
            del array
            assert not any(reference() is not None for reference in alive)

    assert len(train_merges(stream(), 10)) == 10


@pytest.mark.parametrize("num_threads", [1, 3])
@pytest.mark.parametrize("mode", ["r", "c", "r+"])
def test_memory_maps(tmp_path: Path, mode: str, num_threads: int) -> None:
    rows = walks(2, 300, 30_000)
    np.save(tmp_path / "rows.npy", rows)
    expected = train_merges(rows, 60)
    mapped = np.load(tmp_path / "rows.npy", mmap_mode=mode)
    if mode == "c":  # changes that are not in the file count, and stay
        mapped[5] = mapped[6]
        rows[5] = rows[6]
        expected = train_merges(rows, 60)
    np.testing.assert_array_equal(train_merges(mapped, 60, num_threads=num_threads), expected)
    np.testing.assert_array_equal(train_merges((mapped[k : k + 11] for k in range(0, 300, 11)), 60), expected)
    np.testing.assert_array_equal(mapped, rows)


def test_threads_place_the_same_cells() -> None:
    rows = walks(3, 500, 20_001)
    expected = train_merges(rows, 100)
    for num_threads in (2, 5):
        np.testing.assert_array_equal(train_merges(rows, 100, num_threads=num_threads), expected)
        np.testing.assert_array_equal(train_merges(list(rows), 100, num_threads=num_threads), expected)
    rows[499, 7] = 26
    with pytest.raises(ValueError, match="got symbol 26 in sequence 499 at 7"):
        train_merges(rows, 100, num_threads=3)


@pytest.mark.parametrize(
    ("items", "error", "message"),
    [
        ([[0, 1]], TypeError, r"sequences\[0\]: got list"),
        ([np.zeros(2, np.uint8), np.zeros(2, np.int64)], TypeError, r"sequences\[1\]: got dtype int64"),
        ([np.zeros((2, 2, 2), np.uint8)], ValueError, r"sequences\[0\]: got shape \(2, 2, 2\)"),
        ([np.zeros((2, 3), np.uint8), np.array([0, 26], np.uint8)], ValueError, "got symbol 26 in sequence 2 at 1"),
    ],
)
def test_wrong_items_are_refused(items: list, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        train_merges(iter(items), 3)


@pytest.mark.parametrize("sequences", [b"abc", {0: np.zeros(3, np.uint8)}, 7, None])
def test_what_is_no_stream_of_sequences_is_refused(sequences: object) -> None:
    with pytest.raises(TypeError, match=f"sequences: got {type(sequences).__name__}"):
        train_merges(sequences, 3)  # type: ignore[arg-type]


def test_an_error_of_the_stream_is_passed_on() -> None:
    def stream() -> Iterator[np.ndarray]:
        yield np.zeros(9, np.uint8)
        raise OSError("the disk is gone")

    with pytest.raises(OSError, match="the disk is gone"):
        train_merges(stream(), 3)


def test_the_kernel_refuses_cells_that_were_not_taken() -> None:
    trainer = MergeTrainer(1, 26, 1)
    counts = np.zeros((4, 26, 26), dtype=np.int64)
    rows = np.zeros((2, 3), dtype=np.uint8)
    for first in (0, 1, 2):
        with pytest.raises(ValueError, match="cells were taken"):
            trainer.place_rows(rows, first, counts)
    first = trainer.take_cells(8)
    with pytest.raises(ValueError, match="cells were taken"):
        trainer.place_rows(rows, first + 1, counts)
    with pytest.raises(ValueError, match="counts"):
        trainer.place_rows(rows, first, np.zeros((4, 25, 26), dtype=np.int64))
    with pytest.raises(ValueError, match="not begun"):
        trainer.train(np.empty((1, 2), dtype=np.int32))
    trainer.place_rows(rows, first, counts)
    trainer.begin(counts.sum(axis=0))
    with pytest.raises(ValueError, match="begun"):
        trainer.take_cells(8)
    with pytest.raises(ValueError, match="begun"):
        trainer.place_rows(rows, first, counts)
    with pytest.raises(ValueError, match="once"):
        trainer.begin(counts.sum(axis=0))


@pytest.mark.skipif(not hasattr(signal, "pthread_kill"), reason="signals are not sent to threads on this system")
def test_an_interrupt_gets_through_while_a_stream_is_read() -> None:
    main_thread = threading.main_thread().ident
    assert main_thread is not None
    sender = threading.Timer(0.05, signal.pthread_kill, (main_thread, signal.SIGINT))
    block = walks(8, 10, 100_000)

    def endless() -> Iterator[np.ndarray]:
        sent = 0
        while sent < 3000:
            sent += sender.finished.is_set() * 100
            yield block[:1, :1000]

    with pytest.raises(KeyboardInterrupt):
        sender.start()
        while True:
            train_merges(endless(), 0)
