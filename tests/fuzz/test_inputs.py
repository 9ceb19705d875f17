"""What fuzzing begins with goes right, and what once went wrong does no more; the loop finds what is wrong."""

from __future__ import annotations

import random
import warnings
from pathlib import Path

import pytest

from tests.fuzz.mutation import fuzz, mutated
from tests.fuzz.readers import READERS
from tests.fuzz.targets import TARGETS, crashes, seeds


@pytest.mark.parametrize("target", TARGETS)
def test_seeds_and_former_crashes_go_right(target: str) -> None:
    assert seeds(target)
    for data in [*seeds(target), *(path.read_bytes() for path in crashes(target))]:
        TARGETS[target](data)


@pytest.mark.parametrize("target", READERS)
def test_good_files_are_read(target: str) -> None:
    """A seed that is refused at the door would let the fuzzer see nothing of the reader."""
    read = getattr(READERS[target], "__wrapped__", READERS[target])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for data in seeds(target):
            read(data)


@pytest.mark.parametrize("target", TARGETS)
def test_changed_seeds_go_right(target: str) -> None:
    numbers = random.Random(1)
    for _ in range(20):
        for data in seeds(target):
            TARGETS[target](mutated(data, numbers))


def test_the_loop_finds_a_fault(capsys: pytest.CaptureFixture[str]) -> None:
    def check(data: bytes) -> None:
        if b"\xff" in data:
            raise IndexError("a fault")

    tried, failed = fuzz(check, [b"abc"], seconds=60, seed=0)
    assert failed is not None and b"\xff" in failed and tried > 1
    assert "IndexError: a fault" in capsys.readouterr().out


def test_every_committed_crash_is_of_a_target() -> None:
    folder = Path(__file__).parent / "crashes"
    assert {path.name for path in folder.iterdir() if path.is_dir()} <= set(TARGETS)
