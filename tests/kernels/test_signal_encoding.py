"""The parts of encoding signals that the tokenizer's own tests do not reach: other instructions, wrong arguments."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ecgbyte._ext import symbols as symbols_kernel
from ecgbyte._ext.bpe_encoding import EncodingTables
from ecgbyte._ext.signal_encoding import SignalBatch, SignalEncoder, locate
from ecgbyte.signals.records import Record

TABLES = EncodingTables(np.array([(12, 12), (26, 26), (13, 13), (27, 12)], dtype=np.int32), 26)
SIGNALS = [np.random.default_rng(seed).normal(scale=0.7, size=(3, 400)).astype(np.float32) for seed in range(4)]


def refuse(index: int) -> np.ndarray:
    raise ValueError(f"signal {index} is refused")


def batch_of(signals: list[object]) -> SignalBatch:
    return SignalBatch(signals, 3, Record, None, None, refuse)


def encode(encoder: SignalEncoder, *part: int) -> tuple[object, np.ndarray, np.ndarray]:
    counts, ranges = np.zeros((2, 4, 3), dtype=np.int64), np.zeros((4, 2))
    return encoder.encode(batch_of(SIGNALS), *part, counts, ranges), counts, ranges


@pytest.mark.parametrize("amplitude_range", [None, (-1.0, 1.0)])
def test_every_instruction_set_gives_the_same(amplitude_range):
    results = [
        encode(SignalEncoder(TABLES, False, True, amplitude_range, 1e-6, 0.5, instruction_set), 0, 4, 0, 3)
        for instruction_set in range(symbols_kernel.INSTRUCTION_SETS)
    ]
    for ids, counts, ranges in results:
        assert ids == results[0][0]
        np.testing.assert_array_equal(counts, results[0][1])
        np.testing.assert_array_equal(ranges, results[0][2])


def test_shares_join_to_the_whole():
    encoder = SignalEncoder(TABLES, False, True, (-1.0, 1.0), 1e-6, 0.5)
    whole, counts, ranges = encode(encoder, 0, 4, 0, 3)
    parts = [encode(encoder, *part) for part in [(0, 2, 0, 3), (2, 3, 0, 1), (2, 3, 1, 3), (3, 4, 0, 3)]]
    assert b"".join(ids for ids, _, _ in parts) == whole
    np.testing.assert_array_equal(sum(part for _, part, _ in parts), counts)
    np.testing.assert_array_equal(sum(part for _, _, part in parts), ranges)
    assert len(whole) == 4 * counts[0].sum()
    expected = [[np.count_nonzero(np.abs(lead.astype(np.float64)) > 1) for lead in signal] for signal in SIGNALS]
    assert counts[1].tolist() == expected


@pytest.mark.parametrize("part", [(-1, 4, 0, 3), (0, 5, 0, 3), (3, 2, 0, 3), (0, 1, 2, 2), (0, 1, 0, 4), (0, 2, 0, 1)])
def test_a_share_beyond_the_signals_is_refused(part):
    with pytest.raises(ValueError, match="first, last"):
        encode(SignalEncoder(TABLES, False, True, (-1.0, 1.0), 1e-6, 0.5), *part)


def test_wrong_arguments_are_refused():
    encoder = SignalEncoder(TABLES, False, True, (-1.0, 1.0), 1e-6, 0.5)
    batch = batch_of(SIGNALS)
    for counts, ranges in [((2, 3, 3), (4, 2)), ((1, 4, 3), (4, 2)), ((2, 4, 3), (3, 2)), ((2, 4, 3), (4, 3))]:
        with pytest.raises(ValueError, match="ranges"):
            encoder.encode(batch, 0, 4, 0, 3, np.zeros(counts, dtype=np.int64), np.zeros(ranges))
    with pytest.raises(ValueError, match="each sequence"):
        encoder.encode(batch, 0, 4, 0, 1, np.zeros((2, 4, 1), dtype=np.int64), np.zeros((4, 2)))
    with pytest.raises(ValueError, match="instruction_set"):
        SignalEncoder(TABLES, False, True, (-1.0, 1.0), 1e-6, 0.5, symbols_kernel.INSTRUCTION_SETS)
    for wrong in (np.zeros((3, 5), np.int16), np.zeros((2, 5), np.float32), np.zeros((3, 1), np.float32), None):
        with pytest.raises(ValueError, match="signal 1 is refused"):
            batch_of([SIGNALS[0], wrong])
    with pytest.raises(TypeError, match="no float array of 3 leads at 0"):
        SignalBatch([None], 3, Record, None, None, lambda index: None)


@given(st.lists(st.integers(0, 3), max_size=60), st.integers(1, 30))
def test_tokens_are_located(tokens, samples):
    lengths = np.array([1, 1, 5, 40], dtype=np.int32)
    ids = np.array(tokens, dtype=np.int32)
    leads, offsets = np.empty(len(ids), dtype=np.int16), np.empty((len(ids), 2), dtype=np.int32)
    locate(ids, lengths, samples, leads, offsets)
    start = 0
    for token, lead, (first, last) in zip(tokens, leads, offsets, strict=True):
        assert (lead, first, last) == (start // samples, start % samples, start % samples + lengths[token])
        start += lengths[token]


def test_locate_refuses_what_it_cannot_do():
    lengths, leads, offsets = np.ones(3, dtype=np.int32), np.empty(2, dtype=np.int16), np.empty((2, 2), dtype=np.int32)
    for foreign in (-1, 3):
        with pytest.raises(ValueError, match=f"ids: got {foreign} at 1, expected 0 to 2"):
            locate(np.array([0, foreign], dtype=np.int32), lengths, 5, leads, offsets)
    with pytest.raises(ValueError, match="samples"):
        locate(np.zeros(2, dtype=np.int32), lengths, 0, leads, offsets)
    with pytest.raises(ValueError, match="a place for each token"):
        locate(np.zeros(3, dtype=np.int32), lengths, 5, leads, offsets)
