"""``ecgbyte prepare``: records to Parquet shards, once, every record accounted for."""

from __future__ import annotations

import argparse
import json
import sys
import time
from pathlib import Path
from typing import Any

from ecgbyte.cli.prepared_folders import parse_folds
from ecgbyte.cli.record_files import TOKENIZER_HELP, preprocessor_from_settings, report_others
from ecgbyte.cli.record_options import add_reading_arguments, reading_options
from ecgbyte.cli.record_search import find_records

_DEFAULT_RATE = 250.0


def add_parser(commands: Any, **format_options: Any) -> None:
    """Add ``prepare`` to the commands."""
    parser = commands.add_parser(
        "prepare",
        help="preprocess records once, into Parquet shards",
        description="Read, preprocess and store records, once, in Parquet shards that train, encode, the data sets of "
        "Hugging Face and others read. Every record is prepared, or in rejected.csv with a reason. A run that was "
        "stopped, however it ended, goes on where it stopped when the same command is given again; the bytes are the "
        "same as if it had not been, at any number of workers.",
        **format_options,
    )
    parser.add_argument(
        "source",
        nargs="*",
        metavar="SOURCE",
        help="NAME:FOLDER for a data set that is known by name (ptb-xl:data/ptb-xl; see --list-data-sets), or records "
        "and folders of any kind; a folder may be a URL (s3://bucket/folder)",
    )
    parser.add_argument("-o", "--output", metavar="FOLDER", help="where to write: a folder, or a URL (s3://...)")
    parser.add_argument("--list-data-sets", action="store_true", help="show the data sets that are known by name")
    chosen = parser.add_argument_group("which records")
    chosen.add_argument("--folds", metavar="FOLDS", help="only these folds of the data set, such as 1-8 or 9,10")
    chosen.add_argument("--limit", type=int, metavar="N", help="only the first N of the records")
    chosen.add_argument("--records", metavar="FILE", help="only the records that a file names, an id or a path a line")
    chain = parser.add_argument_group("what is written")
    kinds = chain.add_mutually_exclusive_group()
    kinds.add_argument("--as-published", action="store_true", help="preprocess with the faults of the published code")
    kinds.add_argument("--no-preprocess", action="store_true", help="take the records as they are")
    chain.add_argument(
        "--target-rate",
        type=float,
        metavar="HZ",
        help="samples a second after preprocessing (default: the tokenizer's, or 250)",
    )
    chain.add_argument("--segment-seconds", type=float, metavar="S", help="cut records into segments (default: whole)")
    chain.add_argument("-t", "--tokenizer", metavar="FILE", help=f"write token ids too; {TOKENIZER_HELP}")
    chain.add_argument("--no-signals", action="store_true", help="write token ids without the signals")
    chain.add_argument("--records-per-shard", type=int, default=512, metavar="N", help="(default: 512)")
    doubtful = parser.add_argument_group("what is rejected")
    doubtful.add_argument("--keep-flat-leads", action="store_true", help="also take records with a constant lead")
    doubtful.add_argument(
        "--largest-invalid-share",
        type=float,
        default=1.0,
        metavar="SHARE",
        help="with --invalid hold or interpolate: reject records with a larger share of invalid samples (default: 1)",
    )
    running = parser.add_argument_group("how it runs")
    running.add_argument("--workers", type=int, default=1, metavar="N", help="processes on this machine (default: 1)")
    running.add_argument("--scheduler", metavar="ADDRESS", help="a Dask scheduler, tcp://host:8786, instead of those")
    running.add_argument(
        "--storage-option",
        action="append",
        default=[],
        metavar="KEY=VALUE",
        help="for URLs: an option of fsspec's file system, such as endpoint_url=http://host:9000",
    )
    running.add_argument("--no-estimate", action="store_true", help="do not first guess what disk and time it takes")
    running.add_argument("--no-progress", action="store_true", help="no progress bars on standard error")
    running.add_argument("--json", action="store_true", help="print the summary as one JSON object")
    add_reading_arguments(parser)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Prepare; returns the exit code."""
    if arguments.list_data_sets:
        return _list_data_sets(as_json=arguments.json)
    if arguments.output is None:
        raise ValueError("--output: missing; name the folder to write to")
    if not arguments.source:
        raise ValueError("source: missing; name a data set with its folder, or records and folders")
    from ecgbyte.prepared.choice import choose_sources
    from ecgbyte.prepared.preparation import check_pyarrow, check_room, estimate, prepare
    from ecgbyte.prepared.storage import Storage

    check_pyarrow()
    options = _storage_options(arguments.storage_option)
    storage = Storage(arguments.output, options)
    settings = _settings(arguments, options)
    sources, facts = _sources(arguments, options)
    found = len(sources)
    sources = choose_sources(
        sources,
        folds=None if arguments.folds is None else parse_folds(arguments.folds),
        listed=None if arguments.records is None else _listed(arguments.records),
        limit=arguments.limit,
    )
    print(f"{len(sources)} of {found} records", file=sys.stderr)
    if not arguments.no_estimate:
        expected = estimate(sources, settings, storage)
        check_room(expected, storage)
        _say_estimate(expected, arguments.workers if arguments.scheduler is None else None)
    start = time.perf_counter()
    try:
        manifest = prepare(
            sources,
            settings,
            storage,
            data_set=facts,
            workers=arguments.workers,
            scheduler=arguments.scheduler,
            progress=not arguments.no_progress,
        )
    except (KeyboardInterrupt, OSError):
        print("note: what is done stays; the same command goes on from there", file=sys.stderr)
        raise
    _report(manifest, storage, time.perf_counter() - start, as_json=arguments.json)
    return 1 if manifest["counts"]["rejected"] else 0


def _settings(arguments: argparse.Namespace, options: dict[str, Any]) -> Any:
    from ecgbyte.prepared.settings import PreparationSettings
    from ecgbyte.signals.preprocess import Preprocessor
    from ecgbyte.tokenizer.ecg_tokenizer import ECGTokenizer

    tokenizer = None if arguments.tokenizer is None else ECGTokenizer.from_pretrained(arguments.tokenizer)
    if arguments.no_preprocess:
        if arguments.target_rate is not None:
            raise ValueError("--target-rate: needs preprocessing, but --no-preprocess was given")
        preprocessor = None
    elif tokenizer is not None and not arguments.as_published and arguments.target_rate is None:
        preprocessor = preprocessor_from_settings(tokenizer.preprocessing)
    else:
        rate = _DEFAULT_RATE if arguments.target_rate is None else arguments.target_rate
        preprocessor = Preprocessor(target_rate=rate, as_published=arguments.as_published)
    return PreparationSettings(
        preprocessor,
        reading=reading_options(arguments),
        keep_flat_leads=arguments.keep_flat_leads,
        largest_invalid_share=arguments.largest_invalid_share,
        segment_seconds=arguments.segment_seconds,
        tokenizer=tokenizer,
        signals=not arguments.no_signals,
        records_per_shard=arguments.records_per_shard,
        sampling_rates=_rates(arguments),
        storage_options=tuple(sorted(options.items())),
    )


def _named_data_set(source: str) -> tuple[str, str] | None:
    """Name and folder of ``NAME:FOLDER``; None where it is a path or a URL."""
    from ecgbyte.data.sets.described import descriptions

    name, colon, folder = source.partition(":")
    if colon and not folder.startswith("//") and (name in descriptions() or not Path(source).exists()):
        return name, folder
    return None


def _rates(arguments: argparse.Namespace) -> tuple[float, ...]:
    """The rates that records of the data set by name may have."""
    from ecgbyte.prepared.data_sets import find_description

    named = _named_data_set(arguments.source[0])
    if named is None:
        return ()
    description = find_description(named[0])
    if description.layout == "ptb-xl" and arguments.rate is not None:
        return (arguments.rate,)
    return tuple(float(rate) for rate in description.rates)


def _sources(arguments: argparse.Namespace, options: dict[str, Any]) -> tuple[list[Any], Any]:
    """The records of what was named, and what the data set says of itself."""
    from ecgbyte.prepared.choice import sources_in_storage
    from ecgbyte.prepared.data_sets import find_description, sources_of
    from ecgbyte.prepared.manifest import DataSetFacts
    from ecgbyte.prepared.sources import RecordSource
    from ecgbyte.prepared.storage import Storage, is_url

    named = _named_data_set(arguments.source[0])
    if named is not None:
        if len(arguments.source) > 1:
            raise ValueError("source: got a data set by name and others, expected the data set alone")
        description = find_description(named[0])
        facts = DataSetFacts(
            description.name, description.title, description.licence, description.citation, description.url
        )
        return sources_of(description, Path(named[1]), sampling_rate=arguments.rate), facts
    urls = [source for source in arguments.source if is_url(source)]
    if urls:
        if len(arguments.source) > 1:
            raise ValueError("source: got a URL and others, expected the URL alone")
        return sources_in_storage(Storage(urls[0], options)), None
    found = find_records(arguments.source, [], None)
    report_others(found)
    root = Path(arguments.source[0]).absolute()
    sources = []
    for file in found.files:
        path = file.path.absolute()
        place = path.relative_to(root).as_posix() if path.is_relative_to(root) and path != root else path.name
        sources.append(RecordSource(file.name, str(path), place, inner_id=file.record_id))
    return sources, None


def _listed(name: str) -> list[str]:
    try:
        text = Path(name).read_text(encoding="utf-8-sig")
    except FileNotFoundError as error:
        raise FileNotFoundError(f"--records: there is no file {name}") from error
    except UnicodeDecodeError as error:
        raise ValueError(f"--records: {name} is no UTF-8 text ({error})") from error
    lines = (line.strip() for line in text.splitlines())
    return [line for line in lines if line and not line.startswith("#")]


def _storage_options(given: list[str]) -> dict[str, Any]:
    options = {}
    for text in given:
        key, equals, value = text.partition("=")
        if not equals or not key:
            raise ValueError(f"--storage-option: got {text!r}, expected KEY=VALUE")
        options[key] = value
    return options


def _say_estimate(expected: Any, workers: int | None) -> None:
    free = "" if expected.free_bytes is None else f", {expected.free_bytes / 1e9:.1f} GB free"
    minutes = expected.seconds / (workers or 1) / 60
    with_what = "on one process" if workers is None else f"on {workers} process{'es' if workers > 1 else ''}"
    print(f"about {expected.num_bytes / 1e6:.0f} MB{free}; about {minutes:.1f} min {with_what}", file=sys.stderr)


def _report(manifest: dict[str, Any], storage: Any, seconds: float, *, as_json: bool) -> None:
    from ecgbyte.prepared.manifest import REJECTED

    counts = manifest["counts"]
    size = sum(shard["bytes"] for shard in manifest["shards"])
    if as_json:
        summary = {
            "folder": str(storage),
            "fingerprint": manifest["fingerprint"],
            **counts,
            "shards": len(manifest["shards"]),
            "bytes": size,
            "seconds": round(seconds, 3),
        }
        print(json.dumps(summary))
        return
    print(
        f"{storage}: {counts['prepared']} records prepared in {counts['rows']} rows, {size / 1e6:.1f} MB in "
        f"{len(manifest['shards'])} shards, {manifest['fingerprint']}"
    )
    each = ", ".join(f"{code} {count}" for code, count in counts["rejected_by_code"].items())
    where = f" ({each}), see {storage.path(REJECTED)}" if each else ""
    print(f"{counts['rejected']} records rejected{where}")
    print(f"{counts['prepared']} + {counts['rejected']} = {counts['records']} records, all accounted for")
    if counts["samples_left_out"]:
        print(f"{counts['samples_left_out']} samples a lead belonged to no whole segment and were left out")


def _list_data_sets(*, as_json: bool) -> int:
    import dataclasses

    from ecgbyte.data.sets.described import descriptions

    for description in descriptions().values():
        if as_json:
            print(json.dumps(dataclasses.asdict(description)))
            continue
        rates = ", ".join(f"{rate:g}" for rate in description.rates)
        print(f"{description.name}: {description.title}, {description.records} records at {rates} Hz")
        for name in ("units", "leads", "ids", "labels", "licence", "citation", "url", "how"):
            print(f"  {name:<9} {getattr(description, name)}")
    return 0
