"""The command ``ecgbyte``: train, encode, decode, inspect and so on.

Results go to standard output, progress and complaints to standard error. A command's module, and with it the library,
is loaded when the command is given.
"""

from __future__ import annotations

import argparse
import importlib
import os
import re
import sys
from collections.abc import Mapping, Sequence

from ecgbyte._version import __version__

# Each is a module of this folder, with underscores in its name; the words are those of its own parser.
COMMANDS = {
    "download": "download a data set that needs no account",
    "prepare": "preprocess records once, into Parquet shards",
    "train": "learn a tokenizer from records",
    "encode": "turn records into token ids",
    "decode": "turn token ids back into a signal",
    "inspect": "show what a tokenizer file holds",
    "show": "show records and their tokens on ECG paper",
    "import-published": "take over a vocabulary that ECG-Byte's code saved",
    "answer": "ask a trained model about records",
}
# Options that have another name than the argument of the library that they set.
OPTION_NAMES = {
    "amplitude_range": "--range-mv",
    "low, high": "--range-mv",
    "sampling_rate": "--rate",
    "max_new_tokens": "--max-new-tokens",
    "question": "--question",
}

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


def build_parser(arguments: Sequence[str] | None = None) -> argparse.ArgumentParser:
    """The parser of all arguments; only commands that are named among `arguments` (all where None) are loaded."""
    parser = argparse.ArgumentParser(
        prog="ecgbyte",
        description="12-lead ECGs as tokens for language models.",
        epilog=EXIT_CODES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"ecgbyte {__version__}")
    commands = parser.add_subparsers(dest="command", required=True, metavar="command")
    for command, words in COMMANDS.items():
        if arguments is not None and command not in arguments:
            commands.add_parser(command, help=words)
            continue
        module = importlib.import_module(f"ecgbyte.cli.{command.replace('-', '_')}")
        module.add_parser(commands, epilog=EXIT_CODES, formatter_class=argparse.RawDescriptionHelpFormatter)
    return parser


def as_option(message: str, chosen: Mapping[str, object]) -> str:
    """An error of the library as a user of the command reads it: it names the option where it named an argument.

    Examples
    --------
    >>> as_option("num_merges: got -1, expected 0 or more", {"num_merges": -1})
    '--num-merges: got -1, expected 0 or more'
    >>> as_option("path: there is no file t.json", {})
    'there is no file t.json'
    """
    named = re.match(r"([a-z_]+(?:, [a-z_]+)*): ", message)
    if named is None:
        return message
    argument, rest = named[1], message[named.end() :]
    if argument in ("path", "name", "folder"):
        return rest
    if argument in chosen:
        return f"--{argument.replace('_', '-')}: {rest}"
    if OPTION_NAMES.get(argument, "").lstrip("-").replace("-", "_") in chosen:
        return f"{OPTION_NAMES[argument]}: {rest}"
    return message


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
        given = sys.argv[1:] if arguments is None else list(arguments)
        chosen = build_parser(given).parse_args(given)
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
    except (ValueError, TypeError, OSError, ImportError, MemoryError) as error:
        message = as_option(str(error), vars(chosen)) or type(error).__name__
        print(f"ecgbyte {chosen.command}: error: {message}", file=sys.stderr)
        return 2
