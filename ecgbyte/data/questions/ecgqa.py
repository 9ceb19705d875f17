"""ECG-QA's JSON files and its own split.

ECG-QA: Oh et al. 2023, arXiv:2306.15681, https://github.com/Jwoo5/ecg-qa, CC BY 4.0.
"""

from __future__ import annotations

import os
import re
import warnings
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from ecgbyte.checks import check_option
from ecgbyte.data.questions.json_files import read_json
from ecgbyte.data.questions.question import ECG_QA_QUESTION_TYPES, Question

DATASETS = ("ptbxl", "mimic-iv-ecg")
WORDINGS = ("template", "paraphrased")
_SPLIT_FOLDERS = {"train": "train", "validation": "valid", "test": "test"}


class ECGQAQuestions(list[Question]):
    """Questions of ECG-QA, and the samples that were left out.

    Attributes
    ----------
    rejected : list of (str, str)
        File and index of each sample that is not as published, and why.
    """

    def __init__(self, questions: Iterable[Question] = (), rejected: Iterable[tuple[str, str]] = ()) -> None:
        super().__init__(questions)
        self.rejected = list(rejected)


def read_ecgqa(
    root: str | os.PathLike[str],
    *,
    split: str,
    dataset: str = "ptbxl",
    wording: str = "paraphrased",
    question_types: Sequence[str] | None = None,
) -> ECGQAQuestions:
    """Read all questions of one split.

    Parameters
    ----------
    root : path-like
        The folder with ``ptbxl`` or ``mimic-iv-ecg``; every ``<root>/<dataset>/<wording>/<split>/*.json`` is read, in
        the order of the numbers that the files are named by.
    split : {"train", "validation", "test"}
        The split; its folder for validation is called ``valid``.
    dataset : {"ptbxl", "mimic-iv-ecg"}
        Which ECGs the questions are about. Ids of PTB-XL get five digits, as in `ecgbyte.data.sets.ptbxl.PTBXL`.
    wording : {"paraphrased", "template"}
        The questions in varying words, or in those of the templates.
    question_types : sequence of str, optional
        Some of `ecgbyte.data.questions.question.ECG_QA_QUESTION_TYPES`; all where None. Questions left out are
        checked all the same.

    Returns
    -------
    ECGQAQuestions
        A list in the order of the files; sample ids ``"ecg-qa-<split>-<number>"``, source ``"ecg-qa"``. A sample that
        is not as published, such as one without an answer, or whose id occurs twice, is among its `rejected` instead.

    Warns
    -----
    UserWarning
        Where samples were rejected: how many, and the first with its reason.

    Raises
    ------
    FileNotFoundError
        If the folder does not exist or holds no JSON file.
    ValueError
        If a file is no list in JSON, or no sample is as published (the message names file, index and field).
    """
    folder = _dataset_folder(root, dataset, split) / check_option("wording", wording, WORDINGS) / _SPLIT_FOLDERS[split]
    for question_type in question_types or ():
        check_option("question_types", question_type, ECG_QA_QUESTION_TYPES)
    paths = sorted(folder.glob("*.json"), key=_file_order)
    if not paths:
        raise FileNotFoundError(f"root: no .json file in {folder}, expected ECG-QA's samples there")
    questions = ECGQAQuestions()
    seen: dict[str, str] = {}
    for path in paths:
        for index, sample in enumerate(_read_samples(path)):
            where = f"{path}, index {index}"
            try:
                question = _question(sample, split, dataset)
                if question.sample_id in seen:
                    raise ValueError(f"sample_id occurs in {seen[question.sample_id]} already")
            except ValueError as error:
                questions.rejected.append((where, str(error)))
                continue
            seen[question.sample_id] = where
            if question_types is None or question.question_type in question_types:
                questions.append(question)
    if questions.rejected:
        where, reason = questions.rejected[0]
        if not seen:
            raise ValueError(f"{where}: {reason} (none of {len(questions.rejected)} samples is as published)")
        warnings.warn(
            f"{len(questions.rejected)} samples of ECG-QA left out, the first in {where}: {reason}", stacklevel=2
        )
    return questions


def read_all_ecgqa(
    root: str | os.PathLike[str],
    *,
    dataset: str = "ptbxl",
    wording: str = "paraphrased",
    question_types: Sequence[str] | None = None,
) -> ECGQAQuestions:
    """Read the questions of all of ECG-QA's splits that are in the folder, one split after another.

    Parameters
    ----------
    root, dataset, wording, question_types
        As for `read_ecgqa`.

    Raises
    ------
    FileNotFoundError
        If the folder holds no JSON file of any split.
    ValueError
        As for `read_ecgqa`.
    """
    check_option("wording", wording, WORDINGS)
    folder = _dataset_folder(root, dataset, "train") / wording
    there = [split for split, name in _SPLIT_FOLDERS.items() if any((folder / name).glob("*.json"))]
    if not there:
        raise FileNotFoundError(
            f"root: no .json file in {folder}/{{train,valid,test}}, expected ECG-QA's samples there"
        )
    questions = ECGQAQuestions()
    for split in there:
        found = read_ecgqa(root, split=split, dataset=dataset, wording=wording, question_types=question_types)
        questions += found
        questions.rejected += found.rejected
    return questions


def _dataset_folder(root: str | os.PathLike[str], dataset: str, split: str) -> Path:
    check_option("dataset", dataset, DATASETS)
    check_option("split", split, tuple(_SPLIT_FOLDERS))
    folder = Path(root) / dataset
    if not folder.is_dir():
        raise FileNotFoundError(f"root: {folder} is no folder; expected ECG-QA's folder {dataset!r} in {Path(root)}")
    return folder


def _file_order(path: Path) -> tuple[int, str]:
    return (int(path.stem) if path.stem.isascii() and path.stem.isdigit() else -1, path.name)


def _read_samples(path: Path) -> list[Any]:
    samples = read_json(path)
    if not isinstance(samples, list):
        raise ValueError(f"{path}: expected a list of samples, got {type(samples).__name__}")
    return samples


def _record_id(ecg_id: int, dataset: str) -> str:
    return f"{ecg_id:05d}" if dataset == "ptbxl" else str(ecg_id)


def _question(sample: Any, split: str, dataset: str) -> Question:
    if not isinstance(sample, dict):
        raise ValueError(f"expected an object, got {type(sample).__name__}")
    # Comparisons have no attribute, and some questions about one ECG name none.
    attributes = _list(sample, "attribute", str) if _field(sample, "attribute") not in (None, []) else []
    question_type = _value(sample, "question_type", str)
    ecg_ids = _ecg_ids(sample)
    if question_type not in ECG_QA_QUESTION_TYPES:
        known = ", ".join(ECG_QA_QUESTION_TYPES)
        raise ValueError(f"question_type is {question_type!r}, expected one of {known}")
    expected = 1 if question_type.startswith("single-") else 2
    if len(ecg_ids) != expected:
        raise ValueError(f"ecg_id has {len(ecg_ids)} ids, a {question_type} question is about {expected}")
    _value(sample, "question_id", int)
    return Question(
        sample_id=f"ecg-qa-{split}-{_value(sample, 'sample_id', int)}",
        template_id=str(_value(sample, "template_id", int)),
        question_type=question_type,
        attribute_type=_value(sample, "attribute_type", str),
        question=_value(sample, "question", str),
        answer=tuple(answer.strip() for answer in _list(sample, "answer", str)),
        record_ids=tuple(_record_id(ecg_id, dataset) for ecg_id in ecg_ids),
        attributes=tuple(attributes),
        source="ecg-qa",
    )


def _ecg_ids(sample: Mapping[str, Any]) -> list[int]:
    """The ids of the ECGs, which some releases write as text: ``"00001"``."""
    ids = _field(sample, "ecg_id")
    if isinstance(ids, list):
        ids = [
            int(item) if isinstance(item, str) and re.fullmatch(r"\d{1,12}", item, re.ASCII) else item for item in ids
        ]
    return _list({"ecg_id": ids}, "ecg_id", int)


def _field(sample: Mapping[str, Any], name: str) -> Any:
    if name not in sample:
        raise ValueError(f"no field {name!r}, found {', '.join(map(repr, sample)) or 'none'}")
    return sample[name]


def _fits(value: Any, kind: type) -> bool:
    if kind is int:
        return isinstance(value, int) and not isinstance(value, bool) and value >= 0
    return isinstance(value, str) and bool(value.strip())


def _expected(kind: type) -> str:
    return "a whole number" if kind is int else "text"


def _value(sample: Mapping[str, Any], name: str, kind: type) -> Any:
    value = _field(sample, name)
    if not _fits(value, kind):
        raise ValueError(f"{name} is {value!r}, expected {_expected(kind)}")
    return value


def _list(sample: Mapping[str, Any], name: str, kind: type) -> list[Any]:
    values = _field(sample, name)
    if not isinstance(values, list) or not values or not all(_fits(value, kind) for value in values):
        raise ValueError(f"{name} is {values!r}, expected a list of at least one item, each {_expected(kind)}")
    return values
