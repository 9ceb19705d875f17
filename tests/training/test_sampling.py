"""Sampled answers: drawn from the model's probabilities, by sample and seed, whatever stands beside them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch

from ecgbyte.training.examples import Example
from ecgbyte.training.generation import generate_answers
from ecgbyte.training.sampling import _Draws, sample_answers


def test_near_zero_temperature_the_answers_are_greedy(make_reader: Callable[..., Any], examples: list[Example]) -> None:
    reader = make_reader()
    arguments = (reader.model, examples, reader.collate)
    greedy = generate_answers(*arguments, max_new_tokens=6, progress=False)
    assert sample_answers(*arguments, temperature=1e-6, seed=3, max_new_tokens=6, progress=False) == greedy


def test_draws_depend_on_sample_and_seed_alone(make_reader: Callable[..., Any], examples: list[Example]) -> None:
    reader = make_reader()

    def sample(seed: int, batch_size: int, items: list[Example]) -> list[str]:
        found = sample_answers(
            reader.model,
            items,
            reader.collate,
            temperature=1.0,
            seed=seed,
            max_new_tokens=6,
            batch_size=batch_size,
            progress=False,
        )
        assert [answer.sample_id for answer in found] == [example.sample_id for example in items]
        return [answer.answer for answer in found]

    first = sample(0, 4, examples)
    assert sample(0, 1, examples) == first and sample(0, 4, examples[::-1]) == first[::-1]
    assert sum(one != other for one, other in zip(first, sample(1, 4, examples), strict=True)) > len(examples) // 2
    with pytest.raises(ValueError, match="temperature: expected a positive number, got 0"):
        sample_answers(reader.model, examples, reader.collate, temperature=0, seed=0, progress=False)


@pytest.mark.parametrize("temperature", [0.5, 2.0])
def test_tokens_come_as_often_as_their_probabilities_say(temperature: float) -> None:
    logits = torch.tensor([[0.0, 1.0, -torch.inf, 2.0]]).expand(4000, -1)
    draws = _Draws([str(number) for number in range(4000)], temperature, seed=0)
    tokens = draws(logits, torch.arange(4000)).numpy()
    wanted = torch.softmax(logits[0] / temperature, dim=0).numpy()
    np.testing.assert_allclose(np.bincount(tokens, minlength=4) / 4000, wanted, atol=0.03)
    # A row that has ended takes no draw from the others.
    again, fewer = (_Draws(["a", "b"], temperature, seed=5) for _ in range(2))
    both = [again(logits[:2], torch.arange(2))[1].item() for _ in range(20)]
    alone = [fewer(logits[:1], torch.tensor([1]))[0].item() for _ in range(20)]
    assert both == alone
