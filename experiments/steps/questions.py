"""Which questions a run asks: generated ones, ECG-QA's, ECG-Chat's, and those of a transfer between data sets."""

from __future__ import annotations

import functools
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from ecgbyte.data.catalogue import RecordEntry
from ecgbyte.data.questions.dealing import draw_questions, resplit_questions
from ecgbyte.data.questions.ecgchat import read_ecgchat
from ecgbyte.data.questions.ecgqa import read_all_ecgqa
from ecgbyte.data.questions.generation import generate_questions
from ecgbyte.data.questions.question import SINGLE_QUESTION_TYPES, Question
from ecgbyte.data.questions.templates import TEMPLATES, VERIFY_ANY
from ecgbyte.data.questions.transfer import restrict_questions, shared_attributes
from ecgbyte.files import fingerprint
from experiments.profiles.profile import Profile

SPLITS = ("train", "validation", "test")
ECG_CHAT_FILE = "pretrain_mimic.json"
_ECG_QA_DATASETS = {"ptb-xl": "ptbxl", "mimic-iv-ecg": "mimic-iv-ecg"}


def ask_questions(
    splits: Mapping[str, Sequence[RecordEntry]], profile: Profile, questions_root: Path | None = None
) -> dict[str, list[Question]]:
    """The questions of every split, from the profile's source.

    Generated ones are in ECG-QA's style, balanced so that the text alone gives little away. Those read from files go to
    the split of their record, whatever split the file had them in. `Question.source` says where each is from.

    Parameters
    ----------
    splits : mapping of str to sequence of RecordEntry
        ``"train"``, ``"validation"`` and ``"test"``.
    profile : Profile
        Its `questions`, its data set and its seed.
    questions_root : Path, optional
        The folder with ECG-QA's ``ptbxl`` and ``mimic-iv-ecg``, or with ECG-Chat's ``pretrain_mimic.json``.

    Raises
    ------
    ValueError
        If the source needs a folder and none was named, or a split is left without questions.
    """
    settings = profile.questions
    counts = {"train": settings.train, "validation": settings.validation, "test": settings.test}
    if settings.source == "generated":
        return _generated(splits, profile)
    dealt = resplit_questions(_questions_in_files(profile, questions_root), splits)
    print(f"[questions] {settings.source}, {dealt}", file=sys.stderr)
    if settings.source == "generated+ecg-qa":
        asked = _generated(splits, profile)
        held_out = settings.ecgqa_held_out
        counts = {"train": settings.ecgqa_train, "validation": held_out, "test": held_out}
    else:
        asked = {name: [] for name in SPLITS}
    for number, name in enumerate(SPLITS):
        if not dealt.by_split[name]:
            raise ValueError(f"questions: {questions_root} holds none about the records of the {name} split ({dealt})")
        asked[name] += draw_questions(dealt.by_split[name], counts[name], seed=(profile.seed, number))
    return asked


def asked_records(profile: Profile, questions_root: Path | None = None) -> frozenset[str] | None:
    """The records that the questions in files are about; None where questions are generated about any record."""
    if "generated" in profile.questions.source:
        return None
    questions = _questions_in_files(profile, questions_root)
    return frozenset(record_id for question in questions for record_id in question.record_ids)


def fingerprint_of_files(profile: Profile, questions_root: Path | None = None) -> str:
    """Identifies the questions in the files; empty where all questions are generated."""
    if profile.questions.source == "generated":
        return ""
    questions = _questions_in_files(profile, questions_root)
    return fingerprint(*(f"{item.sample_id}|{item.record_ids}|{item.question}|{item.answer}" for item in questions))


def _questions_in_files(profile: Profile, root: Path | None) -> tuple[Question, ...]:
    settings, dataset = profile.questions, profile.data.dataset
    if root is None:
        raise ValueError(
            f"--questions: the source {settings.source!r} is read from a folder; name it with --questions DIR"
        )
    if settings.source == "ecg-chat":
        if dataset != "mimic-iv-ecg":
            raise ValueError(
                f"questions.source: ECG-Chat's questions are about MIMIC-IV-ECG, the data set is {dataset!r}"
            )
        return _ecgchat(root / ECG_CHAT_FILE)
    if dataset not in _ECG_QA_DATASETS:
        known = " and ".join(_ECG_QA_DATASETS)
        raise ValueError(f"questions.source: ECG-QA's questions are about {known}, the data set is {dataset!r}")
    kinds = tuple(kind for kind in settings.question_types if kind in SINGLE_QUESTION_TYPES)
    return _ecgqa(root, _ECG_QA_DATASETS[dataset], settings.ecgqa_version, kinds)


# The records are chosen by the questions, the questions then dealt to the records: one reading serves both.
@functools.lru_cache(maxsize=2)
def _ecgqa(root: Path, dataset: str, wording: str, kinds: tuple[str, ...]) -> tuple[Question, ...]:
    return tuple(read_all_ecgqa(root, dataset=dataset, wording=wording, question_types=kinds))


@functools.lru_cache(maxsize=2)
def _ecgchat(path: Path) -> tuple[Question, ...]:
    found = read_ecgchat(path)
    if found.rejected:
        place, reason = found.rejected[0]
        print(
            f"[questions] {path}: {len(found.rejected)} entries rejected, the first {place}: {reason}", file=sys.stderr
        )
    return tuple(found.questions)


def _generated(splits: Mapping[str, Sequence[RecordEntry]], profile: Profile) -> dict[str, list[Question]]:
    if not any(entry.findings for entry in splits["train"]):
        raise ValueError(
            f"questions.source: {profile.data.dataset} names no findings, so no question can be generated; "
            "expected 'ecg-qa' or 'ecg-chat'"
        )
    settings = profile.questions
    counts = {"train": settings.train, "validation": settings.validation, "test": settings.test}
    asked: dict[str, list[Question]] = {}
    for name in SPLITS:
        # Held-out questions are about what training asked about; else a group could be tested that was never taught.
        taught = sorted({attribute for question in asked.get("train", []) for attribute in question.attributes})
        asked[name] = generate_questions(
            splits[name],
            seed=profile.seed,
            split=name,
            num_questions=counts[name] or None,
            question_types=settings.question_types,
            finding_types=settings.finding_types or None,
            template_ids=settings.templates or None,
            attributes=taught or None,
            paraphrases=settings.paraphrases or None,
            minimum_count=settings.minimum_count if name == "train" else 5,
        )
    return asked


@dataclass(frozen=True)
class TransferQuestions:
    """What a model trained on one data set is asked about another, and about its own, in the same terms.

    Attributes
    ----------
    target : list of Question
        About test records of the other data set.
    own : list of Question
        The test questions of its own data set that keep to the same findings.
    attributes : dict of str to tuple of str
        The findings by type that both data sets show.
    """

    target: list[Question]
    own: list[Question]
    attributes: dict[str, tuple[str, ...]]

    @property
    def num_attributes(self) -> int:
        """How many findings are shared."""
        return sum(map(len, self.attributes.values()))


def transfer_questions(
    own_questions: Mapping[str, Sequence[Question]],
    own_test: Sequence[RecordEntry],
    target_test: Sequence[RecordEntry],
    profile: Profile,
) -> TransferQuestions:
    """Ask about another data set's test records only what the model was taught and both data sets show.

    Parameters
    ----------
    own_questions : mapping of str to sequence of Question
        The questions that the model is trained and tested with, by split.
    own_test, target_test : sequence of RecordEntry
        The test records of the model's own data set and of the other one.
    profile : Profile
        Of the model: templates, wordings, seed, and the number of questions.

    Returns
    -------
    TransferQuestions

    Raises
    ------
    ValueError
        If the two data sets share no finding that was taught, or allow no question about it.
    """
    taught = {
        (question.attribute_type, name)
        for question in own_questions["train"]
        if question.source == "generated"
        for name in (*question.attributes, *question.answer)
    }
    both = shared_attributes(own_test, target_test)
    shared = {kind: tuple(name for name in names if (kind, name) in taught) for kind, names in both.items()}
    shared = {kind: names for kind, names in shared.items() if names}
    if not shared:
        raise ValueError("transfer: the test records of the two data sets share no finding that the model was taught")
    settings = profile.questions
    templates = settings.templates or tuple(template.template_id for template in TEMPLATES)
    target = generate_questions(
        target_test,
        seed=profile.seed,
        split="transfer",
        num_questions=settings.test or None,
        question_types=settings.question_types,
        finding_types=tuple(shared),
        template_ids=[name for name in templates if name != VERIFY_ANY.template_id],
        attributes={name for names in shared.values() for name in names},
        paraphrases=settings.paraphrases or None,
    )
    generated = [question for question in own_questions["test"] if question.source == "generated"]
    return TransferQuestions(target, restrict_questions(generated, shared), shared)
