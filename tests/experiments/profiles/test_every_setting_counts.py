"""No setting is accepted and ignored: each one, changed, changes some step, or is known to shape only what is shown."""

from __future__ import annotations

import dataclasses
import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from experiments.plan import Plan
from experiments.profiles.profile import Profile, read_profile
from experiments.profiles.settings_reading import build_settings, change_settings
from experiments.profiles.unused_settings import unused_settings
from experiments.steps.study import Study
from experiments.steps.work_folder import ROOT, WorkFolder
from tests.experiments.steps.test_plus import OFF
from tests.experiments.steps.test_question_sources import RenamedRecords, write_ecgqa

OWN, OTHER = (f"tests.experiments.own_sets:{name}" for name in ("OwnSet", "OtherSet"))
# Settings that no step depends on, with the file that reads them: they shape rows, marks and words.
OUTPUT_SETTINGS = {
    "name": "experiments/__main__.py",
    "scale": "experiments/run.py",
    "note": "experiments/report/results_folder.py",
    "evaluation.bootstrap_resamples": "experiments/rows/maker.py",
    "evaluation.bertscore": "experiments/run.py",
}
# Settings that only an ablation may change, with the change.
OF_ABLATIONS = {"data.split": "data.split=leaky-question"}
# What stands in no list of options: names of models, and of what they are made of.
TEXTS = {
    "name": ["another"],
    "note": ["Another."],
    "data.dataset": ["synthetic"],
    "model.name": ["smollm2"],
    "ablations.budget": ["questions.train=40"],
    "evaluation.bertscore": ["none"],
    **{f"encoders.{name}.size": ["base"] for name in ("merl", "vit", "clip")},
    **{f"encoders.{name}.text_encoder": ["minilm"] for name in ("merl", "clip")},
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """ECG-QA's questions in both wordings, own questions, and the folder of a data set."""
    root = tmp_path_factory.mktemp("given")
    write_ecgqa(root, "ptbxl", list(RenamedRecords().entries))
    for path in sorted((root / "ptbxl" / "paraphrased").rglob("*.json")):
        other = root / "ptbxl" / "template" / path.relative_to(root / "ptbxl" / "paraphrased")
        other.parent.mkdir(parents=True)
        other.write_text(path.read_text().replace("Is there drift", "Does it show drift"))
    (root / "there.txt").write_text("yes")
    return root


def bases() -> dict[str, Profile]:
    """Profiles in which, together, every setting is read by something."""
    smoke = change_settings(read_profile("smoke"), f"data.dataset={OWN}")
    few = change_settings(
        smoke,
        f"{OFF}, methods=['ecg-byte', 'merl'], training_seeds=[0], as_published.padded_length=1024, "
        "as_published.tokens_padded_length=1024, as_published.warmup_steps=500, "
        "encoders.vit.epochs=2, encoders.vit.batch_size=64, encoders.clip.epochs=2, encoders.clip.batch_size=64",
    )
    # The smallest model's size may only be named where it is the model.
    plain = change_settings(few, "model.hidden_size=128, model.layers=4, model.heads=4")
    generated = "questions.finding_types=[], questions.paraphrases=0"
    # Questions in files go with their records.
    by_patient = "ablations.changes=['tokenizer.num_merges=100']"
    return {
        "smoke": smoke,
        "frames": change_settings(smoke, f"{OFF}, plus.frame_seconds=0.1"),
        "lora": change_settings(plain, "model.lora=true"),
        "some records": change_settings(few, f"tokenizer.records=60, {by_patient}"),
        "from files": change_settings(few, f"{generated}, questions.source=ecg-qa, {by_patient}"),
        "both": change_settings(few, f"questions.source=generated+ecg-qa, questions.ecgqa_train=20, {by_patient}"),
        "transfer": change_settings(
            few, f"transfer.datasets=['{OTHER}'], transfer.methods=['merl'], transfer.sampling_rate=250"
        ),
    }


def leaves(settings: Any, prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Every setting by name, with its value."""
    items = (
        settings.items()
        if isinstance(settings, Mapping)
        else [(field.name, getattr(settings, field.name)) for field in dataclasses.fields(settings)]
    )
    for name, value in items:
        place = f"{prefix}{name}"
        if dataclasses.is_dataclass(value) or isinstance(value, Mapping):
            yield from leaves(value, f"{place}.")
        else:
            yield place, value


def with_value(profile: Profile, name: str, value: Any) -> Profile:
    """The profile with one setting at a value; ValueError where it is refused."""
    values = dataclasses.asdict(profile)
    holder = values
    *path, last = name.split(".")
    for part in path:
        holder = holder[part]
    holder[last] = value
    return build_settings(Profile, values)


def other_values(profile: Profile, name: str, value: Any) -> Iterator[Any]:
    """Values of the same type, most of them valid."""
    if isinstance(value, bool):
        yield not value
    elif isinstance(value, int):
        yield from (value + 1, 2 * value, value + 4, value - 1, 0, 100)
    elif isinstance(value, float):
        yield from (value * 2, value / 2, value + 0.1)
    elif isinstance(value, str):
        yield from TEXTS.get(name, options(profile, name, "no such option"))
    elif isinstance(value, tuple) and name == "ablations.changes":
        yield ("tokenizer.num_merges=50",)
    elif isinstance(value, tuple) and value and isinstance(value[0], (int, float)):
        yield from ((*value[:-1], value[-1] + 1), value[:-1])
    elif isinstance(value, tuple):
        yield from (value[:-1], *((*value, option) for option in options(profile, name, (*value, "no such option"))))


def options(profile: Profile, name: str, wrong: Any) -> list[str]:
    """What may be given, as the refusal of something else says."""
    try:
        with_value(profile, name, wrong)
    except ValueError as error:
        return re.findall(r"'([^']+)'", str(error).partition("expected")[2])
    return []


def steps_of(profile: Profile, folder: Path) -> frozenset[str]:
    """What identifies each step of a run."""
    study = Study(profile, WorkFolder(folder / "work"), {OTHER: folder}, folder)
    return frozenset(task.step.fingerprint for group in Plan(study).groups() for task in group.tasks)


def test_every_setting_changes_a_step_or_is_known_to_shape_what_is_shown(folder: Path) -> None:
    counted: set[str] = set()
    ignored: list[str] = []
    everything: set[str] = set()
    for base, profile in bases().items():
        before = steps_of(profile, folder)
        for name, value in leaves(profile):
            everything.add(name)
            for other in other_values(profile, name, value):
                if other == value:
                    continue
                try:
                    changed = with_value(profile, name, other)
                    after = steps_of(changed, folder)
                except (ValueError, FileNotFoundError):
                    continue
                if after != before:
                    counted.add(name)
                elif name not in OUTPUT_SETTINGS:
                    ignored.append(f"{base}: {name}={other!r}")
                break
    assert ignored == []
    assert everything - counted == {*OUTPUT_SETTINGS, *OF_ABLATIONS}
    for change in OF_ABLATIONS.values():
        assert change in bases()["smoke"].ablations.changes, "and there it has steps of its own"


def test_what_shapes_only_the_output_is_read_there() -> None:
    for name, file in OUTPUT_SETTINGS.items():
        text = (ROOT / file).read_text(encoding="utf-8")
        assert re.search(rf"profile(\.\w+)*\.{name.rsplit('.')[-1]}\b", text), f"{file} does not read {name}"
    assert read_profile("smoke").fingerprint() != change_settings(read_profile("smoke"), "note=Other").fingerprint()


def test_what_nothing_reads_is_refused() -> None:
    refused = 0
    for profile in bases().values():
        values = dict(leaves(profile))
        for name, why in unused_settings(profile):
            for other in other_values(profile, name, values[name]):
                if other == values[name]:
                    continue
                with pytest.raises(ValueError, match=re.escape(name)):
                    with_value(profile, name, other)
                refused += 1
            assert why
    assert refused > 40


def test_settings_are_plain_data() -> None:
    for profile in bases().values():
        assert json.loads(json.dumps(profile.settings())) == json.loads(json.dumps(dataclasses.asdict(profile)))
