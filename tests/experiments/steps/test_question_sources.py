"""Where a run's questions come from: generated, ECG-QA, ECG-Chat, both; and those of a transfer."""

from __future__ import annotations

import dataclasses
import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from ecgbyte.data.audit import audit_splits
from ecgbyte.data.catalogue import RecordEntry, RecordSet
from ecgbyte.data.questions.generation import generate_questions
from ecgbyte.data.questions.question import Question
from ecgbyte.data.questions.segment_length import RHYTHMS_OVER_SECONDS
from ecgbyte.data.synthetic import SyntheticRecords
from ecgbyte.signals.preprocess import Preprocessor
from experiments.profiles.data_sets import find_data_set, open_records
from experiments.profiles.input_settings import DataSettings, QuestionSettings
from experiments.profiles.profile import Profile, read_profile
from experiments.steps import questions as asking
from experiments.steps.segments import Segments, choose_entries, write_segments
from experiments.steps.transfer_questions import transfer_questions
from tests.data.sets.mimic_folder import write_record, write_tables

SOURCE = SyntheticRecords(200, seed=0, sampling_rate=250)


def open_set(data: DataSettings, seed: int, root: Path | None) -> RecordSet:
    data_set = find_data_set(data.dataset)
    return open_records(data_set, root, sampling_rate=data.sampling_rate, seed=seed, num_patients=data.num_patients)


def ask_questions(splits: Any, profile: Profile, root: Path | None = None) -> dict[str, list[Question]]:
    data_set = find_data_set(profile.data.dataset)
    return asking.ask_questions(
        splits,
        profile.questions,
        data_set,
        seed=profile.seed,
        segment_seconds=profile.data.segment_seconds,
        root=root,
    )


def asked_records(profile: Profile, root: Path | None = None) -> frozenset[str] | None:
    return asking.asked_records(profile.questions, find_data_set(profile.data.dataset), root)


class RenamedRecords:
    """A data set of synthetic records under another's name and ids."""

    name = "ptb-xl"
    sampling_rate = 100.0
    fingerprint = "sha256:0"

    def __init__(self) -> None:
        self.entries = tuple(
            RecordEntry(f"{number:05d}", entry.patient_id, entry.fold, entry.findings, entry.assessed, entry.report)
            for number, entry in enumerate(SOURCE.entries, 1)
        )


def profile_of(source: str, dataset: str = "ptb-xl", **changes: Any) -> Profile:
    smoke = read_profile("smoke")
    rate = 500 if dataset == "mimic-iv-ecg" else 100
    patients = smoke.data.num_patients if dataset == "synthetic" else 0
    data = DataSettings(dataset, num_patients=patients, sampling_rate=rate, segments_per_record=2)
    plain = smoke.questions if "generated" in source else QuestionSettings(train=96, validation=16, test=30)
    return dataclasses.replace(smoke, data=data, questions=dataclasses.replace(plain, source=source, **changes))


def write_ecgqa(root: Path, dataset: str, entries: list[RecordEntry]) -> Path:
    """Three questions a record, two about it alone, in ECG-QA's splits: not ours."""
    samples: dict[str, list[dict[str, Any]]] = {"train": [], "test": []}
    for number, entry in enumerate(entries):
        for kind, ecgs in (("single-verify", 1), ("single-choose", 1), ("comparison_irrelevant-verify", 2)):
            part = samples["train" if number % 3 else "test"]
            part.append(
                {
                    "template_id": 27,
                    "question_id": 1,
                    "sample_id": len(part),
                    "question_type": kind,
                    "attribute_type": "noise",
                    "question": f"Is there drift ({kind})?",
                    "answer": ["yes"],
                    "ecg_id": [int(entry.record_id)] * ecgs,
                    "attribute": ["baseline drift"],
                }
            )
    for split, content in samples.items():
        folder = root / dataset / "paraphrased" / split
        folder.mkdir(parents=True)
        (folder / "0.json").write_text(json.dumps(content))
    return root


def of_kind(questions: list[Question], kind: str) -> list[Question]:
    return [question for question in questions if question.question_type == kind]


def test_reports_are_asked_for_in_training_and_in_proportion_in_test() -> None:
    records = SyntheticRecords(500, seed=0, sampling_rate=250)
    profile = profile_of("generated", "synthetic", finding_types=("axis",), reports=60, report_characters=120)
    splits = choose_entries(records, profile.data, 0)
    asked = ask_questions(splits, profile)
    reports = {name: of_kind(part, "report") for name, part in asked.items()}
    share = len(splits["test"]) / len(splits["train"])
    assert (len(reports["train"]), len(reports["validation"])) == (60, 0)
    assert len(reports["test"]) == round(60 * share) > 3
    told = {entry.record_id: " ".join(entry.report.split()) for entry in records.entries}
    for name, part in reports.items():
        own = {entry.record_id for entry in splits[name]}
        assert all(question.reference == told[question.record_id] for question in part)
        assert all(question.record_id in own and len(question.reference) <= 120 for question in part)
    audit_splits(splits, asked).raise_if_leaking()
    without = ask_questions(
        splits,
        dataclasses.replace(profile, questions=dataclasses.replace(profile.questions, reports=0, report_characters=0)),
    )
    assert {name: [q for q in part if q.question_type != "report"] for name, part in asked.items()} == without


def test_generated_questions_need_no_folder_and_are_as_before() -> None:
    profile = read_profile("smoke")
    records = open_set(profile.data, profile.seed, None)
    everything = ask_questions(choose_entries(records, profile.data, profile.seed), profile)
    asked = {name: [q for q in part if q.question_type != "report"] for name, part in everything.items()}
    assert {name: len(part) for name, part in asked.items()} == {"train": 96, "validation": 16, "test": 24}
    assert [len(of_kind(part, "report")) for part in everything.values()] == [12, 0, 4]
    assert {question.source for part in asked.values() for question in part} == {"generated"}
    assert asked_records(profile) is None


def test_ecgqa_alone_chooses_the_records(tmp_path: Path) -> None:
    records = RenamedRecords()
    root = write_ecgqa(tmp_path, "ptbxl", list(records.entries[::2]))
    profile = profile_of("ecg-qa", question_types=("single-verify",), train=30, validation=0, test=5)
    asked_about = asked_records(profile, root)
    assert asked_about == {entry.record_id for entry in records.entries[::2]}
    splits = choose_entries(records, profile.data, profile.seed, asked_about)
    assert sum(map(len, splits.values())) == len(records.entries[::2])
    asked = ask_questions(splits, profile, root)
    assert (len(asked["train"]), len(asked["test"])) == (30, 5)
    assert len(asked["validation"]) == len(splits["validation"])
    assert {(q.source, q.question_type) for part in asked.values() for q in part} == {("ecg-qa", "single-verify")}
    audit = audit_splits(splits, asked)
    audit.raise_if_leaking()
    assert ask_questions(splits, profile, root) == asked


def test_ecgqa_is_added_to_generated_questions(tmp_path: Path) -> None:
    records = RenamedRecords()
    root = write_ecgqa(tmp_path, "ptbxl", list(records.entries))
    profile = profile_of("generated+ecg-qa", ecgqa_train=40, ecgqa_test=10)
    splits = choose_entries(records, profile.data, profile.seed, asked_records(profile, root))
    asked = ask_questions(splits, profile, root)
    counts = {name: Counter(question.source for question in part) for name, part in asked.items()}
    assert counts["train"] == {"generated": 96, "reports": 12, "ecg-qa": 40}
    assert set(counts["validation"]) == {"generated"}
    assert counts["test"]["ecg-qa"] == 10 and counts["test"]["reports"] > 0 and counts["test"]["generated"] == 24
    alone = ask_questions(splits, profile_of("generated"))["test"]
    assert [q for q in asked["test"] if q.source != "ecg-qa"] == alone
    audit_splits(splits, asked).raise_if_leaking()


def test_ecgchat_on_mimic(tmp_path: Path) -> None:
    ids = [(str(10000000 + number), str(40000000 + number)) for number in range(60)]
    write_tables(tmp_path, *ids)
    talk = [{"from": "human", "value": "<ecg>\nReport."}, {"from": "gpt", "value": "Sinus rhythm."}]
    content = [{"id": study, "ecg": f"files/s{study}/{study}", "conversations": talk} for _, study in ids[:50]]
    (tmp_path / "pretrain_mimic.json").write_text(json.dumps([*content, {"id": "broken"}]))
    profile = profile_of("ecg-chat", "mimic-iv-ecg", train=0, validation=0, test=0)
    records = open_set(profile.data, profile.seed, tmp_path)
    assert records.name == "mimic-iv-ecg"
    splits = choose_entries(records, profile.data, profile.seed, asked_records(profile, tmp_path))
    asked = ask_questions(splits, profile, tmp_path)
    assert sum(map(len, asked.values())) == 50
    for name, part in asked.items():
        assert {question.record_id for question in part} == {entry.record_id for entry in splits[name]}
    with pytest.raises(ValueError, match=r"mimic-iv-ecg names no findings.*'ecg-qa', 'ecg-chat' or 'files'"):
        ask_questions(splits, profile_of("generated", "mimic-iv-ecg"))


def test_mimic_records_that_cannot_be_used_are_listed_with_their_reasons(tmp_path: Path) -> None:
    ids = [(str(10000000 + number), str(40000000 + number)) for number in range(3)]
    write_tables(tmp_path, *ids)
    write_record(tmp_path, *ids[0])
    write_record(tmp_path, *ids[1], nan_at=40)
    profile = profile_of("ecg-qa", "mimic-iv-ecg")
    data = dataclasses.replace(profile.data, segment_seconds=0.5, segments_per_record=1)
    records = open_set(data, 0, tmp_path)
    (tmp_path / "segments").mkdir()
    details = write_segments(tmp_path / "segments", records, records.entries, data, Preprocessor())
    assert (details["records"], details["rejected"]) == (1, 2)
    assert list(Segments.open(tmp_path / "segments").rows) == ["40000000"]
    rejected = (tmp_path / "segments" / "rejected.csv").read_text(encoding="utf-8").splitlines()[1:]
    assert rejected[0].startswith("40000001,") and "marked as invalid, the first in lead V2 at sample 40" in rejected[0]
    assert rejected[1].startswith("40000002,") and "s40000002/40000002.hea does not exist" in rejected[1]


def test_what_cannot_be_asked(tmp_path: Path) -> None:
    records = RenamedRecords()
    splits = choose_entries(records, profile_of("generated").data, 0)
    with pytest.raises(ValueError, match="--questions: the source 'ecg-qa' is read from a folder"):
        ask_questions(splits, profile_of("ecg-qa"))
    with pytest.raises(ValueError, match="about MIMIC-IV-ECG, the data set is 'ptb-xl'"):
        ask_questions(splits, profile_of("ecg-chat"), tmp_path)
    with pytest.raises(ValueError, match="ECG-QA asks nothing about the data set 'synthetic'"):
        ask_questions(splits, profile_of("ecg-qa", "synthetic"), tmp_path)
    root = write_ecgqa(tmp_path, "ptbxl", list(splits["train"]))
    with pytest.raises(ValueError, match=r"holds none about the records of the validation split"):
        ask_questions(splits, profile_of("ecg-qa"), root)
    with pytest.raises(ValueError, match="questions: none is about a record of the test split of ptb-xl"):
        choose_entries(records, profile_of("ecg-qa").data, 0, asked_records(profile_of("ecg-qa"), root))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"source": "ecgqa"}, "questions.source: got 'ecgqa'"),
        ({"ecgqa_version": "rephrased"}, "questions.ecgqa_version: got 'rephrased'"),
        ({"question_types": ("comparison_irrelevant-verify",)}, "questions.question_types: got 'comparison"),
        ({"question_types": ("report",)}, "questions.question_types: got 'report'"),
        ({"finding_types": ("rhytm",)}, "questions.finding_types: got 'rhytm'"),
        ({"templates": ("verify",)}, "questions.templates: got 'verify'"),
        ({"minimum_count": 0}, "questions.minimum_count: got 0"),
        ({"rhythm_seconds": -1.0}, "questions.rhythm_seconds: got -1.0"),
        ({"ecgqa_train": -1}, "questions.ecgqa_train: got -1"),
    ],
)
def test_bad_settings_are_named(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        dataclasses.replace(read_profile("smoke").questions, **changes)


def test_mimic_has_one_rate() -> None:
    with pytest.raises(ValueError, match=r"data\.sampling_rate: got 100, the records of mimic-iv-ecg are at 500"):
        DataSettings("mimic-iv-ecg", sampling_rate=100)


def test_a_transfer_asks_what_was_taught_and_both_show() -> None:
    profile = profile_of("generated", "synthetic", finding_types=("rhythm", "axis"), train=300, test=60)
    profile = dataclasses.replace(profile, data=dataclasses.replace(profile.data, segment_seconds=5.0))
    records = SyntheticRecords(500, seed=0, sampling_rate=250)
    splits = choose_entries(records, profile.data, 0)
    asked = ask_questions(splits, profile)
    other = [
        RecordEntry(
            f"other-{entry.record_id}",
            entry.patient_id,
            entry.fold,
            # The other data set knows no tachycardia, and a rhythm that nobody was taught.
            tuple(
                dataclasses.replace(found, name="atrial flutter") if found.name == "sinus tachycardia" else found
                for found in entry.findings
            ),
            entry.assessed,
            entry.report,
        )
        for entry in SyntheticRecords(500, seed=1, sampling_rate=250).entries
        if entry.fold == 10
    ]
    how: dict[str, Any] = {"number": 60, "seed": profile.seed}
    transfer = transfer_questions(asked, splits["test"], other, profile.questions, **how, segment_seconds=5.0)
    assert set(transfer.attributes) == {"rhythm", "axis"}
    names = {name for of_kind in transfer.attributes.values() for name in of_kind}
    assert "sinus tachycardia" not in names and "atrial flutter" not in names and "sinus rhythm" in names
    assert transfer.num_attributes == len(names)
    assert len(transfer.target) <= 60 and len(transfer.own) < len(asked["test"])
    assert of_kind(asked["test"], "report")
    for question in (*transfer.target, *transfer.own):
        assert {*question.attributes, *question.answer} <= names | {"yes", "no", "none"}
        assert question.template_id != "verify-any"
    assert {question.record_id for question in transfer.target} <= {entry.record_id for entry in other}
    with pytest.raises(ValueError, match="share no finding that the model was taught"):
        transfer_questions(
            {"train": [], "test": []}, splits["test"], other, profile.questions, **how, segment_seconds=5.0
        )
    # Of two seconds, no rhythm that takes longer to tell.
    short = transfer_questions(asked, splits["test"], other, profile.questions, **how, segment_seconds=2.0)
    assert not {*RHYTHMS_OVER_SECONDS} & {name for question in short.target for name in question.attributes}


def test_held_out_questions_are_those_that_training_taught() -> None:
    records = SyntheticRecords(900, seed=0, sampling_rate=250)
    profile = profile_of("generated", "synthetic", finding_types=("conduction", "axis"), paraphrases=0, train=160)
    data = dataclasses.replace(profile.data, train_records=300, validation_records=80, test_records=80)
    profile = dataclasses.replace(
        profile,
        data=data,
        questions=dataclasses.replace(profile.questions, validation=0, test=0, reports=0, report_characters=0),
    )
    asked = ask_questions(choose_entries(records, data, 0), profile)
    taught = {(question.question, question.answer) for question in asked["train"]}
    for name in ("validation", "test"):
        assert len(asked[name]) > 30
        assert {(question.question, question.answer) for question in asked[name]} <= taught
        answers: dict[str, Counter[tuple[str, ...]]] = {}
        for question in asked[name]:
            answers.setdefault(question.question, Counter())[question.answer] += 1
            if question.question_type == "single-verify":
                assert set(answers[question.question]) <= {("yes",), ("no",)}
        for question in asked[name]:
            if question.question_type == "single-verify":
                assert answers[question.question]["yes",] == answers[question.question]["no",], "the text says nothing"
    # Without the rule, held-out splits ask for what was never answered so.
    free = generate_questions(choose_entries(records, data, 0)["test"], seed=0, finding_types=["conduction", "axis"])
    assert not {(question.question, question.answer) for question in free} <= taught


@pytest.mark.parametrize(("seconds", "asks"), [(2.0, False), (5.0, True)])
def test_rhythms_that_take_seconds_are_asked_of_segments_that_have_them(seconds: float, asks: bool) -> None:
    profile = profile_of("generated", "synthetic", finding_types=("rhythm",), train=200, test=40)
    data = dataclasses.replace(profile.data, segment_seconds=seconds)
    splits = choose_entries(SyntheticRecords(900, seed=0, sampling_rate=250), data, 0)
    asked = ask_questions(splits, dataclasses.replace(profile, data=data))
    over_seconds = {"sinus bradycardia", "sinus tachycardia"}
    rhythms = {entry.record_id: set(entry.names("rhythm")) for part in splits.values() for entry in part}
    for question in (question for part in asked.values() for question in part):
        named = {*question.attributes, *question.answer}
        if not asks:
            assert not named & over_seconds
            # A slow sinus rhythm is a sinus rhythm: neither yes nor no is right of it.
            if "sinus rhythm" in named:
                assert not rhythms[question.record_id] & over_seconds
    everything = {name for part in asked.values() for question in part for name in question.attributes}
    assert (over_seconds <= everything) == asks and "atrial fibrillation" in everything
    always = dataclasses.replace(profile.questions, rhythm_seconds=0.0)
    told = ask_questions(splits, dataclasses.replace(profile, data=data, questions=always))
    assert over_seconds <= {name for question in told["train"] for name in question.attributes}
