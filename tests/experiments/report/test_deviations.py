"""What a run says of where it differs from the paper comes from the entries of what it names."""

from __future__ import annotations

import dataclasses

import pytest

from experiments.profiles import methods
from experiments.profiles.methods import METHODS, Method
from experiments.profiles.profile import profile_names, read_profile
from experiments.profiles.settings_reading import change_settings
from experiments.report.deviations import deviations


def test_every_profile_says_where_it_differs_from_the_paper() -> None:
    for name in profile_names():
        profile = read_profile(name)
        sentences = deviations(profile)
        text = " ".join(sentences)
        assert len(set(sentences)) == len(sentences)
        assert ("they are not ECG-QA" in text) == ("generated" in profile.questions.source)
        assert ("The ECGs are synthetic" in text) == (profile.data.dataset == "synthetic")
        assert (f"{profile.data.sampling_rate} Hz (published: 500)" in text) == (profile.data.sampling_rate != 500)
        assert ("smollm2" in text) == (profile.model.name == "smollm2")
        assert ("share its positions" in text) == (profile.training.questions_per_segment > 1)
        assert ("Stage 1 of merl" in text) == ("merl" in profile.methods)
        assert ("keep those published faults" in text) == ("merl-as-published" in profile.methods)


def test_a_method_says_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    profile = read_profile("smoke")
    plain = deviations(profile)
    own = dataclasses.replace(
        METHODS["linear-patches"], name="mine", deviation=lambda profile: f"Mine, {profile.seed}."
    )
    monkeypatch.setitem(methods.METHODS, "mine", own)
    assert set(deviations(dataclasses.replace(profile, methods=(*profile.methods, "mine")))) - set(plain) == {
        "Mine, 0."
    }


def test_preprocessing_is_told() -> None:
    profile = read_profile("smoke")
    published = deviations(change_settings(profile, "preprocessing.as_published=true, preprocessing.target_rate=200"))
    assert "Preprocessing is the published code's own chain." in published
    assert "Segments are at 200 Hz (published: 250)." in published


def test_a_method_without_faults_has_no_twin() -> None:
    with pytest.raises(ValueError, match="declares no fault that it could keep"):
        dataclasses.replace(METHODS["linear-patches"], as_published=True)
    with pytest.raises(ValueError, match="can_keep: got 'typo', expected one of"):
        Method("mine", "signals", "no pretraining", "a:b", can_keep=("typo",))
    with pytest.raises(ValueError, match="expected a reader or a rule"):
        Method("mine", "signals", "no pretraining")
    twins = {name for name, method in METHODS.items() if method.as_published}
    assert twins == {f"{name}-as-published" for name, method in METHODS.items() if method.can_keep} - {
        f"{name}-as-published" for name in twins
    }
    for name in twins:
        assert METHODS[name].faults == METHODS[name.removesuffix("-as-published")].can_keep
        assert METHODS[name.removesuffix("-as-published")].faults == ()


def test_what_is_not_asked_of_short_segments_is_told() -> None:
    short = read_profile("smoke")
    (told,) = [line for line in deviations(short) if "A segment has 2 s." in line]
    assert "sinus bradycardia" in told and "atrial fibrillation" not in told
    for change in ("data.segment_seconds=5.0, data.segments_per_record=2", "questions.rhythm_seconds=2.0"):
        assert not any("A segment has" in line for line in deviations(change_settings(short, change)))
