"""The learning rate that is declared is the one that is applied."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pytest
import torch

from ecgbyte.training.examples import Example
from ecgbyte.training.loop import TrainingSettings, train
from ecgbyte.training.schedules import learning_rate_at

STEPS, WARMUP, PEAK = 50, 8, 2e-3


def closed_form(schedule: str, step: int) -> float:
    if step <= WARMUP:
        return PEAK * step / WARMUP
    if schedule == "noam":
        # Peak at the end of the warm-up: width^-0.5 * min(step^-0.5, step * warmup^-1.5), scaled.
        return PEAK * min(step**-0.5, step * WARMUP**-1.5) / WARMUP**-0.5
    if schedule == "cosine":
        return PEAK / 2 * (1 + math.cos(math.pi * (step - WARMUP - 1) / (STEPS - WARMUP)))
    return PEAK


@pytest.mark.parametrize("schedule", ["cosine", "noam", "constant"])
def test_applied_learning_rates_follow_the_formula_under_accumulation(
    schedule: str, reader: Any, examples: list[Example], monkeypatch: pytest.MonkeyPatch
) -> None:
    applied = []

    def record(optimizer: torch.optim.Optimizer, closure: Any = None) -> None:
        applied.append({group["lr"] for group in optimizer.param_groups})

    monkeypatch.setattr(torch.optim.AdamW, "step", record)
    settings = TrainingSettings(
        batch_size=1,
        gradient_accumulation=3,
        max_steps=STEPS,
        learning_rate=PEAK,
        schedule=schedule,
        warmup_steps=WARMUP,
    )
    report = train(reader.model, examples, reader.collate, settings, progress=False)
    assert len(applied) == STEPS and all(len(rates) == 1 for rates in applied)
    expected = [closed_form(schedule, step) for step in range(1, STEPS + 1)]
    assert [rates.pop() for rates in applied] == pytest.approx(expected, rel=1e-12)
    assert report.learning_rates == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("schedule", ["cosine", "noam", "constant"])
@pytest.mark.parametrize("stop_in", [5, 8, 23])
def test_applied_learning_rates_go_on_across_a_resume(
    schedule: str, stop_in: int, reader: Any, examples: list[Example], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    applied: list[float] = []

    def record(optimizer: torch.optim.Optimizer, closure: Any = None) -> None:
        if len(applied) == stop_in - 1 and not (tmp_path / "stopped").exists():
            (tmp_path / "stopped").touch()
            raise KeyboardInterrupt
        applied.extend({group["lr"] for group in optimizer.param_groups})

    monkeypatch.setattr(torch.optim.AdamW, "step", record)
    settings = TrainingSettings(
        batch_size=1,
        gradient_accumulation=2,
        max_steps=STEPS,
        learning_rate=PEAK,
        schedule=schedule,
        warmup_steps=WARMUP,
        checkpoint_every=1,
    )
    with pytest.raises(KeyboardInterrupt):
        train(reader.model, examples, reader.collate, settings, output_folder=tmp_path / "run", progress=False)
    report = train(reader.model, examples, reader.collate, settings, output_folder=tmp_path / "run", progress=False)
    assert report.resumed_from_step == stop_in - 1
    expected = [closed_form(schedule, step) for step in range(1, STEPS + 1)]
    assert applied == pytest.approx(expected, rel=1e-12)
    assert report.learning_rates == pytest.approx(expected, rel=1e-12)


def test_no_step_of_a_run_is_wasted() -> None:
    for schedule in ("cosine", "constant"):
        rates = [
            learning_rate_at(step, schedule=schedule, peak=1.0, warmup_steps=2, total_steps=6) for step in range(1, 7)
        ]
        assert rates[1] == rates[2] == 1.0 and min(rates) > 0


def test_an_unknown_schedule_names_the_allowed_ones() -> None:
    with pytest.raises(ValueError, match="schedule: got 'linear', expected one of 'cosine', 'noam', 'constant'"):
        TrainingSettings(max_steps=1, schedule="linear")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({}, "epochs, max_steps: expected exactly one"),
        ({"epochs": 1, "max_steps": 2}, "epochs, max_steps: expected exactly one"),
        ({"epochs": 0}, "epochs: expected a positive integer, got 0"),
        ({"epochs": 1, "batch_size": 2.0}, "batch_size: expected a positive integer, got 2.0"),
        ({"epochs": 1, "schedule": "noam"}, "warmup_steps: the schedule 'noam' needs one step at least"),
        ({"epochs": 1, "optimizer": "sgd"}, "optimizer: got 'sgd', expected one of 'adamw', 'adam'"),
        ({"epochs": 1, "precision": "fp16"}, "precision: got 'fp16', expected one of 'no', 'bf16'"),
        ({"epochs": 1, "learning_rate": math.nan}, "learning_rate: expected a positive number"),
        ({"epochs": 1, "weight_decay": -1.0}, "weight_decay: expected a number of 0 at least"),
        ({"epochs": 1, "betas": (0.9, 1.0)}, "betas: expected two numbers"),
        ({"epochs": 1, "max_gradient_norm": 0.0}, "max_gradient_norm: expected a positive number or None"),
        ({"epochs": 1, "seed": -1}, "seed: expected an integer of 0 at least"),
    ],
)
def test_bad_settings_are_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        TrainingSettings(**options)


def test_steps_of_a_run() -> None:
    assert TrainingSettings(epochs=3, batch_size=2, gradient_accumulation=2).total_steps(9) == 9
    assert (
        TrainingSettings(epochs=3, batch_size=2, gradient_accumulation=2, drop_incomplete_batch=True).total_steps(9)
        == 6
    )
    assert TrainingSettings(max_steps=5, batch_size=4).total_steps(4) == 5
    with pytest.raises(ValueError, match="examples: got 3, expected 4 at least"):
        TrainingSettings(epochs=1, batch_size=4, drop_incomplete_batch=True).total_steps(3)
