"""Learning merges, beside every trainer that can be had; one thread, the corpus as one sequence unless said."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest

from ecgbyte.bpe import train_merges
from ecgbyte.symbols import letters
from tests.benchmarks.contest import Contest, Contestant
from tests.benchmarks.machine import thread_counts
from tests.benchmarks.peers import merge_strings
from tests.benchmarks.training_peers import (
    gigabpe_training,
    hugging_face_training,
    rustbpe_training,
    sentencepiece_training,
    youtokentome_training,
)

from .corpora import Corpora, Symbols
from .published_port import from_published_ids

Compete = Callable[[Contest], object]


def about(symbols: int) -> str:
    """A size in words: ``"1e7"``."""
    return f"{symbols:.1g}".replace("e+0", "e")


def ecgbyte_training(corpus: Symbols, num_merges: int, threads: int = 1, by_record: bool = False) -> Contestant:
    sequences = corpus.symbols if by_record else corpus.symbols.reshape(1, -1)
    return Contestant(
        name="ecgbyte",
        threads=threads,
        call=lambda _: train_merges(sequences, num_merges, num_threads=threads),
        comparable=merge_strings,
    )


def training_contest(
    name: str, corpus: Symbols, num_merges: int, rounds: int, folder: Path, by_record: bool = False
) -> Contest:
    records = [letters(row) for row in corpus.symbols]
    texts = records if by_record else ["".join(records)]
    contestants = [
        ecgbyte_training(corpus, num_merges, by_record=by_record),
        rustbpe_training(texts, num_merges),
        gigabpe_training(texts, num_merges, folder),
        sentencepiece_training(records, num_merges),
        youtokentome_training(records, num_merges, folder),
    ]
    if by_record:
        contestants.append(hugging_face_training(texts, num_merges))
    oracles = [peer.name for peer in contestants[1:] if not peer.skipped and peer.check is None]
    if not oracles:
        pytest.skip("no trainer with the same rule is installed, so the merges could not be checked")
    return Contest(
        name=name,
        work=f"training, {num_merges:,} merges, {about(corpus.symbols.size)} symbols"
        + (" in records" if by_record else ""),
        corpus=corpus.description,
        corpus_fingerprint=corpus.fingerprint,
        symbols=corpus.symbols.size,
        merges=num_merges,
        contestants=contestants,
        rounds=rounds,
        expected=oracles[0],
        compared_with=f"the merges of {oracles[0]}",
        checked_inputs=0,
        one_call=True,
    )


def test_real(compete: Compete, real: Symbols, num_merges: int, tmp_path: Path) -> None:
    compete(training_contest("training-real", real, num_merges, 5, tmp_path))


def test_noise(compete: Compete, noise: Symbols, num_merges: int, tmp_path: Path, scale: str) -> None:
    compete(training_contest("training-noise", noise, num_merges, 5 if scale == "full" else 3, tmp_path))


def test_real_large(compete: Compete, corpora: Corpora, num_merges: int, tmp_path: Path, scale: str) -> None:
    if scale != "full":
        pytest.skip("1e8 symbols take minutes: --scale full")
    compete(training_contest("training-real-large", corpora.real(large=True), num_merges, 2, tmp_path))


def test_small_beside_hugging_face(
    compete: Compete, real: Symbols, num_merges: int, tmp_path: Path, scale: str
) -> None:
    """A tenth of the corpus, in records: HF tokenizers takes minutes on all of it, and on one text of this size."""
    part = real.first(2 if scale == "smoke" else 34)
    compete(training_contest("training-small", part, num_merges, 3, tmp_path, by_record=True))


def test_beside_published_algorithm(
    compete: Compete, real: Symbols, port: ModuleType | str, num_merges: int, scale: str
) -> None:
    """A full recount at each merge, so few merges unless there is time."""
    part = real.first(2 if scale == "smoke" else 34)
    few = num_merges if scale == "full" else num_merges // 20
    text = letters(part.symbols.ravel())
    published = Contestant(
        name="published algorithm (compiled port)",
        call=(lambda _: None) if isinstance(port, str) else (lambda _: port.train(text, few)),
        comparable=lambda merges: merge_strings(from_published_ids(merges)),
        compared_with="the merges of ecgbyte",
        skipped=port if isinstance(port, str) else "",
        note="counts all pairs again at each merge",
    )
    if published.skipped:
        pytest.skip(published.skipped)
    compete(
        Contest(
            name="training-published",
            work=f"training, {few:,} merges, {about(part.symbols.size)} symbols",
            corpus=part.description,
            corpus_fingerprint=part.fingerprint,
            symbols=part.symbols.size,
            merges=few,
            contestants=[ecgbyte_training(part, few), published],
            rounds=3,
            expected=published.name,
            compared_with="the merges of the published algorithm",
            checked_inputs=0,
            one_call=True,
        )
    )


def test_threads(compete: Compete, corpora: Corpora, real: Symbols, num_merges: int, scale: str) -> None:
    corpus = corpora.real(large=True) if scale == "full" else real
    joined = corpus.symbols.reshape(1, -1)
    expected = merge_strings(train_merges(joined, num_merges))
    compete(
        Contest(
            name="training-threads",
            work=f"training, {num_merges:,} merges, {about(corpus.symbols.size)} symbols, 2 threads",
            corpus=corpus.description,
            corpus_fingerprint=corpus.fingerprint,
            symbols=corpus.symbols.size,
            merges=num_merges,
            contestants=[ecgbyte_training(corpus, num_merges, threads) for threads in thread_counts()],
            rounds=5,
            expected=lambda _: expected,
            compared_with="the merges of one thread, which training-real compares with other trainers",
            one_call=True,
        )
    )
