"""The validation loss: what it is, and that measuring it changes nothing."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from torch.nn.functional import cross_entropy

from ecgbyte.models.end_to_end import LoraSettings
from ecgbyte.training.examples import Example
from ecgbyte.training.loop import TrainingReport, TrainingSettings, train
from ecgbyte.training.validation import seconds_to_validation_loss

SETTINGS = TrainingSettings(max_steps=5, batch_size=4, checkpoint_every=2, validate_every=2, seed=3)


def dropout_reader(make_reader: Callable[..., Any]) -> Any:
    return make_reader(training="lora", lora=LoraSettings(rank=4, dropout=0.4), train_embeddings=True)


def loss_per_label(model: Any, collate: Any, examples: list[Example]) -> float:
    """The same with the output layer at every position, one example at a time."""
    total, count = 0.0, 0
    for example in examples:
        batch = collate([example])
        with torch.no_grad():
            hidden = model.embed(batch)
            logits = model.run(hidden, batch["attention_mask"], batch["position_ids"], keep=hidden.shape[1]).logits
        labels = batch["labels"][0, 1:]
        total += float(cross_entropy(logits[0, :-1].double(), labels, ignore_index=-100, reduction="sum"))
        count += int((labels != -100).sum())
    return total / count


@pytest.mark.parametrize("grouped", [False, True])
def test_the_loss_is_the_mean_over_all_labels_without_dropout(
    grouped: bool, make_reader: Callable[..., Any], examples: list[Example]
) -> None:
    reader = dropout_reader(make_reader)
    held_out = examples[5:]
    untrained = loss_per_label(reader.model.eval(), reader.collate, held_out)
    settings = replace(SETTINGS, group_by_length=grouped, learning_rate=1e-2)
    report = train(reader.model, examples[:5], reader.collate, settings, validation=held_out, progress=False)
    # Epochs of two steps, 4 examples and 1; grouped by length, the step of 1 may come first.
    seen = [(0, 0), (2, 5), (4, 10), (5, 11 if grouped else 14)]
    assert [(point["step"], point["samples_seen"]) for point in report.validation] == seen
    assert report.validation[0]["loss"] == pytest.approx(untrained, rel=1e-5)
    assert report.validation[-1]["loss"] == pytest.approx(
        loss_per_label(reader.model, reader.collate, held_out), rel=1e-5
    )
    seconds = [point["seconds"] for point in report.validation]
    assert seconds[0] == 0 and seconds == sorted(seconds) and seconds[-1] == report.seconds
    lowest = min(report.validation, key=lambda point: point["loss"])
    assert report.best_validation_step == lowest["step"] and report.validation_seconds > 0


def test_weights_are_the_same_bits_with_and_without_validation(
    make_reader: Callable[..., Any], examples: list[Example]
) -> None:
    runs = []
    for validation in (None, examples[:3], examples[4:]):
        reader = dropout_reader(make_reader)
        settings = replace(SETTINGS, validate_every=None if validation is None else 1)
        report = train(reader.model, examples, reader.collate, settings, validation=validation, progress=False)
        assert len(report.validation) == (0 if validation is None else 6)
        runs.append(list(reader.model.parameters()))
    assert all(torch.equal(first, second) for other in runs[1:] for first, second in zip(runs[0], other, strict=True))


def test_modules_kept_in_evaluation_mode_stay_so(examples: list[Example]) -> None:
    class Frozen(torch.nn.Module):
        """Its second part is always in evaluation mode."""

        def __init__(self) -> None:
            super().__init__()
            self.weight = torch.nn.Parameter(torch.zeros(1))
            self.kept = torch.nn.Dropout(0.5)
            self.modes: list[tuple[bool, bool]] = []

        def train(self, mode: bool = True) -> Any:
            super().train(mode)
            self.kept.eval()
            return self

        def forward(self, values: torch.Tensor) -> SimpleNamespace:
            self.modes.append((self.training, self.kept.training))
            # Random numbers in evaluation mode, as of a masked autoencoder: the same at every measurement.
            noise = 0 if self.training else torch.rand(1)
            return SimpleNamespace(loss=(values + noise + 0 * self.weight).mean())

    model = Frozen()
    report = train(
        model,
        examples,
        lambda items: {"values": torch.ones(len(items))},
        replace(SETTINGS, batch_size=12, max_steps=2, validate_every=1),
        validation=examples,
        progress=False,
    )
    assert model.modes == [(False, False), (True, False), (False, False), (True, False), (False, False)]
    losses = [point["loss"] for point in report.validation]
    assert len(set(losses)) == 1 and losses[0] > 1


@pytest.mark.parametrize("calls", [5, 8])
def test_measurements_survive_a_stop(
    calls: int, make_reader: Callable[..., Any], examples: list[Example], tmp_path: Path
) -> None:
    def run(collate: Any, reader: Any, folder: Path | None) -> TrainingReport:
        return train(
            reader.model, examples, collate, SETTINGS, output_folder=folder, validation=examples[:6], progress=False
        )

    whole = dropout_reader(make_reader)
    expected = run(whole.collate, whole, None)
    stopped = dropout_reader(make_reader)
    left = calls

    class Stopping:
        settings = staticmethod(stopped.collate.settings)

        def __call__(self, items: list[Example]) -> dict[str, torch.Tensor]:
            nonlocal left
            left -= 1
            if left < 0:
                raise KeyboardInterrupt
            batch: dict[str, torch.Tensor] = stopped.collate(items)
            return batch

    with pytest.raises(KeyboardInterrupt):
        run(Stopping(), stopped, tmp_path)
    resumed = dropout_reader(make_reader)
    report = run(resumed.collate, resumed, tmp_path)
    assert report.resumed_from_step == {5: 0, 8: 2}[calls]
    for name in ("step", "loss", "samples_seen"):
        assert [point[name] for point in report.validation] == [point[name] for point in expected.validation]
    pairs = zip(whole.model.parameters(), resumed.model.parameters(), strict=True)
    assert all(torch.equal(first, second) for first, second in pairs)
    again = dropout_reader(make_reader)
    assert run(again.collate, again, tmp_path) == report
    with pytest.raises(ValueError, match="validation: stored"):
        train(again.model, examples, again.collate, SETTINGS, output_folder=tmp_path, validation=examples[:5])


def test_what_cannot_be_measured_is_refused(reader: Any, examples: list[Example]) -> None:
    with pytest.raises(ValueError, match="validation: expected examples, because validate_every is set"):
        train(reader.model, examples, reader.collate, SETTINGS, progress=False)
    with pytest.raises(ValueError, match="validation: expected one example at least"):
        train(reader.model, examples, reader.collate, SETTINGS, validation=[], progress=False)


def report_of(points: list[tuple[float, float]]) -> TrainingReport:
    filled: dict[str, Any] = dict.fromkeys(TrainingReport.__dataclass_fields__)
    filled["validation"] = [{"step": i, "seconds": s, "loss": v} for i, (s, v) in enumerate(points)]
    return TrainingReport(**filled)


@pytest.mark.parametrize(
    ("target", "expected"), [(5.0, 0.0), (4.0, 0.0), (3.0, 5.0), (2.0, 10.0), (1.75, 35.0), (1.5, 40.0), (1.4, None)]
)
def test_the_time_to_a_loss_lies_on_the_line_between_evaluations(target: float, expected: float | None) -> None:
    # The loss rises in between: the first time counts.
    report = report_of([(0, 4.0), (10, 2.0), (30, 2.0 + 1e-9), (40, 1.5), (50, 1.6)])
    found = seconds_to_validation_loss(report, target)
    assert found == (expected if expected is None else pytest.approx(expected))


def test_a_time_needs_a_validation_and_a_loss() -> None:
    with pytest.raises(ValueError, match="report: expected one of a run with validation"):
        seconds_to_validation_loss(report_of([]), 1.0)
    with pytest.raises(ValueError, match="target: expected a finite loss, got nan"):
        seconds_to_validation_loss(report_of([(0, 4.0)]), float("nan"))


def test_reports_of_before_are_read_and_others_refused(reader: Any, examples: list[Example]) -> None:
    report = train(reader.model, examples, reader.collate, TrainingSettings(max_steps=1), progress=False)
    content = report.to_dict()
    assert TrainingReport.from_dict(content) == report
    newer = ("data_wait_seconds", "peak_memory_bytes", "peak_memory_kind", "validation", "validation_seconds")
    older = {name: value for name, value in content.items() if name not in (*newer, "best_validation_step")}
    assert TrainingReport.from_dict(older).data_wait_seconds is None
    with pytest.raises(ValueError, match=r"fields missing: \['losses'\]; fields unknown: \['loss'\]"):
        TrainingReport.from_dict({**{name: value for name, value in content.items() if name != "losses"}, "loss": 1})
