"""From millivolts to ids: `ECGTokenizer.encode` and `encode_batch`, everything included, and the published path."""

from __future__ import annotations

import functools
from collections.abc import Callable
from types import ModuleType

import numpy as np
import pytest

from ecgbyte.bpe import Vocabulary
from ecgbyte.symbols import letters, symbolize
from ecgbyte.tokenizer.ecg_tokenizer import ECGTokenizer
from tests.benchmarks.contest import Contest, Contestant
from tests.benchmarks.machine import thread_counts

from .corpora import Signals
from .published_port import from_published_ids, longest_match_in_python, published_merges, symbolize_published
from .test_symbols import formula

Compete = Callable[[Contest], object]


@pytest.fixture(scope="module")
def batch(signals: Signals) -> np.ndarray:
    return signals.signals[:100]


@pytest.fixture(scope="module")
def tokenizers(signals: Signals, vocabulary: Vocabulary) -> dict[str, ECGTokenizer]:
    return {
        boundary: ECGTokenizer.from_merges(
            vocabulary.merges, boundary=boundary, amplitude_range=(signals.low, signals.high)
        )
        for boundary in ("record", "lead")
    }


@pytest.fixture(scope="module")
def expected(signals: Signals, strings: list[str]) -> Callable[[int, str], np.ndarray]:
    """Ids of record k by the formula in NumPy and a trie in Python."""
    encode = longest_match_in_python(strings)

    @functools.cache
    def ids(k: int, boundary: str) -> np.ndarray:
        symbols = formula(signals.signals[k], signals.low, signals.high)
        parts = [symbols.ravel()] if boundary == "record" else list(symbols)
        return np.concatenate([encode(part) for part in parts])

    return ids


def published_path(signals: Signals, strings: list[str], port: ModuleType | str, rows: np.ndarray) -> Callable:
    merges = published_merges(strings)
    return lambda k: port.encode(symbolize_published(rows[k], signals.low, signals.high), merges)


def test_record(
    compete: Compete,
    signals: Signals,
    tokenizers: dict[str, ECGTokenizer],
    strings: list[str],
    expected: Callable[[int, str], np.ndarray],
    port: ModuleType | str,
) -> None:
    rows = list(signals.signals)
    name = "published algorithm (port)"
    if isinstance(port, str):
        published = Contestant(name=name, skipped=port)
    else:
        call = published_path(signals, strings, port, signals.signals)
        published = Contestant(name=name, call=call, comparable=from_published_ids)

    def check_leads(k: int, encoding: object) -> None:
        assert np.array_equal(encoding.ids, expected(k, "lead"))

    compete(
        Contest(
            name="whole-record",
            work="millivolts to ids, one record, float32 [12, 2500]",
            corpus=signals.description,
            corpus_fingerprint=signals.fingerprint,
            symbols=rows[0].size,
            merges=len(strings) - 26,
            contestants=[
                Contestant(
                    name="ecgbyte",
                    call=lambda k: tokenizers["record"].encode(rows[k]),
                    comparable=lambda encoding: encoding.ids,
                    note="boundary record, as published",
                ),
                published,
                Contestant(
                    name="ecgbyte, boundary lead",
                    call=lambda k: tokenizers["lead"].encode(rows[k]),
                    check=check_leads,
                    compared_with="the formula in NumPy and a trie in Python, lead by lead",
                    note="the default: no token crosses from one lead to the next",
                ),
            ],
            rounds=15,
            expected=lambda k: expected(k, "record"),
            compared_with="the formula in NumPy and a trie in Python",
            inputs=len(rows),
            checked_inputs=50,
        )
    )


def batch_contestant(tokenizer: ECGTokenizer, batch: np.ndarray, threads: int) -> Contestant:
    rows = list(batch)
    return Contestant(
        name="ecgbyte",
        threads=threads,
        call=lambda _: tokenizer.encode_batch(rows, num_threads=threads),
        comparable=lambda encodings: np.concatenate([encoding.ids for encoding in encodings]),
    )


@pytest.mark.parametrize("in_threads", [False, True], ids=["one-thread", "threads"])
def test_batch(
    compete: Compete,
    signals: Signals,
    batch: np.ndarray,
    tokenizers: dict[str, ECGTokenizer],
    strings: list[str],
    expected: Callable[[int, str], np.ndarray],
    port: ModuleType | str,
    in_threads: bool,
) -> None:
    if not in_threads:
        name = "published algorithm (port), record by record"
        if isinstance(port, str):
            other = Contestant(name=name, skipped=port)
        else:
            path = published_path(signals, strings, port, batch)
            other = Contestant(
                name=name,
                call=lambda _: [path(k) for k in range(len(batch))],
                comparable=lambda found: np.concatenate([from_published_ids(ids) for ids in found]),
            )
        contestants = [batch_contestant(tokenizers["record"], batch, 1), other]
    else:
        contestants = [batch_contestant(tokenizers["record"], batch, threads) for threads in thread_counts()]
    compete(
        Contest(
            name="whole-batch" + ("-threads" if in_threads else ""),
            work=f"millivolts to ids, batch of {len(batch)} records, float32 [12, 2500]"
            + (", 2 threads" if in_threads else ""),
            corpus=signals.description,
            corpus_fingerprint=signals.fingerprint,
            symbols=batch.size,
            merges=len(strings) - 26,
            contestants=contestants,
            rounds=25 if in_threads else 5,
            expected=lambda _: np.concatenate([expected(k, "record") for k in range(len(batch))]),
            compared_with="the formula in NumPy and a trie in Python",
        )
    )


def test_conversions(
    compete: Compete,
    signals: Signals,
    vocabulary: Vocabulary,
    strings: list[str],
    expected: Callable[[int, str], np.ndarray],
) -> None:
    """What a peer's native input and output cost beside ecgbyte's encoding, which takes and gives arrays."""
    rows = [symbolize(signal, signals.low, signals.high).ravel() for signal in signals.signals]
    texts = ["".join(chr(ord("a") + symbol) for symbol in row.tolist()) for row in rows]
    lists = [expected(k, "record").tolist() for k in range(min(50, len(rows)))]
    count = len(lists)
    letter_codes = np.frombuffer(b"abcdefghijklmnopqrstuvwxyz", dtype=np.uint8)
    text_check = {"compared_with": "the letters, written one by one"}
    compete(
        Contest(
            name="conversions",
            work="conversions of one record, 30,000 symbols, beside encoding it",
            corpus=signals.description,
            corpus_fingerprint=signals.fingerprint,
            symbols=rows[0].size,
            merges=len(strings) - 26,
            contestants=[
                Contestant(name="ecgbyte encode `longest`", call=lambda k: vocabulary.encode(rows[k])),
                Contestant(
                    name="symbols to str (ecgbyte.symbols.letters)",
                    call=lambda k: letters(rows[k]),
                    check=lambda k, text: _equal(text, texts[k]),
                    **text_check,
                ),
                Contestant(
                    name="symbols to str (NumPy lookup)",
                    package="numpy",
                    call=lambda k: letter_codes[rows[k]].tobytes().decode("ascii"),
                    check=lambda k, text: _equal(text, texts[k]),
                    **text_check,
                ),
                Contestant(
                    name="list of ids to int32 array",
                    package="numpy",
                    call=lambda k: np.array(lists[k], dtype=np.int32),
                ),
                Contestant(
                    name="int32 array of ids to list",
                    package="numpy",
                    call=lambda k: expected(k, "record").tolist(),
                    check=lambda k, ids: _equal(ids, lists[k]),
                    compared_with="the ids",
                ),
            ],
            rounds=15,
            expected=lambda k: expected(k, "record"),
            compared_with="the formula in NumPy and a trie in Python",
            inputs=count,
            checked_inputs=count,
        )
    )


def _equal(found: object, expected: object) -> None:
    assert found == expected
