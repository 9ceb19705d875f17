"""The manifest of a prepared folder: what it holds, how it was made, what became of every record."""

from __future__ import annotations

import csv
import io
import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ecgbyte.files import fingerprint
from ecgbyte.prepared.block import SHARDS, BlockReport, Rejection
from ecgbyte.prepared.storage import Storage

MANIFEST = "manifest.json"
REJECTED = "rejected.csv"
AMPLITUDES = "amplitudes.parquet"
TOKENIZER = "ecg_tokenizer.json"
FORMAT = "ecgbyte-prepared"
REJECTED_COLUMNS = ("record", "file", "code", "reason")


@dataclass(frozen=True)
class DataSetFacts:
    """What a data set says of itself, for whoever uses what is made of it.

    Attributes
    ----------
    name, title, licence, citation, url : str
    """

    name: str
    title: str
    licence: str
    citation: str
    url: str


def rejections_csv(rejections: Iterable[Rejection]) -> bytes:
    """The rejected records with code and sentence, in the order of the records."""
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(REJECTED_COLUMNS)
    writer.writerows([item.record_id, item.source, item.code, item.reason] for item in rejections)
    return stream.getvalue().encode("utf-8")


def manifest_of(
    plan: Mapping[str, Any],
    reports: Sequence[BlockReport],
    files: Mapping[str, str],
    data_set: DataSetFacts | None,
    written_with: Mapping[str, str],
) -> dict[str, Any]:
    """What a prepared folder holds.

    Parameters
    ----------
    plan : mapping
        Fingerprints of records and settings, the settings, and the number of records.
    reports : sequence of BlockReport
        One for each block, in order.
    files : mapping of str to str
        SHA-256 of the files beside the shards, by name.
    data_set : DataSetFacts or None
    written_with : mapping of str to str
        Versions of the packages that the bytes depend on.

    Raises
    ------
    ValueError
        If the records that were prepared and those that were rejected are not all of them.
    """
    prepared = sum(len(report.records) for report in reports)
    by_code = Counter(rejection.code for report in reports for rejection in report.rejections)
    rejected = sum(by_code.values())
    if prepared + rejected != plan["num_records"]:
        raise ValueError(
            f"reports: {prepared} records prepared and {rejected} rejected, of {plan['num_records']} records in all"
        )
    shards: list[dict[str, Any]] = [
        {
            "file": f"{SHARDS}/{report.shard}",
            "rows": sum(rows for _, _, rows in report.records),
            "bytes": report.size,
            "sha256": report.digest,
        }
        for report in reports
        if report.shard is not None
    ]
    return {
        "format": FORMAT,
        "fingerprint": fingerprint(plan["settings_fingerprint"], *(shard["sha256"] for shard in shards)),
        "data_set": None if data_set is None else vars(data_set),
        "written_with": dict(written_with),
        "plan": dict(plan),
        "counts": {
            "records": plan["num_records"],
            "prepared": prepared,
            "rows": sum(shard["rows"] for shard in shards),
            "rejected": rejected,
            "rejected_by_code": dict(sorted(by_code.items())),
            "samples_left_out": sum(report.leftovers for report in reports),
        },
        "shards": shards,
        "files": dict(files),
    }


def as_json(content: Mapping[str, Any]) -> bytes:
    """Plain data as a JSON file that a person can read."""
    return (json.dumps(content, indent=1, ensure_ascii=False) + "\n").encode("utf-8")


def read_manifest(storage: Storage) -> dict[str, Any] | None:
    """The manifest of a folder; None where there is none.

    Raises
    ------
    ValueError
        If the file is no such manifest, or of a version that is not known.
    """
    from ecgbyte.prepared.settings import FORMAT_VERSION

    try:
        content = storage.read(MANIFEST)
    except FileNotFoundError:
        return None
    try:
        found = json.loads(content)
    except (ValueError, RecursionError) as error:
        raise ValueError(f"path: {storage.path(MANIFEST)} is no manifest of a prepared folder ({error})") from error
    if not isinstance(found, dict) or found.get("format") != FORMAT:
        raise ValueError(f"path: {storage.path(MANIFEST)} is no manifest of a folder that ecgbyte prepare wrote")
    version = found["plan"]["settings"]["format_version"]
    if version != FORMAT_VERSION:
        raise ValueError(f"path: {storage} has format {version}, this version of ecgbyte reads {FORMAT_VERSION}")
    return found
