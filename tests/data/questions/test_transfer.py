"""Findings that two data sets share, and questions that keep to them."""

from __future__ import annotations

from pathlib import Path

import pytest

from ecgbyte.data.catalogue import Finding, RecordEntry
from ecgbyte.data.questions.generation import generate_questions
from ecgbyte.data.questions.question import Question
from ecgbyte.data.questions.transfer import restrict_questions, shared_attributes
from ecgbyte.data.sets.ptbxl import PTBXL
from ecgbyte.data.synthetic import SyntheticRecords


def entries(
    name: str, *found: tuple[str, ...], kind: str = "rhythm", certain: bool = True, assessed: bool = True
) -> list[RecordEntry]:
    """One record for each tuple of names of findings."""
    kinds = (kind,) if assessed else ()
    return [
        RecordEntry(
            f"{name}-{place}", f"{name}-{place}", 1, tuple(Finding(kind, n, (), certain) for n in names), kinds, ""
        )
        for place, names in enumerate(found)
    ]


def test_a_finding_is_shared_where_both_have_it_and_both_lack_it() -> None:
    first = entries("a", ("flutter",), ("flutter",), ("sinus",), ("sinus",), ("rare",))
    second = entries("b", ("flutter",), ("flutter",), ("sinus",), ("sinus",), ("other",), ("other",))
    assert shared_attributes(first, second, minimum_count=2) == {"rhythm": ("flutter", "sinus")}
    assert shared_attributes(first, second, minimum_count=1) == {"rhythm": ("flutter", "sinus")}
    assert shared_attributes(first, second, minimum_count=3) == {}
    # Everyone has it: whether it is there could be said without looking.
    assert shared_attributes(first, entries("c", ("flutter",), ("flutter",)), minimum_count=1) == {}


def test_uncertain_findings_and_what_was_not_assessed_decide_nothing() -> None:
    sure = entries("a", ("flutter",), ("sinus",))
    assert shared_attributes(sure, entries("b", ("flutter",), ("sinus",)), minimum_count=1)
    assert not shared_attributes(sure, entries("b", ("flutter",), ("sinus",), certain=False), minimum_count=1)
    assert not shared_attributes(sure, entries("b", ("flutter",), ("sinus",), assessed=False), minimum_count=1)
    doubtful = [*entries("b", ("flutter",)), *entries("c", ("flutter",), certain=False)]
    assert not shared_attributes(sure, doubtful, minimum_count=1)
    with pytest.raises(ValueError, match="minimum_count: got 0"):
        shared_attributes(sure, sure, minimum_count=0)


def ask(kind: str, attributes: tuple[str, ...], *answer: str, about: str = "rhythm") -> Question:
    return Question("q", "t", f"single-{kind}", about, "A question?", answer, ("r",), attributes, "generated")


def test_questions_keep_to_the_shared_findings() -> None:
    shared = {"rhythm": ("flutter", "sinus"), "noise": ("burst noise",)}
    kept = [
        ask("verify", ("flutter",), "no"),
        ask("choose", ("flutter", "sinus"), "flutter", "sinus"),
        ask("choose", ("flutter", "sinus"), "none"),
        ask("query", (), "sinus"),
        ask("verify", ("burst noise", "V1"), "yes", about="noise"),
        ask("query", ("burst noise",), "I", "aVL", about="noise"),
    ]
    dropped = [
        ask("verify", ("rare",), "no"),
        ask("verify", (), "yes"),
        ask("choose", ("flutter", "rare"), "flutter"),
        ask("query", (), "rare"),
        ask("query", (), "sinus", "rare"),
        ask("verify", ("flutter",), "yes", about="axis"),
    ]
    assert restrict_questions([*dropped, *kept], shared) == kept
    with pytest.raises(ValueError, match="source 'ecg-qa'"):
        restrict_questions([Question("q", "1", "single-verify", "noise", "?", ("no",), ("r",), (), "ecg-qa")], shared)


@pytest.mark.real_data
def test_what_ptbxl_and_the_synthetic_records_share(real_data: Path) -> None:
    real, synthetic = PTBXL(real_data / "ptb-xl").entries, SyntheticRecords(1000, seed=0, sampling_rate=250).entries
    shared = shared_attributes(real, synthetic)
    assert {kind: len(names) for kind, names in shared.items()} == {
        "normal": 1,
        "rhythm": 4,
        "conduction": 3,
        "ectopy": 2,
        "hypertrophy": 2,
        "axis": 3,
        "noise": 4,
    }
    names = {name for of_kind in shared.values() for name in of_kind}
    for asked_of in (real, synthetic):
        questions = generate_questions(
            asked_of, seed=0, attributes=names, finding_types=tuple(shared), num_questions=3000
        )
        lists = [q for q in questions if q.question_type == "single-query" and q.template_id == "query-findings"]
        assert lists and {item for q in lists for item in q.answer} <= names | {"none"}
