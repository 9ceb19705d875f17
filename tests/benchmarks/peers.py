"""What all peers share: whether one is installed, its surroundings, and how tokens of several libraries compare.

Versions are pinned by the ``bench`` extra of pyproject.toml. A peer that is not installed is skipped with a reason.
"""

from __future__ import annotations

import importlib.util
import os
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np

from ecgbyte.bpe import Vocabulary
from ecgbyte.symbols import letters

# A pattern by which the whole text is one piece.
WHOLE_TEXT = r"[\s\S]+"


def token_strings(vocabulary: Vocabulary) -> list[str]:
    """Every token as a string of a..z."""
    return [letters(vocabulary.token_symbols(token)) for token in range(vocabulary.size)]


def merge_strings(merges: np.ndarray) -> list[str]:
    """The string of each merge, in order: the form in which merges of several implementations compare."""
    return token_strings(Vocabulary(merges))[26:]


def missing(package: str) -> str:
    """Why a peer cannot run; empty where it can."""
    if importlib.util.find_spec(package) is None:
        return f"{package} is not installed (pip install '.[bench]')"
    return ""


@contextmanager
def environment(**values: str) -> Iterator[None]:
    """Set variables of the environment for a while; Rust's libraries read them at run time."""
    before = {name: os.environ.get(name) for name in values}
    os.environ.update(values)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value
