"""ECG-QA's files: small ones in the published layout, every fault by name, and the real ones."""

from __future__ import annotations

import json
import re
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from ecgbyte.data.questions.ecgqa import read_all_ecgqa, read_ecgqa

SAMPLE: dict[str, Any] = {
    "template_id": 27,
    "question_id": 1800,
    "sample_id": 4,
    "question_type": "single-verify",
    "attribute_type": "noise",
    "question": "Is there drift?",
    "answer": ["yes"],
    "ecg_id": [17],
    "attribute": ["baseline drift"],
}
COMPARISON = {
    **SAMPLE,
    "sample_id": 5,
    "question_type": "comparison_irrelevant-query",
    "attribute_type": "numeric_feature",
    "answer": ["p duration", "qt interval"],
    "ecg_id": [17, 20344],
    "attribute": None,
}


def write(root: Path, samples: object, file: str = "ptbxl/paraphrased/train/0.json") -> Path:
    path = root / file
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(samples if isinstance(samples, str) else json.dumps(samples), encoding="utf-8")
    return path


def test_a_sample_is_read_field_by_field(tmp_path: Path) -> None:
    write(tmp_path, [SAMPLE, COMPARISON])
    single, comparison = read_ecgqa(tmp_path, split="train")
    assert (single.sample_id, single.template_id, single.question_type) == ("ecg-qa-train-4", "27", "single-verify")
    assert (single.attribute_type, single.question, single.reference) == ("noise", "Is there drift?", "yes")
    assert (single.record_id, single.attributes, single.source) == ("00017", ("baseline drift",), "ecg-qa")
    assert (comparison.record_ids, comparison.attributes) == (("00017", "20344"), ())
    assert comparison.reference == "p duration, qt interval"


def test_files_are_read_by_number_and_filtered(tmp_path: Path) -> None:
    write(tmp_path, [{**SAMPLE, "sample_id": 10000}], "ptbxl/template/valid/10000.json")
    write(tmp_path, [COMPARISON], "ptbxl/template/valid/5000.json")
    read = read_ecgqa(tmp_path, split="validation", wording="template")
    assert [q.sample_id for q in read] == ["ecg-qa-validation-5", "ecg-qa-validation-10000"]
    singles = read_ecgqa(tmp_path, split="validation", wording="template", question_types=["single-verify"])
    assert [q.sample_id for q in singles] == ["ecg-qa-validation-10000"]


def test_ids_of_mimic_stay_as_they_are(tmp_path: Path) -> None:
    write(tmp_path, [{**SAMPLE, "ecg_id": [40689238]}, {**COMPARISON}], "mimic-iv-ecg/paraphrased/test/0.json")
    read = read_ecgqa(tmp_path, split="test", dataset="mimic-iv-ecg")
    assert [q.record_ids for q in read] == [("40689238",), ("17", "20344")]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"answer": []}, r"index 1: answer is \[\], expected a list of at least one item"),
        ({"answer": "yes"}, "index 1: answer is 'yes'"),
        ({"answer": [" "]}, "index 1: answer is"),
        ({"ecg_id": [1, 2]}, "index 1: ecg_id has 2 ids, a single-verify question is about 1"),
        ({"ecg_id": ["17a"]}, r"index 1: ecg_id is .*each a whole number"),
        ({"ecg_id": [True]}, "index 1: ecg_id is"),
        ({"question": ""}, "index 1: question is '', expected text"),
        ({"question_type": "single-guess"}, "index 1: question_type is 'single-guess', expected one of single-verify"),
        ({"template_id": "27"}, "index 1: template_id is '27', expected a whole number"),
        ({"question_id": None}, "index 1: question_id is None"),
        ({"attribute": "drift"}, "index 1: attribute is 'drift'"),
        ({"sample_id": 4}, "index 1: sample_id occurs in .*index 0 already"),
    ],
)
def test_a_bad_sample_is_listed_and_the_others_are_read(tmp_path: Path, change: dict[str, Any], message: str) -> None:
    write(tmp_path, [SAMPLE, {**SAMPLE, "sample_id": 5, **change}, {**SAMPLE, "sample_id": 6}])
    with pytest.warns(UserWarning, match=f"1 samples of ECG-QA left out, the first in .*{message}"):
        read = read_ecgqa(tmp_path, split="train")
    assert [question.sample_id for question in read] == ["ecg-qa-train-4", "ecg-qa-train-6"]
    ((where, reason),) = read.rejected
    assert where.endswith("0.json, index 1") and re.search(message, f"{where}: {reason}")
    # Left out by their type, and checked all the same.
    with pytest.warns(UserWarning, match="1 samples of ECG-QA left out"):
        assert read_ecgqa(tmp_path, split="train", question_types=["single-choose"]) == []
    with pytest.warns(UserWarning, match="1 samples of ECG-QA left out"):
        assert read_all_ecgqa(tmp_path).rejected == read.rejected


def test_ids_as_text_and_blanks_around_answers(tmp_path: Path) -> None:
    write(tmp_path, [{**SAMPLE, "ecg_id": ["00017"], "answer": ["yes "]}])
    (question,) = read_ecgqa(tmp_path, split="train")
    assert (question.record_ids, question.answer) == (("00017",), ("yes",))


@pytest.mark.parametrize("field", sorted(SAMPLE))
def test_a_missing_field_is_named(tmp_path: Path, field: str) -> None:
    write(tmp_path, [{name: value for name, value in SAMPLE.items() if name != field}])
    with pytest.raises(ValueError, match=f"0.json, index 0: no field '{field}'"):
        read_ecgqa(tmp_path, split="train")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ('[{"template_id": 27', r"0\.json is no JSON"),
        ({"a": 1}, r"0\.json: expected a list of samples, got dict"),
        ([3], "index 0: expected an object, got int"),
    ],
)
def test_a_bad_file_is_named(tmp_path: Path, content: object, message: str) -> None:
    write(tmp_path, content)
    with pytest.raises(ValueError, match=message):
        read_ecgqa(tmp_path, split="train")


def test_missing_files_and_unknown_options(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="ECG-QA's folder 'ptbxl'"):
        read_ecgqa(tmp_path, split="train")
    write(tmp_path, [SAMPLE])
    with pytest.raises(FileNotFoundError, match=r"no \.json file in .*test"):
        read_ecgqa(tmp_path, split="test")
    with pytest.raises(ValueError, match=r"split: got 'valid'.*'validation'"):
        read_ecgqa(tmp_path, split="valid")
    with pytest.raises(ValueError, match="wording: got 'rephrased'"):
        read_ecgqa(tmp_path, split="train", wording="rephrased")
    with pytest.raises(ValueError, match="dataset: got 'mimic'"):
        read_ecgqa(tmp_path, split="train", dataset="mimic")
    with pytest.raises(ValueError, match="question_types: got 'verify'"):
        read_ecgqa(tmp_path, split="train", question_types=["verify"])


@pytest.mark.real_data
def test_the_real_files(real_data: Path) -> None:
    root = real_data / "ecg-qa"
    sizes = {split: len(read_ecgqa(root, split=split)) for split in ("train", "validation", "test")}
    assert sizes == {"train": 17539, "validation": 4663, "test": 2146}
    train = read_ecgqa(root, split="train", wording="template", question_types=["single-verify"])
    assert Counter(q.attribute_type for q in train) == {"noise": 10000}
    assert {q.answer for q in train} == {("yes",), ("no",)}
