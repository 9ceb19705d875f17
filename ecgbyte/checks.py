"""Checks of arguments: a name out of a list, a whole number, a number. Each names the argument and what was given."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

MAX_THREADS = 1024
"""More are no use: they are a slip of the pen, and so many threads may not be had."""


def check_option(argument: str, value: str, allowed: Sequence[str]) -> str:
    """Return `value` if it is one of `allowed`.

    Parameters
    ----------
    argument : str
        The name of the argument, for the message.
    value : str
        What was given.
    allowed : sequence of str
        What may be given.

    Raises
    ------
    ValueError
        If `value` is not in `allowed`; the message names all three.
    """
    if value not in allowed:
        raise ValueError(f"{argument}: got {value!r}, expected one of {', '.join(map(repr, allowed))}")
    return value


def whole_number(argument: str, value: object, *, minimum: int, maximum: int | None = None) -> int:
    """Return `value` as an int if it is a whole number within the bounds, both included.

    Raises
    ------
    TypeError
        If it is no int (a bool is none).
    ValueError
        If it is out of bounds.
    """
    if isinstance(value, bool) or not isinstance(value, (int, np.integer)):
        raise TypeError(f"{argument}: expected a whole number, got {type(value).__name__} {value!r}")
    if value < minimum or (maximum is not None and value > maximum):
        bounds = f"at least {minimum}" if maximum is None else f"{minimum} to {maximum}"
        raise ValueError(f"{argument}: got {value}, expected {bounds}")
    return int(value)


def finite_number(
    argument: str, value: object, *, minimum: float = -math.inf, maximum: float = math.inf, unit: str = ""
) -> float:
    """Return `value` as a float if it is a finite number within the bounds, both included.

    Parameters
    ----------
    argument : str
        The name of the argument, for the message.
    value : object
        What was given.
    minimum, maximum : float
        The bounds; without them any finite number will do.
    unit : str
        What stands after "number" in the message: ``"in Hz"``.

    Raises
    ------
    TypeError
        If it is no number (a bool is none).
    ValueError
        If it is not finite, or out of bounds.
    """
    converted = _as_float(argument, value, unit)
    if not (math.isfinite(converted) and minimum <= converted <= maximum):
        if maximum < math.inf:
            expected = _with_unit(f"{minimum:g} to {maximum:g}", unit)
        elif minimum > -math.inf:
            expected = f"{_with_unit('a finite number', unit)} of {minimum:g} at least"
        else:
            expected = _with_unit("a finite number", unit)
        raise ValueError(f"{argument}: got {value}, expected {expected}")
    return converted


def positive_number(argument: str, value: object, *, unit: str = "") -> float:
    """Return `value` as a float if it is a positive, finite number; `unit` as for `finite_number`.

    Raises
    ------
    TypeError
        If it is no number (a bool is none).
    ValueError
        If it is not positive or not finite.
    """
    converted = _as_float(argument, value, unit)
    if not math.isfinite(converted) or converted <= 0:
        raise ValueError(f"{argument}: got {value}, expected {_with_unit('a positive, finite number', unit)}")
    return converted


def check_num_threads(num_threads: object) -> int:
    """Return `num_threads` as an int if it is 1 to MAX_THREADS, else raise as `whole_number` does."""
    return whole_number("num_threads", num_threads, minimum=1, maximum=MAX_THREADS)


def _as_float(argument: str, value: object, unit: str) -> float:
    expected = _with_unit("a number", unit)
    if isinstance(value, bool) or not isinstance(value, (int, float, np.integer, np.floating)):
        raise TypeError(f"{argument}: expected {expected}, got {type(value).__name__} {value!r}")
    try:
        return float(value)
    except OverflowError as error:  # an int beyond the largest float
        raise ValueError(f"{argument}: is too large, expected {expected} that is finite") from error


def _with_unit(words: str, unit: str) -> str:
    return f"{words} {unit}" if unit else words
