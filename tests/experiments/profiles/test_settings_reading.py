"""Single settings are changed by name, with the checks of the file."""

from __future__ import annotations

import dataclasses

import pytest

from experiments.profiles.profile import read_profile
from experiments.profiles.settings_reading import change_settings, split_changes


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


def test_changes_are_made_all_at_once() -> None:
    profile = read_profile("smoke")
    for order in ("model.lora_rank=4, model.lora=true", "model.lora=true, model.lora_rank=4"):
        assert change_settings(profile, order).model.lora_rank == 4


def test_lists_hold_commas() -> None:
    change = 'training_seeds=[3, 4], questions.finding_types=["axis", "rhythm"], preprocessing.notch=[50]'
    assert split_changes(change)[1:] == ('questions.finding_types=["axis", "rhythm"]', "preprocessing.notch=[50]")
    profile = change_settings(read_profile("smoke"), change)
    assert (profile.training_seeds, profile.questions.finding_types) == ((3, 4), ("axis", "rhythm"))
    assert profile.preprocessing.notch == (50.0,)


def test_tables_of_encoders_are_read_by_name() -> None:
    profile = change_settings(read_profile("smoke"), "encoders.clip.normalisation=record")
    assert profile.encoder("clip").normalisation == profile.encoder("clip-vit").normalisation == "record"
    assert profile.encoder("vit").normalisation == "fixed"
