"""``ecgbyte import-published``: a vocabulary that ECG-Byte's code saved, as a tokenizer file."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

from ecgbyte.signals.amplitude_range import AmplitudeRange
from ecgbyte.tokenizer.ecg_tokenizer import ECGTokenizer
from ecgbyte.tokenizer.tokenizer_content import PER_RECORD, PUBLISHED_WIDENING_MV


def add_parser(commands: Any, **format_options: Any) -> None:
    """Add ``import-published`` to the commands."""
    parser = commands.add_parser(
        "import-published",
        help="take over a vocabulary that ECG-Byte's code saved",
        description="Read the pickle of (vocab, merges) that ECG-Byte's code saves, without executing anything in it, "
        "and write it as a tokenizer file. The tokenizer gives the same ids as that code.",
        **format_options,
    )
    parser.add_argument("vocabulary", metavar="FILE", help="the pickle, at most 8 MiB")
    parser.add_argument("-o", "--output", required=True, metavar="FILE", help="the tokenizer file to write")
    limits = parser.add_mutually_exclusive_group(required=True)
    limits.add_argument(
        "--percentiles",
        nargs=2,
        type=float,
        metavar=("P1", "P99"),
        help=f"percentiles 1 and 99 in mV, widened by {PUBLISHED_WIDENING_MV} mV on each side as in the published code",
    )
    limits.add_argument("--range-mv", nargs=2, type=float, metavar=("LOW", "HIGH"), help="the range itself, in mV")
    limits.add_argument("--per-record", action="store_true", help="each record's own extremes, as the later code does")
    parser.add_argument("--rate", type=float, metavar="HZ", help="samples a second of the records it is for")
    parser.add_argument("--num-leads", type=int, metavar="N", help="leads of the records it is for (default: 12)")
    parser.add_argument("--json", action="store_true", help="print what was written as one JSON object")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Import and save; returns the exit code."""
    output = Path(arguments.output)
    if not output.parent.is_dir():
        raise FileNotFoundError(f"--output: the folder {output.parent} does not exist")
    if output.is_dir():
        raise IsADirectoryError(f"--output: {output} is a folder, expected a file")
    amplitude_range: Any = PER_RECORD
    if arguments.percentiles is not None:
        low, high = arguments.percentiles
        amplitude_range = {"percentile_1": low, "percentile_99": high}
    elif arguments.range_mv is not None:
        amplitude_range = tuple(arguments.range_mv)
    tokenizer = ECGTokenizer.from_published(
        arguments.vocabulary,
        amplitude_range=amplitude_range,
        sampling_rate=arguments.rate,
        num_leads=arguments.num_leads,
    )
    tokenizer.save(output)
    limits = tokenizer.amplitude_range
    summary = {
        "tokenizer": str(output),
        "fingerprint": tokenizer.fingerprint,
        "vocabulary_size": tokenizer.vocabulary_size,
        "merges": len(tokenizer.merges),
        "range_mv": [limits.low, limits.high] if isinstance(limits, AmplitudeRange) else limits,
    }
    if arguments.json:
        print(json.dumps(summary))
    else:
        span = PER_RECORD if isinstance(limits, str) else f"{limits.low:.4g} to {limits.high:.4g} mV" if limits else ""
        print(f"{output}: {len(tokenizer.merges)} merges, {len(tokenizer)} ids, range {span}")
    return 0
