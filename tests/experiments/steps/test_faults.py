"""Methods named as published keep each of the faults that they declare, and their namesakes none."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest
import torch

from ecgbyte.models.end_to_end import EndToEndModel
from experiments.profiles.encoders import keeping
from experiments.profiles.faults import FAULTS, IDENTICAL_REPORTS, RECORD_NORMALISATION
from experiments.profiles.methods import METHODS
from experiments.profiles.profile import read_profile
from experiments.profiles.settings_reading import change_settings
from experiments.steps.learning import LearningSettings, build_learner, train_learner
from experiments.steps.method_runs import MethodRun
from experiments.steps.study import Study
from experiments.steps.work_folder import WorkFolder

CHANGES = "training.learning_rates=[0.001], data.train_records=60, questions.train=40, tokenizer.num_merges=150"


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Study:
    return Study(change_settings(read_profile("smoke"), CHANGES), WorkFolder(tmp_path_factory.mktemp("work")), {})


def prepared(study: Study, name: str) -> MethodRun:
    run = MethodRun(study, METHODS[name], 0)
    for task in (*study.data_tasks, *run.reading.tasks):
        study.work.run(task)
    return run


def test_ecg_byte_as_published_keeps_every_fault(study: Study, tmp_path: Path) -> None:
    run, plain = prepared(study, "ecg-byte-as-published"), prepared(study, "ecg-byte")
    assert run.reader.tokenizer.boundary == "record" and plain.reader.tokenizer.boundary == "lead"  # type: ignore[attr-defined]
    learner, report = train_learner(tmp_path, run.reader, run.learning, run.shown)
    untrained = build_learner(run.reader, run.learning, run.shown.examples("train"))
    assert isinstance(learner.model, EndToEndModel) and isinstance(untrained.model, EndToEndModel)
    ids = torch.from_numpy(learner.collator.token_map.ids)
    rows = learner.model.embed_tokens(ids[None])[0].detach().cpu()
    # Frozen, and all but alike.
    torch.testing.assert_close(rows, untrained.model.embed_tokens(ids[None])[0].detach().cpu(), rtol=0, atol=0)
    assert float(rows.std(dim=0).max()) < 0.01 * float(build_rows(plain).std(dim=0).max())
    # ECG tokens compete in answers.
    probe = torch.zeros(1, len(learner.collator.text_tokenizer))
    assert torch.isfinite(learner.model.answer_logits(probe.clone().to(rows.device))).all()
    fair = build_learner(plain.reader, plain.learning, plain.shown.examples("train"))
    assert not torch.isfinite(fair.model.answer_logits(probe.clone())[0, fair.collator.token_map.ids]).any()
    # Padding, cut, schedule.
    batch = learner.collator(run.shown.examples("train")[:3])
    assert batch["input_ids"].shape == (3, 260) == (3, run.learning.fixed_length)
    assert ((batch["labels"] != -100) & (batch["attention_mask"] == 0)).sum() == 0
    assert learner.collator.truncation_rule == "as-published"
    settings = report.settings
    assert (settings["schedule"], settings["optimizer"], settings["max_gradient_norm"]) == ("noam", "adam", None)
    assert settings["learning_rate"] == pytest.approx(9.9e-4, rel=0.01) and settings["warmup_steps"] == 4
    assert report.validation == []
    own = dataclasses.asdict(plain.learning)
    assert own["faults"] == () and own["padded_length"] is None and own["warmup_steps"] is None


def build_rows(run: MethodRun) -> torch.Tensor:
    learner = build_learner(run.reader, run.learning, run.shown.examples("train"))
    rows: torch.Tensor = learner.model.embed_tokens(torch.from_numpy(learner.collator.token_map.ids)[None])[0].detach()
    return rows


def test_stage_one_of_a_twin_keeps_normalisation_and_identical_reports(study: Study) -> None:
    encoders = study.profile.encoders
    both = (RECORD_NORMALISATION, IDENTICAL_REPORTS)
    kept = {name: keeping(encoders[name], both) for name in ("merl", "vit", "clip")}
    assert kept["merl"].identical_reports == kept["clip"].identical_reports == "as-published"
    assert kept["vit"].normalisation == kept["clip"].normalisation == "record"
    assert all(keeping(settings, ()) == settings for settings in encoders.values())
    for name, parts in {"merl": ["merl"], "vit": ["vit"], "clip-vit": ["clip", "vit"]}.items():
        own, twin = (
            [task.step for task in MethodRun(study, METHODS[method], 0).pretraining_tasks()]
            for method in (name, f"{name}-as-published")
        )
        assert [step.name for step in own] == [step.name for step in twin] == [f"pretrain-{part}" for part in parts]
        assert not {step.fingerprint for step in own} & {step.fingerprint for step in twin}


def test_every_fault_is_kept_by_a_method_and_settings_must_fit(study: Study) -> None:
    assert {fault for method in METHODS.values() for fault in method.faults} == set(FAULTS)
    learning = MethodRun(study, METHODS["ecg-byte-as-published"], 0).learning
    assert isinstance(learning, LearningSettings)
    with pytest.raises(ValueError, match="padded_length: got None with the faults"):
        dataclasses.replace(learning, padded_length=None)
    with pytest.raises(ValueError, match="warmup_steps: got 4 with the faults"):
        dataclasses.replace(learning, faults=("fixed-padding",))
    with pytest.raises(ValueError, match=r"as_published\.warmup_steps: got 3, which does nothing"):
        change_settings(
            study.profile,
            "methods=['ecg-byte', 'merl-as-published'], as_published.tokens_padded_length=1024, "
            "as_published.warmup_steps=3",
        )
