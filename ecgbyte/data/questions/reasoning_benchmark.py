"""ECG-Reasoning-Benchmark: chains of questions that lead to a diagnosis, and their scores.

Oh et al. 2026, arXiv:2603.14326, https://github.com/Jwoo5/ecg-reasoning-benchmark. A sample asks for a diagnosis, then
goes through the reasons: which criterion to look at, whether the ECG shows the finding, where (leads, waves, a
measurement), and what follows. Every question offers options. A model is asked step by step with the right answers of
the steps before, so each step can be scored on its own, and the chain as far as it is right from its start.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ecgbyte.checks import check_option
from ecgbyte.data.questions.json_files import read_json, read_json_lines
from ecgbyte.data.questions.question import REASONING_QUESTION_TYPE, Question

SOURCE = "reasoning-benchmark"
# The stages by the names of the present release, with those of earlier ones.
_STAGES = {
    "criterion_selection": ("criterion_selection",),
    "finding_identification": ("finding_identification", "finding"),
    "ecg_grounding": ("ecg_grounding", "grounding"),
    "diagnostic_decision": ("diagnostic_decision", "decision"),
}
INITIAL = "initial_diagnostic_question"
STAGES = (INITIAL, *_STAGES)
_DATA_SETS = {"ptbxl": "ptbxl", "mimic_iv_ecg": "mimic-iv-ecg"}
_MOST_STEPS = 200


@dataclass(frozen=True)
class ReasoningChain:
    """One sample of the benchmark.

    Attributes
    ----------
    chain_id : str
        The beginning of the sample ids of its questions.
    diagnosis : str
        The diagnosis in question, such as ``"anterior_ischemia"``.
    label : bool
        Whether the ECG has it.
    questions : tuple of Question
        Its steps in order, the initial question first. The text of each begins with the steps before it and their
        right answers and ends with its options; its `attribute_type` is its stage, one of `STAGES`.
    """

    chain_id: str
    diagnosis: str
    label: bool
    questions: tuple[Question, ...]


@dataclass(frozen=True)
class ReasoningBenchmark:
    """What a file or folder of the benchmark holds.

    Attributes
    ----------
    chains : list of ReasoningChain
    rejected : list of (str, str)
        Where samples are that are not as published or about another data set, and why.
    """

    chains: list[ReasoningChain]
    rejected: list[tuple[str, str]]

    @property
    def questions(self) -> list[Question]:
        """The steps of all chains, one chain after another."""
        return [question for chain in self.chains for question in chain.questions]


def read_reasoning_benchmark(path: str | os.PathLike[str], *, dataset: str = "ptbxl") -> ReasoningBenchmark:
    """Read the samples about one data set.

    Parameters
    ----------
    path : path-like
        A file of JSON lines, one sample a line, or the published folder ``data/ptbxl`` with a JSON file a sample in a
        folder a diagnosis.
    dataset : {"ptbxl", "mimic-iv-ecg"}
        Samples about the other are rejected.

    Raises
    ------
    FileNotFoundError
        If there is no such file, or no JSON file in the folder.
    ValueError
        If a file is no JSON, or holds no usable sample.
    """
    check_option("dataset", dataset, tuple(_DATA_SETS.values()))
    path = Path(path)
    if path.is_dir():
        files = sorted(path.rglob("*.json"), key=lambda file: (file.parent.as_posix(), len(file.stem), file.stem))
        samples = ((f"{file}", read_json(file)) for file in files)
    elif path.is_file():
        samples = ((f"{path}, line {number}", value) for number, value in read_json_lines(path))
    else:
        raise FileNotFoundError(f"path: {path} does not exist, expected JSON lines or the folder of the benchmark")
    chains: list[ReasoningChain] = []
    rejected: list[tuple[str, str]] = []
    for number, (where, sample) in enumerate(samples):
        try:
            chains.append(_chain(sample, number, dataset))
        except ValueError as error:
            rejected.append((where, str(error)))
    if not chains:
        first = f", the first because of {rejected[0][1]}" if rejected else ""
        raise ValueError(f"path: {path} holds no usable sample; {len(rejected)} were rejected{first}")
    return ReasoningBenchmark(chains, rejected)


def score_reasoning(chains: Sequence[ReasoningChain], answers: Mapping[str, str]) -> dict[str, float]:
    """The benchmark's scores of a model's answers, in percent.

    An answer is right where it names the right option, or all right ones and no other, see `is_right`.

    Parameters
    ----------
    chains : sequence of ReasoningChain
    answers : mapping of str to str
        For each sample id of their questions the model's answer, given with the right answers of the steps before.

    Returns
    -------
    dict of str to float
        For each of `STAGES` that occurs ``"<stage>_accuracy"``, the share of its questions that are right;
        ``"completion"``, the share of chains with every step right; ``"depth"``, the share of a chain's steps before
        its first wrong one, on average; ``"reasoned_diagnosis_accuracy"``, the share of chains whose last decision is
        right, with all reasons given.

    Raises
    ------
    ValueError
        If there are no chains, or an answer is missing.
    """
    if not chains:
        raise ValueError("chains: none given, expected one at least")
    by_stage: dict[str, list[bool]] = {}
    completed, depth, decided = [], [], []
    for chain in chains:
        right = []
        for question in chain.questions:
            if question.sample_id not in answers:
                raise ValueError(f"answers: none for {question.sample_id!r}, expected one for every step of a chain")
            right.append(is_right(question, answers[question.sample_id]))
            by_stage.setdefault(question.attribute_type, []).append(right[-1])
        completed.append(all(right))
        depth.append((right.index(False) if False in right else len(right)) / len(right))
        decided.append(right[-1])
    scores = {f"{stage}_accuracy": _percent(by_stage[stage]) for stage in STAGES if stage in by_stage}
    return {
        **scores,
        "completion": _percent(completed),
        "depth": _percent(depth),
        "reasoned_diagnosis_accuracy": _percent(decided),
    }


def is_right(question: Question, answer: str) -> bool:
    """Whether an answer names the right options of a step, and no other.

    Case, punctuation around it and marks such as ``**`` make no difference. An option that is part of a longer one that
    the answer names does not count as named.
    """
    text = _plain(answer)
    named = set()
    for option in sorted(question.attributes, key=len, reverse=True):
        pattern = rf"(?<!\w){re.escape(_plain(option))}(?!\w)"
        text, count = re.subn(pattern, "\0", text)
        if count:
            named.add(option)
    return named == set(question.answer)


def _plain(text: str) -> str:
    return " ".join(re.sub(r"[*_`\"]", " ", text).lower().split()).strip(".,;: ")


def _percent(values: Sequence[float]) -> float:
    return 100 * float(np.mean(values))


def _chain(sample: Any, number: int, dataset: str) -> ReasoningChain:
    about, data = _part(sample, "metadata", dict), _part(sample, "data", dict)
    data_set = _DATA_SETS.get(_part(about, "data_source", str))
    if data_set != dataset:
        raise ValueError(f"metadata.data_source: got {about['data_source']!r}, expected {dataset}")
    label = _part(about, "dx_label", bool)
    ecg_id = str(about.get("ecg_id", "")).strip()
    if not (ecg_id.isascii() and ecg_id.isdigit() and len(ecg_id) <= 12):
        raise ValueError(f"metadata.ecg_id: got {about.get('ecg_id')!r}, expected a number")
    record_id = f"{int(ecg_id):05d}" if dataset == "ptbxl" else ecg_id
    diagnosis = _part(about, "target_dx", str)
    chain_id = f"{SOURCE}-{diagnosis}-{number}"
    first = _part(data, INITIAL, dict)
    steps: list[tuple[str, Mapping[str, Any]]] = [(INITIAL, {"answer": "Yes" if label else "No", **first})]
    for step in _part(data, "reasoning" if "reasoning" in data else "path_1", list):
        if not isinstance(step, dict):
            raise ValueError(f"reasoning: got {step!r}, expected an object")
        for stage, names in _STAGES.items():
            found: Any = next((step[name] for name in names if name in step), [])
            steps += [(stage, question) for question in (found if isinstance(found, list) else [found])]
    if len(steps) > _MOST_STEPS:
        raise ValueError(f"reasoning: has {len(steps)} steps, at most {_MOST_STEPS} are read")
    questions = []
    before = ""
    for place, (stage, step) in enumerate(steps):
        text, options, answer = _step(step)
        offered = f"{text} Options: {'; '.join(options)}."
        questions.append(
            Question(
                sample_id=f"{chain_id}-{place}",
                template_id=stage,
                question_type=REASONING_QUESTION_TYPE,
                attribute_type=stage,
                question=f"{before}{offered}",
                answer=answer,
                record_ids=(record_id,),
                attributes=options,
                source=SOURCE,
            )
        )
        before += f"{text} {', '.join(answer)}. "
    return ReasoningChain(chain_id, diagnosis, label, tuple(questions))


def _step(step: Any) -> tuple[str, tuple[str, ...], tuple[str, ...]]:
    """The text of a question, its options, and those that are right."""
    text, options = " ".join(_part(step, "question", str).split()), _part(step, "options", list)
    answer = step.get("answer")
    answers = answer if isinstance(answer, list) else [answer]
    if not options or not all(isinstance(option, str) and option.strip() for option in options):
        raise ValueError(f"options: got {options!r}, expected texts")
    if not answers or not all(item in options for item in answers):
        raise ValueError(f"answer: got {answer!r}, expected some of the options {options!r}")
    return text, tuple(option.strip() for option in options), tuple(item.strip() for item in answers)


def _part(value: Any, name: str, kind: type) -> Any:
    if not isinstance(value, dict):
        raise ValueError(f"expected an object with {name!r}, got {type(value).__name__}")
    if name not in value:
        raise ValueError(f"no field {name!r}, found {', '.join(map(repr, value)) or 'none'}")
    if type(value[name]) is not kind or (kind is str and not value[name].strip()):
        raise ValueError(f"{name}: got {value[name]!r}, expected {kind.__name__}")
    return value[name]
