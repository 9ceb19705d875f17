"""METEOR against a slow version of its definition, and sentence BLEU-4 by hand; nothing is downloaded."""

from __future__ import annotations

from collections.abc import Iterator
from types import SimpleNamespace

import nltk
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from nltk.stem.porter import PorterStemmer

from ecgbyte.metrics import nltk_measures
from ecgbyte.metrics.nltk_measures import (
    has_wordnet,
    meteor_scores,
    meteor_signature,
    sentence_bleu4_scores,
    sentence_bleu4_signature,
)

WORDS = st.lists(
    st.sampled_from(["sinus", "rhythm", "rhythms", "Atrial", "atrium", "lead", "leads", "V2", "the"]), max_size=8
)


@pytest.fixture(autouse=True)
def _no_downloads(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("nothing may be downloaded")

    monkeypatch.setattr(nltk, "download", refuse)
    yield
    nltk_measures._meteor.cache_clear()
    has_wordnet.cache_clear()


def slow_meteor(reference: str, answer: str) -> float:
    """Match words from the end, first equal ones, then equal stems; then count runs of matches."""
    stem = PorterStemmer().stem
    answered, expected = answer.lower().split(), reference.lower().split()
    matched: dict[int, int] = {}
    for form in (str, stem):
        for i in reversed(range(len(answered))):
            for j in reversed(range(len(expected))):
                if i not in matched and j not in matched.values() and form(answered[i]) == form(expected[j]):
                    matched[i] = j
    if not matched:
        return 0.0
    precision, recall = len(matched) / len(answered), len(matched) / len(expected)
    mean = 10 * precision * recall / (recall + 9 * precision)
    chunks = sum(matched.get(i - 1) != j - 1 for i, j in matched.items())
    return 100 * mean * (1 - 0.5 * (chunks / len(matched)) ** 3)


@settings(max_examples=150, deadline=None)
@given(WORDS.filter(bool), WORDS)
def test_meteor_without_wordnet_equals_its_definition(reference: list[str], answer: list[str]) -> None:
    pair = " ".join(reference), " ".join(answer)
    assert meteor_scores([pair[0]], [pair[1]], wordnet=False)[0] == pytest.approx(slow_meteor(*pair))


def test_meteor_by_hand() -> None:
    references = ["yes", "sinus rhythm", "left axis deviation", "leads", "no"]
    answers = ["YES", "rhythm sinus", "left axis", "lead", ""]
    # One chunk of one match takes half; two chunks of two matches too; one chunk of two matches takes a sixteenth.
    expected = [50.0, 50.0, 100 * (1 - 0.5 / 8) * 10 * (2 / 3) / (2 / 3 + 9), 50.0, 0.0]
    assert meteor_scores(references, answers, wordnet=False) == pytest.approx(expected)


def test_which_meteor_it_is_depends_on_what_is_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing() -> None:
        raise LookupError("no data")

    monkeypatch.setattr("nltk.corpus.wordnet", SimpleNamespace(ensure_loaded=missing))
    has_wordnet.cache_clear()
    assert not has_wordnet()
    assert meteor_signature().startswith("meteor without WordNet|match:exact,stem|")
    assert meteor_scores(["heart"], ["core"])[0] == 0.0
    with pytest.raises(LookupError, match=r"nltk\.downloader wordnet"):
        meteor_scores(["heart"], ["core"], wordnet=True)

    synonyms = [SimpleNamespace(name=lambda: "heart"), SimpleNamespace(name=lambda: "core")]
    known = SimpleNamespace(
        ensure_loaded=lambda: None,
        synsets=lambda word: [SimpleNamespace(lemmas=lambda: synonyms)] if word in ("heart", "core") else [],
    )
    monkeypatch.setattr("nltk.corpus.wordnet", known)
    has_wordnet.cache_clear()
    assert has_wordnet()
    assert meteor_signature().startswith("meteor|match:exact,stem,synonym|")
    assert meteor_scores(["left heart"], ["left core"])[0] == pytest.approx(100 * (1 - 0.5 / 8))
    assert meteor_scores(["left heart"], ["left core"], wordnet=False)[0] == pytest.approx(25.0)
    assert f"nltk:{nltk.__version__}" in meteor_signature()


def test_sentence_bleu_by_hand() -> None:
    references = ["yes", "no", "left axis deviation", "sinus rhythm in all leads", "none"]
    answers = ["yes", "yes", "left axis", "sinus rhythm in all leads", ""]
    # One right word: orders 2 to 4 count as 0.1 of 1. Two of three words: orders 3 and 4 do, and brevity exp(1 - 3/2).
    expected = [100 * 0.1**0.75, 0.0, 100 * 0.01**0.25 * np.exp(-0.5), 100.0, 0.0]
    assert sentence_bleu4_scores(references, answers) == pytest.approx(expected)
    assert sentence_bleu4_scores(["yes"], ["yes"])[0] == pytest.approx(17.78, abs=0.005)
    assert "smooth:method1" in sentence_bleu4_signature()


@pytest.mark.parametrize("measure", [sentence_bleu4_scores, meteor_scores])
def test_bad_pairs_are_refused(measure) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(ValueError, match="2 references for 1 answers"):
        measure(["yes", "no"], ["yes"])
    with pytest.raises(TypeError, match="answers: got one string"):
        measure(["yes"], "y")
