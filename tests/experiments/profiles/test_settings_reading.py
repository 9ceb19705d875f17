"""Single settings are changed by name, with the checks of the file."""

from __future__ import annotations

import dataclasses

import pytest

from experiments.profiles.profile import read_profile
from experiments.profiles.settings_reading import change_settings


def test_changes_reach_the_settings_they_name_and_no_others() -> None:
    profile = read_profile("smoke")
    changed = change_settings(
        profile, "tokenizer.num_merges=500, model.lora=true, tokenizer.boundary=record, data.segment_seconds=1"
    )
    assert changed.tokenizer == dataclasses.replace(profile.tokenizer, num_merges=500, boundary="record")
    assert changed.model == dataclasses.replace(profile.model, lora=True)
    assert changed.data == dataclasses.replace(profile.data, segment_seconds=1.0)
    back = dataclasses.replace(changed, tokenizer=profile.tokenizer, model=profile.model, data=profile.data)
    assert back == profile


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ("num_merges", "expected such as"),
        ("tokenizer.num_mergers=500", "there is no setting 'tokenizer.num_mergers'"),
        ("tokeniser.num_merges=500", "there is no setting"),
        ("tokenizer.num_merges=many", "expected int"),
        ("tokenizer.num_merges.more=1", "holds no further settings"),
        ("data.dataset=mimic", "data.dataset: got 'mimic'"),
        ("model.lora=1", "expected bool"),
    ],
)
def test_wrong_changes_are_named(change: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        change_settings(read_profile("smoke"), change)
