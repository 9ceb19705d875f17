"""How the tokens of the vocabulary are used, kept as counts in one file."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ecgbyte.files import write_atomically
from ecgbyte.metrics.token_usage import TokenUsage

TOKENS_FILE = "tokens.json"
_VERSION = 1


@dataclass(frozen=True, order=True)
class UsageOf:
    """Whose tokens were counted.

    Attributes
    ----------
    dataset : str
        Where the encoded segments come from.
    trained_on : str
        Where the tokenizer comes from.
    variant : str
        Empty, or what sets the tokenizer apart, such as ``"merge-order"``.
    """

    dataset: str
    trained_on: str
    variant: str = ""

    def __post_init__(self) -> None:
        if not self.dataset or not self.trained_on:
            raise ValueError(f"dataset, trained_on: got {self.dataset!r} and {self.trained_on!r}, expected names")

    @property
    def label(self) -> str:
        """For legends."""
        label = self.dataset if self.dataset == self.trained_on else f"{self.dataset}, tokenizer of {self.trained_on}"
        return f"{label}, {self.variant}" if self.variant else label


def write_token_usage(path: str | os.PathLike[str], usages: Mapping[UsageOf, TokenUsage]) -> Path:
    """Write the counts, lengths and runs of every token as JSON, sorted; same usages, same bytes.

    Raises
    ------
    ValueError
        If there are none.
    """
    if not usages:
        raise ValueError("usages: got none, expected at least one")
    sets = [
        {
            "dataset": whose.dataset,
            "trained_on": whose.trained_on,
            "variant": whose.variant,
            "counts": usage.counts.tolist(),
            "lengths": usage.lengths.tolist(),
            "one_letter": usage.one_letter.astype(int).tolist(),
        }
        for whose, usage in sorted(usages.items())
    ]
    lines = ",\n".join(json.dumps(entry, separators=(",", ":")) for entry in sets)
    write_atomically(path, f'{{"version":{_VERSION},"sets":[\n{lines}\n]}}\n')
    return Path(path)


def read_token_usage(path: str | os.PathLike[str]) -> dict[UsageOf, TokenUsage]:
    """Read what `write_token_usage` wrote and check all of it.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ValueError
        If it holds something else; the message names the file and the place.
    """
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(f"path: there is no file {path}")
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except json.JSONDecodeError as error:
        raise ValueError(f"{path}: not valid JSON: {error}") from error
    if not isinstance(content, dict) or content.get("version") != _VERSION or not isinstance(content.get("sets"), list):
        raise ValueError(f"{path}: expected an object with version {_VERSION} and a list of sets")
    usages: dict[UsageOf, TokenUsage] = {}
    for place, entry in enumerate(content["sets"]):
        try:
            whose = UsageOf(*(_text(entry, name) for name in ("dataset", "trained_on", "variant")))
            columns = [_whole_numbers(entry, name) for name in ("counts", "lengths", "one_letter")]
            usage = TokenUsage(columns[0], columns[1], columns[2].astype(bool))
        except (ValueError, TypeError, KeyError) as error:
            raise ValueError(f"{path}, set {place}: {error}") from error
        if whose in usages:
            raise ValueError(f"{path}, set {place}: {whose.label!r} stands twice")
        usages[whose] = usage
    if not usages:
        raise ValueError(f"{path}: it holds no sets")
    return usages


def _text(entry: Any, name: str) -> str:
    if not isinstance(entry, dict) or not isinstance(entry.get(name), str):
        raise ValueError(f"{name}: expected a string")
    return str(entry[name])


def _whole_numbers(entry: Any, name: str) -> np.ndarray:
    values = entry.get(name)
    if not isinstance(values, list) or not all(type(value) is int for value in values):
        raise ValueError(f"{name}: expected a list of whole numbers")
    return np.array(values, dtype=np.int64)
