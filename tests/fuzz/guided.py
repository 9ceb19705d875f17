"""One target under atheris, which counts the lines of Python that an input reaches and keeps those that reach more.

Started by `tests.fuzz` in a process of its own, which libFuzzer ends by itself: ``python -m tests.fuzz.guided TARGET
FOLDER OPTIONS``, the options being libFuzzer's.
"""

from __future__ import annotations

import sys

import atheris


def main() -> None:
    target, *options = sys.argv[1:]
    with atheris.instrument_imports(include=["ecgbyte", "experiments"]):
        from tests.fuzz.targets import TARGETS
    atheris.Setup([sys.argv[0], *options], TARGETS[target])
    atheris.Fuzz()


if __name__ == "__main__":
    main()
