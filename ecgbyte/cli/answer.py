"""``ecgbyte answer``: questions about records to a trained model."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

from ecgbyte.cli.record_files import REASONS, RecordFiles, check_rejected_path, report_others
from ecgbyte.cli.record_options import add_record_arguments, reading_options
from ecgbyte.cli.record_search import RecordFile, find_records
from ecgbyte.progress import progress_bar

# Said here, not taken from ecgbyte.hub.cards, which loads after the arguments are checked.
NO_DEVICE = "no medical device: answers must not be used to diagnose or treat anyone"


def add_parser(commands: Any, **format_options: Any) -> None:
    """Add ``answer`` to the commands."""
    parser = commands.add_parser(
        "answer",
        help="ask a trained model about records",
        description="Ask a model that was saved in a folder every question about every record. The preprocessing that "
        "its tokenizer names is applied first. A record that does not fit the model (other leads, too short) is "
        "rejected with its reason, and the others are answered. The answers are greedy; beside each stands how sure "
        "the model is of yes against no, which means nothing for questions about something else. This is "
        f"{NO_DEVICE}.",
        **format_options,
    )
    add_record_arguments(parser)
    parser.add_argument("--model", required=True, metavar="FOLDER", help="the saved model")
    parser.add_argument("--base", metavar="NAME", help="where the base model of an adapter stands, if not where it did")
    parser.add_argument(
        "--question",
        action="append",
        required=True,
        metavar="TEXT",
        help="a question; several are asked about one reading of each record",
    )
    parser.add_argument(
        "--start", type=float, default=0.0, metavar="S", help="where the segment begins that is shown (default: 0)"
    )
    parser.add_argument("--max-new-tokens", type=int, metavar="N", help="tokens of an answer at most (default: 128)")
    parser.add_argument(
        "--no-preprocess", action="store_true", help="take the records as they are: they are preprocessed already"
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object a record")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Answer record after record; returns the exit code."""
    if arguments.segment_seconds is not None:
        raise ValueError("--segment-seconds: the model says how long a segment is; --start says where it begins")
    if arguments.rejected is not None:
        check_rejected_path(Path(arguments.rejected))
    options = reading_options(arguments)
    found = find_records(arguments.records, arguments.list, arguments.max_records)
    report_others(found)
    print(f"note: {NO_DEVICE}", file=sys.stderr)
    records = RecordFiles(found.files, None, None, options=options)
    from transformers.utils import logging

    from ecgbyte.hub import load_model

    if arguments.no_progress or not sys.stderr.isatty():
        logging.disable_progress_bar()
    saved = load_model(arguments.model, base=arguments.base)
    for file in progress_bar(found.files, "answering", " records", shown=not arguments.no_progress):
        _answer(saved, records, file, arguments)
    records.report_remarks()
    if arguments.rejected is not None:
        records.write_rejections(Path(arguments.rejected))
    return 1 if records.rejections else 0


def _answer(saved: Any, records: RecordFiles, file: RecordFile, arguments: argparse.Namespace) -> None:
    """Print what the model says about a record, or why it is rejected."""
    from ecgbyte.hub import answer_questions

    # One record at a time: its answers appear at once, and what does not fit ends no batch.
    for record in records.read(file):
        try:
            (said,) = answer_questions(
                saved,
                [record],
                arguments.question,
                start=arguments.start,
                preprocess=not arguments.no_preprocess,
                max_new_tokens=arguments.max_new_tokens,
            )
        except REASONS as error:
            records.reject(file, error)
            continue
        if arguments.json:
            print(json.dumps({**said.as_dict(), "record": file.name, "notice": NO_DEVICE}))
            continue
        cut = f", {said.tokens_cut} of {said.tokens} tokens did not fit the model" if said.tokens_cut else ""
        print(f"{file.name} ({said.seconds[0]:g} to {said.seconds[1]:g} s, {said.clipped:.1%} clipped{cut})")
        for answer in said.answers:
            print(f"  {answer.question}  {answer.answer or '(nothing)'}  (yes {answer.yes:.2f})")
    if file in records.rejections and arguments.json:
        print(json.dumps({"record": file.name, "rejected": records.rejections[file]}))
