"""``ecgbyte show``: a page, or a picture, of records and their tokens."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

from ecgbyte.checks import check_option
from ecgbyte.cli.record_files import (
    REASONS,
    RecordFiles,
    check_rejected_path,
    preprocessor_from_settings,
    report_others,
)
from ecgbyte.cli.record_options import add_record_arguments, reading_options
from ecgbyte.cli.record_search import RecordFile, find_records
from ecgbyte.files import write_atomically
from ecgbyte.signals.preprocess import Preprocessor
from ecgbyte.signals.records import Record
from ecgbyte.signals.segments import cut_segments
from ecgbyte.tokenizer.ecg_tokenizer import ECGTokenizer

_PAGE = ".html"
_PICTURES = (".png", ".svg")


def add_parser(commands: Any, **format_options: Any) -> None:
    """Add ``show`` to the commands."""
    parser = commands.add_parser(
        "show",
        help="show records and their tokens on ECG paper",
        description="Write a page (.html) that shows records on ECG paper, each token a stretch of colour, with a "
        "slider over the number of merges; or a picture (.png, .svg) of one record. The preprocessing that the "
        "tokenizer file names is applied first. The page is one file, needs no network, and holds the records' "
        "samples and names: send it only to those who may see them. Needs the extra 'viz'.",
        **format_options,
    )
    add_record_arguments(parser)
    parser.add_argument("-t", "--tokenizer", required=True, metavar="FILE", help="the tokenizer file")
    parser.add_argument(
        "-o", "--output", required=True, metavar="FILE", help="the page, .html, or picture, .png or .svg"
    )
    parser.add_argument(
        "--no-preprocess", action="store_true", help="take the records as they are: they are preprocessed already"
    )
    parser.add_argument("--merges", type=int, metavar="N", help="use the first N merges (a page only starts with them)")
    parser.add_argument("--token", type=int, metavar="ID", help="mark every place of this token")
    parser.add_argument("--title", metavar="TEXT", help="the heading")
    parser.add_argument("--note", default="", metavar="TEXT", help="a line at the foot of a page, such as a source")
    parser.add_argument("--layout", choices=("3x4", "6x2", "12x1"), help="rows and columns of a picture (default: 3x4)")
    parser.add_argument("--decoded", action="store_true", help="draw in a picture what the tokens decode to, too")
    parser.add_argument("--json", action="store_true", help="print what was written as one JSON object")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Write the page or picture; returns the exit code."""
    output = Path(arguments.output)
    check_option("--output: ending of the file", output.suffix, (_PAGE, *_PICTURES))
    if not output.parent.is_dir():
        raise FileNotFoundError(f"--output: the folder {output.parent} does not exist")
    if output.is_dir():
        raise IsADirectoryError(f"--output: {output} is a folder, expected a file")
    if output.suffix == _PAGE and (arguments.layout is not None or arguments.decoded):
        raise ValueError("--layout, --decoded: for pictures; a page has controls for both")
    if output.suffix != _PAGE and arguments.note:
        raise ValueError("--note: for pages; a picture has no room for one")
    rejected = Path(arguments.rejected or output.with_name(f"{output.stem}.rejected.csv"))
    check_rejected_path(rejected)
    tokenizer = ECGTokenizer.load(arguments.tokenizer)
    if tokenizer.amplitude_range is None:
        raise ValueError(f"--tokenizer: {arguments.tokenizer} has no range, it was made from merges alone")
    preprocessor = None if arguments.no_preprocess else preprocessor_from_settings(tokenizer.preprocessing)
    options = reading_options(arguments)
    found = find_records(arguments.records, arguments.list, arguments.max_records)
    report_others(found)
    files = found.files
    # As they were read: what the filter line says depends on the rate before preprocessing.
    records = RecordFiles(files, None, None, options=options)
    with records.rejections_written(rejected):
        shown = [
            pair
            for file in files
            for pair in _prepared(records, file, tokenizer, preprocessor, arguments.segment_seconds)
        ]
        if not shown:
            raise ValueError(f"none of the {len(files)} records could be used")
        try:
            _write(output, shown, tokenizer, arguments)
        except ImportError as error:
            raise ValueError(str(error)) from error
    records.report_remarks()
    size = output.stat().st_size
    if arguments.json:
        ids = [record.record_id for record, _ in shown]
        print(json.dumps({"file": str(output), "bytes": size, "records": ids, "rejected": len(records.rejections)}))
    else:
        print(f"{output}: {len(shown)} {'record' if len(shown) == 1 else 'records'}, {size / 1000:.0f} kB")
        if records.rejections:
            print(f"{len(records.rejections)} records rejected, see {rejected}")
    return 1 if records.rejections else 0


def _prepared(
    records: RecordFiles,
    file: RecordFile,
    tokenizer: ECGTokenizer,
    preprocessor: Preprocessor | None,
    segment_seconds: float | None,
) -> list[tuple[Record, str]]:
    """A record, or its segments, as the tokenizer takes it, with its filter line; nothing where it is rejected."""
    from ecgbyte.viz import filter_line
    from ecgbyte.viz.paper import check_amplitude

    prepared = []
    for source in records.read(file):
        try:
            record = source if preprocessor is None else preprocessor.apply(source)
            check_amplitude(record.signal, record.lead_names)
            tokenizer.encode(record)
            parts = [record] if segment_seconds is None else cut_segments(record, segment_seconds)
        except REASONS as error:
            records.reject(file, error)
            return []
        line = filter_line(preprocessor, source.sampling_rate, source.num_samples)
        prepared += [(part, line) for part in parts]
    return prepared


def _write(
    output: Path, shown: list[tuple[Record, str]], tokenizer: ECGTokenizer, arguments: argparse.Namespace
) -> None:
    from ecgbyte.viz import plot_tokens, token_page

    if output.suffix == _PAGE:
        chosen = {} if arguments.title is None else {"title": arguments.title}
        page = token_page(
            [record for record, _ in shown],
            tokenizer,
            filter_lines=[line for _, line in shown],
            num_merges=arguments.merges,
            token=arguments.token,
            note=arguments.note,
            **chosen,
        )
        write_atomically(output, page)
        return
    if len(shown) > 1:
        raise ValueError(f"--output: a picture shows one record, got {len(shown)}; write a page, {output.stem}.html")
    record, line = shown[0]
    plot_tokens(
        record,
        tokenizer,
        output,
        num_merges=arguments.merges,
        layout=arguments.layout or "3x4",
        token=arguments.token,
        decoded=arguments.decoded,
        filter_line=line,
        title=arguments.title,
    )
