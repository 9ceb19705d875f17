"""Entries name the code that they lead to as ``module:name``, which is loaded when it is used: lists stay light."""

from __future__ import annotations

import importlib
from typing import Any


def module_of(place: str) -> str:
    """The module of ``module:name``."""
    return place.partition(":")[0]


def load(place: str, what: str) -> Any:
    """What stands at ``module:name``.

    Parameters
    ----------
    place : str
        Such as ``"ecgbyte.data.sets.ptbxl:PTBXL"``.
    what : str
        What messages call it, such as the setting that named it.

    Raises
    ------
    ValueError
        If it is not of that form, or there is no such module or name. What goes wrong inside the module is raised as
        it is.
    """
    module, sign, name = place.partition(":")
    if not sign or not module or not name:
        raise ValueError(f"{what}: got {place!r}, expected 'module:name'")
    try:
        found = importlib.import_module(module)
    except ModuleNotFoundError as error:
        if error.name is None or not f"{module}.".startswith(f"{error.name}."):
            raise
        raise ValueError(f"{what}: {place!r} names no module that can be imported here ({error})") from error
    if not hasattr(found, name):
        raise ValueError(f"{what}: the module {module!r} has no {name!r}")
    return getattr(found, name)
