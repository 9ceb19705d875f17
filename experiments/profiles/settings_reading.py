"""From TOML to settings: dataclasses built and checked, and single settings changed by name."""

from __future__ import annotations

import dataclasses
import tomllib
import typing
from typing import Any, TypeVar

Settings = TypeVar("Settings")


def build_settings(kind: type, values: Any, where: str) -> Any:
    """A dataclass from a TOML table: unknown keys, missing keys and wrong types are errors that name their place.

    Parameters
    ----------
    kind : type
        A dataclass whose fields are plain values, tuples of strings or integers, or such dataclasses.
    values : dict
        The table.
    where : str
        What messages call it.

    Raises
    ------
    ValueError
        If a setting is unknown, missing or of the wrong type.
    """
    if not isinstance(values, dict):
        raise ValueError(f"{where}: expected a table, got {type(values).__name__}")
    hints = typing.get_type_hints(kind)
    fields = {field.name: field for field in dataclasses.fields(kind)}
    unknown = sorted(set(values) - set(fields))
    if unknown:
        raise ValueError(f"{where}: unknown setting {unknown[0]!r}, expected one of {', '.join(sorted(fields))}")
    arguments = {}
    for name, entry in fields.items():
        if name in values:
            arguments[name] = _value(hints[name], values[name], f"{where}.{name}")
        elif entry.default is dataclasses.MISSING and entry.default_factory is dataclasses.MISSING:
            raise ValueError(f"{where}: the setting {name!r} is missing")
    return kind(**arguments)


def change_settings(settings: Settings, change: str) -> Settings:
    """The same settings with some of them changed.

    Parameters
    ----------
    settings : dataclass
        As `build_settings` makes them.
    change : str
        Such as ``"tokenizer.num_merges=500"``; several are joined by ``", "``. Values are written as in TOML, a word
        needs no quotes.

    Raises
    ------
    ValueError
        If it is not of that form, or a setting is unknown or of the wrong type.
    """
    for part in change.split(", "):
        name, sign, text = part.partition("=")
        if not sign or not name or not text:
            raise ValueError(f"change: got {part!r}, expected such as 'tokenizer.num_merges=500'")
        settings = _replace(settings, name.split("."), _parse(text), name)
    return settings


def _replace(settings: Any, path: list[str], value: Any, name: str) -> Any:
    fields = {field.name for field in dataclasses.fields(settings)}
    if path[0] not in fields:
        raise ValueError(f"change: there is no setting {name!r}, expected one of {', '.join(sorted(fields))}")
    inner = getattr(settings, path[0])
    if len(path) > 1:
        if not dataclasses.is_dataclass(inner):
            raise ValueError(f"change: {path[0]!r} in {name!r} holds no further settings")
        changed = _replace(inner, path[1:], value, name)
    else:
        changed = _value(typing.get_type_hints(type(settings))[path[0]], value, name)
    return dataclasses.replace(settings, **{path[0]: changed})


def _parse(text: str) -> Any:
    try:
        return tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        return text


def _value(hint: Any, value: Any, where: str) -> Any:
    """A setting's value as its type asks for it."""
    if dataclasses.is_dataclass(hint):
        return build_settings(typing.cast(type, hint), value, where)
    if typing.get_origin(hint) is tuple:
        (kind, _) = typing.get_args(hint)
        if not isinstance(value, list) or not all(type(item) is kind for item in value):
            raise ValueError(f"{where}: got {value!r}, expected a list of {kind.__name__}")
        return tuple(value)
    if hint is float and type(value) is int:
        return float(value)
    if type(value) is not hint:
        raise ValueError(f"{where}: got {value!r}, expected {hint.__name__}")
    return value
