"""Tracking sees a run and never changes it."""

from __future__ import annotations

import importlib.util
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar

import pytest
import torch
from accelerate.tracking import LOGGER_TYPE_TO_CLASS, GeneralTracker
from accelerate.utils import LoggerType

from ecgbyte.training.examples import Example
from ecgbyte.training.loop import TrainingReport, TrainingSettings, train

SETTINGS = TrainingSettings(max_steps=4, batch_size=4, checkpoint_every=2, validate_every=2, warmup_steps=2, seed=3)


def run(
    reader: Any, examples: list[Example], folder: Path | None, tracking: str | None, **options: Any
) -> TrainingReport:
    return train(
        reader.model,
        examples,
        options.pop("collate", reader.collate),
        SETTINGS,
        output_folder=folder,
        validation=examples[:3],
        tracking=tracking,
        progress=False,
        description="tracked",
    )


class Recording(GeneralTracker):
    """Takes the place of a tracker whose package is not installed."""

    name = "wandb"
    requires_logging_directory = False
    runs: ClassVar[list[Recording]] = []

    def __init__(self, run_name: str, **options: Any) -> None:
        super().__init__()
        self.project, self.options = run_name, options
        self.configuration: dict[str, Any] = {}
        self.rows: list[tuple[int | None, dict[str, Any]]] = []
        self.finished = False
        Recording.runs.append(self)

    @property
    def tracker(self) -> None:
        return None

    def start(self) -> None:
        pass

    def store_init_configuration(self, values: dict[str, Any]) -> None:
        self.configuration = values

    def log(self, values: dict[str, Any], step: int | None = None, **options: Any) -> None:
        self.rows.append((step, values))

    def finish(self) -> None:
        self.finished = True


@pytest.fixture
def recorded(monkeypatch: pytest.MonkeyPatch) -> list[Recording]:
    found = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name, *rest: name == "wandb" or found(name, *rest))
    monkeypatch.setattr("accelerate.tracking._available_trackers", [LoggerType.WANDB])
    monkeypatch.setitem(LOGGER_TYPE_TO_CLASS, "wandb", Recording)
    monkeypatch.setattr(Recording, "runs", [])
    return Recording.runs


def test_losses_rates_and_steps_are_logged_and_nothing_else_changes(
    recorded: list[Recording], make_reader: Callable[..., Any], examples: list[Example], tmp_path: Path
) -> None:
    plain, tracked = make_reader(), make_reader()
    expected = run(plain, examples, tmp_path / "plain", None)
    report = run(tracked, examples, tmp_path / "tracked", "wandb")
    (tracker,) = recorded
    assert tracker.project == "ecgbyte" and tracker.finished and tracker.options["name"] == "tracked"
    losses = [(step, values["loss"], values["learning_rate"]) for step, values in tracker.rows if "loss" in values]
    assert losses == list(zip(range(1, 5), report.losses, report.learning_rates, strict=True))
    validation = [(step, values["validation_loss"]) for step, values in tracker.rows if "validation_loss" in values]
    assert validation == [(point["step"], point["loss"]) for point in report.validation]
    assert tracker.configuration["batch_size"] == 4 and tracker.configuration["betas"] == "[0.9, 0.99]"
    assert report.losses == expected.losses
    weights = [(tmp_path / name / "model.safetensors").read_bytes() for name in ("plain", "tracked")]
    assert weights[0] == weights[1]
    # The same run: what was tracked is loaded without, and the other way round; a loaded run is not tracked again.
    assert run(make_reader(), examples, tmp_path / "tracked", None) == report
    assert run(make_reader(), examples, tmp_path / "plain", "wandb") == expected
    assert len(recorded) == 1


def test_a_continued_run_goes_on_in_the_same_curve(
    recorded: list[Recording], make_reader: Callable[..., Any], examples: list[Example], tmp_path: Path
) -> None:
    reader = make_reader()

    class Stopping:
        settings = staticmethod(reader.collate.settings)
        calls = 0

        def __call__(self, items: list[Example]) -> dict[str, torch.Tensor]:
            self.calls += 1
            if self.calls > 5:
                raise KeyboardInterrupt
            batch: dict[str, torch.Tensor] = reader.collate(items)
            return batch

    with pytest.raises(KeyboardInterrupt):
        run(reader, examples, tmp_path, "wandb", collate=Stopping())
    run(make_reader(), examples, tmp_path, "wandb")
    first, second = recorded
    assert first.finished and second.finished
    assert first.options["id"] == second.options["id"] and second.options["resume"] == "allow"
    steps = [step for tracker in recorded for step, values in tracker.rows if "loss" in values]
    assert sorted(set(steps)) == [1, 2, 3, 4] and second.rows[0][0] == 3


def test_tensorboard_reads_the_curves(make_reader: Callable[..., Any], examples: list[Example], tmp_path: Path) -> None:
    pytest.importorskip("tensorboard", reason="tensorboard is not installed")
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    reader, plain = make_reader(), make_reader()
    report = run(reader, examples, tmp_path, "tensorboard")
    expected = run(plain, examples, None, None)
    assert report.losses == expected.losses
    curves = EventAccumulator(str(tmp_path / "tracking" / "ecgbyte")).Reload()
    for name, values in (("loss", report.losses), ("learning_rate", report.learning_rates)):
        events = curves.Scalars(name)
        assert [event.step for event in events] == [1, 2, 3, 4]
        assert [event.value for event in events] == pytest.approx(values, rel=1e-6)
    assert [event.step for event in curves.Scalars("validation_loss")] == [0, 2, 4]
    assert json.loads((tmp_path / "training.json").read_text())["report"]["losses"] == report.losses


@pytest.mark.parametrize("name", ["trackio", "wandb", "tensorboard"])
def test_a_missing_package_is_named_with_its_remedy(
    name: str, reader: Any, examples: list[Example], monkeypatch: pytest.MonkeyPatch
) -> None:
    found = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda module, *rest: None if module == name else found(module))
    settings = replace(SETTINGS, validate_every=None)
    with pytest.raises(ImportError, match=f"tracking: '{name}' needs .*: pip install {name}"):
        train(reader.model, examples, reader.collate, settings, tracking=name, progress=False)


def test_an_unknown_tracker_and_a_missing_folder_are_refused(reader: Any, examples: list[Example]) -> None:
    settings = replace(SETTINGS, validate_every=None)
    with pytest.raises(ValueError, match="tracking: got 'mlflow', expected one of 'tensorboard', 'trackio', 'wandb'"):
        train(reader.model, examples, reader.collate, settings, tracking="mlflow", progress=False)
    pytest.importorskip("tensorboard", reason="tensorboard is not installed")
    with pytest.raises(ValueError, match="tracking: 'tensorboard' writes into output_folder"):
        train(reader.model, examples, reader.collate, settings, tracking="tensorboard", progress=False)
