"""What trainers of other libraries leave behind in the environment is taken away again."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest


@pytest.fixture(autouse=True)
def launcher_variables_restored() -> Iterator[None]:
    """Trainers set variables such as ``ACCELERATE_MIXED_PRECISION``, which later trainings would obey."""
    before = {name: value for name, value in os.environ.items() if name.startswith("ACCELERATE_")}
    yield
    for name in [name for name in os.environ if name.startswith("ACCELERATE_")]:
        del os.environ[name]
    os.environ.update(before)
