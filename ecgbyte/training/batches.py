"""Which examples go into which step: a function of the seed and the epoch alone, so that a run can be resumed."""

from __future__ import annotations

import numpy as np

# Sorting by length happens within so many steps' worth of shuffled examples, which keeps the order random enough.
_STEPS_PER_BUFFER = 50


def plan_epoch(
    num_examples: int,
    per_step: int,
    *,
    seed: int,
    epoch: int,
    lengths: np.ndarray | None = None,
    drop_incomplete: bool = False,
) -> list[np.ndarray]:
    """Return the examples of every step of one epoch.

    Parameters
    ----------
    num_examples : int
    per_step : int
        Examples per step of the optimiser; the last step may have fewer.
    seed, epoch : int
        Decide the order.
    lengths : int array [num_examples] or None
        Where given, steps hold examples of similar length, longest first within the step, and come in random order.
    drop_incomplete : bool
        Leave out a last step with fewer examples.

    Returns
    -------
    list of int64 arrays
        Indices of examples; each example stands in one step, or in none if it was dropped.
    """
    generator = np.random.default_rng([seed, epoch])
    order = generator.permutation(num_examples)
    if drop_incomplete:
        order = order[: num_examples - num_examples % per_step]
    if lengths is None:
        return [order[first : first + per_step] for first in range(0, len(order), per_step)]
    steps: list[np.ndarray] = []
    buffer_size = per_step * _STEPS_PER_BUFFER
    for first in range(0, len(order), buffer_size):
        buffer = order[first : first + buffer_size]
        buffer = buffer[np.argsort(-lengths[buffer], kind="stable")]
        steps += [buffer[start : start + per_step] for start in range(0, len(buffer), per_step)]
    return [steps[index] for index in generator.permutation(len(steps))]
