"""Counted operations against the formula and against whole runs; memory against what is known."""

from __future__ import annotations

from collections.abc import Callable
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
from ecgbyte.training.cost import batch_size_of, count_flops, count_step_flops, run_flops, spread_over_sizes
from ecgbyte.training.examples import Example
from ecgbyte.training.packing import PackedCollator
from ecgbyte.training.shared_prefix import SharedPrefixCollator, group_examples
from tests.training.flops_formula import formula_step_flops


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


def test_keys_and_values_with_fewer_heads_count_as_if_repeated() -> None:
    query, shared = torch.randn(2, 6, 5, 8, requires_grad=True), torch.randn(2, 3, 7, 8, requires_grad=True)
    attend = torch.nn.functional.scaled_dot_product_attention

    def step() -> None:
        attend(query, shared, shared, enable_gqa=True).sum().backward()

    # Two products forward, five backward, of six heads.
    assert count_flops(step) == 7 * 2 * (2 * 6) * 5 * 7 * 8


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
