"""Training against the plain Python version, on every path through the kernel."""

from __future__ import annotations

import signal
import threading

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ecgbyte._ext.bpe_training import CHOSEN_SET, MACHINE_SET, MAX_TOKENS, MergeTrainer
from ecgbyte.bpe import Vocabulary, train_merges
from ecgbyte.bpe.reference import train_merges_reference
from tests.kernels.kernel_strategies import corpora, sequences_of

# Ways through the kernel that small inputs take only when told to: lists at once, lists of the very best pairs alone
# (so that the array is counted again and again), and passes throughout, in bytes and then in 16-bit cells; a hash table
# of counts in place of a square.
PATHS = [
    {},
    {"pass_share": 0},
    {"pass_share": 0, "list_share": 1},
    {"pass_share": 4, "list_share": 2},
    {"pass_share": 10**6},
    {"pass_share": 0, "list_share": 2, "max_square": 0},
    {"max_listed_cells": 1},
    {"max_listed_cells": 20, "list_share": 1},
]

# Every set of instructions that this machine has; 0 is the portable loop.
SETS = range(MACHINE_SET + 1)


def train_on_path(
    sequences: list[np.ndarray], num_merges: int, alphabet_size: int, min_count: int, path: dict[str, int]
) -> np.ndarray:
    trainer = MergeTrainer(1, alphabet_size, min_count, **path)
    counts = np.zeros((4, alphabet_size, alphabet_size), dtype=np.int64)
    for sequence in sequences:
        first = trainer.take_cells(len(sequence) + 1)
        assert trainer.place_rows(sequence[np.newaxis], first, counts) is None
    trainer.begin(counts.sum(axis=0))
    merges = np.empty((num_merges, 2), dtype=np.int32)
    return merges[: trainer.train(merges)]


def pairs(merges: np.ndarray) -> list[tuple[int, int]]:
    return [(int(left), int(right)) for left, right in merges]


@settings(deadline=None)  # a busy machine is no failure
@given(corpora(), st.integers(0, 40), st.integers(1, 4))
def test_merges_are_those_of_the_reference(
    corpus: tuple[int, list[np.ndarray]], num_merges: int, min_count: int
) -> None:
    alphabet_size, sequences = corpus
    expected = train_merges_reference(
        [sequence.tolist() for sequence in sequences], num_merges, alphabet_size=alphabet_size, min_count=min_count
    )
    merges = train_merges(sequences, num_merges, alphabet_size=alphabet_size, min_count=min_count)
    assert merges.dtype == np.int32
    assert merges.shape == (len(expected), 2)
    assert pairs(merges) == expected
    for path in PATHS:
        for instruction_set in SETS:
            chosen = path | {"instruction_set": instruction_set}
            assert pairs(train_on_path(sequences, num_merges, alphabet_size, min_count, chosen)) == expected, chosen


def runs_at(start: int, lengths: list[int], filler: np.ndarray) -> np.ndarray:
    """Runs of symbol 0 with one symbol between them, from cell `start` on, uint8 [symbols]."""
    parts = [filler[:start]]
    for index, length in enumerate(lengths):
        parts += [np.zeros(length, dtype=np.uint8), filler[index : index + 1]]
    return np.concatenate(parts)


@pytest.mark.parametrize("instruction_set", SETS)
@pytest.mark.parametrize("start", [0, 14, 15, 16, 29, 30, 31, 32, 33, 61, 62, 63, 64, 65, 126, 127])
def test_runs_that_straddle_blocks(start: int, instruction_set: int) -> None:
    generator = np.random.default_rng(start)
    for trial in range(30):
        filler = generator.integers(1, 4, size=400).astype(np.uint8)
        lengths = generator.choice([1, 2, 3, 4, 5, 15, 16, 17, 31, 32, 33, 63, 64, 65, 66, 130], size=6).tolist()
        sequences = [runs_at(start, lengths, filler), runs_at(trial, lengths[::-1], filler), filler[:trial]]
        expected = train_merges_reference([row.tolist() for row in sequences], 12, alphabet_size=4)
        path = {"instruction_set": instruction_set, "pass_share": 10**6}
        assert pairs(train_on_path(sequences, 12, 4, 1, path)) == expected


@pytest.mark.parametrize("instruction_set", SETS)
@pytest.mark.parametrize("symbols", [2, 3, 9])
def test_noise_of_every_length_about_a_block(symbols: int, instruction_set: int) -> None:
    generator = np.random.default_rng(symbols)
    path = {"instruction_set": instruction_set, "pass_share": 10**6}
    for length in range(200):
        sequence = generator.integers(0, symbols, size=length, dtype=np.uint8)
        expected = train_merges_reference([sequence.tolist()], 8, alphabet_size=symbols)
        assert pairs(train_on_path([sequence], 8, symbols, 1, path)) == expected


def test_all_instruction_sets_agree_on_a_long_corpus() -> None:
    assert 0 <= CHOSEN_SET <= MACHINE_SET
    generator = np.random.default_rng(9)
    steps = generator.integers(-1, 2, size=(12, 6000)) * (generator.random((12, 6000)) > 0.7)
    sequences = list((np.cumsum(steps, axis=1) % 26).astype(np.uint8))
    sequences += list(generator.integers(0, 26, size=(3, 6000), dtype=np.uint8))
    expected = pairs(train_merges(sequences, 900))
    for path in PATHS[:6]:
        for instruction_set in SETS:
            assert pairs(train_on_path(sequences, 900, 26, 1, path | {"instruction_set": instruction_set})) == expected


def test_an_instruction_set_that_the_machine_lacks_is_not_used() -> None:
    path = {"instruction_set": 99}
    assert pairs(train_on_path([np.array([0, 1, 0, 1], np.uint8)], 1, 2, 1, path)) == [(0, 1)]


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("alphabet_size", [2, 26, 200, 255, 256])
def test_random_walks_with_many_merges(alphabet_size: int, path: dict[str, int]) -> None:
    generator = np.random.default_rng(alphabet_size)
    steps = generator.integers(-1, 2, size=(3, 500))
    sequences = [np.clip(np.cumsum(row) + alphabet_size // 2, 0, alphabet_size - 1).astype(np.uint8) for row in steps]
    expected = train_merges_reference([row.tolist() for row in sequences], 300, alphabet_size=alphabet_size)
    assert pairs(train_merges(sequences, 300, alphabet_size=alphabet_size)) == expected
    for instruction_set in SETS:
        chosen = path | {"instruction_set": instruction_set}
        assert pairs(train_on_path(sequences, 300, alphabet_size, 1, chosen)) == expected


@pytest.mark.parametrize("path", PATHS)
def test_ids_beyond_a_byte(path: dict[str, int]) -> None:
    noise = np.random.default_rng(3).integers(0, 26, size=(2, 600), dtype=np.uint8)
    expected = train_merges_reference(noise.tolist(), 700)
    assert 26 + len(expected) > 400
    assert pairs(train_on_path(list(noise), 700, 26, 1, path)) == expected


@pytest.mark.parametrize("length", [1, 2, 3, 1000, 1 << 16, (1 << 16) - 1])
def test_constant_input(length: int) -> None:
    merges = train_merges([np.zeros(length, dtype=np.uint8)], 100)
    assert pairs(merges) == train_merges_reference([[0] * length], 100)


@pytest.mark.parametrize("period", [2, 3, 7, 26, 500, 2500])
def test_periodic_input(period: int) -> None:
    sequence = np.resize(np.arange(period, dtype=np.int64) * 7 % 26, 5000).astype(np.uint8)
    assert pairs(train_merges([sequence], 200)) == train_merges_reference([sequence.tolist()], 200)


def test_every_adjacent_pair_counts_and_ties_fall_to_the_smallest() -> None:
    # aaaa holds three aa, against two of (1, 2).
    assert pairs(train_merges([np.array([1, 2, 1, 2, 3, 0, 0, 0, 0], dtype=np.uint8)], 1)) == [(0, 0)]
    # 9 1 stands twice and becomes 26; of 5 6, 6 26, 26 2, 2 26, 26 3, all standing once, 2 26 is the smallest.
    assert pairs(train_merges([np.array([5, 6, 9, 1, 2, 9, 1, 3], dtype=np.uint8)], 2)) == [(9, 1), (2, 26)]
    assert pairs(train_merges([np.array([4, 3], np.uint8), np.array([3, 4], np.uint8)], 9)) == [(3, 4), (4, 3)]


def test_sequences_are_borders() -> None:
    halves = [np.array([0, 1], dtype=np.uint8), np.array([0, 1], dtype=np.uint8)]
    assert pairs(train_merges(halves, 10)) == [(0, 1)]
    assert pairs(train_merges([np.concatenate(halves)], 10)) == [(0, 1), (26, 26)]


def test_nothing_to_merge() -> None:
    assert train_merges([], 10).shape == (0, 2)
    assert train_merges([np.empty(0, dtype=np.uint8)] * 3, 10).shape == (0, 2)
    assert train_merges(np.empty((5, 0), dtype=np.uint8), 10).shape == (0, 2)
    assert train_merges(np.zeros((5, 1), dtype=np.uint8), 10).shape == (0, 2)
    assert train_merges(np.zeros((1, 9), dtype=np.uint8), 0).shape == (0, 2)


@settings(deadline=None)  # a busy machine is no failure
@given(st.data())
def test_rows_strides_and_read_only(data: st.DataObject) -> None:
    sequence = data.draw(sequences_of(3, max_runs=20))
    rows = np.resize(sequence if len(sequence) else np.zeros(1, np.uint8), (4, 30))
    expected = train_merges(list(rows), 30, alphabet_size=3).tolist()
    rows.flags.writeable = False
    assert train_merges(rows, 30, alphabet_size=3).tolist() == expected
    assert train_merges(np.asfortranarray(rows), 30, alphabet_size=3).tolist() == expected
    wide = np.repeat(rows, 2, axis=1)
    assert train_merges(wide[:, ::2], 30, alphabet_size=3).tolist() == expected
    assert train_merges([row[::2] for row in wide], 30, alphabet_size=3).tolist() == expected
    assert train_merges(tuple(row[::-1][::-1] for row in rows), 30, alphabet_size=3).tolist() == expected


def test_threads_give_the_same_merges() -> None:
    generator = np.random.default_rng(4)
    rows = np.cumsum(generator.integers(-1, 2, size=(40, 100_000)), axis=1) % 26
    sequences = [row[: generator.integers(50_000, 100_000)].astype(np.uint8) for row in rows]
    expected = train_merges(sequences, 300)
    for num_threads in (2, 3):
        assert train_merges(sequences, 300, num_threads=num_threads).tobytes() == expected.tobytes()
    assert (
        train_merges(rows.astype(np.uint8), 50, num_threads=2).tolist()
        == train_merges(list(rows.astype(np.uint8)), 50).tolist()
    )


def test_progress_is_told_and_may_end_training() -> None:
    sequence = np.random.default_rng(5).integers(0, 26, 20_000, dtype=np.uint8)
    told: list[int] = []
    merges = train_merges([sequence], 500, progress=told.append)
    assert told == sorted(told)
    assert told[-1] == len(merges) == 500
    assert len(told) > 1

    class EnoughError(Exception):
        pass

    def stop(done: int) -> None:
        if done >= 100:
            raise EnoughError(done)

    with pytest.raises(EnoughError):
        train_merges([sequence], 500, progress=stop)


@pytest.mark.skipif(not hasattr(signal, "pthread_kill"), reason="signals are not sent to threads on this system")
def test_an_interrupt_gets_through() -> None:
    sequence = np.random.default_rng(6).integers(0, 26, 3_000_000, dtype=np.uint8)
    main_thread = threading.main_thread().ident
    assert main_thread is not None
    sender = threading.Timer(0.02, signal.pthread_kill, (main_thread, signal.SIGINT))
    with pytest.raises(KeyboardInterrupt):
        sender.start()
        while True:
            train_merges([sequence], 3500)


@pytest.mark.parametrize(
    ("sequences", "error", "message"),
    [
        ("abc", TypeError, "sequences: got str"),
        ([[0, 1]], TypeError, r"sequences\[0\]: got list"),
        ([np.zeros(2, np.uint8), np.zeros(2, np.int64)], TypeError, r"sequences\[1\]: got dtype int64"),
        ([np.zeros((2, 2), np.uint8)], ValueError, r"sequences\[0\]: got shape \(2, 2\)"),
        (np.zeros(3, np.uint8), ValueError, r"shape \(3,\)"),
        (np.zeros((3, 3), np.int32), TypeError, "int32"),
        ([np.zeros(3, np.uint8), np.array([0, 26], np.uint8)], ValueError, "got symbol 26 in sequence 1 at 1"),
        (np.array([[0, 0], [0, 0], [99, 0]], np.uint8), ValueError, "got symbol 99 in sequence 2 at 0"),
    ],
)
def test_wrong_sequences_are_refused(sequences: object, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        train_merges(sequences, 3)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"num_merges": -1}, ValueError, "num_merges: got -1"),
        ({"num_merges": 2.0}, TypeError, "num_merges"),
        ({"num_merges": MAX_TOKENS - 25}, ValueError, "num_merges: got 65510"),
        ({"min_count": 0}, ValueError, "min_count: got 0"),
        ({"alphabet_size": 257}, ValueError, "alphabet_size: got 257"),
        ({"alphabet_size": True}, TypeError, "alphabet_size"),
        ({"num_threads": 0}, ValueError, "num_threads: got 0"),
        ({"progress": 3}, TypeError, "progress: got int"),
    ],
)
def test_wrong_settings_are_refused(arguments: dict[str, object], error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        train_merges(**{"sequences": [np.zeros(3, np.uint8)], "num_merges": 3} | arguments)  # type: ignore[arg-type]


def test_as_many_tokens_as_ids_allow() -> None:
    sequence = np.random.default_rng(7).integers(0, 256, 300_000, dtype=np.uint8)
    merges = train_merges([sequence], MAX_TOKENS - 256, alphabet_size=256)
    assert merges.shape == (MAX_TOKENS - 256, 2)
    assert len({(int(left), int(right)) for left, right in merges}) == len(merges)
    vocabulary = Vocabulary(merges, 256)
    assert vocabulary.size == MAX_TOKENS
    ids = vocabulary.encode(sequence, "merge-order")
    np.testing.assert_array_equal(vocabulary.decode(ids), sequence)
    assert ids.max() == MAX_TOKENS - 1  # the last merge, learnt on this sequence, is used in it
    np.testing.assert_array_equal(vocabulary.decode(vocabulary.encode(sequence, "longest")), sequence)
