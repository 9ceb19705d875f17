"""The questions of a run: generated, ECG-QA's, ECG-Chat's, or one's own; asked once, then read by every method."""

from __future__ import annotations

import dataclasses
import functools
import json
import sys
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ecgbyte.data.catalogue import RecordEntry
from ecgbyte.data.questions.dealing import draw_questions, resplit_questions
from ecgbyte.data.questions.ecgchat import read_ecgchat
from ecgbyte.data.questions.ecgqa import read_all_ecgqa
from ecgbyte.data.questions.generation import generate_questions, taught_answers
from ecgbyte.data.questions.question import SINGLE_QUESTION_TYPES, Question
from ecgbyte.data.questions.reports import report_questions
from ecgbyte.data.questions.segment_length import without_rhythms_over_seconds
from ecgbyte.files import fingerprint
from experiments.steps.asked_questions import write_questions
from experiments.steps.question_files import check_patients, read_question_file
from experiments.steps.segments import SPLITS

if TYPE_CHECKING:
    from experiments.profiles.data_sets import DataSet
    from experiments.profiles.input_settings import QuestionSettings

ECG_CHAT_FILE = "pretrain_mimic.json"
# What the data set that ECG-Chat's reports are of is called here.
_ECG_CHAT_DATA_SET = "mimic-iv-ecg"
# Of a held-out split, how many records must give an answer; that training gives it is asked of training.
_HELD_OUT_COUNT = 5


def ask_questions(
    splits: Mapping[str, Sequence[RecordEntry]],
    settings: QuestionSettings,
    data_set: DataSet,
    *,
    seed: int,
    segment_seconds: float,
    root: Path | None = None,
) -> dict[str, list[Question]]:
    """The questions of every split, from the profile's source.

    Generated ones are in ECG-QA's style, balanced so that the text alone gives little away. Those read from files go to
    the split of their record, whatever split the file had them in. `Question.source` says where each is from.

    Parameters
    ----------
    splits : mapping of str to sequence of RecordEntry
        ``"train"``, ``"validation"`` and ``"test"``.
    settings : QuestionSettings
    data_set : DataSet
        Whose records these are.
    seed : int
    segment_seconds : float
        How much of a record a question is asked about.
    root : Path, optional
        What ``--questions`` names: the folder with ECG-QA's ``ptbxl`` and ``mimic-iv-ecg``, or with ECG-Chat's
        ``pretrain_mimic.json``, or the file of one's own questions.

    Raises
    ------
    ValueError
        If the source needs a folder and none was named, or a split is left without questions.
    """
    asked: dict[str, list[Question]] = {name: [] for name in SPLITS}
    if settings.are_generated:
        asked = _generated(splits, settings, data_set, seed, segment_seconds)
    if settings.are_read:
        _add_from_files(asked, splits, settings, data_set, seed, root)
    if settings.reports:
        _add_reports(asked, splits, settings, seed)
    return asked


def _add_from_files(
    asked: dict[str, list[Question]],
    splits: Mapping[str, Sequence[RecordEntry]],
    settings: QuestionSettings,
    data_set: DataSet,
    seed: int,
    root: Path | None,
) -> None:
    """Deal the questions in files to the splits of their records."""
    counts = {"train": settings.train, "validation": settings.validation, "test": settings.test}
    # What validation chooses is chosen on generated questions, where there are such.
    from_files: tuple[str, ...] = SPLITS
    if settings.source == "files":
        check_patients(_named(root, settings), splits)
    dealt = resplit_questions(_questions_in_files(settings, data_set, root), splits)
    print(f"[questions] {settings.source}, {dealt}", file=sys.stderr)
    if settings.are_generated:
        counts = {"train": settings.ecgqa_train, "test": settings.ecgqa_test}
        from_files = ("train", "test")
    for number, name in enumerate(SPLITS):
        if name not in from_files:
            continue
        if not dealt.by_split[name]:
            raise ValueError(f"questions: {root} holds none about the records of the {name} split ({dealt})")
        asked[name] += draw_questions(dealt.by_split[name], counts[name], seed=(seed, number))


def _add_reports(
    asked: dict[str, list[Question]],
    splits: Mapping[str, Sequence[RecordEntry]],
    settings: QuestionSettings,
    seed: int,
) -> None:
    """Ask some training records for their reports, and test records in proportion.

    Validation is left without: what it chooses, it chooses by questions with short answers.
    """
    for name, number in (
        ("train", settings.reports),
        ("test", max(1, round(settings.reports * len(splits["test"]) / len(splits["train"])))),
    ):
        questions = report_questions(
            splits[name], split=name, seed=seed, most_characters=settings.report_characters or None
        )
        asked[name] += draw_questions(questions, number, seed=(seed, SPLITS.index(name)))


def write_asked_questions(
    folder: Path,
    splits: Mapping[str, Sequence[RecordEntry]],
    settings: QuestionSettings,
    data_set: DataSet,
    *,
    seed: int,
    segment_seconds: float,
    root: Path | None,
    is_leaky: bool,
    taught: Collection[str],
) -> dict[str, Any]:
    """`ask_questions` and keep them in a folder: the work of a step.

    Parameters
    ----------
    folder, splits, settings, data_set, seed, segment_seconds, root
        As in `ask_questions`; the splits with all training records.
    is_leaky : bool
        Whether questions are dealt to the splits whatever their records (`deal_leakily`).
    taught : collection of str
        The records that training keeps to; its questions about others are left out.
    """
    if is_leaky:
        asked = deal_leakily(splits["train"], settings, data_set, seed=seed, segment_seconds=segment_seconds)
    else:
        asked = ask_questions(splits, settings, data_set, seed=seed, segment_seconds=segment_seconds, root=root)
    asked["train"] = [question for question in asked["train"] if question.record_id in taught]
    return write_questions(folder, asked)


def deal_leakily(
    entries: Sequence[RecordEntry],
    settings: QuestionSettings,
    data_set: DataSet,
    *,
    seed: int,
    segment_seconds: float,
) -> dict[str, list[Question]]:
    """Questions about all records, dealt to the splits at random, as published: records are trained on and tested.

    As many as the settings say, or, where they say all, in the proportion 8 : 1 : 1. Reports are not asked for.
    """
    counts = {"train": settings.train, "validation": settings.validation, "test": settings.test}
    total = sum(counts.values()) if all(counts.values()) else 0
    everything = dataclasses.replace(settings, train=total, reports=0, report_characters=0)
    asked = _generated({"train": entries}, everything, data_set, seed, segment_seconds)["train"]
    shares = counts if total else {"train": 8, "validation": 1, "test": 1}
    held_out = {name: round(len(asked) * shares[name] / sum(shares.values())) for name in ("validation", "test")}
    order = np.random.default_rng([seed, len(SPLITS)]).permutation(len(asked)).tolist()
    parts, start = {}, 0
    for name, number in held_out.items():
        parts[name] = order[start : start + number]
        start += number
    parts["train"] = order[start:]
    return {name: [asked[place] for place in sorted(parts[name])] for name in SPLITS}


def as_seen(entries: Sequence[RecordEntry], settings: QuestionSettings, segment_seconds: float) -> list[RecordEntry]:
    """Records as generated questions may ask about them, given how much of each is seen."""
    return list(entries) if segment_seconds >= settings.rhythm_seconds else without_rhythms_over_seconds(entries)


def asked_records(settings: QuestionSettings, data_set: DataSet, root: Path | None = None) -> frozenset[str] | None:
    """The records that the questions in files are about; None where questions are generated about any record."""
    if settings.are_generated:
        return None
    questions = _questions_in_files(settings, data_set, root)
    return frozenset(record_id for question in questions for record_id in question.record_ids)


def fingerprint_of_files(settings: QuestionSettings, data_set: DataSet, root: Path | None = None) -> str:
    """Identifies the questions in the files; empty where all questions are generated."""
    if not settings.are_read:
        return ""
    questions = _questions_in_files(settings, data_set, root)
    return fingerprint(*(json.dumps(dataclasses.asdict(question), sort_keys=True) for question in questions))


def _named(root: Path | None, settings: QuestionSettings) -> Path:
    if root is None:
        what, metavar = ("a file", "FILE") if settings.source == "files" else ("a folder", "DIR")
        raise ValueError(
            f"--questions: the source {settings.source!r} is read from {what}; name it with --questions {metavar}"
        )
    return root


def _questions_in_files(settings: QuestionSettings, data_set: DataSet, root: Path | None) -> tuple[Question, ...]:
    root = _named(root, settings)
    if settings.source == "files":
        return tuple(line.question for line in read_question_file(root))
    if settings.source == "ecg-chat":
        if data_set.name != _ECG_CHAT_DATA_SET:
            raise ValueError(
                f"questions.source: ECG-Chat's questions are about MIMIC-IV-ECG, the data set is {data_set.name!r}"
            )
        return _ecgchat(root / ECG_CHAT_FILE)
    if not data_set.ecg_qa_folder:
        raise ValueError(f"questions.source: ECG-QA asks nothing about the data set {data_set.name!r}")
    kinds = settings.question_types or SINGLE_QUESTION_TYPES
    return _ecgqa(root, data_set.ecg_qa_folder, settings.ecgqa_version, tuple(kinds))


# The records are chosen by the questions, the questions then dealt to the records: one reading serves both.
@functools.lru_cache(maxsize=2)
def _ecgqa(root: Path, folder: str, wording: str, kinds: tuple[str, ...]) -> tuple[Question, ...]:
    return tuple(read_all_ecgqa(root, dataset=folder, wording=wording, question_types=kinds))


@functools.lru_cache(maxsize=2)
def _ecgchat(path: Path) -> tuple[Question, ...]:
    found = read_ecgchat(path)
    if found.rejected:
        place, reason = found.rejected[0]
        print(
            f"[questions] {path}: {len(found.rejected)} entries rejected, the first {place}: {reason}", file=sys.stderr
        )
    return tuple(found.questions)


def _generated(
    splits: Mapping[str, Sequence[RecordEntry]],
    settings: QuestionSettings,
    data_set: DataSet,
    seed: int,
    segment_seconds: float,
) -> dict[str, list[Question]]:
    if not any(entry.findings for entry in splits["train"]):
        raise ValueError(
            f"questions.source: {data_set.name} names no findings, so no question can be generated; "
            "expected 'ecg-qa', 'ecg-chat' or 'files'"
        )
    counts = {"train": settings.train, "validation": settings.validation, "test": settings.test}
    asked: dict[str, list[Question]] = {}
    for name in (name for name in SPLITS if name in splits):
        # What training never asked, or never answered so, can be learnt by no method and is asked by no held-out split.
        train = asked.get("train")
        asked[name] = generate_questions(
            as_seen(splits[name], settings, segment_seconds),
            seed=seed,
            split=name,
            num_questions=counts[name] or None,
            question_types=settings.question_types or SINGLE_QUESTION_TYPES,
            finding_types=settings.finding_types or None,
            template_ids=settings.templates or None,
            attributes=None if train is None else {name for question in train for name in question.attributes} or None,
            paraphrases=settings.paraphrases or None,
            minimum_count=settings.minimum_count if train is None else min(_HELD_OUT_COUNT, settings.minimum_count),
            taught=None if train is None else taught_answers(train),
        )
    return asked
