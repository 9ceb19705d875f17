"""What `test_processes` launches in several processes: ``python -m tests.training.launched_run WHAT FOLDER``."""

from __future__ import annotations

import json
import os
import signal
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch

from ecgbyte.files import fingerprint
from ecgbyte.models.end_to_end import LoraSettings
from ecgbyte.training.loop import TrainingReport, TrainingSettings, train
from ecgbyte.training.processes import on_cpu
from tests.training.small_reader import small_reader, twelve_examples

# Epochs of 10 examples: micro-batches of 3, 3, 3 and 1, the last of which leaves the second process without a sample.
# Adam alone hides a wrong scale of the gradient; its L2 penalty, which has a scale of its own, shows it.
SETTINGS = TrainingSettings(
    max_steps=5,
    batch_size=3,
    gradient_accumulation=2,
    checkpoint_every=2,
    warmup_steps=2,
    seed=3,
    optimizer="adam",
    weight_decay=0.3,
    max_gradient_norm=100.0,
)
EXAMPLES, VALIDATION = twelve_examples()[:10], twelve_examples()[7:]


class KillAt:
    """A collate function that ends the process at its n-th call."""

    def __init__(self, collate: Any, calls: int) -> None:
        self.collate, self.calls = collate, calls

    def settings(self) -> dict[str, Any]:
        found: dict[str, Any] = self.collate.settings()
        return found

    def __call__(self, items: list[Any]) -> dict[str, torch.Tensor]:
        self.calls -= 1
        if self.calls < 0:
            os.kill(os.getpid(), signal.SIGKILL)
        batch: dict[str, torch.Tensor] = self.collate(items)
        return batch


def plain_run(folder: Path | None) -> tuple[torch.nn.Module, TrainingReport]:
    """Train without dropout, so that the number of processes does not matter."""
    reader = small_reader()
    report = train(
        reader.model,
        EXAMPLES,
        reader.collate,
        replace(SETTINGS, validate_every=3),
        output_folder=folder,
        validation=VALIDATION,
        progress=False,
        description="plain",
    )
    return reader.model, report


def dropout_run(folder: Path, *, kill_at: int | None = None) -> tuple[torch.nn.Module, TrainingReport]:
    """Train with heavy dropout, so that the random state of every process matters."""
    reader = small_reader(training="lora", lora=LoraSettings(rank=4, dropout=0.4), train_embeddings=True)
    collate = reader.collate if kill_at is None else KillAt(reader.collate, kill_at)
    return reader.model, train(reader.model, EXAMPLES, collate, SETTINGS, output_folder=folder, progress=False)


def weights(model: torch.nn.Module) -> str:
    return fingerprint(*(on_cpu(value).numpy() for value in model.parameters()))


def main(what: str, folder: Path) -> dict[str, Any]:
    """Do it; return what the test compares."""
    if what == "killed":
        # In step 4, after the checkpoint of step 2.
        dropout_run(folder / "dropout", kill_at=7)
        raise AssertionError("the process outlived its kill")
    if what == "processes":
        resumed, report = dropout_run(folder / "dropout")
        uninterrupted, _ = dropout_run(folder / "dropout-whole")
        plain, plain_report = plain_run(folder / "plain")
        again, again_report = plain_run(folder / "plain")
        return {
            "resumed_from_step": report.resumed_from_step,
            "resumed": weights(resumed),
            "uninterrupted": weights(uninterrupted),
            "plain": weights(plain),
            "plain_report": plain_report.to_dict(),
            "loaded": weights(again),
            "loaded_report": again_report.to_dict(),
            "training_mode": plain.training or again.training,
        }
    raise ValueError(f"what: got {what!r}, expected 'killed' or 'processes'")


if __name__ == "__main__":
    torch.set_num_threads(1)
    output = Path(sys.argv[2])
    result = main(sys.argv[1], output)
    (output / f"{sys.argv[1]}-{os.environ['RANK']}.json").write_text(json.dumps(result))
    torch.distributed.destroy_process_group()
