"""``losses.json``, read and checked."""

from __future__ import annotations

import json
import math
from pathlib import Path

import pytest

from experiments.rows.losses import read_curves


def test_curves_may_have_seeds_and_validation(tmp_path: Path) -> None:
    path = tmp_path / "losses.json"
    curve = {"method": "merl", "stage": "stage-2", "losses": [1.0], "seed": 3, "validation": [[1, 0.5, 2.0]]}
    path.write_text(json.dumps([curve]))
    (read,) = read_curves(path)
    assert read.seed == 3 and read.validation.tolist() == [[1.0, 0.5, 2.0]]
    path.write_text(json.dumps([{**curve, "validation": [[1, 2.0]]}]))
    with pytest.raises(ValueError, match=r"validation as \[step, seconds, loss\]"):
        read_curves(path)


def test_bad_losses_are_refused(tmp_path: Path) -> None:
    losses = tmp_path / "losses.json"
    with pytest.raises(FileNotFoundError, match=r"losses\.json"):
        read_curves(losses)
    for content, message in (
        ({"merl": [1.0]}, "got dict, expected a list"),
        ([{"method": "merl", "losses": [1.0]}], "curve 0: expected an object"),
        ([{"method": "merl", "stage": "stage-1", "losses": [1.0, math.nan]}], r"curve 0 \(merl\)"),
    ):
        losses.write_text(json.dumps(content))
        with pytest.raises(ValueError, match=message):
            read_curves(losses)
