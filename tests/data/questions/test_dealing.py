"""Questions from files go to the split of their record, and none crosses from one to another."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from ecgbyte.data.audit import audit_splits
from ecgbyte.data.catalogue import RecordEntry
from ecgbyte.data.questions.dealing import NO_SUCH_RECORD, TWO_SPLITS, draw_questions, resplit_questions
from ecgbyte.data.questions.ecgqa import read_all_ecgqa
from ecgbyte.data.questions.question import SINGLE_QUESTION_TYPES, Question
from ecgbyte.data.sets.ptbxl import PTBXL
from ecgbyte.data.splits import split_by_fold


def question(number: int, *records: str, sample_id: str = "") -> Question:
    kind = "single-verify" if len(records) == 1 else "comparison_irrelevant-verify"
    name = sample_id or f"q{number}"
    return Question(name, "1", kind, "noise", f"Question {number}?", ("yes",), records, (), "ecg-qa")


def entry(record_id: str, patient_id: str) -> RecordEntry:
    return RecordEntry(record_id, patient_id, 1, (), (), "")


SPLITS = {"train": [entry("a", "1"), entry("b", "1")], "validation": [entry("c", "2")], "test": [entry("d", "3")]}


def test_the_record_decides() -> None:
    asked = [
        question(0, "d"),
        question(1, "a"),
        question(2, "a", "b"),
        question(3, "a", "c"),
        question(4, "x"),
        question(5, "a", "x"),
        question(6, "c"),
        question(7, "b"),
    ]
    dealt = resplit_questions(asked, SPLITS)
    assert {name: [q.sample_id for q in part] for name, part in dealt.by_split.items()} == {
        "train": ["q1", "q2", "q7"],
        "validation": ["q6"],
        "test": ["q0"],
    }
    assert dealt.left_out == {NO_SUCH_RECORD: 2, TWO_SPLITS: 1}
    assert str(dealt) == (
        "questions by split: train 3, validation 1, test 1; left out 2: a record is in no split; "
        "left out 1: the two records are in different splits"
    )
    audit_splits(SPLITS, dealt.by_split).raise_if_leaking()


def test_what_cannot_be_dealt() -> None:
    with pytest.raises(ValueError, match="record a is in train and in test"):
        resplit_questions([], {"train": SPLITS["train"], "test": SPLITS["train"]})
    with pytest.raises(ValueError, match="1 ids occur more than once, such as 'q'"):
        resplit_questions([question(1, "a", sample_id="q"), question(2, "d", sample_id="q")], SPLITS)


def test_drawing_does_not_depend_on_the_order() -> None:
    asked = [question(number, "a") for number in range(100)]
    drawn = draw_questions(asked, 10, seed=4)
    assert len(drawn) == 10 and drawn == sorted(drawn, key=asked.index)
    assert sorted(q.sample_id for q in draw_questions(asked[::-1], 10, seed=4)) == sorted(q.sample_id for q in drawn)
    assert draw_questions(asked, 10, seed=5) != drawn
    assert draw_questions(asked, 0, seed=4) == draw_questions(asked, 100, seed=4) == asked
    with pytest.raises(ValueError, match="number: got -1"):
        draw_questions(asked, -1, seed=0)


def test_ecgqa_of_mimic_is_dealt_by_study(tmp_path: Path) -> None:
    sample = {
        "template_id": 1,
        "question_id": 1,
        "question_type": "single-query",
        "attribute_type": "scp_code",
        "question": "What does it show?",
        "answer": ["sinus rhythm", "left axis deviation"],
        "attribute": None,
    }
    for split, studies in {"train": [40000001, 40000002], "test": [40000003]}.items():
        folder = tmp_path / "mimic-iv-ecg" / "template" / split
        folder.mkdir(parents=True)
        samples = [{**sample, "sample_id": place, "ecg_id": [study]} for place, study in enumerate(studies)]
        # As ECG-QA's mapping scripts leave it, with the paths of the ECGs.
        samples[0]["ecg_path"] = ["/somewhere/40000001"]
        (folder / "0.json").write_text(json.dumps(samples))
    splits = {"train": [entry("40000003", "1")], "validation": [], "test": [entry("40000001", "2")]}
    asked = resplit_questions(read_all_ecgqa(tmp_path, dataset="mimic-iv-ecg", wording="template"), splits).by_split
    assert {name: [(q.sample_id, q.record_id) for q in part] for name, part in asked.items()} == {
        "train": [("ecg-qa-test-0", "40000003")],
        "validation": [],
        "test": [("ecg-qa-train-0", "40000001")],
    }
    assert asked["test"][0].reference == "sinus rhythm, left axis deviation"
    with pytest.raises(FileNotFoundError, match=r"no \.json file in .*paraphrased"):
        read_all_ecgqa(tmp_path, dataset="mimic-iv-ecg")


@pytest.mark.real_data
def test_the_real_ones(real_data: Path) -> None:
    splits = split_by_fold(PTBXL(real_data / "ptb-xl").entries)
    every = read_all_ecgqa(real_data / "ecg-qa")
    dealt = resplit_questions(every, splits)
    assert (len(every), dealt.left_out) == (24348, {NO_SUCH_RECORD: 0, TWO_SPLITS: 5717})
    about_one = read_all_ecgqa(real_data / "ecg-qa", question_types=SINGLE_QUESTION_TYPES)
    asked = resplit_questions(about_one, splits).by_split
    assert {name: len(part) for name, part in asked.items()} == {"train": 6878, "validation": 1620, "test": 1502}
    assert {q.question_type for part in asked.values() for q in part} == {"single-verify"}
    # All of them come from ECG-QA's training split, which holds records of PTB-XL's folds 9 and 10.
    assert {q.sample_id.rsplit("-", 1)[0] for part in asked.values() for q in part} == {"ecg-qa-train"}
    audit_splits(splits, asked).raise_if_leaking()
