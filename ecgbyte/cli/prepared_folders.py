"""What ``train`` and ``encode`` do with a folder that ``prepare`` wrote: no file is read, nothing is filtered again."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any


def prepared_folder(arguments: argparse.Namespace) -> str | None:
    """The prepared folder among the records that were named; None where there is none.

    Raises
    ------
    ValueError
        If other records are named beside it.
    """
    if not any("://" in place or Path(place, "manifest.json").is_file() for place in arguments.records):
        return None
    from ecgbyte.prepared.folder import is_prepared

    found = [place for place in arguments.records if is_prepared(place)]
    if not found:
        return None
    if len(arguments.records) > 1 or arguments.list:
        raise ValueError(f"records: {found[0]} is a prepared folder, expected it alone")
    return found[0]


def refuse_options(arguments: argparse.Namespace, defaults: Mapping[str, Any], what: str) -> None:
    """Refuse options that say something of files, where nothing is read from files.

    Raises
    ------
    ValueError
        If one is given; the message names it.
    """
    for name, default in defaults.items():
        if getattr(arguments, name) != default:
            option = name.replace("_", "-")
            raise ValueError(f"--{option}: the records are prepared already, {what}")


# Options of reading and preprocessing, with the values that they have where nobody gives them.
OF_FILES: Mapping[str, Any] = {
    "max_records": None,
    "segment_seconds": None,
    "leads": None,
    "derive_leads": False,
    "units": None,
    "rate": None,
    "invalid": "raise",
    "check_identities": "error",
}


def parse_folds(text: str) -> list[int]:
    """``1-8,10`` as numbers.

    Raises
    ------
    ValueError
        If it is not so.
    """
    folds: list[int] = []
    for part in text.split(","):
        first, dash, last = part.strip().partition("-")
        if not first.isdecimal() or (dash and not last.isdecimal()):
            raise ValueError(f"--folds: got {text!r}, expected numbers from 1 to 10 such as 1-8 or 9,10")
        folds += range(int(first), int(last or first) + 1)
    return folds


def encode_prepared(arguments: argparse.Namespace, place: str) -> int:
    """Add tokens to a prepared folder; returns the exit code."""
    from ecgbyte.prepared.encoding import encode_folder
    from ecgbyte.prepared.folder import PreparedFolder
    from ecgbyte.prepared.storage import Storage
    from ecgbyte.tokenizer.ecg_tokenizer import ECGTokenizer

    refuse_options(arguments, {**OF_FILES, "no_preprocess": False}, "prepare them with this option")
    if arguments.output is not None:
        raise ValueError("--output: the tokens of a prepared folder become columns of its own shards")
    tokenizer = ECGTokenizer.from_pretrained(arguments.tokenizer)
    try:
        found = encode_folder(
            PreparedFolder(place),
            Storage(place),
            tokenizer,
            workers=arguments.workers,
            scheduler=arguments.scheduler,
            progress=not arguments.no_progress,
        )
    except (KeyboardInterrupt, OSError):
        print("note: what is done stays; the same command goes on from there", file=sys.stderr)
        raise
    if arguments.json:
        print(json.dumps({"folder": place, **found}))
        return 0
    compression = found["symbols"] / found["tokens"] if found["tokens"] else 0.0
    print(
        f"{place}: {found['rows']} records, {found['tokens']} tokens, {compression:.2f} symbols a token, "
        f"{found['clipped']:.2%} of the samples clipped, {found['fingerprint']}"
    )
    return 0
