"""Every check of an argument names the argument, what was given and what was expected."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from ecgbyte.checks import check_num_threads, check_option, finite_number, positive_number, whole_number


def test_what_is_right_comes_back_as_plain_python() -> None:
    for value, expected in ((3, 3), (np.int16(3), 3), (np.uint64(3), 3)):
        found = whole_number("count", value, minimum=3, maximum=3)
        assert (type(found), found) == (int, expected)
    for value in (2, 2.0, np.float32(2), np.int8(2)):
        assert type(positive_number("rate", value)) is type(finite_number("rate", value)) is float
    assert finite_number("share", -1) == -1.0
    assert check_option("matching", "longest", ("longest",)) == "longest"
    assert check_num_threads(np.int64(4)) == 4


@pytest.mark.parametrize(
    ("check", "error", "message"),
    [
        (lambda: whole_number("count", True, minimum=0), TypeError, "count: expected a whole number, got bool True"),
        (lambda: whole_number("count", 2.0, minimum=0), TypeError, "count: expected a whole number, got float 2.0"),
        (lambda: whole_number("n", None, minimum=0), TypeError, "n: expected a whole number, got NoneType None"),
        (lambda: whole_number("count", -1, minimum=0), ValueError, "count: got -1, expected at least 0"),
        (lambda: whole_number("count", 9, minimum=0, maximum=8), ValueError, "count: got 9, expected 0 to 8"),
        (lambda: positive_number("rate", "1"), TypeError, "rate: expected a number, got str '1'"),
        (lambda: positive_number("rate", True), TypeError, "rate: expected a number, got bool True"),
        (lambda: positive_number("rate", 0), ValueError, "rate: got 0, expected a positive, finite number"),
        (
            lambda: positive_number("rate", math.nan, unit="in Hz"),
            ValueError,
            "rate: got nan, expected a positive, finite number in Hz",
        ),
        (lambda: positive_number("rate", math.inf), ValueError, "rate: got inf, expected a positive, finite number"),
        (
            lambda: positive_number("rate", 10**400, unit="in Hz"),
            ValueError,
            "rate: is too large, expected a number in Hz that is finite",
        ),
        (
            lambda: finite_number("low", math.inf, unit="in mV"),
            ValueError,
            "low: got inf, expected a finite number in mV",
        ),
        (
            lambda: finite_number("rate", 2001, minimum=100, maximum=2000),
            ValueError,
            "rate: got 2001, expected 100 to 2000",
        ),
        (
            lambda: finite_number("error", -1.0, minimum=0, unit="in mV"),
            ValueError,
            "error: got -1.0, expected a finite number in mV of 0 at least",
        ),
        (
            lambda: finite_number("rate", math.nan, minimum=1, maximum=2, unit="in Hz"),
            ValueError,
            "rate: got nan, expected 1 to 2 in Hz",
        ),
        (lambda: check_option("m", "x", ("a", "b")), ValueError, "m: got 'x', expected one of 'a', 'b'"),
        (lambda: check_num_threads(0), ValueError, "num_threads: got 0, expected 1 to 1024"),
    ],
)
def test_what_is_wrong_is_named(check: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error) as caught:
        check()
    assert str(caught.value) == message
