"""Encoding signals in one kernel against the slow way, in steps of plain Python; and what a batch of encodings is."""

from __future__ import annotations

import copy
import dataclasses
import pickle
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ecgbyte import ECGTokenizer, Record
from ecgbyte.bpe.reference import encode_longest_reference, encode_merge_order_reference, token_strings
from ecgbyte.tokenizer import signal_encoding
from ecgbyte.tokenizer.encoding import Encoding
from ecgbyte.tokenizer.encoding_batch import EncodingBatch
from tests.tokenizer.ecg_examples import small_tokenizer, wandering_record, wandering_signal

# Signals far outside a range are part of what is generated.
pytestmark = pytest.mark.filterwarnings("ignore::ecgbyte.tokenizer.clipping.ClippedWarning")

ARRAYS = ("ids", "leads", "offsets")
FIELDS = (*ARRAYS, "shape", "low", "high", "clipped", "lead_names")
MERGES = [(12, 12), (13, 13), (26, 26), (11, 12), (28, 26), (0, 0), (25, 25), (31, 31), (27, 26), (30, 28)]


def encoded_slowly(tokenizer: ECGTokenizer, signal: np.ndarray) -> dict[str, object]:
    """What `tokenizer.encode` should give, sample by sample and token by token."""
    values = [[float(x) for x in row] for row in signal]
    flat = [x for row in values for x in row]
    low, high = min(flat), max(flat)
    if tokenizer.amplitude_range != "per-record":
        low, high = tokenizer.amplitude_range.low, tokenizer.amplitude_range.high
    elif low == high:
        low, high = low - 0.5, high + 0.5
    width = high - low + 1e-6
    rows = [[min(int(26 * min(max((x - low) / width, 0.0), 1.0)), 25) for x in row] for row in values]
    sequences = rows if tokenizer.boundary == "lead" else [[symbol for row in rows for symbol in row]]
    pairs = [tuple(pair) for pair in tokenizer.merges.tolist()]
    encode = encode_longest_reference if tokenizer.matching == "longest" else encode_merge_order_reference
    ids = [token for sequence in sequences for token in encode(sequence, pairs)]
    lengths = [len(string) for string in token_strings(pairs)]
    starts = [sum(lengths[token] for token in ids[:k]) for k in range(len(ids))]
    samples = signal.shape[1]
    return {
        "ids": ids,
        "leads": [start // samples for start in starts],
        "offsets": [[s % samples, s % samples + lengths[token]] for s, token in zip(starts, ids, strict=True)],
        "shape": signal.shape,
        "low": low,
        "high": high,
        "clipped": sum(not low <= x <= high for x in flat) / len(flat),
        "lead_names": tokenizer.lead_names,
    }


def content_of(encoding: Encoding) -> dict[str, object]:
    fields = {name: getattr(encoding, name) for name in FIELDS}
    return fields | {name: fields[name].tolist() for name in ARRAYS}


@st.composite
def batches(draw: st.DrawFn, leads: int) -> list[np.ndarray]:
    signals = []
    for _ in range(draw(st.integers(0, 6))):
        samples, dtype = draw(st.integers(2, 70)), draw(st.sampled_from(["f4", "f8"]))
        signal = wandering_signal(draw(st.integers(0, 10_000)), leads, samples, dtype)
        form = draw(st.sampled_from(["plain", "constant", "on borders", "turned", "every other", "unaligned"]))
        if form == "constant":
            signal = np.full_like(signal, draw(st.sampled_from([0.0, -0.0, 1.3, -7.0])))
        elif form == "on borders":
            signal = (-0.75 + np.floor(signal * 13) / 26 * (2 + 1e-6)).astype(dtype)
        elif form == "turned":
            signal = np.asfortranarray(signal)[::-1, ::-1]
        elif form == "every other":
            signal = np.repeat(signal, 2, axis=1)[:, ::2]
        elif form == "unaligned":
            signal = np.frombuffer(b" " + signal.tobytes(), dtype=dtype, offset=1).reshape(signal.shape)
        signals.append(signal)
    return signals


@settings(max_examples=150, deadline=None)
@given(
    data=st.data(),
    leads=st.sampled_from([1, 2, 3, 12]),
    boundary=st.sampled_from(["lead", "record"]),
    matching=st.sampled_from(["longest", "merge-order"]),
    amplitude_range=st.sampled_from(["per-record", (-0.75, 1.25), (-1e-3, 1e3)]),
    num_threads=st.integers(1, 3),
)
def test_the_kernel_gives_what_the_slow_way_gives(data, leads, boundary, matching, amplitude_range, num_threads):
    signals = data.draw(batches(leads))
    tokenizer = ECGTokenizer.from_merges(
        MERGES, matching, boundary=boundary, amplitude_range=amplitude_range, num_leads=leads
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(signal_encoding, "_SYMBOLS_PER_SHARE", data.draw(st.sampled_from([1, 100])))
        batch = tokenizer.encode_batch(signals, num_threads=num_threads)
    assert len(batch) == len(signals) == len(batch.splits) - 1
    for encoding, signal in zip(batch, signals, strict=True):
        assert content_of(encoding) == encoded_slowly(tokenizer, signal)
        assert content_of(tokenizer.encode(signal)) == content_of(encoding)
        assert (encoding.ids.dtype, encoding.leads.dtype, encoding.offsets.dtype) == (np.int32, np.int16, np.int32)


@pytest.mark.parametrize("boundary", ["lead", "record"])
@pytest.mark.parametrize("matching", ["longest", "merge-order"])
def test_signals_beyond_one_round_of_matching_and_threads(boundary, matching):
    """More symbols than are matched together, in many short signals, in few long ones, and in one."""
    tokenizer = small_tokenizer(boundary=boundary, matching=matching, amplitude_range="per-record")
    vocabulary = tokenizer.vocabulary
    for number, samples in [(40, 500), (3, 20_000), (1, 50_000)]:
        signals = [wandering_signal(seed, samples=samples + seed) / 20 for seed in range(number)]
        batch = tokenizer.encode_batch(signals)
        for num_threads in (2, 3, 5):
            again = tokenizer.encode_batch(signals, num_threads=num_threads)
            for field in dataclasses.fields(batch):
                np.testing.assert_array_equal(getattr(again, field.name), getattr(batch, field.name))
        for encoding, signal in zip(batch, signals, strict=True):
            place = (signal.astype(np.float64) - encoding.low) / (encoding.high - encoding.low + 1e-6)
            symbols = np.floor(26 * place).astype(np.uint8)
            np.testing.assert_array_equal(vocabulary.decode(encoding.ids), symbols.ravel())
            rows = symbols if boundary == "lead" else symbols.reshape(1, -1)
            np.testing.assert_array_equal(encoding.ids, vocabulary.encode_batch(rows, matching)[0])


def test_signals_may_be_given_in_any_form():
    tokenizer = small_tokenizer()
    signals = np.stack([wandering_signal(seed) for seed in range(5)])
    expected = tokenizer.encode_batch(list(signals)).ids.tobytes()
    records = [Record(signal, 100.0) for signal in signals]

    class Beat(Record):
        """A record of another class."""

    for form in (
        signals,
        np.asfortranarray(signals),
        signals.tolist(),
        iter(signals),
        records,
        [*records[:2], *signals[2:3], signals[3].astype(">f8"), Beat(signals[4], 100.0)],
        [memoryview(signal) for signal in signals],
    ):
        assert tokenizer.encode_batch(form).ids.tobytes() == expected


def test_the_first_signal_that_is_refused_is_named_at_any_number_of_threads(monkeypatch):
    monkeypatch.setattr(signal_encoding, "_SYMBOLS_PER_SHARE", 1)
    tokenizer = small_tokenizer()
    signals = [wandering_signal(seed) for seed in range(9)]
    signals[3][11, 59] = signals[7][0, 0] = np.nan
    for num_threads in (1, 2, 8):
        with pytest.raises(ValueError, match=r"signals\[3\]: got nan in lead V6 at sample 59, 1 such"):
            tokenizer.encode_batch(signals, num_threads=num_threads)
    with pytest.raises(ValueError, match=r"signals\[8\]: record 'record-1' has 500 samples a second"):
        tokenizer.encode_batch([*signals[4:7], *signals[:3], *signals[4:6], wandering_record(1, rate=500)])


@pytest.mark.parametrize("value", [1e20, 1.7e308])
def test_a_signal_without_a_range_of_its_own_is_refused(value):
    tokenizer = small_tokenizer(amplitude_range="per-record")
    signal = np.full((12, 60), value)
    if value > 1e300:
        signal[0] = -value
    with pytest.raises(ValueError, match="low, high: got"):
        tokenizer.encode(signal)


def test_a_batch_is_a_sequence_of_encodings():
    tokenizer = small_tokenizer()
    signals = [wandering_signal(seed, samples=30 + seed) for seed in range(4)]
    batch = tokenizer.encode_batch(signals)
    assert isinstance(batch, EncodingBatch)
    assert isinstance(batch, Sequence)
    expected = [content_of(tokenizer.encode(signal)) for signal in signals]
    assert [content_of(encoding) for encoding in batch] == expected
    assert [content_of(encoding) for encoding in reversed(batch)] == expected[::-1]
    assert [content_of(encoding) for encoding in batch[::-2]] == expected[::-2]
    assert content_of(batch[-1]) == content_of(batch[np.int64(3)]) == expected[3]
    for index in (4, -5):
        with pytest.raises(IndexError):
            batch[index]
    assert batch.samples.tolist() == [30, 31, 32, 33]
    assert batch.splits[-1] == len(batch.ids)
    assert len(tokenizer.encode_batch([])) == 0


def test_neither_a_batch_nor_an_encoding_of_it_can_be_changed():
    batch = small_tokenizer().encode_batch([wandering_signal(1), wandering_signal(2)])
    arrays = [getattr(batch, name) for name in ("ids", "splits", "samples", "ranges", "clipped")]
    for array in [*arrays, *(getattr(batch[1], name) for name in ARRAYS)]:
        with pytest.raises(ValueError, match="read-only"):
            array[0] = 1
    for array in (batch.ids, batch[0].ids):
        with pytest.raises(ValueError, match="WRITEABLE"):
            array.flags.writeable = True
    with pytest.raises(dataclasses.FrozenInstanceError):
        batch.ids = batch.splits
    for name in FIELDS:
        with pytest.raises(AttributeError):
            setattr(batch[0], name, None)


@pytest.mark.parametrize("again", [lambda kept: pickle.loads(pickle.dumps(kept)), copy.copy, copy.deepcopy])
def test_copies_of_encodings_are_equal_and_read_only(again: Callable[[Any], Any]) -> None:
    batch = small_tokenizer().encode_batch([wandering_signal(1), wandering_signal(2)])
    made = Encoding(np.array([1, 2]), np.array([0, 1]), np.array([[0, 1], [0, 1]]), (2, 1), -1.0, 1.0, 0.5, ("I", "II"))
    for encoding in (made, batch[1], again(batch)[1]):
        copied = again(encoding)
        assert content_of(copied) == content_of(encoding)
        assert not any(getattr(copied, name).flags.writeable for name in ARRAYS)
    copied = again(batch)
    for name in ("ids", "splits", "samples", "ranges", "clipped", "token_lengths"):
        np.testing.assert_array_equal(getattr(copied, name), getattr(batch, name))
        assert not getattr(copied, name).flags.writeable


def test_an_encoding_leaves_the_arrays_that_it_was_made_of_to_their_owner() -> None:
    ids = np.array([1, 2])
    encoding = Encoding(ids, np.array([0, 1]), np.array([[0, 1], [0, 1]]), (2, 1), -1.0, 1.0)
    ids[0] = 7
    assert encoding.ids.tolist() == [1, 2]


def test_leads_and_offsets_come_when_asked_for_and_stay():
    tokenizer = small_tokenizer()
    encoding = tokenizer.encode(wandering_signal(3, samples=4000))
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda _: (encoding.leads, encoding.offsets), range(8)))
    assert all(leads is encoding.leads and offsets is encoding.offsets for leads, offsets in found)
    with pytest.raises(AttributeError, match="'Encoding' object has no attribute 'lead'"):
        encoding.lead  # noqa: B018
    short = tokenizer.encode(wandering_signal(3))
    assert repr(short).startswith(f"Encoding({short.num_tokens} tokens, shape=({short.shape[0]}, {short.shape[1]}), ")
