"""Symbols, merge training and encoding beside named peers, on synthetic ECGs through the published chain.

``pytest --benchmark-only``; rows of one group belong together. Every benchmark checks what it computed.
"""

from __future__ import annotations

import numpy as np
import pytest
import rustbpe
import tokenizers

import ecgbyte
from ecgbyte.bpe.reference import train_merges_reference
from ecgbyte.data.synthetic import SyntheticRecords
from ecgbyte.signals.amplitude_range import fit_amplitude_range
from ecgbyte.symbols import letters, symbolize

from .published_algorithm import encode_published, symbolize_published

NUM_MERGES = 1000


@pytest.fixture(scope="module")
def signals() -> list[np.ndarray]:
    records = SyntheticRecords(40, seed=0, sampling_rate=500)
    preprocessor = ecgbyte.Preprocessor(target_rate=250)
    return [preprocessor.apply(records.read(entry.record_id)).signal for entry in records.entries[:40]]


@pytest.fixture(scope="module")
def amplitude_range(signals: list[np.ndarray]) -> tuple[float, float]:
    fitted = fit_amplitude_range(signals)
    return fitted.low, fitted.high


@pytest.fixture(scope="module")
def corpus(signals: list[np.ndarray], amplitude_range: tuple[float, float]) -> np.ndarray:
    """uint8 [records, leads * samples]."""
    return np.stack([symbolize(signal, *amplitude_range).ravel() for signal in signals])


@pytest.fixture(scope="module")
def merges(corpus: np.ndarray) -> np.ndarray:
    return ecgbyte.bpe.train_merges(corpus, NUM_MERGES)


@pytest.fixture(scope="module")
def vocabulary(merges: np.ndarray) -> ecgbyte.bpe.Vocabulary:
    return ecgbyte.bpe.Vocabulary(merges)


def hugging_face_tokenizer(merges: np.ndarray, vocabulary: ecgbyte.bpe.Vocabulary) -> tokenizers.Tokenizer:
    strings = [letters(vocabulary.token_symbols(token)) for token in range(vocabulary.size)]
    table = {string: token for token, string in enumerate(strings)}
    pairs = [(strings[left], strings[right]) for left, right in merges]
    return tokenizers.Tokenizer(tokenizers.models.BPE(vocab=table, merges=pairs))


@pytest.mark.benchmark(group="symbols, 12 x 2500 float32")
class TestSymbols:
    def test_ecgbyte(self, benchmark, signals, amplitude_range):
        symbols = benchmark(symbolize, signals[0], *amplitude_range)
        assert letters(symbols.ravel()) == symbolize_published(signals[0], *amplitude_range)

    def test_numpy(self, benchmark, signals, amplitude_range):
        low, high = amplitude_range

        def in_numpy(signal: np.ndarray) -> np.ndarray:
            scaled = np.clip((signal.astype(np.float64) - low) / (high - low + 1e-6), 0, 1)
            return np.minimum(np.floor(26 * scaled), 25).astype(np.uint8)

        assert np.array_equal(benchmark(in_numpy, signals[0]), symbolize(signals[0], low, high))

    def test_port_of_published(self, benchmark, signals, amplitude_range):
        text = benchmark.pedantic(symbolize_published, (signals[0], *amplitude_range), rounds=5)
        assert text == letters(symbolize(signals[0], *amplitude_range).ravel())


@pytest.mark.benchmark(group="merge training, 1.2e6 symbols, 1000 merges")
class TestTraining:
    def test_ecgbyte(self, benchmark, corpus):
        joined = corpus.reshape(1, -1)
        learned = benchmark.pedantic(ecgbyte.bpe.train_merges, (joined, NUM_MERGES), rounds=5)
        assert learned[:5].tolist() == [
            list(pair) for pair in train_merges_reference(corpus.reshape(1, -1).tolist(), 5)
        ]

    def test_rustbpe(self, benchmark, corpus):
        text = letters(corpus.ravel())

        def train() -> list:
            tokenizer = rustbpe.Tokenizer()
            tokenizer.train_from_iterator([text], 256 + NUM_MERGES, pattern=r"[\s\S]+")
            return tokenizer.get_mergeable_ranks()

        ranks = benchmark.pedantic(train, rounds=3)
        ours = ecgbyte.bpe.Vocabulary(ecgbyte.bpe.train_merges(corpus.reshape(1, -1), NUM_MERGES))
        strings = [letters(ours.token_symbols(26 + merge)) for merge in range(NUM_MERGES)]
        assert [bytes(token).decode() for token, _ in sorted(ranks, key=lambda item: item[1])[256:]] == strings

    def test_recounting_100_times_fewer_merges(self, benchmark, corpus):
        found = benchmark.pedantic(train_merges_reference, ([corpus.ravel().tolist()], NUM_MERGES // 100), rounds=1)
        assert found == [tuple(pair) for pair in ecgbyte.bpe.train_merges(corpus.reshape(1, -1), 10).tolist()]


@pytest.mark.benchmark(group="encoding one record, 30,000 symbols, 1000 merges")
class TestEncoding:
    def test_ecgbyte_longest(self, benchmark, corpus, vocabulary):
        ids = benchmark(vocabulary.encode, corpus[0], "longest")
        strings = [vocabulary.token_symbols(token).tolist() for token in range(vocabulary.size)]
        assert ids.tolist() == encode_published(corpus[0], strings)

    def test_port_of_published(self, benchmark, corpus, vocabulary):
        strings = [vocabulary.token_symbols(token).tolist() for token in range(vocabulary.size)]
        ids = benchmark.pedantic(encode_published, (corpus[0], strings), rounds=5)
        assert np.array_equal(vocabulary.decode(np.array(ids, dtype=np.int32)), corpus[0])

    def test_ecgbyte_merge_order(self, benchmark, corpus, merges, vocabulary):
        ids = benchmark(vocabulary.encode, corpus[0], "merge-order")
        assert ids.tolist() == hugging_face_tokenizer(merges, vocabulary).encode(letters(corpus[0])).ids

    def test_hugging_face_merge_order(self, benchmark, corpus, merges, vocabulary):
        tokenizer, text = hugging_face_tokenizer(merges, vocabulary), letters(corpus[0])
        encoding = benchmark.pedantic(tokenizer.encode_batch_fast, ([text],), rounds=10)
        assert encoding[0].ids == vocabulary.encode(corpus[0], "merge-order").tolist()


@pytest.mark.benchmark(group="from millivolts to ids, 100 records of 12 x 2500")
class TestWholeTokenizer:
    @pytest.mark.parametrize("num_threads", [1, 2])
    def test_encode_batch(self, benchmark, signals, num_threads):
        tokenizer = ecgbyte.ECGTokenizer.train(
            signals, NUM_MERGES, sampling_rate=250, lead_names=ecgbyte.signals.leads.LEADS, progress=False
        )
        batch = [signals[index % len(signals)] for index in range(100)]
        encodings = benchmark(tokenizer.encode_batch, batch, num_threads=num_threads)
        for signal, encoding in zip(batch[:40], encodings, strict=False):
            assert np.array_equal(encoding.ids, tokenizer.encode(signal).ids)
