"""Checks of settings' values, with messages that name the setting."""

from __future__ import annotations

import math
from typing import Any


def at_least(settings: Any, section: str, lowest: int, *names: str) -> None:
    """Raise ValueError if one of these settings of a section is below `lowest`."""
    for name in names:
        value = getattr(settings, name)
        if value < lowest:
            raise ValueError(f"{section}.{name}: got {value}, expected {lowest} or more")


def positive(settings: Any, section: str, name: str) -> None:
    """Raise ValueError if a setting is no positive number."""
    value = getattr(settings, name)
    if not (math.isfinite(value) and value > 0):
        raise ValueError(f"{section}.{name}: got {value}, expected a positive number")


def without_repeats(setting: str, values: tuple[Any, ...]) -> None:
    """Raise ValueError if a list holds a value twice."""
    if len(set(values)) < len(values):
        raise ValueError(f"{setting}: got {list(values)}, expected none twice")


def check_seeds(setting: str, seeds: tuple[int, ...]) -> None:
    """Raise ValueError if there is no seed, one twice, or one below 0."""
    without_repeats(setting, seeds)
    if not seeds or min(seeds) < 0:
        raise ValueError(f"{setting}: got {list(seeds)}, expected one at least, and none below 0")
