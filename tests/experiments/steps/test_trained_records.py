"""Which records are trained on: a share of them, with the same questions in test; and the leaky split."""

from __future__ import annotations

from pathlib import Path

import pytest

from ecgbyte.data.synthetic import SyntheticRecords
from experiments.plan import Plan
from experiments.profiles.ablations import ablated
from experiments.profiles.methods import METHODS
from experiments.profiles.profile import read_profile
from experiments.profiles.settings_reading import change_settings
from experiments.steps.method_runs import MethodRun
from experiments.steps.segments import share_of
from experiments.steps.study import Study
from experiments.steps.work_folder import WorkFolder


@pytest.fixture(scope="module")
def work(tmp_path_factory: pytest.TempPathFactory) -> WorkFolder:
    return WorkFolder(tmp_path_factory.mktemp("work"))


def study_of(work: WorkFolder, change: str) -> Study:
    _, profile = ablated(read_profile("smoke"), change)
    study = Study(profile, work, {})
    for task in study.data_tasks:
        work.run(task)
    return study


def test_a_share_is_a_part_of_a_larger_one_in_whole_patients() -> None:
    entries = SyntheticRecords(120, seed=0, sampling_rate=250).entries
    shares = [{entry.record_id for entry in share_of(entries, share, 0)} for share in (0.12, 0.48, 0.9)]
    assert shares[0] < shares[1] < shares[2]
    assert [len(share) for share in shares] == [round(part * len(entries)) for part in (0.12, 0.48, 0.9)]
    patients: dict[str, set[bool]] = {}
    for entry in entries:
        patients.setdefault(entry.patient_id, set()).add(entry.record_id in shares[1])
    assert sum(len(kept) > 1 for kept in patients.values()) <= 1, "the last patient alone may be cut"
    assert share_of(entries, 1.0, 0) == tuple(entries)
    assert share_of(entries, 0.3, 0) != share_of(entries, 0.3, 1)


def test_training_keeps_to_its_share_and_the_test_stays_as_it_is(work: WorkFolder) -> None:
    whole, part = study_of(work, ""), study_of(work, "data.train_share=0.48")
    assert whole.segments_task.step == part.segments_task.step
    assert whole.prepared.questions["test"] == part.prepared.questions["test"]
    assert whole.prepared.questions["validation"] == part.prepared.questions["validation"]
    kept = {entry.record_id for entry in part.prepared.splits["train"]}
    assert len(kept) == round(0.48 * len(whole.prepared.splits["train"]))
    asked = [question for question in whole.prepared.questions["train"] if question.record_id in kept]
    assert part.prepared.questions["train"] == asked and 0 < len(asked) < len(whole.prepared.questions["train"])
    # Tokenizer, stage 1 and random encoder learn from the share too.
    for tasks in zip(
        (*whole.tokenizer_tasks("longest").tasks[1:2], *whole.encoders.pretraining_tasks(METHODS["merl"], 0)),
        (*part.tokenizer_tasks("longest").tasks[1:2], *part.encoders.pretraining_tasks(METHODS["merl"], 0)),
        strict=True,
    ):
        assert tasks[0].step.fingerprint != tasks[1].step.fingerprint
    trained = part.tokenizer_tasks("longest").trained
    work.run(trained)
    assert trained.step.details["records"] == len(kept)
    drawn = [study.encoders.random_encoder_task("merl", 0).step.fingerprint for study in (whole, part)]
    assert drawn[0] != drawn[1]


def test_the_leaky_split_trains_and_tests_on_the_same_records_and_says_so(work: WorkFolder) -> None:
    clean, leaky = study_of(work, ""), study_of(work, "data.split=leaky-question, questions.train=400")
    assert leaky.prepared.audit.leaking and not clean.prepared.audit.leaking
    questions = leaky.prepared.questions
    taught, tested = ({question.record_id for question in questions[name]} for name in ("train", "test"))
    assert taught & tested
    names = [question.sample_id for part in questions.values() for question in part]
    assert len(names) == len(set(names)), "every question is in one split"
    settings = leaky.profile.questions
    assert len(questions["test"]) / len(names) == pytest.approx(
        settings.test / (settings.train + settings.validation + settings.test), abs=0.02
    )
    run = MethodRun(leaky, METHODS["ecg-byte"], 0)
    for task in run.reading.tasks:
        work.run(task)
    assert run.shown.examples("test", "other-patient")


def test_no_row_of_a_method_comes_from_a_leaky_split(tmp_path: Path) -> None:
    profile = change_settings(read_profile("smoke"), "data.split=leaky-question")
    with pytest.raises(
        ValueError, match=r"data\.split: got 'leaky-question', which tests on records that were trained"
    ):
        Plan(Study(profile, WorkFolder(tmp_path), {})).groups()
    with pytest.raises(ValueError, match=r"data\.split: got 'leaky-question', expected 'patient' with questions"):
        change_settings(read_profile("smoke"), "data.split=leaky-question, questions.source=generated+ecg-qa")
