"""ecg-byte-plus: nothing where nothing is switched on, and each switch does what it says, in training alone."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ecgbyte.models.end_to_end import EndToEndModel
from ecgbyte.models.joint import JointModel
from ecgbyte.models.token_frames import TokenFrames
from ecgbyte.signals.amplitude_levels import AmplitudeLevels
from experiments.profiles.methods import METHODS
from experiments.profiles.plus_settings import PlusSettings
from experiments.profiles.profile import read_profile
from experiments.profiles.settings_reading import change_settings
from experiments.report.deviations import deviations
from experiments.steps.learning import build_learner, train_learner
from experiments.steps.method_runs import MethodRun
from experiments.steps.study import Study
from experiments.steps.work_folder import WorkFolder

OFF = (
    "plus.lead_markers=false, plus.frame_seconds=0, plus.ecg_loss_weight=0, plus.reports=0, "
    "plus.report_characters=0, plus.report_weight=1, "
    "plus.bpe_dropout=0, plus.unclipped_levels=false, plus.largest_shift_seconds=0, plus.largest_gain=1"
)
SMALL = "training.learning_rates=[0.001], data.train_records=60, questions.train=40, tokenizer.num_merges=150"


@pytest.fixture(scope="module")
def work(tmp_path_factory: pytest.TempPathFactory) -> WorkFolder:
    return WorkFolder(tmp_path_factory.mktemp("work"))


def run_of(work: WorkFolder, plus: str, name: str = "ecg-byte-plus", seed: int = 0) -> MethodRun:
    profile = change_settings(read_profile("smoke"), ", ".join(filter(None, (SMALL, OFF, plus))))
    run = MethodRun(Study(profile, work, {}), METHODS[name], seed)
    for task in (*run.study.data_tasks, *run.reading.tasks):
        work.run(task)
    return run


def ids_of(run: MethodRun, epoch: int) -> list[np.ndarray]:
    """The ECGs of the training groups of one epoch."""
    groups: Sequence[Any] = run.shown.training_groups().at_epoch(epoch)
    return [groups[place].examples[0].ecg for place in range(len(groups))]


def test_with_nothing_switched_on_it_is_ecg_byte(work: WorkFolder, tmp_path: Path) -> None:
    losses = []
    for name in ("ecg-byte", "ecg-byte-plus"):
        run = run_of(work, "", name)
        (tmp_path / name).mkdir()
        _, report = train_learner(tmp_path / name, run.reader, run.learning, run.shown)
        losses.append(report.losses)
    assert losses[0] == losses[1]


def test_markers_stand_before_each_lead_and_are_in_the_vocabulary(work: WorkFolder) -> None:
    plain, run = run_of(work, ""), run_of(work, "plus.lead_markers=true")
    size = run.reader.tokenizer.vocabulary_size  # type: ignore[attr-defined]
    for split in ("train", "validation", "test"):
        for marked, example in zip(run.shown.examples(split), plain.shown.examples(split), strict=True):
            assert marked.ecg is not None and example.ecg is not None
            assert marked.ecg[marked.ecg >= size].tolist() == list(range(size, size + 12))
            np.testing.assert_array_equal(marked.ecg[marked.ecg < size], example.ecg)
    read = run.reader.read(run.study.segments.all_signals[:2])
    assert all((ids >= size).sum() == 12 for ids in read)
    learner = build_learner(run.reader, run.learning, run.shown.examples("train"))
    assert len(learner.collator.token_map.lead_ids) == 12
    assert (learner.collator(run.shown.examples("train")[:2])["labels"] != -100).any()


def test_tokens_of_a_frame_share_a_position(work: WorkFolder, tmp_path: Path) -> None:
    plain, run = run_of(work, ""), run_of(work, "plus.frame_seconds=0.1")
    for split in ("train", "validation", "test"):
        for placed, example in zip(run.shown.examples(split), plain.shown.examples(split), strict=True):
            assert placed.ecg is not None and example.ecg is not None
            assert placed.ecg.dtype == np.float32 and placed.ecg.shape[0] == 12
            np.testing.assert_array_equal(placed.ecg[placed.ecg > 0] - 1, example.ecg)
    examples = run.shown.examples("validation")
    same = {id(example.ecg) for example in examples if example.record_id == examples[0].record_id}
    assert len(same) == len(
        {
            place
            for example, place in zip(examples, run.shown.places("validation"), strict=True)
            if example.record_id == examples[0].record_id
        }
    )
    assert all((placed > 0).any() for placed in run.reader.read(run.study.segments.all_signals[:2]))
    learner, report = train_learner(tmp_path, run.reader, run.learning, run.shown)
    assert isinstance(learner.model, JointModel) and isinstance(learner.model.signal_layers, TokenFrames)
    seconds = run.study.profile.data.segment_seconds
    assert learner.model.signal_positions == round(seconds / 0.1) == run.reading.positions
    assert report.losses[-1] < report.losses[0]


def test_frames_change_from_epoch_to_epoch_as_tokens_do(work: WorkFolder) -> None:
    run = run_of(work, "plus.frame_seconds=0.1, plus.bpe_dropout=0.2")
    first, later = ids_of(run, 0), ids_of(run, run.study.segments.per_record)
    assert any((one != other).any() for one, other in zip(first, later, strict=True))
    for one, again in zip(first, ids_of(run, 0), strict=True):
        np.testing.assert_array_equal(one, again)


def test_the_loss_on_ecg_tokens_is_added(work: WorkFolder) -> None:
    run = run_of(work, "plus.ecg_loss_weight=0.25")
    model = build_learner(run.reader, run.learning, run.shown.examples("train")).model
    assert isinstance(model, EndToEndModel) and model.ecg_loss_weight == 0.25


def test_reports_are_more_targets_of_training_alone(work: WorkFolder) -> None:
    plain = run_of(work, "")
    run = run_of(work, "plus.reports=9, plus.report_weight=0.5")
    more = run.shown.more
    assert len(more) == 9 and all(question.question_type == "report" for question in more)
    told = {entry.record_id: " ".join(entry.report.split()) for entry in run.study.prepared.splits["train"]}
    asked = {q.record_id for q in plain.shown.questions("train") if q.question_type == "report"}
    assert all(question.reference == told[question.record_id] for question in more)
    assert not asked & {question.record_id for question in more}
    examples = run.shown.examples("train")
    assert [example.weight for example in examples] == [1.0] * (len(examples) - 9) + [0.5] * 9
    groups = run.shown.training_groups()
    first = groups.at_epoch(0)
    met = [example for place in range(len(groups)) for example in first[place].examples]
    assert sorted(example.sample_id for example in met) == sorted(example.sample_id for example in examples)
    for split in ("validation", "test"):
        assert run.shown.questions(split) == plain.shown.questions(split)


@pytest.mark.parametrize(
    ("plus", "keeps_signal"),
    [("plus.bpe_dropout=0.2", True), ("plus.largest_shift_seconds=0.3", False), ("plus.largest_gain=1.3", False)],
)
def test_training_segments_change_from_epoch_to_epoch(work: WorkFolder, plus: str, keeps_signal: bool) -> None:
    plain, run = run_of(work, ""), run_of(work, plus)
    per_record = run.study.segments.per_record
    # After as many epochs each group is about the same segment again.
    first, later = ids_of(run, 0), ids_of(run, per_record)
    assert any(len(one) != len(other) or (one != other).any() for one, other in zip(first, later, strict=True))
    for one, again in zip(first, ids_of(run, 0), strict=True):
        np.testing.assert_array_equal(one, again)
    same = [
        np.array_equal(run.reader.tokenizer.decode(one), plain.reader.tokenizer.decode(other))  # type: ignore[attr-defined]
        for one, other in zip(first, ids_of(plain, 0), strict=True)
    ]
    assert all(same) if keeps_signal else not any(same)
    for split in ("validation", "test"):
        for one, other in zip(run.shown.examples(split), plain.shown.examples(split), strict=True):
            np.testing.assert_array_equal(one.ecg, other.ecg)
    other_seed = ids_of(run_of(work, plus, seed=1), 0)
    assert any(len(one) != len(other) or (one != other).any() for one, other in zip(first, other_seed, strict=True))
    assert run.shown.training_groups().identity() != plain.shown.training_groups().identity()


def test_unclipped_levels_are_a_tokenizer_of_its_own(work: WorkFolder) -> None:
    plain, run = run_of(work, ""), run_of(work, "plus.unclipped_levels=true")
    levels = run.reader.tokenizer.amplitude_range  # type: ignore[attr-defined]
    plain_range = plain.reader.tokenizer.amplitude_range  # type: ignore[attr-defined]
    assert isinstance(levels, AmplitudeLevels) and not isinstance(plain_range, AmplitudeLevels)
    assert levels.num_levels == run.study.profile.tokenizer.alphabet_size
    signals = run.study.segments.all_signals
    clipped = [(signals < part.low).mean() + (signals > part.high).mean() for part in (levels, plain_range)]
    assert clipped[0] < 1e-3
    # The same as an option of any method that reads tokens.
    option = run_of(work, "tokenizer.amplitude_range=levels", "ecg-byte")
    assert option.reader.tokenizer.fingerprint == run.reader.tokenizer.fingerprint  # type: ignore[attr-defined]


def test_what_is_switched_on_is_told_and_bad_values_are_refused() -> None:
    smoke = read_profile("smoke")
    (told,) = [line for line in deviations(smoke) if "`ecg-byte-plus`" in line]
    assert "a marker before each lead" in told and "BPE-dropout of 0.1" in told
    assert "in the same stage, nothing" in str(deviations(change_settings(smoke, OFF)))
    for change, message in (
        ("plus.bpe_dropout=1.0", "plus.bpe_dropout: got 1.0"),
        ("plus.frame_seconds=0.1", "plus.lead_markers: got True, which does nothing with plus.frame_seconds"),
        (
            f"{OFF}, plus.frame_seconds=0.011",
            "plus.frame_seconds: got 0.011, expected a whole number of samples at",
        ),
        ("plus.largest_gain=0.5", "plus.largest_gain: got 0.5, expected 1 or more"),
        ("plus.report_weight=0", "plus.report_weight: got 0.0"),
        ("plus.reports=0", "plus.report_characters: got 60, which does nothing: with plus.reports=0"),
        (
            "methods=['ecg-byte', 'ecg-byte-as-published', 'merl-as-published', 'merl', 'vit', 'clip']",
            "plus.lead_markers: got True, which does nothing: no method of the profile reads it",
        ),
    ):
        with pytest.raises(ValueError, match=message):
            change_settings(smoke, change)
    assert not PlusSettings().changes_segments and PlusSettings().in_words() == []
