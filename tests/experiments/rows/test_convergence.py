"""The declared check of convergence, on made-up trainings and answers."""

from __future__ import annotations

from typing import Any

import pytest

from experiments.profiles.methods import METHODS
from experiments.rows.convergence import change_at_end, has_converged


def report(scores: dict[int, float], steps: int = 1000) -> dict[str, Any]:
    return {"steps": steps, "validation": [{"step": step, "score": score} for step, score in scores.items()]}


@pytest.mark.parametrize(
    ("scores", "change"),
    [
        ({0: 10, 800: 60, 850: 70, 900: 72, 950: 74, 1000: 76}, 75 - 71),
        ({0: 10, 500: 60, 1000: 61}, 1),
        ({0: 10, 850: 70, 950: 60, 1000: 64}, -8),
    ],
)
def test_the_last_tenth_is_held_against_the_tenth_before(scores: dict[int, float], change: float) -> None:
    assert change_at_end(report(scores)) == pytest.approx(change)


def test_without_scores_nothing_is_known() -> None:
    assert change_at_end({"steps": 10, "validation": [{"step": 0, "loss": 1.0}]}) is None
    assert change_at_end(report({})) is None


@pytest.mark.parametrize(
    ("method", "measures", "converged"),
    [
        ("ecg-byte", {"flat-at-end": 0.5, "polarity-lowest": 0.7, "token-counts-gap": -0.01}, True),
        ("ecg-byte", {"flat-at-end": 1.5, "polarity-lowest": 0.7, "token-counts-gap": 0.1}, False),
        ("ecg-byte", {"flat-at-end": 0.0, "polarity-lowest": 0.3, "token-counts-gap": 0.1}, False),
        ("ecg-byte", {"flat-at-end": 0.0, "polarity-lowest": 0.7, "token-counts-gap": -0.1}, False),
        ("merl", {"flat-at-end": 0.0, "polarity-lowest": 0.7, "token-counts-gap": -0.1}, True),
        ("text-only", {"flat-at-end": -3.0, "polarity-lowest": 0.4}, True),
    ],
)
def test_each_part_of_the_check_counts_where_it_applies(
    method: str, measures: dict[str, float], converged: bool
) -> None:
    assert has_converged(METHODS[method], measures) is converged
