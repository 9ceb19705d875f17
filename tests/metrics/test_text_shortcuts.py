"""Questions whose answer the text alone does not give away."""

from __future__ import annotations

from collections import Counter, defaultdict

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ecgbyte.metrics.text_shortcuts import answer_balanced, ecg_needed

QUESTIONS = st.lists(st.tuples(st.sampled_from(["Is it?", "is  IT?", "Which?"]), st.sampled_from("abc")), min_size=1)


def test_needed_are_those_that_nobody_answered() -> None:
    references = ["yes", "no", "lead I, lead II", "none", "yes"]
    text_only = [["yes", "yes", "lead II", "some", "no"], ["no", "yes", "lead II, LEAD I", "", "no"]]
    needed, given_away = ecg_needed(references, text_only)
    assert needed.tolist() == [1, 3, 4] and given_away.tolist() == [0, 2]
    assert ecg_needed(references, [references])[0].tolist() == []
    with pytest.raises(ValueError, match="answers_without_ecg: got no set"):
        ecg_needed(references, [])
    with pytest.raises(ValueError, match="5 references for 1 answers"):
        ecg_needed(references, [["yes"]])


@given(QUESTIONS, st.integers(0, 5))
def test_after_every_text_all_answers_are_equally_frequent(questions: list[tuple[str, str]], seed: int) -> None:
    texts, references = [text for text, _ in questions], [answer for _, answer in questions]
    names = [f"sample {place}" for place in range(len(questions))]
    chosen = answer_balanced(texts, references, names, seed=seed)
    assert chosen.dtype == np.int64 and (np.diff(chosen) > 0).all()
    everything: dict[str, Counter[str]] = defaultdict(Counter)
    kept: dict[str, Counter[str]] = defaultdict(Counter)
    for place, (text, answer) in enumerate(questions):
        everything[text.lower().replace("  ", " ")][answer] += 1
        if place in chosen:
            kept[text.lower().replace("  ", " ")][answer] += 1
    for text, counts in everything.items():
        expected = {answer: min(counts.values()) for answer in counts} if len(counts) > 1 else {}
        assert kept[text] == expected
    # No reader of the text alone is right more often than in one of k.
    best = sum(max(counts.values()) for counts in kept.values() if counts)
    assert best * 2 <= max(len(chosen), 0)


def test_the_choice_goes_by_name_and_not_by_order() -> None:
    texts, references = ["Is it?"] * 30, ["yes"] * 25 + ["no"] * 5
    names = [f"sample {place}" for place in range(30)]
    chosen = {names[place] for place in answer_balanced(texts, references, names, seed=0)}
    backwards = answer_balanced(texts, references[::-1], names[::-1], seed=0)
    assert chosen == {names[::-1][place] for place in backwards} and len(chosen) == 10
    assert chosen != {names[place] for place in answer_balanced(texts, references, names, seed=1)}
    with pytest.raises(ValueError, match="sample_ids: got 1 different ones for 2"):
        answer_balanced(["a", "b"], ["c", "d"], ["x", "x"], seed=0)
