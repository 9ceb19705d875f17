"""Batches prepared in a second thread: the same order and bits, errors where they are due, waiting measured."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest
import torch

from ecgbyte.models.end_to_end import LoraSettings
from ecgbyte.training.examples import Example
from ecgbyte.training.loop import TrainingSettings, train
from ecgbyte.training.prefetch import Preparation

SETTINGS = TrainingSettings(epochs=3, batch_size=2, gradient_accumulation=2, seed=3)


@pytest.mark.parametrize("depth", [0, 1, 3, 20])
def test_results_come_in_order_from_one_thread(depth: int) -> None:
    threads = set()

    def square(value: int) -> int:
        threads.add(threading.get_ident())
        return value * value

    with Preparation(depth) as preparation:
        assert list(preparation.of(square, range(9))) == [value * value for value in range(9)]
        assert list(preparation.of(square, [])) == []
    assert len(threads) == 1 and (threading.get_ident() in threads) == (depth == 0)


def test_no_more_is_prepared_than_was_asked_for() -> None:
    begun: list[int] = []

    def items() -> Iterator[int]:
        for value in range(10):
            begun.append(value)
            yield value

    with Preparation(2) as preparation:
        prepared = preparation.of(lambda value: value, items())
        assert [next(prepared), next(prepared)] == [0, 1]
        assert begun == [0, 1, 2, 3]


def test_preparing_goes_on_while_its_user_is_busy() -> None:
    second = threading.Event()

    def prepare(value: int) -> int:
        if value == 1:
            second.set()
        return value

    with Preparation(1) as preparation:
        prepared = preparation.of(prepare, range(3))
        assert next(prepared) == 0
        assert second.wait(60), "the second item was not prepared while nobody asked for it"
        assert list(prepared) == [1, 2]


@pytest.mark.parametrize("depth", [0, 1, 3])
@pytest.mark.parametrize("error", [ValueError("bad record"), KeyboardInterrupt()])
def test_an_error_is_raised_where_its_result_is_due(depth: int, error: BaseException) -> None:
    def prepare(value: int) -> int:
        if value == 2:
            raise error
        return value

    found = []
    with pytest.raises(type(error)), Preparation(depth) as preparation:
        for value in preparation.of(prepare, range(9)):
            found.append(value)
    assert found == [0, 1]


def test_an_interruption_ends_the_thread() -> None:
    before = threading.active_count()
    with pytest.raises(KeyboardInterrupt), Preparation(2) as preparation:
        for _ in preparation.of(lambda value: value, range(1000)):
            raise KeyboardInterrupt
    assert threading.active_count() == before


def test_a_collate_function_that_draws_random_numbers_is_refused(reader: Any, examples: list[Example]) -> None:
    def noisy(items: list[Example]) -> dict[str, torch.Tensor]:
        torch.rand(1)
        batch: dict[str, torch.Tensor] = reader.collate(items)
        return batch

    with pytest.raises(ValueError, match="prefetch: the collate function draws torch's random numbers"):
        train(reader.model, examples, noisy, replace(SETTINGS, prefetch=1), progress=False)
    train(reader.model, examples, noisy, replace(SETTINGS, prefetch=0, max_steps=1, epochs=None), progress=False)


def test_weights_are_the_same_bits_at_any_depth(make_reader: Callable[..., Any], examples: list[Example]) -> None:
    runs = []
    for depth in (None, 0, 1, 4):
        reader = make_reader(training="lora", lora=LoraSettings(rank=4, dropout=0.4), train_embeddings=True)
        settings = replace(SETTINGS, prefetch=depth)
        report = train(reader.model, examples, reader.collate, settings, validation=examples[:3], progress=False)
        runs.append((list(reader.model.parameters()), report.losses, [p["loss"] for p in report.validation]))
    for weights, losses, validation in runs[1:]:
        assert all(torch.equal(first, second) for first, second in zip(runs[0][0], weights, strict=True))
        assert (losses, validation) == runs[0][1:]


def test_waiting_for_batches_is_told_apart_from_computing(reader: Any, examples: list[Example]) -> None:
    def slow(items: list[Example]) -> dict[str, torch.Tensor]:
        time.sleep(0.02)
        batch: dict[str, torch.Tensor] = reader.collate(items)
        return batch

    settings = replace(SETTINGS, epochs=None, max_steps=6, prefetch=0)
    report = train(reader.model, examples, slow, settings, progress=False)
    assert 6 * 2 * 0.02 <= report.data_wait_seconds < report.seconds


@pytest.mark.parametrize("value", [-1, 1.5, "1"])
def test_a_bad_depth_is_refused(value: Any) -> None:
    with pytest.raises(ValueError, match="prefetch: expected an integer of 0 at least, or None"):
        TrainingSettings(max_steps=1, prefetch=value)
