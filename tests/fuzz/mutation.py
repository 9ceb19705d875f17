"""Fuzzing without a guide: good inputs, changed at random places, as long as there is time."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Sequence

_MOST_CHANGES = 6
_ODD = (b"\0", b"\xff", b"9" * 30, b"-1", b"[" * 3000, b"{", b'"', b"1e999", b"NaN", b"\n", b" " * 2000)


def mutated(seed: bytes, numbers: random.Random) -> bytes:
    """The input with a few bytes changed, cut out, doubled, or put in."""
    data = bytearray(seed)
    for _ in range(numbers.randint(1, _MOST_CHANGES)):
        place = (
            numbers.randrange(len(data) + 1) if numbers.random() < 0.5 else numbers.randrange(min(len(data), 100) + 1)
        )
        what = numbers.randrange(4)
        if what == 0 and place < len(data):
            data[place] ^= 1 << numbers.randrange(8)
        elif what == 1:
            del data[place : place + numbers.choice((1, 4, 100))]
        elif what == 2:
            data[place:place] = data[place : place + numbers.choice((1, 8, 50))]
        else:
            data[place:place] = numbers.choice(_ODD)
    return bytes(data)


def fuzz(
    check: Callable[[bytes], None], inputs: Sequence[bytes], *, seconds: float, seed: int
) -> tuple[int, bytes | None]:
    """Run a check until the time is over or it fails.

    Returns
    -------
    tuple of int and (bytes or None)
        How many inputs were tried, and the one that failed.
    """
    numbers = random.Random(seed)
    ends = time.monotonic() + seconds
    tried = 0
    while time.monotonic() < ends:
        data = mutated(inputs[numbers.randrange(len(inputs))], numbers)
        tried += 1
        try:
            check(data)
        except Exception as error:
            print(f"{type(error).__name__}: {error!s:.500}")
            return tried, data
    return tried, None
