"""``python -m tests.faults``: memory that runs out in the kernels, and jobs that are killed, again and again.

Each fault leaves the right result or a clear error, nothing half written and nothing lost; totals are printed.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable

from tests.faults import allocations, kills

KINDS = ("allocations", *kills.COMMANDS, "training")


def main() -> int:
    """Inject what is asked for.

    Returns
    -------
    int
        0 where nothing went wrong, else 1.
    """
    parser = argparse.ArgumentParser(
        prog="python -m tests.faults", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("kinds", nargs="*", metavar="KIND", help=f"some of {', '.join(KINDS)} (default: all)")
    parser.add_argument(
        "--count",
        type=int,
        default=30,
        metavar="N",
        help="kills of each job; of allocations, the first N of each call, alone and with all behind it "
        "(default: %(default)s)",
    )
    parser.add_argument("--seed", type=int, default=0, metavar="N", help="of the moments (default: %(default)s)")
    options = parser.parse_args()
    unknown = [name for name in options.kinds if name not in KINDS]
    if unknown:
        parser.error(f"KIND: got {unknown[0]!r}, expected some of {', '.join(KINDS)}")
    if options.count < 1:
        parser.error(f"--count: got {options.count}, expected at least 1")
    wrong = 0
    for kind in options.kinds or KINDS:
        run: Callable[[int, int], str] = _allocations if kind == "allocations" else _kills(kind)
        reason = allocations.missing() if kind == "allocations" else kills.missing()
        if reason:
            print(f"{kind}: left out, {reason}", flush=True)
            continue
        try:
            print(f"{kind}: {run(options.count, options.seed)}", flush=True)
        except AssertionError as error:
            print(f"{kind}: WRONG\n{error}", flush=True)
            wrong += 1
    return 1 if wrong else 0


def _allocations(count: int, seed: int) -> str:
    totals = allocations.run_out(count)
    times, right = (sum(column) for column in zip(*totals.values(), strict=True))
    return (
        f"{times} failed in {len(totals)} kinds of call: {times - right} times MemoryError, {right} times the right "
        "result; nothing kept"
    )


def _kills(kind: str) -> Callable[[int, int], str]:
    def run(count: int, seed: int) -> str:
        totals = kills.kill_training(count, seed) if kind == "training" else kills.kill_command(kind, count, seed)
        told = ", ".join(f"{number} {where}" for where, number in totals.items())
        return f"killed {told}; whole each time, and the same bytes in the end"

    return run


if __name__ == "__main__":
    sys.exit(main())
