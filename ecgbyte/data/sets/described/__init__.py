"""Descriptions of data sets: a TOML file each, with rates, units, leads, ids, labels, licence and how to get it.

For people too: `ecgbyte prepare --list-data-sets` shows them.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, fields
from importlib import resources
from types import MappingProxyType

LAYOUTS = ("ptb-xl", "mimic-iv-ecg", "code-15", "wfdb-comments")


@dataclass(frozen=True)
class DataSetDescription:
    """What is known of a data set before any of its files is opened.

    Attributes
    ----------
    name, title : str
        As given on the command line, and as people write it.
    layout : str
        How its folder is read, one of `LAYOUTS`.
    records : int
        How many it has as published.
    rates : tuple of float
        Samples a second that records have, in Hz.
    units, leads, ids, labels : str
        In words: in what unit the samples are, the leads in the order of the files, what a record's id is, and what
        the labels are.
    licence, citation, url, access : str
        `access` is "open" or "credentialed".
    how : str
        How to get it, commands or steps.
    pattern : str
        For ``wfdb-comments`` the names of its headers, as a regular expression.
    assessed : tuple of str
        The types of findings of which the labels list all that is there.
    checksums : str
        The URL of ``SHA256SUMS.txt``, beside which the files lie that can be downloaded without an account; empty where
        there is none.
    part : str
        The folder of those files that is this data set, with a stroke at its end; empty where it is all.
    """

    name: str
    title: str
    layout: str
    records: int
    rates: tuple[float, ...]
    units: str
    leads: str
    ids: str
    labels: str
    licence: str
    citation: str
    url: str
    access: str
    how: str
    pattern: str = ""
    assessed: tuple[str, ...] = ()
    checksums: str = ""
    part: str = ""


def parse_description(text: str) -> DataSetDescription:
    """The description of a TOML text.

    Raises
    ------
    ValueError
        If it is no TOML, a field is missing or not known, or the layout is unknown; the message names the field.
    """
    found = tomllib.loads(text)
    known = {item.name for item in fields(DataSetDescription)}
    if others := sorted(set(found) - known):
        raise ValueError(f"description: has the field {others[0]!r}, expected some of {', '.join(sorted(known))}")
    try:
        found = {key: tuple(value) if isinstance(value, list) else value for key, value in found.items()}
        description = DataSetDescription(**found)
    except TypeError as error:
        raise ValueError(f"description: {error}") from error
    if description.layout not in LAYOUTS:
        raise ValueError(f"layout: got {description.layout!r}, expected one of {', '.join(LAYOUTS)}")
    return description


def descriptions() -> Mapping[str, DataSetDescription]:
    """All descriptions that come with the package, by name."""
    found = {}
    for entry in sorted(resources.files(__package__).iterdir(), key=lambda item: item.name):
        if entry.name.endswith(".toml"):
            description = parse_description(entry.read_text(encoding="utf-8"))
            found[description.name] = description
    return MappingProxyType(found)
