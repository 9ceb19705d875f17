"""Kill training again and again: ``python -m tests.training.killed_runs FOLDER SEED``, from `test_kill`.

One process imports torch and forks; its children train, and are killed by the system's SIGKILL, which no handler sees.
"""

from __future__ import annotations

import hashlib
import json
import random
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace

import torch

from ecgbyte.training.loop import TrainingSettings, train
from tests.faults.moments import in_child

SETTINGS = TrainingSettings(max_steps=8, batch_size=2, gradient_accumulation=2, checkpoint_every=1, seed=5)


@dataclass(frozen=True)
class Point:
    record_id: str
    value: float


class Network(torch.nn.Module):
    """With dropout and running means, so that every kind of state matters."""

    def __init__(self) -> None:
        super().__init__()
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(1)
            self.layers = torch.nn.Sequential(
                torch.nn.Linear(1, 8), torch.nn.BatchNorm1d(8), torch.nn.Dropout(0.5), torch.nn.Linear(8, 1)
            )

    def forward(self, values: torch.Tensor) -> SimpleNamespace:
        return SimpleNamespace(loss=((self.layers(values[:, None])[:, 0] - values.cos()) ** 2).mean())


def collate(points: list[Point]) -> dict[str, torch.Tensor]:
    return {"values": torch.tensor([point.value for point in points])}


def run(folder: Path) -> None:
    points = [Point(str(index), index / 7) for index in range(20)]
    train(Network(), points, collate, SETTINGS, output_folder=folder, validation=points[:5], progress=False)


def state(folder: Path) -> dict[str, object]:
    report = json.loads((folder / "training.json").read_text())["report"]
    return {
        "files": sorted(path.name for path in folder.iterdir()),
        "weights": hashlib.sha256((folder / "model.safetensors").read_bytes()).hexdigest(),
        "losses": report["losses"],
        "validation": [(point["step"], point["loss"]) for point in report["validation"]],
    }


def main(folder: Path, seed: int) -> dict[str, object]:
    generator = random.Random(seed)
    # Imports much, once instead of in every child.
    torch.optim.AdamW(Network().parameters())
    started = time.perf_counter()
    in_child(lambda: run(folder / "whole"))
    whole = time.perf_counter() - started
    kills = {"time": 0, "write": 0}
    # At random times, until the run ends; ever later, so that it does.
    attempts = 0
    while not in_child(lambda: run(folder / "time"), seconds=generator.uniform(0.1, 0.9) * whole * (1 + attempts / 6)):
        kills["time"] += 1
        attempts += 1
    # At random changes of files: a checkpoint makes more than ten of them.
    while not in_child(lambda: run(folder / "write"), calls=generator.randrange(1, 40)):
        kills["write"] += 1
    return {"kills": kills, **{name: state(folder / name) for name in ("whole", "time", "write")}}


if __name__ == "__main__":
    torch.set_num_threads(1)
    print(json.dumps(main(Path(sys.argv[1]), int(sys.argv[2]))))
