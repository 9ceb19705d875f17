"""The training loop: accumulation, counts, precision, errors."""

from __future__ import annotations

import copy
import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch

from ecgbyte.models.end_to_end import LoraSettings
from ecgbyte.training.examples import Example
from ecgbyte.training.loop import TrainingSettings, train
from ecgbyte.training.memory import PeakMemory


def first_gradients(
    reader: Any, examples: list[Example], monkeypatch: pytest.MonkeyPatch, **options: Any
) -> tuple[dict[str, torch.Tensor], float]:
    """Return the gradients and the loss of the first step."""
    model = copy.deepcopy(reader.model)
    found: dict[str, torch.Tensor] = {}

    def record(optimizer: torch.optim.Optimizer, closure: Any = None) -> None:
        found.update({name: value.grad.clone() for name, value in model.named_parameters() if value.grad is not None})

    with monkeypatch.context() as patch:
        patch.setattr(torch.optim.AdamW, "step", record)
        settings = TrainingSettings(max_steps=1, **options)
        report = train(model, examples, reader.collate, settings, progress=False)
    return found, report.losses[0]


@pytest.mark.parametrize("group_by_length", [False, True])
def test_accumulation_of_4_times_2_is_a_batch_of_8(
    group_by_length: bool, reader: Any, examples: list[Example], monkeypatch: pytest.MonkeyPatch
) -> None:
    examples = examples[:8]
    counts = {int((reader.collate([item])["labels"] != -100).sum()) for item in examples}
    assert len(counts) > 2, "the labels of the samples must differ in number for this test to mean something"
    options = {"max_gradient_norm": None, "group_by_length": group_by_length}
    whole, loss = first_gradients(reader, examples, monkeypatch, batch_size=8, **options)
    parts, loss_of_parts = first_gradients(
        reader, examples, monkeypatch, batch_size=2, gradient_accumulation=4, **options
    )
    assert loss == pytest.approx(loss_of_parts, rel=1e-5)
    assert whole.keys() == parts.keys() and len(whole) > 10
    for name, gradient in whole.items():
        torch.testing.assert_close(parts[name], gradient, rtol=1e-4, atol=1e-6)


def test_gradients_are_clipped_to_the_norm(
    reader: Any, examples: list[Example], monkeypatch: pytest.MonkeyPatch
) -> None:
    free, _ = first_gradients(reader, examples, monkeypatch, max_gradient_norm=None)
    clipped, _ = first_gradients(reader, examples, monkeypatch, max_gradient_norm=0.01)
    assert torch.cat([value.flatten() for value in free.values()]).norm() > 0.1
    assert torch.cat([value.flatten() for value in clipped.values()]).norm() == pytest.approx(0.01, rel=1e-3)


def test_the_report_counts_what_was_done(reader: Any, examples: list[Example]) -> None:
    settings = TrainingSettings(epochs=2, batch_size=5, learning_rate=3e-3)
    report = train(reader.model, examples, reader.collate, settings, progress=False, description="counts")
    lengths = [reader.collate.length(item) for item in examples]
    assert (report.steps, report.samples_seen, report.distinct_records) == (6, 24, 10)
    assert report.positions == 2 * sum(lengths) < report.padded_positions
    assert len(report.losses) == len(report.learning_rates) == 6 and report.losses[-1] < report.losses[0]
    assert report.parameters_trained == report.parameters_total == reader.model.trained_parameters()
    assert report.truncation == reader.collate.truncation(examples).to_dict()
    assert report.seconds_per_step == pytest.approx(report.seconds / 6)
    assert json.loads(json.dumps(report.to_dict()))["description"] == "counts"
    assert not reader.model.training


@pytest.mark.parametrize("training", ["full", "lora"])
def test_same_seed_same_weights_and_the_global_random_state_is_left_alone(
    training: str, make_reader: Callable[..., Any], examples: list[Example]
) -> None:
    runs = []
    for noise, seed in ((1, 0), (2, 0), (1, 5)):
        torch.manual_seed(noise)
        before = torch.get_rng_state()
        reader = make_reader(training=training)
        settings = TrainingSettings(epochs=1, batch_size=4, seed=seed)
        train(reader.model, examples, reader.collate, settings, progress=False)
        assert torch.equal(before, torch.get_rng_state())
        runs.append([value.detach() for value in reader.model.parameters() if value.requires_grad])
    assert all(torch.equal(first, second) for first, second in zip(runs[0], runs[1], strict=True))
    assert not all(torch.equal(first, second) for first, second in zip(runs[0], runs[2], strict=True))


def test_bf16_trains(reader: Any, examples: list[Example]) -> None:
    settings = TrainingSettings(epochs=3, batch_size=4, precision="bf16", learning_rate=3e-3)
    report = train(reader.model, examples, reader.collate, settings, progress=False)
    assert report.precision == "bf16" and report.losses[-1] < report.losses[0]
    assert all(value.dtype == torch.float32 for value in reader.model.parameters())


def test_the_published_optimiser_is_what_torch_is_given(
    reader: Any, examples: list[Example], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Adam 0.9/0.99, weight decay 1e-2 as an L2 penalty, Noam with 500 steps of warm-up and a peak of 9.9e-4, bf16."""
    given: list[dict[str, Any]] = []

    def record(optimizer: torch.optim.Optimizer, closure: Any = None) -> None:
        given.extend({**group, "params": len(group["params"])} for group in optimizer.param_groups)

    monkeypatch.setattr(torch.optim.Adam, "step", record)
    settings = TrainingSettings(
        max_steps=3,
        batch_size=2,
        optimizer="adam",
        betas=(0.9, 0.99),
        weight_decay=1e-2,
        learning_rate=9.9e-4,
        schedule="noam",
        warmup_steps=500,
        precision="bf16",
    )
    report = train(reader.model, examples, reader.collate, settings, progress=False)
    assert {group["betas"] for group in given} == {(0.9, 0.99)}
    assert {group["weight_decay"] for group in given} == {1e-2, 0.0}
    assert not any(group["decoupled_weight_decay"] for group in given)
    assert report.learning_rates == pytest.approx([9.9e-4 * step / 500 for step in (1, 2, 3)])
    assert settings.learning_rate_of(500, 2000) == 9.9e-4
    assert settings.learning_rate_of(2000, 2000) == pytest.approx(9.9e-4 / 2)


def test_bf16_computes_in_bf16_and_stays_near(reader: Any, examples: list[Example]) -> None:
    losses, kinds = {}, {}
    for precision in ("no", "bf16"):
        model = copy.deepcopy(reader.model)
        layer = next(module for module in model.modules() if isinstance(module, torch.nn.Linear))
        seen = kinds.setdefault(precision, set())
        layer.register_forward_hook(lambda _, __, output, seen=seen: seen.add(output.dtype))
        settings = TrainingSettings(max_steps=3, batch_size=4, precision=precision)
        losses[precision] = train(model, examples, reader.collate, settings, progress=False).losses
    assert kinds == {"no": {torch.float32}, "bf16": {torch.bfloat16}}
    assert losses["bf16"] == pytest.approx(losses["no"], rel=0.02) and losses["bf16"] != losses["no"]


def test_peak_memory_is_that_of_the_training(examples: list[Example]) -> None:
    class Large(torch.nn.Module):
        """Holds 128 MB of activations for a moment."""

        def __init__(self) -> None:
            super().__init__()
            self.weight = torch.nn.Parameter(torch.ones(1))

        def forward(self, values: torch.Tensor) -> SimpleNamespace:
            return SimpleNamespace(loss=torch.ones(1 << 25).mul_(self.weight.detach()).mean() * self.weight.mean())

    def peak(model: torch.nn.Module) -> int:
        def collate(items: list[Example]) -> dict[str, torch.Tensor]:
            return {"values": torch.ones(len(items))}

        report = train(model, examples, collate, TrainingSettings(max_steps=2), progress=False)
        assert report.peak_memory_kind in ("resident during training", "resident since the process began")
        assert report.device == "cpu" and report.peak_memory_bytes > 1 << 24
        return report.peak_memory_bytes

    class Small(Large):
        def forward(self, values: torch.Tensor) -> SimpleNamespace:
            return SimpleNamespace(loss=self.weight.mean())

    before = peak(Small())
    large = peak(Large())
    after = peak(Small())
    if PeakMemory(torch.device("cpu")).kind == "resident during training":
        assert large - max(before, after) > 100 << 20


def test_adam_is_not_adamw(reader: Any, examples: list[Example]) -> None:
    results = []
    for optimizer in ("adam", "adamw"):
        model = copy.deepcopy(reader.model)
        settings = TrainingSettings(max_steps=2, optimizer=optimizer, weight_decay=0.5)
        train(model, examples, reader.collate, settings, progress=False)
        results.append(model.language_model.get_input_embeddings().weight.detach())
    assert not torch.allclose(*results)


def test_a_nan_loss_stops_with_the_step(reader: Any, examples: list[Example]) -> None:
    calls = 0

    def poisoned(items: list[Example]) -> dict[str, torch.Tensor]:
        nonlocal calls
        calls += 1
        if calls == 3:
            with torch.no_grad():
                next(reader.model.parameters()).fill_(torch.nan)
        return reader.collate(items)

    with pytest.raises(FloatingPointError, match="stopped at step 3: the loss is nan"):
        train(reader.model, examples, poisoned, TrainingSettings(max_steps=5, batch_size=2), progress=False)


def test_nothing_to_train_on_is_an_error(reader: Any, examples: list[Example]) -> None:
    settings = TrainingSettings(max_steps=1)
    with pytest.raises(ValueError, match="examples: expected one at least"):
        train(reader.model, [], reader.collate, settings, progress=False)
    reader.model.requires_grad_(False)
    with pytest.raises(ValueError, match="expected a parameter with requires_grad"):
        train(reader.model, examples, reader.collate, settings, progress=False)


def test_a_name_of_a_layer_that_matches_nothing_is_refused(make_reader: Callable[..., Any]) -> None:
    with pytest.raises(ValueError, match="this model has no layer of the names query"):
        make_reader(training="lora", lora=LoraSettings(target_modules=("q_proj", "query")))


def test_grouping_needs_lengths(reader: Any, examples: list[Example]) -> None:
    settings = TrainingSettings(max_steps=1, group_by_length=True)
    with pytest.raises(ValueError, match=r"group_by_length: expected a collate function with length\(example\)"):
        train(reader.model, examples, lambda items: reader.collate(items), settings, progress=False)


@dataclass
class Point:
    record_id: str
    value: float


class Mean(torch.nn.Module):
    """A model without labels: its loss is a mean over samples."""

    def __init__(self) -> None:
        super().__init__()
        self.mean = torch.nn.Parameter(torch.zeros(1))
        self.norm = torch.nn.BatchNorm1d(1)

    def forward(self, values: torch.Tensor) -> SimpleNamespace:
        self.norm(values[:, None])
        return SimpleNamespace(loss=((values - self.mean) ** 2).mean())


def test_a_model_without_labels_weighs_samples(tmp_path: Any) -> None:
    points = [Point(str(index), float(value)) for index, value in enumerate([1, 2, 3, 4, 10])]

    def collate(items: list[Point]) -> dict[str, torch.Tensor]:
        return {"values": torch.tensor([item.value for item in items])}

    # Micro-batches of 3 and 2: the step's loss is the mean over 5 samples.
    settings = TrainingSettings(max_steps=1, batch_size=3, gradient_accumulation=2)
    model = Mean()
    report = train(model, points, collate, settings, progress=False, output_folder=tmp_path / "run")
    assert report.losses == pytest.approx([np.mean(np.square([1, 2, 3, 4, 10]))])
    assert (report.positions, report.padded_positions, report.truncation) == (0, 0, None)
    # Running means are part of the result, though nothing trains them.
    again = Mean()
    train(again, points, collate, settings, progress=False, output_folder=tmp_path / "run")
    assert torch.equal(again.norm.running_mean, model.norm.running_mean) and again.norm.running_mean.abs() > 0


def test_waiting_for_batches_is_told_apart_from_computing(reader: Any, examples: list[Example]) -> None:
    def slow(items: list[Example]) -> dict[str, torch.Tensor]:
        time.sleep(0.02)
        batch: dict[str, torch.Tensor] = reader.collate(items)
        return batch

    settings = TrainingSettings(max_steps=6, batch_size=2, gradient_accumulation=2)
    report = train(reader.model, examples, slow, settings, progress=False)
    assert report.data_wait_seconds is not None and 6 * 2 * 0.02 <= report.data_wait_seconds < report.seconds
