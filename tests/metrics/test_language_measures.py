"""BLEU, ROUGE and exact match: values worked out by hand, sums against sacrebleu, empty answers."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ecgbyte.metrics.language import (
    ROUGE_METRICS,
    bleu_from_statistics,
    bleu_statistics,
    corpus_bleu4,
    exact_match,
    exact_match_scores,
    normalize_answer,
    rouge_scores,
)

WORDS = st.lists(st.sampled_from(["sinus", "rhythm", "atrial", "flutter", "lead", "V2", "yes", ",", "."]), max_size=7)
PAIRS = st.lists(st.tuples(WORDS.filter(lambda words: set(words) - {",", "."}), WORDS), min_size=1, max_size=12)


def rouge(references: list[str], answers: list[str]) -> dict[str, float]:
    """Mean over all pairs."""
    return {name: float(values.mean()) for name, values in rouge_scores(references, answers).items()}


def test_corpus_bleu_by_hand() -> None:
    # Five of six reference words: precisions 5/5, 4/4, 3/3, 2/2, so only the brevity penalty exp(1 - 6/5) remains.
    value, signature = corpus_bleu4(["a b c d e f"], ["a b c d e"])
    assert value == pytest.approx(100 * math.exp(1 - 6 / 5))
    assert "tok:13a" in signature and "smooth:exp" in signature and "version:" in signature
    # One wrong word in the middle of five: 4/5, 2/4, no trigram of 3 (half a match), no 4-gram of 2 (a quarter).
    value, _ = corpus_bleu4(["a b c d e"], ["a b x d e"])
    assert value == pytest.approx(100 * (4 / 5 * 2 / 4 * 0.5 / 3 * 0.25 / 2) ** 0.25)


@settings(max_examples=60, deadline=None)
@given(PAIRS)
def test_bleu_from_sums_equals_sacrebleu(pairs: list[tuple[list[str], list[str]]]) -> None:
    references = [" ".join(reference) for reference, _ in pairs]
    answers = [" ".join(answer) for _, answer in pairs]
    sums = bleu_statistics(references, answers).sum(axis=0)
    assert float(bleu_from_statistics(sums)) == pytest.approx(corpus_bleu4(references, answers)[0], rel=1e-9, abs=1e-9)


def test_bleu_of_resamples_equals_sacrebleu_on_repeated_pairs() -> None:
    references = ["sinus rhythm with a normal axis", "atrial fibrillation is present", "yes", "no", "axis deviation"]
    answers = ["sinus rhythm with normal axis", "atrial flutter is present", "yes", "", "right axis deviation"]
    statistics = bleu_statistics(references, answers)
    counts = np.random.default_rng(3).integers(0, 3, size=(20, 5))
    counts[:, 0] += 1
    fast = bleu_from_statistics(counts @ statistics)
    for row, value in zip(counts, fast, strict=True):
        repeated = [index for index, count in enumerate(row) for _ in range(count)]
        slow, _ = corpus_bleu4([references[i] for i in repeated], [answers[i] for i in repeated])
        assert value == pytest.approx(slow, rel=1e-9)


def test_rouge_by_hand() -> None:
    # "sinus rhythm" of "normal sinus rhythm": words 2/2 and 2/3, bigrams 1/1 and 1/2, longest common sequence 2.
    scores = rouge(["normal sinus rhythm"], ["sinus rhythm"])
    assert scores == pytest.approx({"rouge-1": 80.0, "rouge-2": 200 / 3, "rouge-l": 80.0})
    # Order matters to ROUGE-L only: the longest common sequence of "b a" and "a b" is one word.
    assert rouge(["a b"], ["b a"]) == pytest.approx({"rouge-1": 100.0, "rouge-2": 0.0, "rouge-l": 50.0})


def test_empty_answer_scores_zero_and_counts() -> None:
    references = ["sinus rhythm with normal axis", "sinus rhythm with normal axis"]
    answers = ["sinus rhythm with normal axis", ""]
    per_sample = rouge_scores(references, answers)
    for name in ROUGE_METRICS:
        assert per_sample[name].tolist() == [100.0, 0.0]
        assert rouge(references, answers)[name] == 50.0
    assert exact_match_scores(references, answers).tolist() == [100.0, 0.0]
    assert exact_match(references, answers) == 50.0
    # The words are all right but only half as many as in the references: 100 * exp(1 - 10/5).
    assert corpus_bleu4(references, answers)[0] == pytest.approx(100 * math.exp(-1))
    assert bleu_statistics(references, answers)[1].tolist() == [0, 5, 0, 0, 0, 0, 0, 0, 0, 0]


def test_only_empty_answers_score_zero_everywhere() -> None:
    references, answers = ["yes", "left axis deviation"], ["", "   "]
    assert corpus_bleu4(references, answers)[0] == 0.0
    assert float(bleu_from_statistics(bleu_statistics(references, answers).sum(axis=0))) == 0.0
    assert rouge(references, answers) == dict.fromkeys(ROUGE_METRICS, 0.0)
    assert exact_match(references, answers) == 0.0


def test_right_one_word_answers_have_no_four_grams() -> None:
    assert corpus_bleu4(["yes", "no"], ["yes", "no"])[0] == 0.0
    assert exact_match(["yes", "no"], ["yes", "no"]) == 100.0


@pytest.mark.parametrize(
    ("reference", "answer", "expected"),
    [
        ("yes", "Yes", 100.0),
        ("lead I, lead V2", "LEAD  V2,lead I", 100.0),
        ("lead I, lead V2", "lead I", 0.0),
        ("lead I", "lead I, lead I", 0.0),
        ("yes", "yes.", 0.0),
        ("none", "\tnone\n", 100.0),
        ("none", ",", 0.0),
    ],
)
def test_exact_match(reference: str, answer: str, expected: float) -> None:
    assert exact_match([reference], [answer]) == expected


@given(st.lists(st.text("ab ,V2", max_size=4), max_size=4), st.randoms())
def test_order_of_items_never_matters(items: list[str], random: object) -> None:
    shuffled = list(items)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    assert normalize_answer(",".join(items)) == normalize_answer(", ".join(shuffled).upper())


@pytest.mark.parametrize("measure", [corpus_bleu4, bleu_statistics, rouge_scores, exact_match_scores])
def test_bad_pairs_are_refused(measure) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(ValueError, match="2 references for 1 answers"):
        measure(["yes", "no"], ["yes"])
    with pytest.raises(ValueError, match="no pairs"):
        measure([], [])
    with pytest.raises(ValueError, match=r"references\[1\].*''"):
        measure(["yes", ""], ["yes", "no"])
    with pytest.raises(TypeError, match=r"answers\[0\]: got NoneType"):
        measure(["yes"], [None])
    with pytest.raises(TypeError, match="answers: got one string"):
        measure(["yes"], "y")


def test_sums_of_another_width_are_refused() -> None:
    with pytest.raises(ValueError, match=r"\(9,\)"):
        bleu_from_statistics(np.zeros(9))
