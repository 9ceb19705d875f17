"""One target under atheris, which counts the lines of Python that an input reaches and keeps those that reach more.

Started by `tests.fuzz` in a process of its own, which libFuzzer ends by itself: ``python -m tests.fuzz.guided TARGET
TOTALS FOLDER OPTIONS``, the options being libFuzzer's. What was compared without a difference is written to the file
TOTALS now and then, since libFuzzer ends the process without a word to Python.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import atheris

_BETWEEN_TOTALS = 20  # inputs


def main() -> None:
    target, totals, *options = sys.argv[1:]
    with atheris.instrument_imports(include=["ecgbyte", "experiments"]):
        from tests.fuzz.kernels import COMPARED
        from tests.fuzz.targets import TARGETS
    tried = 0

    def check(data: bytes) -> None:
        nonlocal tried
        TARGETS[target](data)
        tried += 1
        if tried % _BETWEEN_TOTALS == 0:
            Path(totals).write_text(json.dumps(COMPARED))

    atheris.Setup([sys.argv[0], *options], check)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
