"""``ecgbyte encode``: records to token ids."""

from __future__ import annotations

import argparse
import json
import warnings
from pathlib import Path
from typing import Any

from ecgbyte.cli.encoded_list import COLUMNS, LIST_NAME, EncodedList
from ecgbyte.cli.prepared_folders import encode_prepared, prepared_folder
from ecgbyte.cli.record_files import (
    REASONS,
    TOKENIZER_HELP,
    RecordFiles,
    begins_with,
    check_rejected_path,
    preprocessor_from_settings,
    report_others,
)
from ecgbyte.cli.record_options import add_record_arguments, reading_options
from ecgbyte.cli.record_search import RecordFile, find_records
from ecgbyte.progress import progress_bar
from ecgbyte.tokenizer.clipping import ClippedWarning
from ecgbyte.tokenizer.ecg_tokenizer import ECGTokenizer
from ecgbyte.tokenizer.encoding_file import EncodedRecord, write_encoded


def add_parser(commands: Any, **format_options: Any) -> None:
    """Add ``encode`` to the commands."""
    parser = commands.add_parser(
        "encode",
        help="turn records into token ids",
        description="Turn records into token ids. The preprocessing that the tokenizer file names is applied first. "
        f"With -o, each record (or segment) becomes one .npz file, and {LIST_NAME} lists them with what reading them "
        "found; with --json alone, one line of standard output. A folder that prepare wrote gets columns of tokens in "
        "its own shards.",
        **format_options,
    )
    add_record_arguments(parser)
    parser.add_argument("-t", "--tokenizer", required=True, metavar="FILE", help=TOKENIZER_HELP)
    parser.add_argument("-o", "--output", metavar="FOLDER", help="folder for the .npz files; made where it is missing")
    parser.add_argument(
        "--no-preprocess", action="store_true", help="take the records as they are: they are preprocessed already"
    )
    parser.add_argument(
        "--json",
        action="store_true",
        help="print one JSON object a record: the ids, or, with -o, the file and its sizes",
    )
    prepared = parser.add_argument_group("a prepared folder")
    prepared.add_argument("--workers", type=int, default=1, metavar="N", help="processes on this machine (default: 1)")
    prepared.add_argument("--scheduler", metavar="ADDRESS", help="a Dask scheduler, tcp://host:8786, instead of those")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Encode record after record; returns the exit code."""
    if (prepared := prepared_folder(arguments)) is not None:
        return encode_prepared(arguments, prepared)
    if arguments.workers != 1 or arguments.scheduler is not None:
        raise ValueError("--workers, --scheduler: are for a folder that ecgbyte prepare wrote")
    if arguments.output is None and not arguments.json:
        raise ValueError("--output: missing; give a folder for the .npz files, or --json for standard output")
    folder = None if arguments.output is None else Path(arguments.output)
    if folder is not None:
        _check_folder(folder)
    rejected = Path(arguments.rejected or (folder or Path()) / "rejected.csv")
    check_rejected_path(rejected, made=folder)
    tokenizer = ECGTokenizer.from_pretrained(arguments.tokenizer)
    if tokenizer.amplitude_range is None:
        raise ValueError(f"--tokenizer: {arguments.tokenizer} has no range, it was made from merges alone")
    preprocessor = None if arguments.no_preprocess else preprocessor_from_settings(tokenizer.preprocessing)
    options = reading_options(arguments)
    found = find_records(arguments.records, arguments.list, arguments.max_records)
    report_others(found)
    # A tokenizer takes records of its own rate only, preprocessed here or not.
    records = RecordFiles(
        found.files, preprocessor, arguments.segment_seconds, options=options, sampling_rate=tokenizer.sampling_rate
    )
    if folder is not None:
        _check_names(found.files)
        folder.mkdir(parents=True, exist_ok=True)
    listed = EncodedList(records)
    with records.rejections_written(rejected), listed.written(folder):
        for file in progress_bar(found.files, "encoding", " records", shown=not arguments.no_progress):
            for encoded in _encode(records, file, tokenizer):
                # A segment's id ends in its number: "00001_lr#0".
                segment = "" if arguments.segment_seconds is None else "#" + encoded.record_id.rpartition("#")[2]
                target = None if folder is None else folder / f"{file.name}{segment}.npz"
                if target is not None:
                    target.parent.mkdir(parents=True, exist_ok=True)
                    write_encoded(target, encoded)
                if arguments.json:
                    print(json.dumps(_line(encoded, target, records, file)))
                listed.add(file, f"{file.name}{segment}", encoded.encoding)
    records.report_leftovers()
    records.report_remarks()
    listed.report_clipped()
    if not arguments.json:
        print(f"{folder}: {listed.summary()}")
        if records.rejections:
            print(f"{len(records.rejections)} records rejected, see {rejected}")
    return 1 if records.rejections else 0


def _encode(records: RecordFiles, file: RecordFile, tokenizer: ECGTokenizer) -> list[EncodedRecord]:
    """A record's segments as tokens: all of them, or none where it is rejected."""
    segments = records.read(file)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ClippedWarning)  # told for all records at the end
            encodings = tokenizer.encode_batch(segments)
    except REASONS as error:
        records.reject(file, error)
        return []
    return [
        EncodedRecord(segment.record_id, encoding, segment.sampling_rate, tokenizer.fingerprint)
        for segment, encoding in zip(segments, encodings, strict=True)
    ]


def _line(encoded: EncodedRecord, target: Path | None, records: RecordFiles, file: RecordFile) -> dict[str, Any]:
    line = encoded.as_dict()
    if target is not None:
        del line["ids"]
        line["file"] = str(target)
    line["num_tokens"] = encoded.encoding.num_tokens
    line["compression"] = encoded.encoding.compression
    line["doubts"] = [remark.reason for remark in records.read_as(file).remarks if remark.doubt]
    return line


def _check_folder(folder: Path) -> None:
    for place in (folder, *folder.parents):
        if place.exists():
            if not place.is_dir():
                raise NotADirectoryError(f"--output: {place} is a file, expected a folder for the .npz files")
            break
    listed = folder / LIST_NAME
    if listed.exists() and not begins_with(listed, ",".join(COLUMNS)):
        raise ValueError(f"--output: {listed} exists and is no list of encoded records; choose another folder")


def _check_names(files: list[RecordFile]) -> None:
    seen: dict[str, RecordFile] = {}
    for file in files:
        other = seen.setdefault(file.name, file)
        if other is not file:
            raise ValueError(
                f"{file.path} and {other.path}: both would be written to {file.name}.npz; encode them into two folders"
            )
