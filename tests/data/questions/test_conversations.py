"""Files of conversations from several projects: which record each entry is about, and what is asked of it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from ecgbyte.data.questions.conversations import read_conversations
from ecgbyte.data.questions.record_names import record_of

TURNS = [{"from": "human", "value": "<image>\nWhat is the rhythm?"}, {"from": "gpt", "value": "Sinus rhythm."}]


def write(path: Path, content: Any) -> Path:
    path.write_text(json.dumps(content), encoding="utf-8")
    return path


@pytest.mark.parametrize(
    ("ecg", "identifier", "dataset", "record_id"),
    [
        ("files/p1000/p10000032/s40689238/40689238", "1", "mimic-iv-ecg", "40689238"),
        ("mimic/p1127/p11273115/s44111511/44111511", "mimic-44111511", "mimic-iv-ecg", "44111511"),
        (
            "../data/mimic/preprocessed_2500/files_p1000_p10000032_s40689238_40689238_0.npy",
            None,
            "mimic-iv-ecg",
            "40689238",
        ),
        ("mimic_gen/40689238-0.png", "x", "mimic-iv-ecg", "40689238"),
        (40689238, 5, None, "40689238"),
        ("ptb-xl/05742_hr-0.png", "ptb-xl-05742", "ptbxl", "05742"),
        ("ptb-xl/records500/05000/05742_hr", "ptb-xl-05742", "ptbxl", "05742"),
        ("records100/00000/00001_lr.dat", None, "ptbxl", "00001"),
        ("../data/ptb/preprocessed_2500/records500_03000_03789_hr_0.npy", None, "ptbxl", "03789"),
        ("code15/records/exams_part2/1026489", "code15-1026489", "code15", "1026489"),
        ("images/7.png", "code15-7", "code15", "7"),
        ("cpsc2018/A0001.mat", None, "cpsc", "A0001"),
        ("georgia/E00009", None, "georgia", "E00009"),
        ("csn/JS00001-1.png", None, "chapman", "JS00001"),
    ],
)
def test_paths_name_data_set_and_record(ecg: Any, identifier: Any, dataset: str | None, record_id: str) -> None:
    assert record_of(ecg, identifier) == (dataset, record_id)


@pytest.mark.parametrize("ecg", [None, True, "", "records/a-name", "ptb-xl/12", "s1/notes.txt"])
def test_paths_that_name_none(ecg: Any) -> None:
    with pytest.raises(ValueError, match="ecg: got"):
        record_of(ecg)


def test_only_entries_about_the_data_set_are_read(tmp_path: Path) -> None:
    entries = [
        {"id": "ptb-xl-05742", "image": "ptb-xl/05742_hr-0.png", "conversations": TURNS},
        {"id": "mimic-44111511", "ecg": "mimic/p1127/p11273115/s44111511/44111511", "conversations": TURNS * 2},
        {"id": "code15-1", "ecg": "code15/records/exams_part2/1026489", "conversations": TURNS},
        {"id": "7", "ecg": "7", "conversations": TURNS},
    ]
    path = write(tmp_path / "q.json", entries)
    found = read_conversations(path, dataset="ptbxl")
    assert [(q.sample_id, q.record_id, q.source) for q in found.questions] == [
        ("conversations-ptb-xl-05742", "05742", "conversations")
    ]
    assert [reason.split("is about ")[1] for _, reason in found.rejected] == [
        "mimic-iv-ecg, expected ptbxl",
        "code15, expected ptbxl",
        "a data set that it does not name, expected ptbxl",
    ]
    assert len(read_conversations(path, dataset="mimic-iv-ecg").questions) == 3
    assert read_conversations(path, dataset="code15").questions[0].record_id == "1026489"
    with pytest.raises(ValueError, match="holds no usable conversation; 4 were rejected"):
        read_conversations(path, dataset="cpsc")
    with pytest.raises(ValueError, match="dataset: got 'mimic'"):
        read_conversations(path, dataset="mimic")


HUB = [
    {"ecg_path": f"../data/ptb/preprocessed_2500/records500_03000_0378{number}_hr_0.npy", "text": text, "name": "ptb"}
    for number, text in enumerate(
        [
            json.dumps(TURNS),
            json.dumps(["single-verify", "Is there noise?", ["yes"]]),
            json.dumps(["single-guess", "Is there noise?", ["yes"]]),
            "no JSON",
        ]
    )
]


@pytest.mark.parametrize("layout", ["list", "splits", "lines", "parquet"])
def test_the_layout_of_the_hub(layout: str, tmp_path: Path) -> None:
    split = None
    if layout == "list":
        path = write(tmp_path / "q.json", HUB)
    elif layout == "splits":
        path, split = write(tmp_path / "q.json", {"fold1_train": HUB, "fold1_test": HUB[:1]}), "fold1_train"
        with pytest.raises(ValueError, match=r"split: got None, .* holds fold1_train, fold1_test"):
            read_conversations(path, dataset="ptbxl")
    elif layout == "lines":
        path = tmp_path / "q.jsonl"
        path.write_text("\n".join(json.dumps(entry) for entry in HUB))
    else:
        pyarrow = pytest.importorskip("pyarrow")
        path = tmp_path / "q.parquet"
        pytest.importorskip("pyarrow.parquet").write_table(pyarrow.Table.from_pylist(HUB), path)
    found = read_conversations(path, dataset="ptbxl", split=split)
    assert [(q.record_id, q.question_type, q.question, q.reference) for q in found.questions] == [
        ("03780", "report", "What is the rhythm?", "Sinus rhythm."),
        ("03781", "single-verify", "Is there noise?", "yes"),
    ]
    assert [place for place, _ in found.rejected] == [2, 3]


def test_damaged_files(tmp_path: Path) -> None:
    (tmp_path / "q.parquet").write_bytes(b"PAR1 nothing")
    (tmp_path / "q.jsonl").write_text('{"id": 1}\n{"id"')
    pytest.importorskip("pyarrow")
    with pytest.raises(ValueError, match="cannot be read as Parquet"):
        read_conversations(tmp_path / "q.parquet", dataset="ptbxl")
    with pytest.raises(ValueError, match="line 2 is no JSON"):
        read_conversations(tmp_path / "q.jsonl", dataset="ptbxl")
