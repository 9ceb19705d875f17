"""From TOML to settings: dataclasses built and checked, and single settings changed by name."""

from __future__ import annotations

import dataclasses
import tomllib
import typing
from collections.abc import Mapping
from typing import Any, TypeVar

Settings = TypeVar("Settings")


def build_settings(kind: type, values: Any, where: str = "") -> Any:
    """A dataclass from a TOML table: unknown keys, missing keys and wrong types are errors that name their place.

    Parameters
    ----------
    kind : type
        A dataclass whose fields are plain values, tuples of strings or numbers, such dataclasses, or, where a field's
        metadata has ``"tables"``, a mapping: that gives the dataclass of each name.
    values : dict
        The table.
    where : str
        What messages call it.

    Raises
    ------
    ValueError
        If a setting is unknown, missing, of the wrong type or out of range.
    """
    if not isinstance(values, Mapping):
        raise ValueError(f"{where}: expected a table, got {type(values).__name__}")
    hints = typing.get_type_hints(kind)
    fields = {field.name: field for field in dataclasses.fields(kind)}
    _check_known(values, fields, where)
    arguments = {}
    for name, entry in fields.items():
        place = f"{where}.{name}" if where else name
        if "tables" in entry.metadata:
            arguments[name] = _tables(entry.metadata["tables"](), values.get(name, {}), place, name)
        elif name in values:
            arguments[name] = _value(hints[name], values[name], place)
        elif entry.default is dataclasses.MISSING and entry.default_factory is dataclasses.MISSING:
            raise ValueError(f"{where}: the setting {name!r} is missing")
    return kind(**arguments)


def split_changes(changes: str) -> tuple[str, ...]:
    """The single changes of a text such as ``"tokenizer.num_merges=500, model.lora=true"``."""
    # A comma within brackets belongs to a list.
    parts, depth, start = [], 0, 0
    for place, sign in enumerate(changes):
        depth += (sign == "[") - (sign == "]")
        if depth == 0 and changes.startswith(", ", place):
            parts.append(changes[start:place])
            start = place + 2
    return (*parts, changes[start:]) if changes else ()


def change_settings(settings: Settings, changes: str) -> Settings:
    """The same settings with some of them changed, all at once.

    Parameters
    ----------
    settings : dataclass
        As `build_settings` makes them.
    changes : str
        Such as ``"tokenizer.num_merges=500"``; several are joined by ``", "``. Values are written as in TOML, a word
        needs no quotes.

    Raises
    ------
    ValueError
        If it is not of that form, a setting is unknown or of the wrong type, or the changed settings do not fit
        together.
    """
    values = dataclasses.asdict(settings)  # type: ignore[call-overload]
    for part in split_changes(changes):
        name, sign, text = part.partition("=")
        if not sign or not name or not text:
            raise ValueError(f"change: got {part!r}, expected such as 'tokenizer.num_merges=500'")
        _set(values, name.split("."), _parse(text), name)
    changed: Settings = build_settings(type(settings), values)
    return changed


def _set(values: dict[str, Any], path: list[str], value: Any, name: str) -> None:
    if path[0] not in values:
        raise ValueError(f"change: there is no setting {name!r}, expected one of {', '.join(sorted(values))}")
    if len(path) == 1:
        values[path[0]] = value
        return
    if not isinstance(values[path[0]], dict):
        raise ValueError(f"change: {path[0]!r} in {name!r} holds no further settings")
    _set(values[path[0]], path[1:], value, name)


def _parse(text: str) -> Any:
    try:
        return tomllib.loads(f"value = {text}")["value"]
    except (tomllib.TOMLDecodeError, RecursionError):
        return text


def _tables(kinds: Mapping[str, type], values: Any, where: str, name: str) -> dict[str, Any]:
    """One dataclass for each table that may be there."""
    if not isinstance(values, Mapping):
        raise ValueError(f"{where}: expected tables, got {type(values).__name__}")
    _check_known(values, kinds, where)
    built = {}
    for table, kind in kinds.items():
        try:
            built[table] = build_settings(kind, values.get(table, {}))
        except ValueError as error:
            raise ValueError(f"{name}.{table}.{error}") from error
    return built


def _check_known(values: Mapping[str, Any], known: Mapping[str, Any], where: str) -> None:
    unknown = sorted(set(values) - set(known))
    if unknown:
        prefix = f"{where}: " if where else ""
        raise ValueError(f"{prefix}unknown setting {unknown[0]!r}, expected one of {', '.join(sorted(known))}")


def _value(hint: Any, value: Any, where: str) -> Any:
    """A setting's value as its type asks for it."""
    if dataclasses.is_dataclass(hint):
        return build_settings(typing.cast(type, hint), value, where)
    if typing.get_origin(hint) is tuple:
        (kind, _) = typing.get_args(hint)
        if isinstance(value, (list, tuple)):
            items = [float(item) if kind is float and type(item) is int else item for item in value]
            if all(type(item) is kind for item in items):
                return tuple(items)
        raise ValueError(f"{where}: got {value!r}, expected a list of {kind.__name__}")
    if hint is float and type(value) is int:
        return float(value)
    if type(value) is not hint:
        raise ValueError(f"{where}: got {value!r}, expected {hint.__name__}")
    return value
