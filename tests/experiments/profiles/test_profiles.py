"""Profiles are checked when they are read."""

from __future__ import annotations

import dataclasses
import json
import re
from pathlib import Path

import pytest

from ecgbyte.signals.preprocess import Preprocessor
from experiments.options import _roots as roots
from experiments.profiles.ablations import ablated, unchanged
from experiments.profiles.methods import METHODS
from experiments.profiles.profile import PROFILES_FOLDER, Profile, profile_names, read_profile
from experiments.profiles.settings_reading import change_settings
from experiments.steps.method_runs import MethodRun
from experiments.steps.study import Study
from experiments.steps.work_folder import WorkFolder


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


@pytest.mark.parametrize(
    "name", ["", ".", "..", "/home/me/paper", "../paper", "a/b", "a\\b", "C:paper", "paper\0", " paper", "a/.."]
)
def test_a_name_leads_out_of_no_folder(name: str, tmp_path: Path) -> None:
    path = tmp_path / "shared.toml"
    path.write_text(f"name = {json.dumps(name)}\n" + (PROFILES_FOLDER / "smoke.toml").read_text(encoding="utf-8"))
    with pytest.raises(ValueError, match=r"name: got .*, expected a plain file name"):
        read_profile(str(path))
    path.write_text('name = "paper.v2-b"\n' + (PROFILES_FOLDER / "smoke.toml").read_text(encoding="utf-8"))
    assert read_profile(str(path)).name == "paper.v2-b"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ("data.train_records=-1", "data.train_records: got -1, expected 0 or more"),
        ("data.segments_per_record=0", "data.segments_per_record: got 0"),
        ("data.segment_seconds=-2.0", "data.segment_seconds: got -2.0, expected a positive number"),
        ("data.segment_seconds=nan", "data.segment_seconds: got nan"),
        ("data.num_patients=0", "data.num_patients: got 0, expected 1 or more"),
        ("training.validate_every=-1", "training.validate_every: got -1"),
        ("training.questions_per_segment=0", "training.questions_per_segment: got 0"),
        ("training.epochs=0", "training.epochs: got 0"),
        ("training.learning_rates=[-0.1]", "training.learning_rates: got [-0.1]"),
        ("training.schedule=linear", "training.schedule: got 'linear'"),
        ("training.schedule=noam, training.warmup_steps=0", "training.warmup_steps: got 0, the schedule 'noam'"),
        ("training_seeds=[-1]", "seed, training_seeds: got 0 and [-1]"),
        ("training_seeds=[1, 1]", "training_seeds: got [1, 1], expected one at least and none twice"),
        ("model.hidden_size=30", "model.hidden_size: got 30, expected a multiple of twice the heads, 4"),
        ("model.initialisation=zero", "model.initialisation: got 'zero'"),
        ("tokenizer.alphabet_size=1", "tokenizer.alphabet_size: got 1, expected 2 to 256"),
        ("tokenizer.boundary=segment", "tokenizer.boundary: got 'segment'"),
        ("tokenizer.matching=merge-order", "there is no setting 'tokenizer.matching'"),
        ("encoders.merl.epochs=0", "encoders.merl.epochs: got 0"),
        ("encoders.merl.normalisation=record", "there is no setting 'encoders.merl.normalisation'"),
        ("encoders.resnet.epochs=1", "there is no setting 'encoders.resnet.epochs'"),
        ("encoders.linear-patches.layout=diagonal", "encoders.linear-patches.layout: got 'diagonal'"),
        ("evaluation.speed_rounds=0", "evaluation.speed_rounds: got 0"),
        ("preprocessing.target_rate=0", "preprocessing.target_rate: got 0.0"),
        ("preprocessing.band=[100, 1]", "preprocessing.band: got (100.0, 1.0)"),
        ("preprocessing.as_published=true, preprocessing.wavelet_level=2", "preprocessing.wavelet_level: got 2"),
        ("preprocessing.denoise=false, preprocessing.wavelet_level=2", "preprocessing.wavelet_level: got 2"),
        ("ablations.seeds=[]", "ablations.seeds: got []"),
        ("transfer.datasets=[ptb-xl]", "transfer.datasets: got '[ptb-xl]', expected a list of str"),
        ("transfer.datasets=['ptb-xl']", "transfer.methods: got none"),
        # What nothing reads.
        ("model.lora_rank=4", "model.lora_rank: got 4, which does nothing: model.lora is false"),
        ("tokenizer.sampling=clusters", "tokenizer.sampling: got 'clusters', which does nothing"),
        ("questions.ecgqa_version=template", "questions.ecgqa_version: got 'template', which does nothing"),
        ("transfer.records=10", "transfer.records: got 10, which does nothing"),
    ],
)
def test_senseless_values_are_refused_when_the_profile_is_read(change: str, message: str) -> None:
    with pytest.raises(ValueError, match=re.escape(message)):
        change_settings(read_profile("smoke"), change)


def test_every_ablation_of_a_profile_is_checked_when_it_is_read(tmp_path: Path) -> None:
    old = '"tokenizer.num_merges=100",\n    "method=merl, data.train_share=0.48",\n    "data.split=leaky-question",'
    for change, message in [
        ("tokenizer.num_mergers=1", "there is no setting 'tokenizer.num_mergers'"),
        ("method=ecg-bite", "got 'ecg-bite', expected one of"),
        ("tokenizer.num_merges=300", "changes nothing"),
        ("model.lora_rank=4", "which does nothing"),
        ("method=token-counts", "'token-counts' trains no language model"),
        ("data.train_share=0.0", "data.train_share: got 0.0, expected more than 0"),
        ("data.split=question", "data.split: got 'question'"),
    ]:
        with pytest.raises(ValueError, match=re.escape(f"ablations.changes: '{change}'") + ".*" + re.escape(message)):
            read_profile(changed(tmp_path, old, f'"{change}",'))


@pytest.mark.parametrize("name", ["ablations", "paper", "ptbxl", "smoke"])
def test_ablations_differ_from_each_other_and_from_their_base(name: str) -> None:
    profile = read_profile(name)
    runs = [ablated(profile, change) for change in ("", *profile.ablations.changes)]
    told = {(method.name, other.fingerprint()) for method, other in runs}
    assert len(told) == len(runs) > 1
    assert runs[0][0].name == "ecg-byte"


def test_an_ablation_is_compared_with_its_method_alone_or_with_the_base() -> None:
    share = "method=merl, data.train_share=0.48"
    assert unchanged(share, ["base", "method=merl", share]) == "method=merl"
    assert unchanged(share, ["base", share]) == "base"
    for change in ("base", "method=merl", "data.train_share=0.48", "model.layers=2, ablations.seeds=[0, 1]"):
        assert unchanged(change, ["base", "method=merl", change]) == "base"


def test_an_ablation_may_name_a_method_beside_settings() -> None:
    profile = read_profile("smoke")
    method, other = ablated(profile, "method=ecg-byte-merge-order, tokenizer.num_merges=50")
    assert (method.name, other.tokenizer.num_merges) == ("ecg-byte-merge-order", 50)
    assert other.questions.train == 48, "the budget holds for every ablation"


def test_preprocessing_settings_are_those_of_the_library() -> None:
    profile = read_profile("smoke")
    assert profile.preprocessing.preprocessor() == Preprocessor(target_rate=250)
    published = change_settings(profile, "preprocessing.as_published=true").preprocessing.preprocessor()
    assert published == Preprocessor(250, as_published=True)
    bare = "preprocessing.notch=[], preprocessing.band=[], preprocessing.highpass=0, preprocessing.denoise=false"
    assert change_settings(profile, bare).preprocessing.preprocessor() == Preprocessor(
        250, notch=(), band=None, highpass=None, denoise=False
    )
    level = change_settings(profile, "preprocessing.wavelet_level=2, preprocessing.target_rate=100")
    assert level.preprocessing.preprocessor() == Preprocessor(100, wavelet_level=2)


def test_expected_positions_of_an_ecg(tmp_path: Path) -> None:
    profile = read_profile("default")

    def positions(profile: Profile, method: str) -> float:
        return MethodRun(Study(profile, WorkFolder(tmp_path), {}), METHODS[method], 0).reading.positions

    few = change_settings(profile, "data.num_patients=10, methods=['ecg-byte', 'ecg-byte-plus', 'linear-patches']")
    assert 300 < positions(few, "ecg-byte") < 700, "6,000 symbols, about 12 a token"
    assert positions(change_settings(few, "tokenizer.num_merges=0"), "ecg-byte") == 1024, "cut off"
    assert positions(few, "linear-patches") == 20
    assert positions(change_settings(few, "encoders.linear-patches.layout=lead"), "linear-patches") == 240
    assert positions(change_settings(few, "preprocessing.target_rate=500"), "linear-patches") == 40
    assert positions(few, "merl") == 1
    assert positions(few, "text-only") == 0


def test_folders_of_data_sets_may_hold_an_equals_sign() -> None:
    profile = read_profile("ptbxl")
    assert roots(["/data/run=1/ptb-xl"], profile) == {"ptb-xl": Path("/data/run=1/ptb-xl")}
    named = roots(["/data/a", "mimic-iv-ecg=/data/b=c"], profile)
    assert named == {"ptb-xl": Path("/data/a"), "mimic-iv-ecg": Path("/data/b=c")}
    with pytest.raises(ValueError, match="--root: got two folders of 'ptb-xl'"):
        roots(["/data/a", "ptb-xl=/data/b"], profile)


def test_the_longer_profile_differs_from_ptbxl_in_its_training_alone() -> None:
    # Profiles are flat files: what both say has to be kept the same in both.
    short, longer = read_profile("ptbxl"), read_profile("ptbxl-longer")
    for section in ("data", "preprocessing", "tokenizer", "questions", "model"):
        assert getattr(longer, section) == getattr(short, section), section
    assert longer.encoders["merl"] == short.encoders["merl"]
    trained = {"epochs": 2 * short.training.epochs, "learning_rates": (5e-4, 1e-3, 2e-3), "validate_every": 500}
    assert longer.training == dataclasses.replace(short.training, **trained)
