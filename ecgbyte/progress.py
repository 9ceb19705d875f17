"""Progress bars: on a terminal only, so that log files are not filled with them."""

from __future__ import annotations

import operator
import sys
from collections.abc import Iterable
from typing import Any


def progress_bar(
    items: Iterable[Any] | None,
    description: str,
    unit: str,
    *,
    total: int | None = None,
    initial: int = 0,
    shown: bool = True,
) -> Any:
    """A bar on standard error, or the same without a bar where that is no terminal.

    Parameters
    ----------
    items : iterable or None
        What to go through; None where the caller says how far it is.
    description, unit : str
        What is done, and of what.
    total : int, optional
        How many; asked of `items` where not given.
    initial : int
        How many were done before, by a run that goes on.
    shown : bool
        False: no bar, wherever standard error goes.

    Returns
    -------
    tqdm
    """
    from tqdm import tqdm

    if total is None and items is not None:
        total = operator.length_hint(items, 0) or None
    # None: only where the file is no terminal.
    return tqdm(
        items,
        desc=description,
        total=total,
        initial=initial,
        unit=unit,
        file=sys.stderr,
        disable=None if shown else True,
    )
