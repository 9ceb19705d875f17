"""The independent recount, the stream of a file and the repeated recordings that runs on large corpora rely on."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ecgbyte.bpe import train_merges
from ecgbyte.bpe.reference import merge_pair, pair_counts
from ecgbyte.data.sets.ptbxl import PTBXL
from ecgbyte.signals.preprocess import Preprocessor
from ecgbyte.symbols import symbolize
from tests.benchmarks.large_corpora.checks import (
    check_first_merges,
    check_round_trips,
    counts_at_each_merge,
    make_merge,
)
from tests.benchmarks.large_corpora.command import main
from tests.benchmarks.large_corpora.recordings import SHAPE, parts_of, prepare, read_range, records_in
from tests.benchmarks.large_corpora.repeated import noisy_symbols, repeat
from tests.benchmarks.large_corpora.training import OURS, stream
from tests.benchmarks.rows import read_rows

symbols = st.integers(0, 3)


@given(st.lists(symbols, max_size=30), symbols, symbols)
def test_a_merge_is_that_of_the_reference(tokens: list[int], left: int, right: int) -> None:
    merged = make_merge(np.array(tokens, dtype=np.uint8), (left, right), 9)
    assert merged.tolist() == merge_pair(tokens, (left, right), 9)


@given(st.lists(st.lists(symbols, min_size=7, max_size=7), min_size=1, max_size=4), st.lists(symbols, min_size=2))
def test_counts_are_those_of_the_reference(rows: list[list[int]], sides: list[int]) -> None:
    merges = [(sides[0], sides[1]), (4, sides[0]), (4, 4)]
    counts = counts_at_each_merge(np.array(rows, dtype=np.uint8), np.array(merges, dtype=np.int32), 4)
    for k, pair in enumerate(merges):
        found = {(int(left), int(right)): int(counts[k, left, right]) for left, right in np.argwhere(counts[k])}
        assert found == pair_counts(rows)
        rows = [merge_pair(row, pair, 4 + k) for row in rows]


@pytest.fixture
def corpus(tmp_path: Path) -> Path:
    """40 records of 300 symbols with runs, in a file."""
    random = np.random.default_rng(0)
    rows = np.cumsum(random.integers(-1, 2, (40, 300)) * (random.random((40, 300)) < 0.3), axis=1) % 26
    np.save(tmp_path / "corpus.npy", rows.astype(np.uint8))
    return tmp_path / "corpus.npy"


def test_first_merges_pass_and_others_are_named(corpus: Path) -> None:
    merges = train_merges(np.load(corpus), 3)
    check_first_merges(corpus, 40, merges, processes=1)
    with pytest.raises(AssertionError, match="merge 1 is"):
        check_first_merges(corpus, 40, merges[[0, 2, 1]], processes=1)


def test_round_trips_pass(corpus: Path) -> None:
    rows = np.load(corpus)
    check_round_trips(rows[:3], train_merges(rows, 30))


def test_a_streamed_file_gives_the_merges_of_the_array(corpus: Path) -> None:
    rows = np.load(corpus)
    assert np.array_equal(np.concatenate(list(stream(corpus, 40))), rows)
    assert np.array_equal(train_merges(stream(corpus, 25), 50), train_merges(rows[:25], 50))


def test_a_stream_refuses_a_file_that_is_too_short_or_cut(corpus: Path) -> None:
    with pytest.raises(ValueError, match="expected uint8 of 41 records"):
        next(stream(corpus, 41))
    corpus.write_bytes(corpus.read_bytes()[:-1])
    with pytest.raises(ValueError, match="is cut short"):
        list(stream(corpus, 40))


@pytest.fixture
def prepared(tmp_path: Path) -> Path:
    """Two parts of 3 and 2 records, as preparing leaves them."""
    random = np.random.default_rng(1)
    for number, count in enumerate((3, 2)):
        np.savez(tmp_path / f"part-{number:04d}.npz", signals=random.normal(0, 0.3, (count, *SHAPE)).astype(np.float32))
    description = {"amplitude_range": {"low": -1.0, "high": 1.0}, "fingerprint": "of the symbols"}
    (tmp_path / "corpus.json").write_text(json.dumps(description))
    return tmp_path


def test_the_records_of_a_part_are_counted(prepared: Path) -> None:
    assert [records_in(part) for part in sorted(prepared.glob("*.npz"))] == [3, 2]


def test_recordings_are_repeated_first_as_they_are_then_with_noise(prepared: Path, tmp_path: Path) -> None:
    repeat(prepared, tmp_path / "corpus.npy", records=12, noise_mv=0.02, seed=7, processes=2)
    rows = np.load(tmp_path / "corpus.npy")
    signals = np.concatenate([np.load(part)["signals"] for part in sorted(prepared.glob("*.npz"))])
    real = np.stack([symbolize(signal, -1.0, 1.0).reshape(-1) for signal in signals])
    assert np.array_equal(rows[:5], real)
    # Five further records, then two of the third turn; noise of 0.02 mV on symbols of 0.077 mV moves a few of them.
    for turn, taken in ((1, 5), (2, 2)):
        changed = np.count_nonzero(rows[5 * turn : 5 * turn + taken] != real[:taken]) / real[:taken].size
        assert 0.05 < changed < 0.4
    assert not np.array_equal(rows[5:7], rows[10:12])


def test_a_stopped_repetition_goes_on_and_gives_the_same_bytes(
    prepared: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = {"records": 12, "noise_mv": 0.02, "seed": 7, "made_from": "of the symbols"}
    repeat(prepared, tmp_path / "whole.npy", records=12, noise_mv=0.02, seed=7, processes=1)
    whole = np.load(tmp_path / "whole.npy")
    begun = np.where(np.arange(12)[:, np.newaxis] < 5, whole, 0).astype(np.uint8)
    with (tmp_path / "again.npy.partial").open("wb") as file:
        np.save(file, begun)
    ledger = tmp_path / "again.npy.done.partial"
    ledger.write_text("\n".join([json.dumps(settings), "0/0", "0/1", ""]))
    with pytest.raises(ValueError, match="begun with other settings"):
        repeat(prepared, tmp_path / "again.npy", records=12, noise_mv=0.03, seed=7, processes=1)
    repeat(prepared, tmp_path / "again.npy", records=12, noise_mv=0.02, seed=7, processes=1)
    assert np.array_equal(np.load(tmp_path / "again.npy"), whole)
    assert not ledger.exists()


def test_noise_leaves_the_signals_as_they_are() -> None:
    signals = np.zeros((1, 2, 50), dtype=np.float32)
    noisy = noisy_symbols(signals, 0.5, (0, 1, 0), -1.0, 1.0)
    assert noisy.shape == (1, 100) and len(np.unique(noisy)) > 5 and not signals.any()
    assert np.unique(noisy_symbols(signals, 0.0, (0, 0, 0), -1.0, 1.0)).tolist() == [12]


@pytest.mark.real_data
def test_ptbxl_is_prepared_with_what_was_rejected_and_goes_on_after_a_stop(real_data: Path, tmp_path: Path) -> None:
    options = {"sampling_rate": 100, "max_records": 302, "processes": 2}
    prepare(real_data / "ptb-xl", tmp_path / "work", **options)
    described = json.loads((tmp_path / "work" / "corpus.json").read_text())
    rejected = (tmp_path / "work" / "rejected.csv").read_text().splitlines()
    rows = np.load(tmp_path / "work" / "symbols.npy")
    assert rows.shape == (described["records"], 30_000) and rows.max() == 25
    assert described["records"] + described["rejected"] == 302 and len(rejected) == 1 + described["rejected"] > 1
    assert all("FileNotFoundError" in line for line in rejected[1:])
    # The first record by the plain way.
    data_set = PTBXL(real_data / "ptb-xl", 100, max_records=1)
    signal = Preprocessor(target_rate=250).apply(data_set.read(data_set.entries[0].record_id)).signal
    limits = read_range(tmp_path / "work")
    assert np.array_equal(rows[0], symbolize(signal, limits.low, limits.high).reshape(-1))
    # A part that is missing is made again, the others are taken as they are.
    kept, missing = parts_of(tmp_path / "work")
    missing.unlink()
    before = kept.stat().st_mtime_ns
    prepare(real_data / "ptb-xl", tmp_path / "work", **options)
    assert json.loads((tmp_path / "work" / "corpus.json").read_text()) == described
    assert kept.stat().st_mtime_ns == before and missing.exists()
    with pytest.raises(ValueError, match="begun with other settings"):
        prepare(real_data / "ptb-xl", tmp_path / "work", **(options | {"max_records": 301}))


def test_training_is_measured_checked_kept_and_drawn(corpus: Path, tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    command = ["--results", str(tmp_path / "results"), "--processes", "1", "--scale", "smoke"]
    main([*command, "scaling", str(corpus), "--sizes", "3000", "12000", "--merges", "20"])
    rows = read_rows(tmp_path / "results" / "large_corpora.csv")
    assert [(row.contestant, row.symbols) for row in rows[1:]] == [
        (form, symbols) for symbols in (3000, 12000) for form in OURS
    ]
    assert rows[0].contest == "memory-bandwidth" and rows[0].symbols_per_second > 1e8
    for row in rows[1:]:
        assert row.merges == 20 and row.seconds_min <= row.seconds <= row.seconds_max
        assert "counted by NumPy" in row.check
        first = next(other for other in rows if other.contest == row.contest)
        assert row.ratio == pytest.approx(row.seconds / first.seconds, rel=1e-3)
    # All forms of the input give the same merges, and what is known is not measured again.
    learnt = {(row.symbols, row.note.rpartition("merges ")[2]) for row in rows[1:]}
    assert len(learnt) == 2
    main([*command, "train", str(corpus), "--form", OURS[0], "--merges", "20"])
    assert read_rows(tmp_path / "results" / "large_corpora.csv")[1:] == rows[1:]
    drawn = sorted(path.name for path in (tmp_path / "results").glob("*.png"))
    assert drawn == ["large_corpora_memory.png", "large_corpora_time.png"]
