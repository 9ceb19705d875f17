"""Kernels against slow, obvious Python, on whatever a fuzzer makes of bytes."""

from __future__ import annotations

from collections import Counter

import numpy as np

from ecgbyte._ext.batch_encoding import BatchEncoding
from ecgbyte.bpe import MATCHING, Vocabulary, train_merges
from ecgbyte.bpe.reference import encode_longest_reference, encode_merge_order_reference, train_merges_reference
from ecgbyte.signals.leads import LEADS
from ecgbyte.signals.preprocess import Preprocessor
from ecgbyte.signals.records import Record
from ecgbyte.symbols import WIDENING, symbolize
from tests.signals.slow_preprocessing import preprocess_slowly

# What was compared with slow Python without a difference, by kind, since this process began.
COMPARED: Counter[str] = Counter()

_REFERENCES = {"longest": encode_longest_reference, "merge-order": encode_merge_order_reference}
_LONGEST_TOKEN = 200


class Choices:
    """Numbers taken from bytes, one after another; zeros behind the end."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._place = 0

    def number(self, below: int) -> int:
        """A number of 0 at least and below `below`, from one byte (two where it needs them)."""
        taken = self._data[self._place : self._place + (1 if below <= 256 else 2)]
        self._place += len(taken)
        return int.from_bytes(taken, "big") % below

    def symbols(self, alphabet_size: int, most: int) -> np.ndarray:
        """Runs of symbols, uint8 [symbols], at most `most`."""
        runs = [(self.number(alphabet_size), self.number(20)) for _ in range(self.number(40))]
        return np.array([symbol for symbol, length in runs for _ in range(length + 1)][:most], dtype=np.uint8)


def check_encoding(data: bytes) -> None:
    """Both ways of encoding, whole, in small pieces and in threads, and decoding."""
    choices = Choices(data)
    alphabet_size = 1 + choices.number(6)
    lengths = [1] * alphabet_size
    merges = []
    for _ in range(choices.number(30)):
        pair = (choices.number(len(lengths)), choices.number(len(lengths)))
        if lengths[pair[0]] + lengths[pair[1]] <= _LONGEST_TOKEN:
            merges.append(pair)
            lengths.append(lengths[pair[0]] + lengths[pair[1]])
    vocabulary = Vocabulary(merges, alphabet_size)
    sequences = [choices.symbols(alphabet_size, 300) for _ in range(1 + choices.number(3))]
    piece, job = 1 + choices.number(40), 1 + choices.number(200)
    for matching in MATCHING:
        expected = [_REFERENCES[matching](row.tolist(), merges, alphabet_size) for row in sequences]
        for row, ids in zip(sequences, expected, strict=True):
            found = vocabulary.encode(row, matching)
            _same(found, ids, matching)
            _same(vocabulary.decode(found), row, "decode")
        joined = [token for ids in expected for token in ids]
        _same(vocabulary.encode_batch(sequences, matching, num_threads=2)[0], joined, f"batch, {matching}")
        batch = BatchEncoding(vocabulary._tables, sequences, matching == "merge-order", 2, piece, job)
        batch.encode()
        pieces = np.empty(batch.join()[-1], dtype=np.int32)
        batch.copy(pieces)
        _same(pieces, joined, f"pieces of {piece}, {matching}")
        COMPARED["encodings"] += 2 * len(sequences) + 1


def check_training(data: bytes) -> None:
    """Merges, in threads and from a stream."""
    choices = Choices(data)
    alphabet_size = 1 + choices.number(5)
    num_merges, min_count = choices.number(25), 1 + choices.number(4)
    sequences = [choices.symbols(alphabet_size, 200) for _ in range(choices.number(4))]
    expected = train_merges_reference(
        [row.tolist() for row in sequences], num_merges, alphabet_size=alphabet_size, min_count=min_count
    )
    for given in (sequences, iter(sequences)):
        found = train_merges(given, num_merges, alphabet_size=alphabet_size, min_count=min_count)
        _same(found.reshape(-1), [token for pair in expected for token in pair], "merges")
        COMPARED["trainings"] += 1


def check_symbols(data: bytes) -> None:
    """Symbols by the formula, for samples of any bits and any range."""
    head = np.frombuffer(data[:16].ljust(16, b"\0"), dtype=np.float64)
    alphabet_size = 1 + (data[16] if len(data) > 16 else 25)
    rest = data[17:]
    low, high = head.tolist()
    for kind in (np.float32, np.float64, np.int16):
        samples = np.frombuffer(rest[: len(rest) // kind().itemsize * kind().itemsize], dtype=kind)
        try:
            found = symbolize(samples, low, high, alphabet_size=alphabet_size)
        except ValueError:
            continue
        with np.errstate(all="ignore"):
            place = np.clip((samples.astype(np.float64) - low) / (high - low + WIDENING), 0, 1)
        _same(found, np.minimum(np.floor(alphabet_size * place), alphabet_size - 1), f"symbols of {kind.__name__}")
        COMPARED["symbol arrays"] += 1


def check_preprocessing(data: bytes) -> None:
    """The default chain and parts of it, on noise, steps and silence, within a rounding of a lead's largest value."""
    choices = Choices(data)
    rate = (50, 100, 250, 257, 360, 500, 1000)[choices.number(7)]
    chain = Preprocessor(
        target_rate=(None, 100.0, 250.0, 500.0)[choices.number(4)],
        notch=((), (50.0,), (50.0, 60.0))[choices.number(3)],
        band=(None, (0.5, 100.0))[choices.number(2)],
        highpass=(None, 0.05)[choices.number(2)],
        denoise=bool(choices.number(2)),
        leave_out_padding=False,
    )
    samples, leads = 2 + choices.number(3000), 1 + choices.number(12)
    numbers = np.random.default_rng([choices.number(256), choices.number(256)])
    rows = []
    for _ in range(leads):
        kind = choices.number(3)
        row = numbers.normal(size=samples) if kind == 0 else np.full(samples, float(kind == 1))
        row[choices.number(samples) :] *= choices.number(4)
        rows.append(row)
    record = Record(np.array(rows, dtype=np.float32), rate, LEADS[:leads])
    try:
        found = chain.apply(record).signal
    except ValueError:
        return
    expected = preprocess_slowly(chain, record)
    scale = np.maximum(np.abs(expected).max(axis=1, keepdims=True), np.abs(record.signal).max(axis=1, keepdims=True))
    scale[scale == 0] = 1
    # Samples are returned as float32.
    if found.shape != expected.shape or np.abs(found / scale - expected / scale).max() > 1e-6:
        raise AssertionError(f"{chain} on {samples} samples at {rate} Hz differs from SciPy and PyWavelets")
    COMPARED["preprocessed records"] += 1


def _same(found: np.ndarray, expected: object, what: str) -> None:
    if not np.array_equal(found, np.asarray(expected)):
        raise AssertionError(f"{what}: {found!r:.300}, the slow way {expected!r:.300}")
