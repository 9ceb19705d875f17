"""``python -m experiments``: run a profile and write its results."""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

from experiments.profile import profile_names, read_profile
from experiments.work import ROOT


def parser() -> argparse.ArgumentParser:
    """The command line's options."""
    parser = argparse.ArgumentParser(prog="python -m experiments", description=__doc__)
    parser.add_argument(
        "--profile",
        default="default",
        help=f"one of {', '.join(profile_names())}, or a .toml file (default: %(default)s)",
    )
    parser.add_argument("--root", type=Path, help="the data set's folder, for profiles that read one")
    parser.add_argument("--results", type=Path, default=ROOT / "results", help="where results/<profile> is written")
    parser.add_argument("--work", type=Path, default=ROOT / "work", help="where finished steps are kept")
    return parser


def main(arguments: list[str] | None = None) -> int:
    """Run the harness from the command line.

    Returns
    -------
    int
        0 when all is written, 2 for a bad argument or data set, 130 when interrupted.
    """
    options = parser().parse_args(arguments)
    started = time.perf_counter()
    try:
        profile = read_profile(options.profile)
        # torch and transformers load only when the arguments are right.
        from experiments.present import write_results
        from experiments.run import run_profile

        outcome = run_profile(profile, options.work / profile.name, options.root)
        folder = options.results / profile.name
        print(write_results(outcome, profile, folder))
    except (ValueError, FileNotFoundError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("\ninterrupted; the same command goes on from here", file=sys.stderr)
        return 130
    print(f"{folder} written in {(time.perf_counter() - started) / 60:.1f} minutes", file=sys.stderr)
    return 0


if __name__ == "__main__":
    sys.exit(main())
