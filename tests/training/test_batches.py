"""The order of the examples: a function of seed and epoch."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ecgbyte.training.batches import plan_epoch


@given(st.integers(1, 300), st.integers(1, 9), st.booleans(), st.booleans(), st.integers(0, 3))
@settings(deadline=None, max_examples=60)
def test_every_example_stands_in_one_step(count: int, per_step: int, grouped: bool, drop: bool, epoch: int) -> None:
    lengths = np.random.default_rng(0).integers(1, 50, count) if grouped else None
    steps = plan_epoch(count, per_step, seed=1, epoch=epoch, lengths=lengths, drop_incomplete=drop)
    flat = np.concatenate([np.empty(0, np.int64), *steps])
    expected = count - count % per_step if drop else count
    assert len(flat) == len(np.unique(flat)) == expected
    assert len(steps) == -(-expected // per_step)
    assert all(len(step) <= per_step for step in steps)
    again = plan_epoch(count, per_step, seed=1, epoch=epoch, lengths=lengths, drop_incomplete=drop)
    assert all(np.array_equal(first, second) for first, second in zip(steps, again, strict=True))


@pytest.mark.parametrize("other", [{"seed": 2, "epoch": 0}, {"seed": 1, "epoch": 1}])
def test_seed_and_epoch_change_the_order(other: dict[str, int]) -> None:
    first = np.concatenate(plan_epoch(100, 8, seed=1, epoch=0))
    assert not np.array_equal(first, np.concatenate(plan_epoch(100, 8, **other)))
    assert not np.array_equal(first, np.arange(100))


def test_grouping_puts_similar_lengths_together() -> None:
    lengths = np.random.default_rng(0).integers(1, 1000, 400)

    def padding(steps: list[np.ndarray]) -> int:
        return sum(int((lengths[step].max() - lengths[step]).sum()) for step in steps)

    grouped = plan_epoch(400, 8, seed=0, epoch=0, lengths=lengths)
    assert padding(grouped) < padding(plan_epoch(400, 8, seed=0, epoch=0)) / 5
    longest = [int(lengths[step].max()) for step in grouped]
    assert longest != sorted(longest) and longest != sorted(longest, reverse=True)
