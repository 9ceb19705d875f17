"""Examples that change from epoch to epoch: which segments are met, how often, and that a stopped run goes on alike."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from ecgbyte.training.batches import StepPlan
from ecgbyte.training.epochs import RotatingSegments, rotated_segment
from ecgbyte.training.examples import Example
from ecgbyte.training.loop import TrainingSettings, train
from ecgbyte.training.shared_prefix import ExampleGroup, GroupCollator, SharedPrefixCollator, group_examples

SEGMENTS = 5


def ecg_of(record_id: str, segment: int, epoch: int) -> np.ndarray:
    """Tokens that tell record, segment and epoch: [record, segment, epoch, ...]."""
    return np.array([int(record_id.split("-")[1]), 10 + segment, 20 + epoch, segment], np.int32)


def rotating(examples: list[Example], **options: Any) -> RotatingSegments:
    given: dict[str, Any] = {"segments_per_record": SEGMENTS, "together": 2, "identity": "made up"} | options
    return RotatingSegments(examples, given.pop("ecg_of", ecg_of), **given)


def test_every_question_meets_every_segment_once_in_as_many_epochs(examples: list[Example]) -> None:
    items = rotating(examples)
    met: Counter[tuple[str, int]] = Counter()
    for epoch in range(SEGMENTS):
        for group in items.at_epoch(epoch):
            assert isinstance(group, ExampleGroup)
            for example in group.examples:
                assert example.ecg is group.examples[0].ecg, "what is shared is one array"
                assert example.ecg[2] == 20 + epoch and example.record_id == f"record-{example.ecg[0]}"
                met[example.sample_id, int(example.ecg[3])] += 1
    assert met == {(item.sample_id, segment): 1 for item in examples for segment in range(SEGMENTS)}


@given(st.lists(st.integers(0, 6), min_size=1, max_size=40), st.integers(1, 6), st.integers(0, 4), st.integers(0, 9))
@settings(deadline=None, max_examples=60)
def test_segments_follow_from_record_place_and_epoch(
    records: list[int], segments: int, together: int, epoch: int
) -> None:
    questions = [Example(str(i), f"record-{r}", "p", "Why?", "so", None) for i, r in enumerate(records)]
    items = rotating(questions, segments_per_record=segments, together=together)
    found: dict[str, list[int]] = {}
    for item in items.at_epoch(epoch):
        for example in item.examples if together else (item,):
            found.setdefault(example.record_id, []).append(int(example.ecg[3]))
    for record_id, its in found.items():
        start = rotated_segment(record_id, 0, 0, segments)
        places = range(len(its))
        assert its == [(start + place // (together or 1) + epoch) % segments for place in places]


def test_every_method_meets_the_same_segments_in_the_same_steps(
    examples: list[Example], make_reader: Callable[..., Any]
) -> None:
    reader = make_reader()
    seen = []
    for collate, read in (
        (SharedPrefixCollator(reader.collate), ecg_of),
        (GroupCollator(reader.collate), lambda *key: np.float32([1.0, 2.0])),
        (GroupCollator(reader.collate), lambda *key: None),
    ):
        asked: list[tuple[str, int, int]] = []

        def noting(*key: Any, read: Any = read, asked: Any = asked) -> Any:
            asked.append(key)
            return read(*key)

        plan = StepPlan(rotating(examples, ecg_of=noting), collate, TrainingSettings(epochs=3, batch_size=2), 15)
        for step in plan.steps(0):
            for index in step.indices:
                plan.items(step.epoch)[index]
        assert plan.samples_seen(15) == 36 and plan.distinct_records() == 10
        seen.append(asked)
    assert seen[0] == seen[1] == seen[2] and len({key[2] for key in seen[0]}) == 3


@pytest.mark.parametrize("calls", [1, 4, 7, 9])
def test_a_stopped_run_goes_on_with_the_same_segments(
    calls: int, examples: list[Example], make_reader: Callable[..., Any], tmp_path: Path
) -> None:
    given = TrainingSettings(epochs=3, batch_size=3, checkpoint_every=1, group_by_length=calls == 4)
    whole = make_reader()
    expected = train(whole.model, rotating(examples), SharedPrefixCollator(whole.collate), given, progress=False)

    class Stopping(SharedPrefixCollator):
        left = calls

        def __call__(self, groups: Any) -> Any:
            self.left -= 1
            if self.left < 0:
                raise KeyboardInterrupt
            return super().__call__(groups)

    stopped = make_reader()
    with pytest.raises(KeyboardInterrupt):
        train(
            stopped.model, rotating(examples), Stopping(stopped.collate), given, output_folder=tmp_path, progress=False
        )
    again = make_reader()
    report = train(
        again.model,
        rotating(examples),
        SharedPrefixCollator(again.collate),
        given,
        output_folder=tmp_path,
        progress=False,
    )
    assert report.losses == expected.losses and report.resumed_from_step == calls
    for first, second in zip(whole.model.parameters(), again.model.parameters(), strict=True):
        assert torch.equal(first, second)
    other = rotating(examples, identity="another tokenizer")
    with pytest.raises(ValueError, match="holds another run"):
        train(make_reader().model, other, SharedPrefixCollator(again.collate), given, output_folder=tmp_path)


def test_groups_apart_have_the_loss_of_groups_that_share(
    examples: list[Example], make_reader: Callable[..., Any]
) -> None:
    reader = make_reader()
    same = [replace(item, ecg=ecg_of(item.record_id, 0, 0)) for item in examples]
    groups = group_examples(same, 2)
    apart = reader.model(**GroupCollator(reader.collate)(groups)).loss
    shared = reader.model(**SharedPrefixCollator(reader.collate)(groups)).loss
    torch.testing.assert_close(apart, shared, rtol=1e-5, atol=1e-5)
    collate = GroupCollator(reader.collate)
    assert collate.settings() == {**reader.collate.settings(), "groups": "apart"}
    assert collate.truncation(groups).samples == len(examples)
    assert collate.length(groups[0]) == max(reader.collate.length(item) for item in groups[0].examples)


def test_bad_arguments_are_refused(examples: list[Example]) -> None:
    with pytest.raises(ValueError, match="questions: expected one at least, got none"):
        rotating([])
    with pytest.raises(ValueError, match="segments_per_record: expected a positive number, got 0"):
        rotating(examples, segments_per_record=0)
    with pytest.raises(ValueError, match="together: expected 0 or a positive number, got -1"):
        rotating(examples, together=-1)
    with pytest.raises(ValueError, match="epoch: expected 0 or more, got -1"):
        rotating(examples).at_epoch(-1)
    assert len(rotating(examples).at_epoch(0)[1:3]) == 2
