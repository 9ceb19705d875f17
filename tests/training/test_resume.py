"""A run that is stopped at any moment goes on as if it had not been."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from ecgbyte.training.examples import Example
from ecgbyte.training.loop import TrainingSettings, train

SETTINGS = TrainingSettings(epochs=3, batch_size=2, gradient_accumulation=2, checkpoint_every=2, warmup_steps=2, seed=3)


def lora_reader(make_reader: Callable[..., Any]) -> Any:
    """Return a model with heavy dropout, the same each time, so that the random state matters."""
    from ecgbyte.models.end_to_end import LoraSettings

    return make_reader(training="lora", lora=LoraSettings(rank=4, dropout=0.4), train_embeddings=True)


class StopAfter:
    """A collate function that is interrupted at its n-th call."""

    def __init__(self, collate: Any, calls: int) -> None:
        self.collate, self.calls = collate, calls

    def settings(self) -> dict[str, Any]:
        found: dict[str, Any] = self.collate.settings()
        return found

    def __call__(self, items: list[Example]) -> dict[str, torch.Tensor]:
        self.calls -= 1
        if self.calls < 0:
            raise KeyboardInterrupt
        batch: dict[str, torch.Tensor] = self.collate(items)
        return batch


@pytest.mark.parametrize("kind", ["full", "lora"])
@pytest.mark.parametrize("calls", [1, 7, 8, 9])
def test_a_stopped_run_ends_with_the_same_bits(
    kind: str, calls: int, make_reader: Callable[..., Any], examples: list[Example], tmp_path: Path
) -> None:
    def fresh() -> Any:
        return lora_reader(make_reader) if kind == "lora" else make_reader()

    whole = fresh()
    expected = train(whole.model, examples, whole.collate, SETTINGS, progress=False)
    stopped = fresh()
    with pytest.raises(KeyboardInterrupt):
        train(
            stopped.model,
            examples,
            StopAfter(stopped.collate, calls),
            SETTINGS,
            output_folder=tmp_path / "run",
            progress=False,
        )
    resumed = fresh()
    report = train(resumed.model, examples, resumed.collate, SETTINGS, output_folder=tmp_path / "run", progress=False)
    assert report.resumed_from_step == {1: 0, 7: 2, 8: 4, 9: 4}[calls]
    for (name, first), second in zip(whole.model.named_parameters(), resumed.model.parameters(), strict=True):
        assert torch.equal(first, second), name
    assert report.losses == expected.losses and report.learning_rates == expected.learning_rates
    assert (report.positions, report.padded_positions) == (expected.positions, expected.padded_positions)
    assert (report.samples_seen, report.distinct_records) == (expected.samples_seen, expected.distinct_records)


def test_a_kill_while_a_checkpoint_is_written_leaves_the_one_before(
    make_reader: Callable[..., Any], examples: list[Example], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = make_reader()
    train(whole.model, examples, whole.collate, SETTINGS, progress=False)
    stopped = make_reader()
    rename = Path.rename

    def kill_second(path: Path, target: Path) -> Path:
        if target.name == "step-00000004":
            raise KeyboardInterrupt
        return rename(path, target)

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(Path, "rename", kill_second)
        train(stopped.model, examples, stopped.collate, SETTINGS, output_folder=tmp_path, progress=False)
    resumed = make_reader()
    report = train(resumed.model, examples, resumed.collate, SETTINGS, output_folder=tmp_path, progress=False)
    assert report.resumed_from_step == 2
    assert all(
        torch.equal(first, second)
        for first, second in zip(whole.model.parameters(), resumed.model.parameters(), strict=True)
    )


def test_a_finished_run_is_loaded_and_not_trained_again(
    make_reader: Callable[..., Any], examples: list[Example], tmp_path: Path
) -> None:
    first = make_reader()
    report = train(first.model, examples, first.collate, SETTINGS, output_folder=tmp_path, progress=False)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["model.safetensors", "training.json"]
    second = make_reader()
    again = train(
        second.model, examples, StopAfter(second.collate, 0), SETTINGS, output_folder=tmp_path, progress=False
    )
    assert again == report and not second.model.training
    assert all(torch.equal(a, b) for a, b in zip(first.model.parameters(), second.model.parameters(), strict=True))


def test_only_trained_parameters_are_stored(
    make_reader: Callable[..., Any], examples: list[Example], tmp_path: Path
) -> None:
    from safetensors.torch import load_file

    reader = make_reader(training="lora")
    report = train(reader.model, examples, reader.collate, SETTINGS, output_folder=tmp_path, progress=False)
    stored = load_file(tmp_path / "model.safetensors")
    assert stored and all("lora_" in name for name in stored)
    assert sum(value.numel() for value in stored.values()) == report.parameters_trained < report.parameters_total


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ("settings", "learning_rate: stored 0.001, now 0.002"),
        ("examples", "examples: stored 'sha256:"),
        ("model", "parameters: stored 'sha256:"),
    ],
)
@pytest.mark.parametrize("finished", [True, False])
def test_a_folder_of_another_run_is_refused(
    change: str, message: str, finished: bool, make_reader: Callable[..., Any], examples: list[Example], tmp_path: Path
) -> None:
    reader = make_reader()
    if finished:
        train(reader.model, examples, reader.collate, SETTINGS, output_folder=tmp_path, progress=False)
    else:
        with pytest.raises(KeyboardInterrupt):
            collate = StopAfter(reader.collate, 5)
            train(reader.model, examples, collate, SETTINGS, output_folder=tmp_path, progress=False)
    settings = replace(SETTINGS, learning_rate=2e-3) if change == "settings" else SETTINGS
    other = make_reader(training="lora") if change == "model" else make_reader()
    if change == "examples":
        examples = [replace(examples[0], answer="yes, and no"), *examples[1:]]
    with pytest.raises(ValueError, match=message):
        train(other.model, examples, other.collate, settings, output_folder=tmp_path, progress=False)


def test_damaged_files_are_named(make_reader: Callable[..., Any], examples: list[Example], tmp_path: Path) -> None:
    reader = make_reader()
    train(reader.model, examples, reader.collate, SETTINGS, output_folder=tmp_path, progress=False)
    weights = tmp_path / "model.safetensors"
    whole = weights.read_bytes()
    weights.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(ValueError, match="expected a safetensors file, got a damaged one"):
        train(reader.model, examples, reader.collate, SETTINGS, output_folder=tmp_path, progress=False)
    description = tmp_path / "training.json"
    text = description.read_text()
    description.write_text(text[:-20])
    with pytest.raises(ValueError, match=r"training\.json: expected JSON, got a damaged file"):
        train(reader.model, examples, reader.collate, SETTINGS, output_folder=tmp_path, progress=False)
    description.write_text(json.dumps({**json.loads(text), "format_version": 9}))
    with pytest.raises(ValueError, match="expected format_version 1, got 9"):
        train(reader.model, examples, reader.collate, SETTINGS, output_folder=tmp_path, progress=False)
