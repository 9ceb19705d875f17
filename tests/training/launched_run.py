"""What `test_processes` launches in several processes: ``python -m tests.training.launched_run WHAT FOLDER``."""

from __future__ import annotations

import json
import os
import signal
import sys
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
SETTINGS = TrainingSettings(
    max_steps=5, batch_size=3, gradient_accumulation=2, checkpoint_every=2, validate_every=3, warmup_steps=2, seed=3
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
        SETTINGS,
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


def sharded_run(folder: Path | None, *, stop_at: int | None = None) -> tuple[torch.nn.Module, TrainingReport]:
    """Train in groups that share a beginning, which run every layer twice in a step."""
    reader = small_reader()
    collate: Any = SharedPrefixCollator(reader.collate)
    if stop_at is not None:
        collate = StopAt(collate, stop_at, kill=False)
    groups = group_examples(EXAMPLES, 2)
    return reader.model, train(reader.model, groups, collate, SETTINGS, output_folder=folder, progress=False)


def weights(model: torch.nn.Module) -> str:
    return fingerprint(*(whole(value).numpy() for value in model.parameters()))


def main(what: str, folder: Path) -> dict[str, Any]:
    """Do it; return what the test compares."""
    if what == "killed":
        # In step 4, after the checkpoint of step 2: validation comes in between.
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
    try:
        sharded_run(folder / "sharded", stop_at=7)
    except Stop:
        stopped = True
    resumed, report = sharded_run(folder / "sharded")
    uninterrupted, _ = sharded_run(folder / "sharded-whole")
    name, value = next(iter(uninterrupted.named_parameters()))
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
    }


if __name__ == "__main__":
    torch.set_num_threads(1)
    output = Path(sys.argv[2])
    result = main(sys.argv[1], output)
    (output / f"{sys.argv[1]}-{os.environ['RANK']}.json").write_text(json.dumps(result))
    torch.distributed.destroy_process_group()
