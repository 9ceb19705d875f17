"""Training and encoding against two independent implementations: Hugging Face tokenizers and rustbpe."""

from __future__ import annotations

import json

import numpy as np
import pytest

from ecgbyte.bpe import Vocabulary, train_merges

tokenizers = pytest.importorskip("tokenizers")
rustbpe = pytest.importorskip("rustbpe")

FIRST_LETTER = ord("a")


def walks(seed: int, sequences: int, symbols: int, alphabet_size: int, stay: float) -> np.ndarray:
    """Random walks with long runs, uint8 [sequences, symbols]."""
    generator = np.random.default_rng(seed)
    steps = generator.integers(-1, 2, size=(sequences, symbols)) * (generator.random((sequences, symbols)) > stay)
    return (np.cumsum(steps, axis=1) % alphabet_size).astype(np.uint8)


def noise(seed: int, sequences: int, symbols: int, alphabet_size: int) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, alphabet_size, size=(sequences, symbols)).astype(np.uint8)


CORPORA = {
    "runs": walks(0, 6, 4000, 26, 0.8),
    "walk": walks(1, 6, 4000, 12, 0.0),
    "noise": noise(2, 4, 4000, 26),
    "two-letters": noise(3, 5, 3000, 2),
    "constant": np.zeros((3, 3001), dtype=np.uint8),
    "periodic": np.resize(np.array([0, 1, 2, 1, 0, 0, 3], dtype=np.uint8), (2, 3000)),
    "equal-rows": np.repeat(walks(4, 1, 2000, 26, 0.5), 4, axis=0),
}


def text_of(symbols: np.ndarray) -> str:
    return (symbols + FIRST_LETTER).astype(np.uint8).tobytes().decode("ascii")


def trained_by_tokenizers(rows: np.ndarray, num_merges: int) -> list[tuple[str, str]]:
    """Merges as pairs of strings. Without a pre-tokenizer each input is one word, and no merge crosses words."""
    letters = [chr(FIRST_LETTER + k) for k in range(26)]
    tokenizer = tokenizers.Tokenizer(tokenizers.models.BPE())
    trainer = tokenizers.trainers.BpeTrainer(
        vocab_size=26 + num_merges, initial_alphabet=letters, show_progress=False, min_frequency=1
    )
    tokenizer.train_from_iterator([text_of(row) for row in rows], trainer)
    return [(left, right) for left, right in json.loads(tokenizer.to_str())["model"]["merges"]]


@pytest.mark.parametrize("corpus", CORPORA)
def test_merges_are_those_of_tokenizers(corpus: str) -> None:
    rows = CORPORA[corpus]
    merges = train_merges(rows, 400)
    vocabulary = Vocabulary(merges)
    strings = [text_of(vocabulary.token_symbols(token)) for token in range(vocabulary.size)]
    assert [(strings[left], strings[right]) for left, right in merges] == trained_by_tokenizers(rows, 400)


@pytest.mark.parametrize("corpus", CORPORA)
def test_merges_are_those_of_rustbpe(corpus: str) -> None:
    rows = CORPORA[corpus]
    merges = train_merges(rows, 400)
    vocabulary = Vocabulary(merges)
    tokenizer = rustbpe.Tokenizer()
    # A pattern that takes everything keeps each sequence in one piece.
    tokenizer.train_from_iterator(iter([text_of(row) for row in rows]), 256 + 400, pattern=r"[\s\S]+")
    ranked = sorted(tokenizer.get_mergeable_ranks(), key=lambda item: item[1])[256:]
    assert [bytes(string).decode("ascii") for string, _ in ranked] == [
        text_of(vocabulary.token_symbols(token)) for token in range(26, vocabulary.size)
    ]


@pytest.mark.parametrize("corpus", CORPORA)
def test_merge_order_is_that_of_tokenizers(corpus: str) -> None:
    rows = CORPORA[corpus]
    merges = train_merges(rows, 400)
    vocabulary = Vocabulary(merges)
    # One private character a token, so that equal token strings of different merges stay apart.
    strings = [text_of(vocabulary.token_symbols(token)) for token in range(vocabulary.size)]
    assert len(set(strings)) == len(strings)
    peer = tokenizers.Tokenizer(
        tokenizers.models.BPE(
            vocab={string: token for token, string in enumerate(strings)},
            merges=[(strings[left], strings[right]) for left, right in merges],
        )
    )
    others = [*rows, *walks(5, 2, 3000, 26, 0.7), *noise(6, 2, 500, 3), rows[0][:1], np.zeros(777, dtype=np.uint8)]
    for symbols in others:
        assert vocabulary.encode(symbols, "merge-order").tolist() == peer.encode(text_of(symbols)).ids
