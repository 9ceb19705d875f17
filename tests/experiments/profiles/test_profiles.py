"""Profiles are checked when they are read."""

from __future__ import annotations

from pathlib import Path

import pytest

from experiments.profiles.profile import PROFILES_FOLDER, profile_names, read_profile


def test_all_profiles_read_and_carry_their_file_name() -> None:
    assert {"smoke", "default", "ptbxl"} <= set(profile_names())
    for name in profile_names():
        assert read_profile(name).name == name


def changed(tmp_path: Path, old: str, new: str) -> str:
    text = (PROFILES_FOLDER / "smoke.toml").read_text(encoding="utf-8")
    assert old in text
    path = tmp_path / "changed.toml"
    path.write_text(text.replace(old, new), encoding="utf-8")
    return str(path)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("num_merges = 300", "num_mergers = 300", "tokenizer: unknown setting 'num_mergers'"),
        ("num_merges = 300", "num_merges = 'many'", "tokenizer.num_merges: got 'many', expected int"),
        ("train = 96", "", "questions: the setting 'train' is missing"),
        ('dataset = "synthetic"', 'dataset = "mimic"', "data.dataset: got 'mimic', expected one of"),
        ('"merl"', '"merlin"', "methods: got 'merlin'"),
        ('scale = "small run"', 'scale = "huge"', "scale: got 'huge'"),
        ("seed = 0", "seed = ", "not valid TOML"),
    ],
)
def test_bad_settings_are_named(tmp_path: Path, old: str, new: str, message: str) -> None:
    with pytest.raises(ValueError, match=message.replace("(", r"\(")):
        read_profile(changed(tmp_path, old, new))


def test_fingerprint_changes_with_every_setting(tmp_path: Path) -> None:
    assert (
        read_profile(changed(tmp_path, "num_merges = 300", "num_merges = 301")).fingerprint()
        != read_profile(changed(tmp_path, "seed = 0", "seed = 0")).fingerprint()
    )
