"""F1 of findings, against counting by hand and against exact match."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ecgbyte.metrics.findings import finding_f1
from ecgbyte.metrics.language import exact_match_scores

NAMES = st.lists(st.sampled_from(["lvh", "Left axis deviation", "q waves", "none"]), min_size=1, max_size=4)


@pytest.mark.parametrize(
    ("reference", "answer", "expected"),
    [
        ("lvh", "lvh", 100),
        ("lvh, q waves", "Q waves,  LVH", 100),
        ("lvh, q waves", "lvh", 200 / 3),
        ("lvh, q waves", "lvh, none", 50),
        ("lvh", "lvh, lvh", 100),
        ("lvh", "", 0),
        ("lvh", "none", 0),
    ],
)
def test_by_hand(reference: str, answer: str, expected: float) -> None:
    assert finding_f1([reference], [answer]).values.tolist() == [pytest.approx(expected)]


@given(NAMES, NAMES)
def test_from_precision_and_recall(right: list[str], said: list[str]) -> None:
    found = finding_f1([", ".join(right)], [", ".join(said)]).values[0]
    own, other = {name.casefold() for name in right}, {name.casefold() for name in said}
    hits = sum(name in own for name in other)
    precision, recall = hits / len(other), hits / len(own)
    assert found == pytest.approx(100 * 2 * precision * recall / (precision + recall) if hits else 0.0)
    if len(right) == len(said) == 1:
        assert found == exact_match_scores(right, said)[0]


def test_bad_pairs_are_refused() -> None:
    with pytest.raises(ValueError, match="got 1 references for 2 answers"):
        finding_f1(["lvh"], ["lvh", "none"])
    with pytest.raises(ValueError, match=r"references\[0\]"):
        finding_f1([" , "], ["lvh"])
