"""Learning rates as closed formulas of the number of the optimiser's step."""

from __future__ import annotations

import math

from ecgbyte.checks import check_option

SCHEDULES = ("cosine", "noam", "constant")


def learning_rate_at(step: int, *, schedule: str, peak: float, warmup_steps: int, total_steps: int) -> float:
    """Return the learning rate of one step of the optimiser.

    The first ``warmup_steps`` steps rise in a line, ``peak * step / warmup_steps``. After them,

    - ``"constant"`` stays at `peak`;
    - ``"cosine"`` falls as ``peak * (1 + cos(pi * (step - 1 - warmup) / (total - warmup))) / 2``;
    - ``"noam"`` falls as ``peak * sqrt(warmup / step)`` (Vaswani et al. 2017, section 5.3, with the peak given
      outright in place of the model's width; https://arxiv.org/abs/1706.03762).

    Parameters
    ----------
    step : int
        Counts optimiser steps from 1; micro-batches of gradient accumulation do not count.
    schedule : "cosine", "noam" or "constant"
    peak : float
        The highest learning rate.
    warmup_steps, total_steps : int

    Returns
    -------
    float
    """
    check_option("schedule", schedule, SCHEDULES)
    if step <= warmup_steps:
        return peak * step / warmup_steps
    if schedule == "constant":
        return peak
    if schedule == "noam":
        return peak * math.sqrt(warmup_steps / step)
    return peak * 0.5 * (1.0 + math.cos(math.pi * (step - 1 - warmup_steps) / max(1, total_steps - warmup_steps)))
