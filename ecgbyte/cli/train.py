"""``ecgbyte train``: learn a tokenizer from a folder or a list of records."""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from ecgbyte.bpe import MATCHING
from ecgbyte.cli.prepared_folders import OF_FILES, parse_folds, prepared_folder, refuse_options
from ecgbyte.cli.record_files import RecordFiles, check_rejected_path, report_others
from ecgbyte.cli.record_options import add_record_arguments, reading_options
from ecgbyte.cli.record_search import find_records
from ecgbyte.signals.amplitude_range import AmplitudeRange
from ecgbyte.signals.preprocess import Preprocessor
from ecgbyte.signals.records import Record
from ecgbyte.tokenizer.ecg_tokenizer import ECGTokenizer
from ecgbyte.tokenizer.tokenizer_content import BOUNDARIES, PER_RECORD
from ecgbyte.tokenizer.tokenizer_file import check_replaceable

_DEFAULT_RATE = 250.0


def add_parser(commands: Any, **format_options: Any) -> None:
    """Add ``train`` to the commands."""
    parser = commands.add_parser(
        "train",
        help="learn a tokenizer from records",
        description="Learn the range and the merges from records, and write them to one JSON file. With "
        "--range global the records are read twice, once for the range and once for the symbols; those of a folder "
        "that prepare wrote are read once, and not filtered again.",
        **format_options,
    )
    add_record_arguments(parser)
    parser.add_argument("-o", "--output", required=True, metavar="FILE", help="the tokenizer file to write")
    parser.add_argument("--num-merges", type=int, default=3500, metavar="N", help="merges to learn (default: 3500)")
    chain = parser.add_mutually_exclusive_group()
    chain.add_argument(
        "--preprocess",
        dest="chain",
        action="store_const",
        const="default",
        default="default",
        help="filter, denoise and resample (the default)",
    )
    chain.add_argument(
        "--as-published",
        dest="chain",
        action="store_const",
        const="as-published",
        help="the same, with the faults of the published code",
    )
    chain.add_argument(
        "--no-preprocess", dest="chain", action="store_const", const="none", help="take the records as they are"
    )
    parser.add_argument(
        "--target-rate", type=float, metavar="HZ", help="samples a second after preprocessing (default: 250)"
    )
    parser.add_argument("--folds", metavar="FOLDS", help="of a prepared folder only these folds, such as 1-8")
    limits = parser.add_mutually_exclusive_group()
    limits.add_argument(
        "--range",
        choices=("global", PER_RECORD),
        default="global",
        help="percentiles 1 and 99 of all records, widened by 0.5 mV, or each record's own (default: global)",
    )
    limits.add_argument("--range-mv", nargs=2, type=float, metavar=("LOW", "HIGH"), help="a range of your own, in mV")
    parser.add_argument("--boundary", choices=BOUNDARIES, default="lead", help="what no token crosses (default: lead)")
    parser.add_argument(
        "--matching", choices=MATCHING, default="longest", help="how symbols are cut into tokens (default: longest)"
    )
    parser.add_argument(
        "--min-count", type=int, default=1, metavar="N", help="do not merge pairs that occur less often (default: 1)"
    )
    parser.add_argument("--num-threads", type=int, default=1, metavar="N", help="threads of the kernels (default: 1)")
    parser.add_argument("--json", action="store_true", help="print the summary as one JSON object")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Train and save; returns the exit code."""
    output = Path(arguments.output)
    if not output.parent.is_dir():
        raise FileNotFoundError(f"--output: the folder {output.parent} does not exist")
    if output.is_dir():
        raise IsADirectoryError(f"--output: {output} is a folder, expected a file")
    try:
        check_replaceable(output)
    except FileExistsError as error:
        raise FileExistsError(f"--output: {str(error).removeprefix('path: ')}") from error
    rejected = Path(arguments.rejected or output.with_name(f"{output.stem}.rejected.csv"))
    if rejected.resolve() == output.resolve():
        raise ValueError(f"--rejected: {rejected} is also the --output, expected two files")
    check_rejected_path(rejected)
    if (prepared := prepared_folder(arguments)) is not None:
        return _train_prepared(arguments, prepared, output)
    if arguments.folds is not None:
        raise ValueError("--folds: records that are not prepared have no folds; see ecgbyte prepare")
    preprocessor = _preprocessor(arguments)
    options = reading_options(arguments)
    found = find_records(arguments.records, arguments.list, arguments.max_records)
    report_others(found)
    rate = None if preprocessor is None else preprocessor.target_rate
    records = RecordFiles(
        found.files, preprocessor, arguments.segment_seconds, options=options, uniform=True, sampling_rate=rate
    )
    with records.rejections_written(rejected):
        try:
            tokenizer = _train(arguments, records, preprocessor)
        except ValueError as error:
            if len(records.rejections) == len(found.files):
                raise ValueError(f"none of the {len(found.files)} records could be used") from error
            raise
        tokenizer.save(output)
    records.report_leftovers()
    records.report_remarks()
    written = rejected if rejected.exists() else None
    limits = tokenizer.amplitude_range
    # With a range for each record nothing is clipped but what lies 0.5 mV beyond its own percentiles.
    clipped = records.amplitudes.share_outside(limits.low, limits.high) if isinstance(limits, AmplitudeRange) else None
    _report(tokenizer, output, clipped, len(records.rejections), written, as_json=arguments.json)
    return 1 if records.rejections else 0


def _train(arguments: argparse.Namespace, records: Iterable[Record], preprocessor: Preprocessor | None) -> ECGTokenizer:
    return ECGTokenizer.train(
        records,
        arguments.num_merges,
        amplitude_range=arguments.range if arguments.range_mv is None else tuple(arguments.range_mv),
        boundary=arguments.boundary,
        matching=arguments.matching,
        min_count=arguments.min_count,
        preprocessing=preprocessor,
        num_threads=arguments.num_threads,
        progress=not arguments.no_progress,
    )


def _train_prepared(arguments: argparse.Namespace, place: str, output: Path) -> int:
    """Train on the records of a prepared folder; returns the exit code."""
    from ecgbyte.prepared.folder import PreparedFolder

    refuse_options(arguments, {**OF_FILES, "chain": "default", "target_rate": None}, "prepare them with this option")
    folder = PreparedFolder(place)
    folds = None if arguments.folds is None else parse_folds(arguments.folds)
    tokenizer = _train(arguments, folder.records(folds=folds), folder.preprocessor)
    tokenizer.save(output)
    limits = tokenizer.amplitude_range
    clipped = (
        folder.amplitudes.share_outside(limits.low, limits.high, folds) if isinstance(limits, AmplitudeRange) else None
    )
    _report(tokenizer, output, clipped, 0, None, as_json=arguments.json)
    return 0


def _preprocessor(arguments: argparse.Namespace) -> Preprocessor | None:
    if arguments.chain == "none":
        if arguments.target_rate is not None:
            raise ValueError("--target-rate: needs preprocessing, but --no-preprocess was given")
        return None
    rate = _DEFAULT_RATE if arguments.target_rate is None else arguments.target_rate
    return Preprocessor(target_rate=rate, as_published=arguments.chain == "as-published")


def _report(
    tokenizer: ECGTokenizer,
    output: Path,
    clipped: float | None,
    num_rejected: int,
    rejected: Path | None,
    *,
    as_json: bool,
) -> None:
    training = tokenizer.training
    if training is None:
        raise ValueError("the trained tokenizer has no training summary")
    limits = tokenizer.amplitude_range
    range_mv = limits if limits is None or isinstance(limits, str) else [limits.low, limits.high]
    if as_json:
        summary = {
            "tokenizer": str(output),
            "fingerprint": tokenizer.fingerprint,
            "vocabulary_size": tokenizer.vocabulary_size,
            "merges": training.merges_made,
            "records": training.records,
            "symbols": training.symbols,
            "range_mv": range_mv,
            "sampling_rate": tokenizer.sampling_rate,
            "training_fingerprint": training.fingerprint,
            "clipped": clipped,
            "rejected": num_rejected,
            "rejected_file": None if rejected is None else str(rejected),
        }
        print(json.dumps(summary))
        return
    span = PER_RECORD if isinstance(range_mv, str) or range_mv is None else f"{range_mv[0]:.4g} to {range_mv[1]:.4g} mV"
    print(f"{output}: {tokenizer.vocabulary_size} tokens from {training.records} records ({training.symbols} symbols)")
    print(f"range {span}, {tokenizer.sampling_rate:g} samples a second, fingerprint {tokenizer.fingerprint}")
    if clipped is not None:
        print(f"{clipped:.2%} of the samples lie outside the range and are clipped to it")
    if num_rejected:
        print(f"{num_rejected} records rejected, see {rejected}")
