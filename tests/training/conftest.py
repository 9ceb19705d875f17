"""The small reader as fixtures."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from ecgbyte.training.examples import Example
from tests.training.small_reader import Reader, small_reader, twelve_examples


@pytest.fixture(scope="session")
def make_reader() -> Callable[..., Reader]:
    return small_reader


@pytest.fixture
def reader(make_reader: Callable[..., Reader]) -> Reader:
    return make_reader()


@pytest.fixture(scope="session")
def examples() -> list[Example]:
    return twelve_examples()
