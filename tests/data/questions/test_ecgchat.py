"""ECG-Chat's file: a small one in the published layout, and every entry that is not."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from ecgbyte.data.questions.ecgchat import read_ecgchat

ENTRY: dict[str, Any] = {
    "id": "40689238",
    "ecg": "files/p1000/p10000032/s40689238/40689238",
    "conversations": [
        {"from": "human", "value": "<ecg>\nDescribe  this ECG."},
        {"from": "gpt", "value": "Sinus rhythm. \n Normal ECG."},
    ],
}


def write(folder: Path, content: object) -> Path:
    path = folder / "pretrain_mimic.json"
    path.write_text(content if isinstance(content, str) else json.dumps(content), encoding="utf-8")
    return path


def turns(*texts: Any) -> list[dict[str, Any]]:
    return [{"from": "human" if place % 2 == 0 else "gpt", "value": text} for place, text in enumerate(texts)]


def test_a_conversation_becomes_a_question_without_placeholders(tmp_path: Path) -> None:
    found = read_ecgchat(write(tmp_path, [ENTRY]))
    assert found.rejected == []
    (question,) = found.questions
    assert (question.sample_id, question.record_id, question.source) == ("ecg-chat-40689238", "40689238", "ecg-chat")
    assert (question.question_type, question.template_id, question.attribute_type) == ("report", "report", "report")
    assert (question.question, question.reference) == ("Describe this ECG.", "Sinus rhythm. Normal ECG.")


@pytest.mark.parametrize("text", ["Read it.<ecg>", "<ECG>\n\nRead it.", "< ecg >Read it.</ecg>", "<image>\nRead it."])
def test_placeholders_in_any_place(tmp_path: Path, text: str) -> None:
    found = read_ecgchat(write(tmp_path, [{**ENTRY, "conversations": turns(text, "QTc < 440 ms")}]))
    assert (found.questions[0].question, found.questions[0].reference) == ("Read it.", "QTc < 440 ms")


@pytest.mark.parametrize(
    "ecg",
    ["40689238", 40689238, "p1000/p10000032/s40689238/40689238.hea", "a\\b\\40689238.dat", "p10000032/s40689238/"],
)
def test_the_last_part_of_the_path_is_the_record(tmp_path: Path, ecg: object) -> None:
    assert read_ecgchat(write(tmp_path, [{**ENTRY, "ecg": ecg}])).questions[0].record_id == "40689238"


@pytest.mark.parametrize(
    ("entry", "reason"),
    [
        ("text", "expected an object, got str"),
        ({"id": "1", "ecg": "2"}, "no field 'conversations', found 'id', 'ecg'"),
        ({**ENTRY, "id": None}, "id: got None"),
        ({**ENTRY, "id": " "}, "id: got ' '"),
        ({**ENTRY}, "id: '40689238' is that of entry 0 already"),
        ({**ENTRY, "id": "2", "ecg": "records/a-name"}, "ecg: got 'records/a-name'"),
        ({**ENTRY, "id": "2", "ecg": None}, "ecg: got None"),
        ({**ENTRY, "id": "2", "conversations": turns("Why?")}, "conversations: got 1 turns, expected a list of two"),
        ({**ENTRY, "id": "2", "conversations": turns("a", "b", "c")}, "conversations: got 3 turns, expected a list of"),
        (
            {**ENTRY, "id": "2", "ecg": "code15/records/exams_part2/1026489"},
            "ecg: 'code15/records/exams_part2/1026489' is",
        ),
        ({**ENTRY, "id": "2", "ecg": "ptb-xl/records500/05000/05742_hr"}, "ecg: 'ptb-xl/records500/05000/05742_hr' is"),
        ({**ENTRY, "id": "code15-7", "ecg": 1026489}, "ecg: 1026489 is about code15, expected mimic-iv-ecg"),
        ({**ENTRY, "id": "2", "conversations": "Why?"}, "conversations: got str"),
        ({**ENTRY, "id": "2", "conversations": turns("a", "b")[::-1]}, "conversations[0]: is from 'gpt'"),
        ({**ENTRY, "id": "2", "conversations": turns("<ecg>\n", "b")}, "conversations[0]: no text beside"),
        ({**ENTRY, "id": "2", "conversations": turns("a", "")}, "conversations[1]: no text beside"),
        ({**ENTRY, "id": "2", "conversations": turns("a", 5)}, "conversations[1]: its value is 5"),
        ({**ENTRY, "id": "2", "conversations": ["a", "b"]}, "conversations[0]: got 'a', expected an object"),
    ],
)
def test_a_bad_entry_is_rejected_with_its_reason_and_the_others_go_on(
    tmp_path: Path, entry: object, reason: str
) -> None:
    found = read_ecgchat(write(tmp_path, [ENTRY, entry, {**ENTRY, "id": 3}]))
    assert [question.sample_id for question in found.questions] == ["ecg-chat-40689238", "ecg-chat-3"]
    ((place, said),) = found.rejected
    assert place == 1 and said.startswith(reason)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("[{", "is no JSON"),
        ({"id": 1}, "holds a dict, expected a list"),
        ([], "holds no usable conversation; 0 were rejected"),
        ([{"id": 1}], "1 were rejected, the first because of no field 'ecg'"),
    ],
)
def test_a_bad_file_is_named(tmp_path: Path, content: object, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        read_ecgchat(write(tmp_path, content))
    with pytest.raises(FileNotFoundError, match=r"absent\.json does not exist"):
        read_ecgchat(tmp_path / "absent.json")


def test_a_conversation_of_several_exchanges(tmp_path: Path) -> None:
    entry = {**ENTRY, "conversations": turns("<image>\nRhythm?", "Sinus.", "Rate?", "70.", "Axis?", "Normal.")}
    found = read_ecgchat(write(tmp_path, [entry, {**ENTRY, "id": 2}]))
    assert [(q.sample_id, q.question, q.reference) for q in found.questions[:3]] == [
        ("ecg-chat-40689238", "Rhythm?", "Sinus."),
        ("ecg-chat-40689238-turn-2", "Rhythm? Sinus. Rate?", "70."),
        ("ecg-chat-40689238-turn-3", "Rhythm? Sinus. Rate? 70. Axis?", "Normal."),
    ]
    assert {q.question_type for q in found.questions[:3]} == {"conversation"}
    assert found.questions[3].question_type == "report"


def test_texts_of_many_spaces_take_no_time_to_speak_of(tmp_path: Path) -> None:
    """With a pattern of open ends half a million spaces would take hours."""
    spaces = " " * 500_000
    found = read_ecgchat(write(tmp_path, [{**ENTRY, "conversations": turns(f"<{spaces}x", f"< / {spaces}ecg>y")}]))
    assert found.questions[0].question == "< x"


def test_deep_nesting_is_no_json(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="nested too deep"):
        read_ecgchat(write(tmp_path, "[" * 100_000))
