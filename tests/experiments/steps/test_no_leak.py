"""Range and merges learn from training records only; every method meets the same segment of a record."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest

from ecgbyte.data.catalogue import RecordSet
from ecgbyte.data.controls import INPUTS
from ecgbyte.data.questions.question import Question
from ecgbyte.data.splits import split_by_fold
from ecgbyte.signals.preprocess import Preprocessor
from experiments.profiles.data_sets import find_data_set, open_records
from experiments.profiles.profile import Profile, read_profile
from experiments.profiles.settings_reading import change_settings
from experiments.steps.questions import ask_questions
from experiments.steps.segments import SegmentRecords, Segments, choose_entries, write_segments
from experiments.steps.study import Study
from experiments.steps.tokenizer_training import train_tokenizer
from experiments.steps.views import ALTERED_INPUTS, ECGView, altered_signals, assign_segments, make_examples
from experiments.steps.work_folder import WorkFolder


def open_set(profile: Profile) -> RecordSet:
    data = profile.data
    return open_records(
        find_data_set(data.dataset),
        None,
        sampling_rate=data.sampling_rate,
        seed=profile.seed,
        num_patients=data.num_patients,
    )


def ask(splits: dict, profile: Profile) -> dict[str, list[Question]]:
    data_set = find_data_set(profile.data.dataset)
    return ask_questions(
        splits, profile.questions, data_set, seed=profile.seed, segment_seconds=profile.data.segment_seconds
    )


@pytest.fixture(scope="module")
def profile() -> Profile:
    smoke = read_profile("smoke")
    data = dataclasses.replace(smoke.data, num_patients=120, train_records=60, validation_records=20, test_records=20)
    return dataclasses.replace(
        smoke, data=data, questions=dataclasses.replace(smoke.questions, finding_types=("axis",))
    )


@pytest.fixture(scope="module")
def stored(profile: Profile, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict]:
    folder = tmp_path_factory.mktemp("segments")
    records = open_set(profile)
    splits = choose_entries(records, profile.data, profile.seed)
    entries = [entry for name in splits for entry in splits[name]]
    details = write_segments(folder, records, entries, profile.data, Preprocessor())
    assert details["rejected"] == 0
    return folder, splits


def test_tokenizer_learns_from_training_records_only(
    profile: Profile, stored: tuple[Path, dict], tmp_path: Path
) -> None:
    folder, splits = stored
    segments = Segments.open(folder)
    train_ids = [entry.record_id for entry in splits["train"]]

    def train(signals: np.ndarray, name: str) -> bytes:
        (tmp_path / name).mkdir()
        changed = Segments(signals, segments.rows, segments.sampling_rate)
        train_tokenizer(tmp_path / name, changed, train_ids, profile.tokenizer, {}, seed=0)
        return (tmp_path / name / "tokenizer.json").read_bytes()

    original = train(np.array(segments.signals), "original")
    held_out = np.array(segments.signals)
    for name in ("validation", "test"):
        for entry in splits[name]:
            held_out[segments.rows[entry.record_id]] = 40 * np.sin(np.arange(held_out.shape[-1]))
    assert train(held_out, "held-out-changed") == original
    taught = np.array(segments.signals)
    taught[segments.rows[train_ids[0]]] *= 3
    assert train(taught, "training-changed") != original


def test_chosen_records_stay_in_their_folds_and_do_not_depend_on_their_number(profile: Profile) -> None:
    records = open_set(profile)
    by_fold = split_by_fold(records.entries)
    few = choose_entries(records, profile.data, profile.seed)
    more = choose_entries(records, dataclasses.replace(profile.data, train_records=80), profile.seed)
    for name, entries in few.items():
        assert set(entries) <= set(by_fold[name])
    assert set(few["train"]) <= set(more["train"]) and len(more["train"]) == 80
    with pytest.raises(ValueError, match=r"data.test_records: asked for 5000, the split has"):
        choose_entries(records, dataclasses.replace(profile.data, test_records=5000), profile.seed)


def test_controls_replace_the_ecg_and_nothing_else(profile: Profile, stored: tuple[Path, dict]) -> None:
    _, splits = stored
    questions = [
        question
        for question in ask(splits, profile)["train"]
        if question.record_id in {entry.record_id for entry in splits["train"]}
    ]
    patients = {entry.record_id: entry.patient_id for entry in splits["train"]}
    ids = sorted(patients)
    values = {(name, part): np.array([index, part], np.int32) for index, name in enumerate(ids) for part in range(2)}
    altered = {
        (shown, *key): np.append(ids, 100 + place).astype(np.int32)
        for place, shown in enumerate(("noise", "shuffled-leads"))
        for key, ids in values.items()
    }
    view = ECGView(values, np.array([7], np.int32), altered)
    others = {name: ids[index - 1] for index, name in enumerate(ids)}
    parts = assign_segments(questions, 2)
    shown = {
        name: make_examples(questions, patients, view, shown=name, segments=parts, others=others) for name in INPUTS
    }
    for place, question in enumerate(questions):
        part = parts[place]
        assert shown["ecg"][place].ecg.tolist() == [ids.index(question.record_id), part]
        assert shown["other-patient"][place].ecg.tolist() == [ids.index(others[question.record_id]), part]
        assert shown["flat-line"][place].ecg.tolist() == [7]
        assert shown["text-only"][place].ecg is None
        assert shown["noise"][place].ecg.tolist() == [ids.index(question.record_id), part, 100]
        assert shown["shuffled-leads"][place].ecg.tolist() == [ids.index(question.record_id), part, 101]
        for examples in shown.values():
            assert examples[place].question == question.question
            assert examples[place].answer == question.reference
            assert examples[place].patient_id == patients[question.record_id]
    assert set(parts) == {0, 1}
    plain = ECGView(values, np.array([7], np.int32))
    with pytest.raises(ValueError, match=r"view.altered: there is no 'noise' for segment \d of record"):
        make_examples(questions, patients, plain, shown="noise", segments=parts, others=others)
    unseen = make_examples(questions, patients, None, shown="noise", segments=parts, others=others)
    assert all(example.ecg is None for example in unseen)


def test_altered_signals_are_those_of_the_record_whatever_the_order(stored: tuple[Path, dict]) -> None:
    segments = Segments.open(stored[0])
    ids = [entry.record_id for entry in stored[1]["test"]][:3]
    altered = dict(altered_signals(segments, ids, seed=0))
    backwards = dict(altered_signals(segments, ids[::-1], seed=0))
    parts = range(segments.signals.shape[1])
    assert set(altered) == {(shown, name, part) for shown in ALTERED_INPUTS for name in ids for part in parts}
    for key, signal in altered.items():
        np.testing.assert_array_equal(signal, backwards[key])
    for name in ids:
        orders = []
        for part in parts:
            original = segments.signal(name, part)
            np.testing.assert_allclose(altered["noise", name, part].std(axis=1), original.std(axis=1), rtol=1e-3)
            shuffled = altered["shuffled-leads", name, part]
            orders.append([int(np.abs(original - lead).max(axis=1).argmin()) for lead in shuffled])
            assert sorted(orders[-1]) == list(range(12)) and all(lead != place for place, lead in enumerate(orders[-1]))
        assert all(order == orders[0] for order in orders), "all segments of a record are shuffled alike"


def test_questions_are_dealt_to_segments_in_turn(profile: Profile, stored: tuple[Path, dict]) -> None:
    questions = ask(stored[1], profile)["train"]
    for together in (1, 2):
        by_record: dict[str, list[int]] = {}
        for question, part in zip(questions, assign_segments(questions, 3, together), strict=True):
            by_record.setdefault(question.record_id, []).append(part)
        for parts in by_record.values():
            assert parts == [(parts[0] + place // together) % 3 for place in range(len(parts))]
    assert max(len(parts) for parts in by_record.values()) > 2


def test_a_record_that_cannot_be_used_is_written_down_and_the_others_go_on(profile: Profile, tmp_path: Path) -> None:
    records = open_set(profile)
    entries = list(records.entries[:4])

    class WithOneBroken:
        def read(self, record_id: str) -> object:
            if record_id == entries[1].record_id:
                raise ValueError("signal: lead V3 holds NaN at sample 17")
            return records.read(record_id)

    details = write_segments(tmp_path, WithOneBroken(), entries, profile.data, Preprocessor())  # type: ignore[arg-type]
    assert (details["records"], details["rejected"]) == (3, 1)
    rejected = (tmp_path / "rejected.csv").read_text(encoding="utf-8").splitlines()
    assert rejected == ["record,reason", f"{entries[1].record_id},signal: lead V3 holds NaN at sample 17"]
    opened = Segments.open(tmp_path)
    assert list(opened.rows) == [entry.record_id for place, entry in enumerate(entries) if place != 1]
    # The chain runs once: what is stored is what the preprocessor gives.
    cut = Preprocessor(target_rate=250).segments(records.read(entries[2].record_id), profile.data.segment_seconds)
    for number in range(2):
        np.testing.assert_array_equal(opened.signal(entries[2].record_id, number), cut[number].signal)


@pytest.mark.parametrize("change", ["as_published=true", "target_rate=100, preprocessing.notch=[]", "denoise=false"])
def test_preprocessing_of_the_profile_is_what_segments_went_through(
    change: str, profile: Profile, tmp_path: Path
) -> None:
    other = change_settings(profile, f"preprocessing.{change}")
    chain = other.preprocessing.preprocessor()
    records = open_set(other)
    study, plain = (Study(one, WorkFolder(tmp_path), {}) for one in (other, profile))
    assert study.segments_task.step.fingerprint != plain.segments_task.step.fingerprint
    entries = records.entries[:2]
    details = write_segments(tmp_path, records, entries, other.data, chain)
    assert details["preprocessing"] == chain.settings()
    opened = Segments.open(tmp_path)
    assert opened.sampling_rate == other.preprocessing.target_rate == chain.target_rate
    cut = chain.segments(records.read(entries[1].record_id), other.data.segment_seconds)
    np.testing.assert_array_equal(opened.signal(entries[1].record_id, 1), cut[1].signal)
    # Whoever goes through the segments is told their rate.
    assert {record.sampling_rate for record in SegmentRecords(opened, list(opened.rows))} == {opened.sampling_rate}


def test_a_chain_without_a_rate_is_refused(profile: Profile, tmp_path: Path) -> None:
    records = open_set(profile)
    with pytest.raises(ValueError, match="preprocessor: it has no target rate"):
        write_segments(tmp_path, records, records.entries[:1], profile.data, Preprocessor(None))
