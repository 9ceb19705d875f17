"""Counted operations against the formula and against whole runs; memory and energy against what is known."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch

from ecgbyte.models.encoders.merl import build_merl
from ecgbyte.models.end_to_end import LoraSettings
from ecgbyte.models.language.text_tokenizer import train_text_tokenizer
from ecgbyte.training.batches import plan_epoch
from ecgbyte.training.collate import Collator
from ecgbyte.training.contrastive import ContrastiveCollator, ContrastiveExample
from ecgbyte.training.cost import batch_size_of, count_step_flops, formula_step_flops, run_flops, spread_over_sizes
from ecgbyte.training.energy import EnergyMeter, total_joules
from ecgbyte.training.examples import Example
from ecgbyte.training.packing import PackedCollator
from ecgbyte.training.shared_prefix import SharedPrefixCollator, group_examples


def batches_of(reader: Any, examples: list[Example]) -> dict[str, dict[str, torch.Tensor]]:
    wide = Collator(reader.token_map, reader.text_tokenizer, max_length=128, answer_room=40, pad_to=128)
    return {
        "1024": wide(examples),
        "none": reader.collate(examples),
        "packed": PackedCollator(reader.collate)(examples),
        "shared": SharedPrefixCollator(reader.collate)(group_examples(examples, 4)),
    }


def test_a_matrix_product_is_counted_by_hand() -> None:
    class Squares(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.layer = torch.nn.Linear(3, 5)

        def forward(self, signal: torch.Tensor) -> Any:
            return SimpleNamespace(loss=self.layer(signal).square().sum())

    # Forward and the gradient of the weights; the input needs none. 2 * 7 * 3 * 5 each.
    assert count_step_flops(Squares(), {"signal": torch.ones(7, 3)}) == 2 * 210


@pytest.mark.parametrize("training", ["full", "lora"])
def test_the_formula_counts_what_torch_counts(
    training: str, make_reader: Callable[..., Any], examples: list[Example]
) -> None:
    options = {} if training == "full" else {"lora": LoraSettings(dropout=0.0), "train_embeddings": True}
    reader = make_reader(training=training, **options)
    for name, batch in batches_of(reader, examples).items():
        counted, formula = count_step_flops(reader.model, batch), formula_step_flops(reader.model, batch)
        assert formula == pytest.approx(counted, rel=0.001 if training == "full" else 0.05), name


def test_counting_leaves_the_model_as_it_was(reader: Any, examples: list[Example]) -> None:
    batch = reader.collate(examples)
    reader.model.eval()
    before = {name: value.clone() for name, value in reader.model.state_dict().items()}
    some = next(reader.model.parameters())
    some.grad = torch.full_like(some, 2.0)
    torch.manual_seed(3)
    expected = torch.rand(1)
    torch.manual_seed(3)
    count_step_flops(reader.model, batch)
    assert torch.equal(torch.rand(1), expected)
    assert not any(module.training for module in reader.model.modules())
    assert all(torch.equal(value, before[name]) for name, value in reader.model.state_dict().items())
    assert some.grad is not None and bool((some.grad == 2.0).all())
    assert all(value.grad is None for value in reader.model.parameters() if value is not some)


@pytest.mark.parametrize("layout", ["none", "packed", "shared"])
def test_a_run_is_totalled_from_some_of_its_steps(layout: str, reader: Any) -> None:
    generator = np.random.default_rng(0)
    examples = [
        Example(f"s{n}", f"r{n // 2}", "p", "Is the rhythm regular?", "yes", np.zeros(length, np.int32))
        for n, length in enumerate(generator.integers(10, 70, 80).repeat(2))
    ]
    items: list[Any] = group_examples(examples, 4) if layout == "shared" else examples
    kinds = {"none": lambda c: c, "packed": PackedCollator, "shared": SharedPrefixCollator}
    collate = kinds[layout](reader.collate)
    lengths = np.array([collate.length(item) for item in items])
    steps = plan_epoch(len(items), 8, seed=0, epoch=0, lengths=lengths)
    batches = [collate([items[index] for index in step]) for step in steps]
    whole = sum(count_step_flops(reader.model, batch) for batch in batches)
    padded_positions = sum(batch_size_of(batch) for batch in batches)
    some = [batches[index] for index in spread_over_sizes([batch_size_of(batch) for batch in batches], 4)]
    assert len(some) < len(batches) / 2
    assert run_flops(reader.model, some, padded_positions) == pytest.approx(whole, rel=0.03)
    assert run_flops(reader.model, batches, padded_positions) == whole


def test_sharing_packing_and_no_padding_each_save_operations(reader: Any, examples: list[Example]) -> None:
    twice = examples + [
        Example(f"{one.sample_id}-b", one.record_id, one.patient_id, "Is it so?", "no", one.ecg) for one in examples
    ]
    counted = {name: count_step_flops(reader.model, batch) for name, batch in batches_of(reader, twice).items()}
    assert counted["shared"] < counted["packed"] < counted["none"] < counted["1024"]


def test_stage_one_is_counted_and_its_batch_statistics_are_kept() -> None:
    generator = np.random.default_rng(0)
    reports = ["sinus rhythm", "atrial fibrillation", "left axis"]
    examples = [
        ContrastiveExample(f"r{n}", generator.normal(size=(12, 100)).astype(np.float32), report)
        for n, report in enumerate(reports)
    ]
    model = build_merl(
        seed=0, architecture="tiny", text_encoder="tiny", tokenizer=train_text_tokenizer(reports, vocabulary_size=300)
    )
    collate = ContrastiveCollator(model.text_encoder, examples)
    before = {name: value.clone() for name, value in model.named_buffers()}
    two, three = (count_step_flops(model, collate(examples[:size])) for size in (2, 3))
    assert two > 0 and batch_size_of(collate(examples)) == 3
    assert three == pytest.approx(1.5 * two, rel=0.1)
    assert run_flops(model, [collate(examples)], 30) == 10 * three
    assert all(torch.equal(value, before[name]) for name, value in model.named_buffers())


def test_items_are_drawn_over_their_sizes() -> None:
    assert spread_over_sizes([30, 10, 20, 40], 2) == [2, 3]
    assert spread_over_sizes([5, 5, 5], 3) == [0, 1, 2]
    assert sorted(spread_over_sizes(np.arange(10), 20)) == list(range(10))
    with pytest.raises(ValueError, match="sizes, number: expected items and a positive number, got 0 and 2"):
        spread_over_sizes([], 2)


def test_totals_of_nothing_are_refused(reader: Any, examples: list[Example]) -> None:
    with pytest.raises(ValueError, match="batches: expected one at least, got none"):
        run_flops(reader.model, [], 10)
    with pytest.raises(ValueError, match="total: expected a number of positions or samples, got -1"):
        run_flops(reader.model, [reader.collate(examples)], -1)


def add_zone(folder: Path, zone: str, name: str, microjoules: int, highest: int = 999_999) -> Path:
    (folder / zone).mkdir(parents=True)
    (folder / zone / "name").write_text(f"{name}\n")
    (folder / zone / "max_energy_range_uj").write_text(f"{highest}\n")
    (folder / zone / "energy_uj").write_text(f"{microjoules}\n")
    return folder / zone / "energy_uj"


def test_energy_is_summed_over_packages_and_memory_and_wraps_around(tmp_path: Path) -> None:
    package = add_zone(tmp_path, "intel-rapl:0", "package-0", 100_000)
    memory = add_zone(tmp_path, "intel-rapl:0:1", "dram", 900_000)
    add_zone(tmp_path, "intel-rapl:0:0", "core", 5)
    add_zone(tmp_path, "intel-rapl:1", "psys", 5)
    with EnergyMeter("cpu", powercap=tmp_path) as meter:
        package.write_text("350000\n")
        memory.write_text("100000\n")
    assert meter.parts == pytest.approx({"RAPL package-0": 0.25, "RAPL dram 0": 0.2})
    assert meter.joules == pytest.approx(0.45)
    assert meter.reason is None


def test_a_counter_that_wraps_twice_is_read_often_enough(tmp_path: Path) -> None:
    package = add_zone(tmp_path, "intel-rapl:0", "package-0", 0)
    with EnergyMeter("cpu", powercap=tmp_path, interval=0.005) as meter:
        for value in (600_000, 200_000, 800_000, 400_000):
            package.with_name("new").write_text(f"{value}\n")
            package.with_name("new").replace(package)
            time.sleep(0.1)
    assert meter.joules == pytest.approx(2.4)


def test_energy_that_cannot_be_read_is_none_with_the_reason(tmp_path: Path) -> None:
    with EnergyMeter("cpu", powercap=tmp_path / "missing") as meter:
        pass
    assert meter.joules is None and meter.reason is not None and "no processor package" in meter.reason
    first = add_zone(tmp_path, "intel-rapl:0", "package-0", 0)
    unreadable = add_zone(tmp_path, "intel-rapl:1", "package-1", 0)
    unreadable.unlink()
    with EnergyMeter("cpu", powercap=tmp_path) as meter:
        first.write_text("500\n")
    # One package of two would look like a small sum.
    assert meter.joules is None and meter.reason is not None and "intel-rapl:1: No such file" in meter.reason


class FakeNvml:
    class NVMLError(Exception):
        pass

    def __init__(self, millijoules: list[int]) -> None:
        self.millijoules = millijoules

    def nvmlInit(self) -> None:
        if not self.millijoules:
            raise self.NVMLError("Driver Not Loaded")

    def nvmlDeviceGetHandleByIndex(self, index: int) -> int:
        return index

    def nvmlDeviceGetTotalEnergyConsumption(self, handle: int) -> int:
        return self.millijoules.pop(0)


@pytest.mark.skipif(torch.cuda.is_available(), reason="the GPU's own identifier would be looked up")
def test_energy_of_a_gpu_is_read_through_nvml(tmp_path: Path) -> None:
    with EnergyMeter("cuda:1", powercap=tmp_path, nvml=FakeNvml([1000, 4500])) as meter:
        pass
    assert meter.parts == {"NVML 1": 3.5} and meter.joules == 3.5
    assert meter.reason is not None and "RAPL" in meter.reason
    with EnergyMeter("cuda", powercap=tmp_path, nvml=FakeNvml([])) as broken:
        pass
    assert broken.joules is None and broken.reason is not None and "Driver Not Loaded" in broken.reason
    assert total_joules([meter, broken]) is None
    assert total_joules([meter, meter]) == 7.0
