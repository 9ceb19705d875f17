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
from accelerate.state import PartialState
from accelerate.utils import DistributedType

from ecgbyte.files import fingerprint
from ecgbyte.models.end_to_end import LoraSettings
from ecgbyte.training.loop import TrainingReport, TrainingSettings, train
from ecgbyte.training.processes import open_accelerator, whole
from ecgbyte.training.shared_prefix import SharedPrefixCollator, group_examples
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


class Stop(Exception):
    """Raised by `StopAt`."""


class StopAt:
    """A collate function that ends the process, or raises `Stop`, at its n-th call."""

    def __init__(self, collate: Any, calls: int, *, kill: bool) -> None:
        self.collate, self.calls, self.kill = collate, calls, kill

    def settings(self) -> dict[str, Any]:
        found: dict[str, Any] = self.collate.settings()
        return found

    def __call__(self, items: list[Any]) -> dict[str, torch.Tensor]:
        self.calls -= 1
        if self.calls < 0:
            if self.kill:
                os.kill(os.getpid(), signal.SIGKILL)
            raise Stop
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
    collate = reader.collate if kill_at is None else StopAt(reader.collate, kill_at, kill=True)
    return reader.model, train(reader.model, EXAMPLES, collate, SETTINGS, output_folder=folder, progress=False)


def sharded_run(folder: Path, *, stop_at: int | None = None) -> tuple[torch.nn.Module, TrainingReport]:
    """Train under FSDP, and stop where that is said."""
    reader = small_reader()
    collate = reader.collate if stop_at is None else StopAt(reader.collate, stop_at, kill=False)
    return reader.model, train(
        reader.model,
        EXAMPLES,
        collate,
        replace(SETTINGS, validate_every=3),
        output_folder=folder,
        validation=VALIDATION,
        progress=False,
    )


def shared_beginnings_run() -> TrainingReport:
    """Train in groups that share a beginning, whose keys and values one pass lends to another."""
    reader = small_reader()
    return train(
        reader.model,
        group_examples(EXAMPLES, 4),
        SharedPrefixCollator(reader.collate),
        replace(SETTINGS, batch_size=2, max_gradient_norm=0.5),
        progress=False,
    )


def weights(model: torch.nn.Module) -> str:
    return fingerprint(*(whole(value).numpy() for value in model.parameters()))


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
    # Accelerate shards on GPUs alone and silently takes DDP on CPUs. Told that these are GPUs, all of its own code and
    # of torch's runs here, with gloo.
    PartialState(cpu=True)
    PartialState._shared_state["distributed_type"] = DistributedType.MULTI_XPU
    accelerator = open_accelerator()
    refused = ""
    try:
        shared_beginnings_run()
    except ValueError as error:
        refused = str(error)
    try:
        # The validation before the first step takes 2 calls, steps 1 to 3 take 2, 2 and 2, the validation after it 2.
        sharded_run(folder / "sharded", stop_at=9)
    except Stop:
        stopped = True
    resumed, report = sharded_run(folder / "sharded")
    uninterrupted, _ = sharded_run(folder / "sharded-whole")
    value = next(uninterrupted.parameters())
    # What NO_WRAP sets: the model as one unit.
    accelerator.state.fsdp_plugin.auto_wrap_policy = None
    return {
        "kind": accelerator.distributed_type.value,
        "version_2": accelerator.is_fsdp2,
        "stopped": stopped,
        "resumed_from_step": report.resumed_from_step,
        "resumed": weights(resumed),
        "uninterrupted": weights(uninterrupted),
        "local_rows": len(value.to_local()),
        "rows": len(value),
        "processes": report.processes,
        "validation": report.validation,
        "refused": refused,
        "losses_with_shared_beginnings": shared_beginnings_run().losses,
    }


if __name__ == "__main__":
    torch.set_num_threads(1)
    output = Path(sys.argv[2])
    result = main(sys.argv[1], output)
    (output / f"{sys.argv[1]}-{os.environ['RANK']}.json").write_text(json.dumps(result))
    torch.distributed.destroy_process_group()
