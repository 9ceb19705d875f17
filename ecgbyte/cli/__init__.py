"""The command ``ecgbyte``: train, encode, decode, inspect, show.

Results go to standard output, progress and complaints to standard error.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence

from ecgbyte._version import __version__
from ecgbyte.cli import decode, encode, inspect, show, train

EXIT_CODES = """\
exit codes:
  0    all went well
  1    some records were rejected; the others were processed
  2    a wrong argument, or input that stops everything
  130  interrupted
  141  whoever read the output closed it
"""
_INTERRUPTED = 130
_READER_GONE = 141


def build_parser() -> argparse.ArgumentParser:
    """The parser of all arguments."""
    parser = argparse.ArgumentParser(
        prog="ecgbyte",
        description="12-lead ECGs as tokens for language models.",
        epilog=EXIT_CODES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"ecgbyte {__version__}")
    commands = parser.add_subparsers(dest="command", required=True, metavar="command")
    for module in (train, encode, decode, inspect, show):
        module.add_parser(commands, epilog=EXIT_CODES, formatter_class=argparse.RawDescriptionHelpFormatter)
    return parser


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command.

    Parameters
    ----------
    arguments : sequence of str, optional
        Without the program's name; those of the process where nothing is given.

    Returns
    -------
    int
        The exit code, see `EXIT_CODES`.
    """
    try:
        chosen = build_parser().parse_args(arguments)
    except SystemExit as stop:  # argparse has printed help or what was wrong
        return stop.code if isinstance(stop.code, int) else 2
    try:
        code: int = chosen.run(chosen)
        sys.stdout.flush()
        return code
    except BrokenPipeError:
        # The interpreter flushes standard output once more at its end, which must not fail again.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return _READER_GONE
    except KeyboardInterrupt:
        print(f"ecgbyte {chosen.command}: interrupted", file=sys.stderr)
        return _INTERRUPTED
    except (ValueError, TypeError, OSError) as error:
        print(f"ecgbyte {chosen.command}: error: {error}", file=sys.stderr)
        return 2
