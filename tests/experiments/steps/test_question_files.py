"""One's own questions: read line by line, every fault named with its line, none of a faulty file used."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from ecgbyte.data.audit import audit_splits
from experiments.profiles.data_sets import find_data_set
from experiments.profiles.input_settings import DataSettings, QuestionSettings
from experiments.profiles.profile import read_profile
from experiments.profiles.settings_reading import change_settings
from experiments.steps.question_files import read_question_file
from experiments.steps.questions import ask_questions, asked_records, fingerprint_of_files
from experiments.steps.segments import choose_entries
from experiments.steps.study import Study
from experiments.steps.work_folder import ROOT, WorkFolder
from tests.experiments.own_sets import OwnSet

OWN = find_data_set("tests.experiments.own_sets:OwnSet")
ALL_RECORDS = DataSettings(OWN.name, num_patients=60, sampling_rate=250)
SETTINGS = QuestionSettings(train=0, validation=0, test=3, source="files")


def line(number: int, **changes: Any) -> dict[str, Any]:
    plain = {
        "sample_id": f"q{number}",
        "record_id": f"{number:05d}",
        "patient_id": f"p{number}",
        "question_type": "single-query",
        "question": "Which rhythm is it?",
        "reference": "fast, slow",
    }
    return {name: value for name, value in (plain | changes).items() if value is not None}


def write(path: Path, lines: list[Any]) -> Path:
    path.write_text("".join((item if isinstance(item, str) else json.dumps(item)) + "\n" for item in lines))
    return path


def test_questions_go_to_the_split_of_their_record(tmp_path: Path) -> None:
    path = write(tmp_path / "own.jsonl", [line(number) for number in range(40)])
    records = OwnSet(sampling_rate=250, seed=0, num_patients=60)
    splits = choose_entries(records, ALL_RECORDS, 0, asked_records(SETTINGS, OWN, path))
    asked = ask_questions(splits, SETTINGS, OWN, seed=0, segment_seconds=2.0, root=path)
    assert {name: len(part) for name, part in asked.items()} == {"train": 32, "validation": 4, "test": 3}
    for name, part in asked.items():
        assert {question.record_id for question in part} <= {entry.record_id for entry in splits[name]}
        assert {question.source for question in part} == {"files"}
    audit_splits(splits, asked).raise_if_leaking()


def test_a_line_may_say_what_training_needs(tmp_path: Path) -> None:
    more = {"attribute_type": "rhythm", "template_id": "mine", "source": "ecg-qa"}
    full = line(1, answer=["fast", "slow"], attributes=["fast"], **more)
    path = write(tmp_path / "own.jsonl", [full, "", line(2, patient_id=None, question_type=None)])
    first, second = read_question_file(path)
    assert first.question.answer == ("fast", "slow") and first.question.attributes == ("fast",)
    assert (first.question.template_id, first.question.attribute_type) == ("mine", "rhythm")
    assert (first.question.source, second.question.source) == ("ecg-qa", "files")
    assert (second.number, second.patient_id) == (3, None)
    assert (second.question.answer, second.question.question_type) == (("fast, slow",), "single-query")


def test_committed_questions_can_be_asked_again(tmp_path: Path) -> None:
    """The form is that of the questions in results, however they are packed there."""
    import gzip

    (found,) = (ROOT / "results" / "default" / "answers").glob("questions.jsonl*")
    text = gzip.decompress(found.read_bytes()) if found.suffix == ".gz" else found.read_bytes()
    path = tmp_path / "again.jsonl"
    path.write_bytes(text)
    again = [line.question for line in read_question_file(path)]
    assert len(again) == 800 and {question.source for question in again} == {"generated"}


@pytest.mark.parametrize(
    ("bad", "message"),
    [
        ("{", "line 2: not valid JSON"),
        ("[1]", "line 2: expected an object, got list"),
        ('{"sample_id": "a", "sample_id": "b"}', "line 2: the key 'sample_id' stands twice"),
        (line(2, question=None), "line 2: question: missing"),
        (line(2, question=" "), "line 2: question: got ' ', expected a text that is not empty"),
        (line(2, record_id=7), "line 2: record_id: got 7"),
        (line(2, sample_id="q1"), "line 2: sample_id: 'q1' is that of line 1, too"),
        (line(2, question_type="comparison_irrelevant-verify"), "line 2: question_type: got 'comparison_irrelevant"),
        (line(2, answer="fast"), "line 2: answer: got 'fast', expected a list of texts"),
        (line(2, answer=["fast"]), "line 2: reference: got 'fast, slow', the answer reads 'fast'"),
        (line(2, ansver=["fast"]), "line 2: unknown key 'ansver'"),
        ("[" * 100_000, "line 2: "),
    ],
)
def test_bad_lines_are_named(bad: Any, message: str, tmp_path: Path) -> None:
    path = write(tmp_path / "own.jsonl", [line(1), bad, line(3)])
    with pytest.raises(ValueError, match=r"1 lines of .*own\.jsonl are no questions") as raised:
        read_question_file(path)
    assert message in str(raised.value)


def test_every_bad_line_is_listed_up_to_a_number(tmp_path: Path) -> None:
    path = write(tmp_path / "own.jsonl", [line(number, question=None) for number in range(30)])
    with pytest.raises(ValueError, match="30 lines of") as raised:
        read_question_file(path)
    assert "line 20: question: missing" in str(raised.value) and "line 21:" not in str(raised.value)
    assert "and 10 more" in str(raised.value)


def test_other_faults_are_named(tmp_path: Path) -> None:
    records = OwnSet(sampling_rate=250, seed=0, num_patients=60)
    splits = choose_entries(records, ALL_RECORDS, 0)
    with pytest.raises(ValueError, match="--questions: the source 'files' is read from a file; name it with"):
        ask_questions(splits, SETTINGS, OWN, seed=0, segment_seconds=2.0)
    with pytest.raises(FileNotFoundError, match="--questions: there is no file"):
        ask_questions(splits, SETTINGS, OWN, seed=0, segment_seconds=2.0, root=tmp_path / "none.jsonl")
    with pytest.raises(ValueError, match="holds no question"):
        ask_questions(splits, SETTINGS, OWN, seed=0, segment_seconds=2.0, root=write(tmp_path / "empty.jsonl", [""]))
    wrong = write(tmp_path / "wrong.jsonl", [line(number, patient_id="p7") for number in range(40)])
    with pytest.raises(ValueError, match="patient_id: got 'p7', record '00000' is of 'p0'"):
        ask_questions(splits, SETTINGS, OWN, seed=0, segment_seconds=2.0, root=wrong)
    one = write(tmp_path / "one.jsonl", [line(1)])
    with pytest.raises(ValueError, match="holds none about the records of the"):
        ask_questions(splits, SETTINGS, OWN, seed=0, segment_seconds=2.0, root=one)


def test_other_questions_are_other_steps(tmp_path: Path) -> None:
    """Questions that choose the records are part of what the segments are of."""
    first = write(tmp_path / "first.jsonl", [line(number) for number in range(40)])
    second = write(tmp_path / "second.jsonl", [line(number) for number in range(41)])
    reworded = write(tmp_path / "reworded.jsonl", [line(number, question="Is it fast?") for number in range(40)])
    generated = "questions.finding_types=[], questions.paraphrases=0"
    profile = change_settings(read_profile("smoke"), f"data.dataset={OWN.name}, {generated}, questions.source=files")
    studies = [Study(profile, WorkFolder(tmp_path), {}, path) for path in (first, second, reworded)]
    segments = [study.segments_task.step.fingerprint for study in studies]
    questions = [study.questions_task.step.fingerprint for study in studies]
    assert segments[0] == segments[2] != segments[1]
    assert len(set(questions)) == 3
    assert fingerprint_of_files(profile.questions, OWN, first) != fingerprint_of_files(profile.questions, OWN, reworded)
