"""``ecgbyte download``: a data set that needs no account, with checksums."""

from __future__ import annotations

import argparse
import json
from typing import Any


def add_parser(commands: Any, **format_options: Any) -> None:
    """Add ``download`` to the commands."""
    parser = commands.add_parser(
        "download",
        help="download a data set that needs no account",
        description="Download a data set of PhysioNet into a folder, file by file, each compared with its checksum. "
        "Given again after an interruption it fetches what is missing. Mind the licence: ecgbyte prepare "
        "--list-data-sets shows it.",
        **format_options,
    )
    parser.add_argument("data_set", metavar="NAME", help="such as ptb-xl; ecgbyte prepare --list-data-sets has all")
    parser.add_argument("folder", metavar="FOLDER", help="where the files go; made where it is missing")
    parser.add_argument(
        "--only", default="", metavar="PATH", help="only files whose path begins so (records100/), and the tables"
    )
    parser.add_argument("--connections", type=int, default=4, metavar="N", help="files at the same time (default: 4)")
    parser.add_argument("--no-progress", action="store_true", help="no progress bars on standard error")
    parser.add_argument("--json", action="store_true", help="print the summary as one JSON object")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Download; returns the exit code."""
    from ecgbyte.data.sets.described import descriptions
    from ecgbyte.data.sets.download import download

    known = descriptions()
    if arguments.data_set not in known:
        raise ValueError(f"data set {arguments.data_set!r} is not known, expected one of {', '.join(known)}")
    description = known[arguments.data_set]
    found = download(
        description,
        arguments.folder,
        only=arguments.only,
        connections=arguments.connections,
        progress=not arguments.no_progress,
    )
    if arguments.json:
        print(json.dumps({"folder": arguments.folder, "present": found.present, "fetched": found.fetched}))
        return 0
    print(f"{arguments.folder}: {found.fetched} files fetched, {found.present} were there")
    print(f"{description.title}, licence {description.licence}; cite {description.citation}")
    return 0
