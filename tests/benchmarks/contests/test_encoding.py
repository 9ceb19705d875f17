"""Encoding: `longest` beside a port of the published algorithm, `merge-order` beside HF tokenizers and tiktoken."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Callable
from types import ModuleType

import numpy as np
import pytest

from ecgbyte.bpe import Vocabulary
from ecgbyte.symbols import letters
from tests.benchmarks.contest import Contest, Contestant
from tests.benchmarks.machine import thread_counts, usable_cores
from tests.benchmarks.peers import missing, token_strings

from .corpora import Symbols
from .encoding_peers import (
    hugging_face_batch,
    hugging_face_encoding,
    hugging_face_tokenizer,
    tiktoken_batch,
    tiktoken_one,
)
from .published_port import (
    PUBLISHED_SYMBOLS_PER_SECOND,
    from_published_ids,
    longest_match_in_python,
    published_merges,
)

Compete = Callable[[Contest], object]

SHORT = 6000  # symbols of a record of 2 s


def batch_of(corpus: Symbols) -> Symbols:
    """100 records, or as many as there are."""
    return corpus.first(100)


def short_records(corpus: Symbols) -> Symbols:
    """Records of 2 s: the first 500 samples of each lead."""
    leads = corpus.symbols.reshape(len(corpus.symbols), 12, 2500)
    rows = np.ascontiguousarray(leads[:, :, :500]).reshape(len(corpus.symbols), SHORT)
    return Symbols(f"{corpus.description}, first 2 s", corpus.fingerprint, rows)


class Encodings:
    """The ids that an independent implementation gives for a corpus, each record encoded once."""

    def __init__(self, vocabulary: Vocabulary, corpus: Symbols, matching: str) -> None:
        self._corpus = corpus.symbols
        if matching == "longest":
            self.name = "the ids of a plain Python trie"
            encode = longest_match_in_python(token_strings(vocabulary))
        else:
            reason = missing("tokenizers")
            if reason:
                pytest.skip(f"{reason}, so the ids could not be checked")
            self.name = "the ids of HF tokenizers"
            tokenizer = hugging_face_tokenizer(vocabulary)
            encode = lambda symbols: np.array(tokenizer.encode(letters(symbols)).ids)  # noqa: E731
        self.of_record = functools.cache(lambda k: encode(self._corpus[k]))
        self.of_all = functools.cache(lambda: np.concatenate([self.of_record(k) for k in range(len(self._corpus))]))


def ecgbyte_one(vocabulary: Vocabulary, corpus: Symbols, matching: str) -> Contestant:
    rows = list(corpus.symbols)
    return Contestant(name="ecgbyte", call=lambda k: vocabulary.encode(rows[k], matching))


def ecgbyte_batch(vocabulary: Vocabulary, corpus: Symbols, matching: str, threads: int = 1) -> Contestant:
    rows = corpus.symbols
    return Contestant(
        name="ecgbyte",
        threads=threads,
        call=lambda _: vocabulary.encode_batch(rows, matching, num_threads=threads),
        comparable=lambda encoded: encoded[0],
    )


def published(vocabulary: Vocabulary, texts: list[str], port: ModuleType | str, in_batch: bool = False) -> Contestant:
    """The compiled port, which converts and rebuilds its trie at every call, as published."""
    name = "published algorithm (compiled port)"
    if isinstance(port, str):
        return Contestant(name=name, skipped=port)
    merges = published_merges(token_strings(vocabulary))
    note = f"the published extension itself was measured at {PUBLISHED_SYMBOLS_PER_SECOND / 1e6:g} M symbols/s (30,000)"
    if in_batch:
        return Contestant(
            name=name,
            call=lambda _: [port.encode(text, merges) for text in texts],
            comparable=lambda found: np.concatenate([from_published_ids(ids) for ids in found]),
            note=note,
        )
    return Contestant(name=name, call=lambda k: port.encode(texts[k], merges), comparable=from_published_ids, note=note)


def hugging_face_own_rule(
    vocabulary: Vocabulary, corpus: Symbols, contestant: Contestant, in_batch: bool = False
) -> Contestant:
    """HF tokenizers in a contest of `longest`: it encodes in merge order, so its ids are compared with those."""
    rows = corpus.symbols.reshape(1, -1) if in_batch else corpus.symbols

    return dataclasses.replace(
        contestant,
        check=lambda k, output: np.testing.assert_array_equal(
            vocabulary.decode(contestant.comparable(output)), rows[k]
        ),
        compared_with="decodes to the input; ids compared in the contests of merge-order",
        note="encodes in merge order",
    )


def contest(
    name: str,
    work: str,
    corpus: Symbols,
    vocabulary: Vocabulary,
    contestants: list[Contestant],
    matching: str,
    *,
    batch: bool = False,
    rounds: int = 15,
) -> Contest:
    expected = Encodings(vocabulary, corpus, matching)
    return Contest(
        name=name,
        work=f"encoding `{matching}`, {work}",
        corpus=corpus.description,
        corpus_fingerprint=corpus.fingerprint,
        symbols=corpus.symbols.size if batch else corpus.symbols.shape[1],
        merges=len(vocabulary.merges),
        contestants=contestants,
        rounds=rounds,
        expected=(lambda _: expected.of_all()) if batch else expected.of_record,
        compared_with=expected.name,
        inputs=1 if batch else len(corpus.symbols),
        checked_inputs=1 if batch else 100,
    )


@pytest.fixture(params=["30000", "6000", "noise"])
def single_records(
    request: pytest.FixtureRequest,
    encoding_strings: Symbols,
    noise: Symbols,
    vocabulary: Vocabulary,
    noise_vocabulary: Vocabulary,
) -> tuple[Symbols, Vocabulary, str, str]:
    """Records to encode one by one, the vocabulary to do it with, what ends the name of the contest, and its work."""
    corpus, table, suffix = {
        "30000": (encoding_strings, vocabulary, ""),
        "6000": (short_records(encoding_strings), vocabulary, "-short"),
        "noise": (noise.first(100), noise_vocabulary, "-noise"),
    }[request.param]
    return corpus, table, suffix, f"one record of {corpus.symbols.shape[1]:,} symbols"


def test_longest(
    compete: Compete, single_records: tuple[Symbols, Vocabulary, str, str], port: ModuleType | str
) -> None:
    corpus, table, suffix, what = single_records
    texts = [letters(row) for row in corpus.symbols]
    contestants = [
        ecgbyte_one(table, corpus, "longest"),
        published(table, texts, port),
        hugging_face_own_rule(table, corpus, hugging_face_encoding(table, texts, "encode")),
    ]
    rounds = 15
    compete(contest(f"encoding-longest{suffix}", what, corpus, table, contestants, "longest", rounds=rounds))


def test_longest_batch(
    compete: Compete, encoding_strings: Symbols, vocabulary: Vocabulary, port: ModuleType | str
) -> None:
    corpus = batch_of(encoding_strings)
    texts = [letters(row) for row in corpus.symbols]
    contestants = [
        ecgbyte_batch(vocabulary, corpus, "longest"),
        published(vocabulary, texts, port, in_batch=True),
        hugging_face_own_rule(vocabulary, corpus, hugging_face_batch(vocabulary, texts), in_batch=True),
    ]
    what = f"batch of {len(corpus.symbols)} records of {corpus.symbols.shape[1]:,} symbols"
    rounds = 7
    compete(
        contest("encoding-longest-batch", what, corpus, vocabulary, contestants, "longest", batch=True, rounds=rounds)
    )


def test_merge_order(compete: Compete, single_records: tuple[Symbols, Vocabulary, str, str]) -> None:
    corpus, table, suffix, what = single_records
    texts = [letters(row) for row in corpus.symbols]
    contestants = [
        ecgbyte_one(table, corpus, "merge-order"),
        hugging_face_encoding(table, texts, "encode", compared_with="the ids of ecgbyte"),
        hugging_face_encoding(table, texts, "encode_batch_fast", compared_with="the ids of HF tokenizers encode"),
        tiktoken_one(table, texts),
    ]
    rounds = 15
    compete(contest(f"encoding-merge-order{suffix}", what, corpus, table, contestants, "merge-order", rounds=rounds))


@pytest.mark.parametrize("all_threads", [False, True], ids=["one-thread", "all-threads"])
def test_merge_order_batch(
    compete: Compete, encoding_strings: Symbols, vocabulary: Vocabulary, all_threads: bool
) -> None:
    threads = usable_cores() if all_threads else 1
    corpus = batch_of(encoding_strings)
    texts = [letters(row) for row in corpus.symbols]
    contestants = [
        ecgbyte_batch(vocabulary, corpus, "merge-order", threads),
        hugging_face_batch(vocabulary, texts, all_threads=all_threads, compared_with="the ids of ecgbyte"),
        tiktoken_batch(vocabulary, texts, threads),
    ]
    what = f"batch of {len(corpus.symbols)} records of {corpus.symbols.shape[1]:,} symbols" + (
        ", all threads" if all_threads else ""
    )
    name = "encoding-merge-order-batch" + ("-all-threads" if all_threads else "")
    rounds = 7
    compete(contest(name, what, corpus, vocabulary, contestants, "merge-order", batch=True, rounds=rounds))


@pytest.mark.parametrize("matching", ["longest", "merge-order"])
def test_threads(compete: Compete, encoding_strings: Symbols, vocabulary: Vocabulary, matching: str) -> None:
    corpus = encoding_strings
    contestants = [ecgbyte_batch(vocabulary, corpus, matching, threads) for threads in thread_counts()]
    what = f"batch of {len(corpus.symbols)} records of {corpus.symbols.shape[1]:,} symbols, 2 threads"
    name = f"encoding-{matching}-threads"
    rounds = 25
    compete(contest(name, what, corpus, vocabulary, contestants, matching, batch=True, rounds=rounds))
