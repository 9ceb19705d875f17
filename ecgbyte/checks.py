"""The one check for options that are chosen by name."""

from __future__ import annotations

from collections.abc import Sequence


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
