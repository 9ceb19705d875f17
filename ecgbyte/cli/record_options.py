"""The arguments that choose records and say how to read them, the same for every command that reads some."""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence

from ecgbyte.signals.reading.assembly import IDENTITY_CHECKS, ReadingOptions
from ecgbyte.signals.reading.invalid_samples import INVALID


def add_record_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments that choose records and say how to read them."""
    parser.add_argument(
        "records",
        nargs="*",
        metavar="RECORD_OR_FOLDER",
        help="a record in any format that is known (of a WFDB record with or without .hea or .dat), or a folder: every "
        "record in it and below, sorted",
    )
    parser.add_argument(
        "--list",
        action="append",
        default=[],
        metavar="FILE",
        help="a file with one record a line, relative to the file's folder; empty lines and lines with # are skipped",
    )
    parser.add_argument("--max-records", type=int, metavar="N", help="take the first N records only")
    parser.add_argument(
        "--segment-seconds", type=float, metavar="S", help="cut each record into segments of S seconds (default: whole)"
    )
    parser.add_argument(
        "--rejected",
        metavar="FILE",
        help="where records that could not be used are listed, with reasons, as CSV (default: beside the output); "
        "an older list there is replaced, another file is not",
    )
    parser.add_argument("--no-progress", action="store_true", help="no progress bars on standard error")
    add_reading_arguments(parser)


def add_reading_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments that say how to read records."""
    reading = parser.add_argument_group("reading")
    reading.add_argument(
        "--leads",
        metavar="LEADS",
        help="the leads to read, with commas (I,II,V1), or for each signal its lead (MLII=II,ECG2=V1); other signals "
        "are left out (default: all twelve, and nothing beside them)",
    )
    reading.add_argument(
        "--derive-leads",
        action="store_true",
        help="compute III, aVR, aVL and aVF from I and II where a file lacks them",
    )
    reading.add_argument(
        "--units", metavar="UNIT", help="mV, uV, V, nV or the mV of one step, for files that state none (default: mV)"
    )
    reading.add_argument("--rate", type=float, metavar="HZ", help="samples a second, for files that state none")
    reading.add_argument(
        "--invalid",
        choices=INVALID,
        default="raise",
        help="records with invalid samples: reject them, repeat the last valid sample, or draw a line across gaps of "
        "up to 0.1 s (default: raise)",
    )
    reading.add_argument(
        "--check-identities",
        choices=IDENTITY_CHECKS,
        default="error",
        help="records whose limb leads contradict one another: reject them, warn, or do not look (default: error)",
    )


def reading_options(arguments: argparse.Namespace) -> ReadingOptions:
    """How to read the records.

    Raises
    ------
    ValueError
        If an option has a value that is not understood; the message begins with its name.
    """
    try:
        return ReadingOptions(
            _leads(arguments.leads),
            units=_units(arguments.units),
            sampling_rate=arguments.rate,
            derive_leads=arguments.derive_leads,
            invalid=arguments.invalid,
            check_identities=arguments.check_identities,
            fallback=True,
        )
    except ValueError as error:
        option = {"leads": "--leads", "units": "--units", "sampling_rate": "--rate"}
        argument = str(error).partition(":")[0]
        raise ValueError(f"{option.get(argument, '--' + argument)}: {str(error).partition(': ')[2]}") from error


def _leads(text: str | None) -> Sequence[str] | Mapping[str, str] | None:
    if text is None:
        return None
    entries = [entry.strip() for entry in text.split(",") if entry.strip()]
    if any("=" in entry for entry in entries):
        pairs = [entry.partition("=") for entry in entries]
        if not all(name.strip() and lead.strip() for name, _, lead in pairs):
            raise ValueError(f"leads: got {text!r}, expected NAME=LEAD for every signal, or leads alone")
        return {name.strip(): lead.strip() for name, _, lead in pairs}
    return entries


def _units(text: str | None) -> str | float | None:
    if text is None:
        return None
    try:
        return float(text)
    except ValueError:
        return text
