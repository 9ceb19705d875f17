"""ECG-Reasoning-Benchmark: small samples in its published layouts, and its scores worked out by hand."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from ecgbyte.data.questions.reasoning_benchmark import (
    ReasoningChain,
    is_right,
    read_reasoning_benchmark,
    score_reasoning,
)

DECISIONS = ["Yes", "No", "Further findings are required to confirm the diagnosis"]


def step(question: str, options: list[str], answer: str | list[str]) -> dict[str, Any]:
    return {"question": question, "options": options, "answer": answer}


def sample(ecg_id: str = "21472", label: bool = True, source: str = "ptbxl", **names: str) -> dict[str, Any]:
    """Two rounds of reasons, the second with two questions of where."""
    first = {
        names.get("criterion", "criterion_selection"): step("Which criterion?", ["P waves", "ST segments"], "P waves"),
        names.get("finding", "finding_identification"): step("Are they there?", ["Yes", "No"], "Yes"),
        names.get("grounding", "ecg_grounding"): [],
        names.get("decision", "diagnostic_decision"): step("Well?", DECISIONS, DECISIONS[2]),
    }
    leads = ["Lead V1", "Lead V2", "Lead V3"]
    second = {
        **first,
        names.get("grounding", "ecg_grounding"): [
            step("Which leads?", leads, ["Lead V1", "Lead V3"]),
            step("When?", ["[0.1s - 0.2s]", "[1.1s - 1.2s]"], "[1.1s - 1.2s]"),
        ],
        names.get("decision", "diagnostic_decision"): step("And now?", DECISIONS, "Yes" if label else "No"),
    }
    about = {"data_source": source, "ecg_id": ecg_id, "target_dx": "anterior_ischemia", "dx_label": label}
    initial = {"question": "Is there ischemia?", "options": ["Yes", "No"]}
    return {
        "metadata": about,
        "data": {"initial_diagnostic_question": initial, names.get("path", "reasoning"): [first, second]},
    }


def write_lines(path: Path, samples: list[Any]) -> Path:
    path.write_text("\n".join(json.dumps(value) for value in samples), encoding="utf-8")
    return path


def test_a_chain_of_questions(tmp_path: Path) -> None:
    found = read_reasoning_benchmark(write_lines(tmp_path / "ptbxl.jsonl", [sample()]))
    (chain,) = found.chains
    assert (chain.diagnosis, chain.label, len(chain.questions)) == ("anterior_ischemia", True, 9)
    assert [question.attribute_type for question in chain.questions] == [
        "initial_diagnostic_question",
        *("criterion_selection", "finding_identification", "diagnostic_decision"),
        *("criterion_selection", "finding_identification", "ecg_grounding", "ecg_grounding", "diagnostic_decision"),
    ]
    assert {question.record_id for question in chain.questions} == {"21472"}
    assert chain.questions[0].question == "Is there ischemia? Options: Yes; No."
    assert chain.questions[2].question == (
        "Is there ischemia? Yes. Which criterion? P waves. Are they there? Options: Yes; No."
    )
    assert chain.questions[6].answer == ("Lead V1", "Lead V3")
    assert len({question.sample_id for question in found.questions}) == 9


def test_the_published_folder_and_the_names_of_earlier_releases(tmp_path: Path) -> None:
    names = {"finding": "finding", "grounding": "grounding", "decision": "decision", "path": "path_1"}
    folder = tmp_path / "ptbxl" / "anterior_ischemia"
    folder.mkdir(parents=True)
    for number in (9, 10):
        (folder / f"{number}.json").write_text(json.dumps(sample(str(number), False, **names)))
    found = read_reasoning_benchmark(tmp_path / "ptbxl")
    assert [chain.questions[0].record_id for chain in found.chains] == ["00009", "00010"]
    assert found.chains[0].questions[0].answer == ("No",)
    assert len(found.chains[0].questions) == 9


def test_samples_about_another_data_set_and_damaged_ones(tmp_path: Path) -> None:
    damaged = sample()
    damaged["data"]["reasoning"][0]["criterion_selection"]["answer"] = "Q waves"
    path = write_lines(
        tmp_path / "x.jsonl", [sample(), sample("49894649", source="mimic_iv_ecg"), damaged, {"a": 1}, 3]
    )
    found = read_reasoning_benchmark(path)
    assert len(found.chains) == 1
    assert [where.split(", ")[1] for where, _ in found.rejected] == ["line 2", "line 3", "line 4", "line 5"]
    assert "expected ptbxl" in found.rejected[0][1]
    assert "answer: got 'Q waves', expected some of the options" in found.rejected[1][1]
    assert read_reasoning_benchmark(path, dataset="mimic-iv-ecg").chains[0].questions[0].record_id == "49894649"
    with pytest.raises(ValueError, match="holds no usable sample; 1 were rejected"):
        read_reasoning_benchmark(write_lines(tmp_path / "y.jsonl", [3]))
    with pytest.raises(FileNotFoundError, match="does not exist"):
        read_reasoning_benchmark(tmp_path / "absent.jsonl")


@pytest.fixture
def chains(tmp_path: Path) -> list[ReasoningChain]:
    return read_reasoning_benchmark(write_lines(tmp_path / "x.jsonl", [sample("1"), sample("2", False)])).chains


def test_scores(chains: list[ReasoningChain]) -> None:
    right = {q.sample_id: ", ".join(q.answer) for chain in chains for q in chain.questions}
    assert set(score_reasoning(chains, right).values()) == {100.0}
    first, second = chains
    answers = dict(right)
    answers[first.questions[6].sample_id] = "Lead V1"  # one of two leads
    answers[second.questions[0].sample_id] = "Yes"
    answers[second.questions[8].sample_id] = "Yes"
    assert score_reasoning(chains, answers) == {
        "initial_diagnostic_question_accuracy": 50.0,
        "criterion_selection_accuracy": 100.0,
        "finding_identification_accuracy": 100.0,
        "ecg_grounding_accuracy": 75.0,
        "diagnostic_decision_accuracy": 75.0,
        "completion": 0.0,
        "depth": pytest.approx(100 * (6 / 9 + 0) / 2),
        "reasoned_diagnosis_accuracy": 50.0,
    }
    del answers[first.questions[3].sample_id]
    with pytest.raises(ValueError, match=f"answers: none for '{first.questions[3].sample_id}'"):
        score_reasoning(chains, answers)
    with pytest.raises(ValueError, match="chains: none given"):
        score_reasoning([], {})


@pytest.mark.parametrize(
    ("place", "answer", "right"),
    [
        (0, "Yes", True),
        (0, "**yes**.", True),
        (0, "Yes or No", False),
        (0, "Yesterday", False),
        (0, "", False),
        (6, "Lead V3 and lead V1", True),
        (6, "Lead V1, Lead V2, Lead V3", False),
        (7, "[1.1s - 1.2s]", True),
        (7, "At [1.1s - 1.2s].", True),
        (3, "Further findings are required to confirm the diagnosis.", True),
        (3, "No", False),
    ],
)
def test_right_answers(chains: list[ReasoningChain], place: int, answer: str, right: bool) -> None:
    assert is_right(chains[0].questions[place], answer) is right
