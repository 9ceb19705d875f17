"""Preparing records: blocks to shards, every record accounted for, going on where an earlier run was stopped.

A folder that is being prepared holds ``plan.json`` (which records, which settings), the shards that are done, and for
each of them an entry in ``journal/`` that says what became of its records. What is not in the journal is done again,
so a run may be stopped at any moment. The manifest is written last; then the journal goes.
"""

from __future__ import annotations

import errno
import hashlib
import json
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from ecgbyte._version import __version__
from ecgbyte.prepared.amplitudes import FoldAmplitudes
from ecgbyte.prepared.block import SHARDS, BlockReport, prepare_block, read_rows
from ecgbyte.prepared.columns import as_table, parquet_bytes, plain_columns
from ecgbyte.prepared.croissant import CROISSANT, croissant_of
from ecgbyte.prepared.engine import run_blocks
from ecgbyte.prepared.manifest import (
    AMPLITUDES,
    MANIFEST,
    REJECTED,
    TOKENIZER,
    DataSetFacts,
    as_json,
    manifest_of,
    read_manifest,
    rejections_csv,
)
from ecgbyte.prepared.settings import PreparationSettings
from ecgbyte.prepared.sources import RecordSource, check_distinct, fingerprint_of, in_blocks
from ecgbyte.prepared.storage import Storage
from ecgbyte.progress import progress_bar
from ecgbyte.tokenizer.tokenizer_file import format_tokenizer

PLAN = "plan.json"
JOURNAL = "journal"
_SAMPLE = 24


@dataclass(frozen=True)
class Estimate:
    """What a preparation takes, from a few of its records.

    Attributes
    ----------
    num_bytes : int
    seconds : float
        Of one process.
    free_bytes : int or None
        On the disk; None where nobody knows.
    """

    num_bytes: int
    seconds: float
    free_bytes: int | None


def prepare(
    sources: Sequence[RecordSource],
    settings: PreparationSettings,
    storage: Storage,
    *,
    data_set: DataSetFacts | None = None,
    workers: int = 1,
    scheduler: str | None = None,
    progress: bool = True,
) -> dict[str, Any]:
    """Prepare records in a folder.

    The same records, settings and versions of ecgbyte and pyarrow give the same bytes at any number of workers, on one
    machine or many, and however often the work was stopped on the way.

    Parameters
    ----------
    sources : sequence of RecordSource
        In the order in which they are to stand. Of records with the same samples the first is kept.
    settings : PreparationSettings
    storage : Storage
        The folder. One that holds a part of the same preparation is gone on with.
    data_set : DataSetFacts, optional
        For the manifest.
    workers, scheduler
        As `ecgbyte.prepared.engine.run_blocks`.
    progress : bool
        Show a bar on standard error, where that is a terminal.

    Returns
    -------
    dict
        The manifest.

    Raises
    ------
    ModuleNotFoundError
        If pyarrow is not installed, or another package that is asked for.
    OSError
        If nothing can be written, such as on a full disk; what is done stays, and the next run goes on from there.
    ValueError
        If there is no record, two have the same id, or the folder holds something else.
    """
    check_pyarrow()
    sources = list(sources)
    if not sources:
        raise ValueError("sources: is empty, expected at least one record")
    check_distinct(sources)
    plan = plan_of(sources, settings)
    manifest = read_manifest(storage)
    if manifest is not None:
        _check_plan(storage, manifest["plan"], plan)
        _tidy(storage, manifest)
        return manifest
    _begin(storage, plan, settings)
    blocks = list(in_blocks(sources, settings.records_per_shard))
    done = {report.number for report in _finished(storage)}
    todo = [number for number in range(len(blocks)) if number not in done]
    _run(blocks, todo, settings, storage, workers, scheduler, progress)
    reports = _reports(storage, len(blocks))
    again = _mark_duplicates(blocks, reports)
    if again:
        _run(blocks, again, settings, storage, workers, scheduler, progress)
        reports = _reports(storage, len(blocks))
    return _finish(storage, plan, reports, settings, data_set)


def check_pyarrow() -> None:
    """Raise `ModuleNotFoundError` with a hint where pyarrow is not installed."""
    try:
        import pyarrow  # noqa: F401
    except ImportError as error:
        raise ModuleNotFoundError("preparing records needs pyarrow; pip install 'ecgbyte[prepare]'") from error


def plan_of(sources: Sequence[RecordSource], settings: PreparationSettings) -> dict[str, Any]:
    """What is to be prepared and how, to compare with what a folder holds."""
    return {
        "num_records": len(sources),
        "records_fingerprint": fingerprint_of(sources),
        "settings_fingerprint": settings.fingerprint,
        "settings": settings.as_dict(),
    }


def estimate(sources: Sequence[RecordSource], settings: PreparationSettings, storage: Storage) -> Estimate:
    """Prepare a few of the records for a guess at disk and time; nothing is written."""
    chosen = [source for source in sources if source.excluded is None]
    sample = chosen[:: max(1, len(chosen) // _SAMPLE)][:_SAMPLE]
    if not sample:
        return Estimate(0, 0.0, storage.free_bytes())
    # What the first record alone takes: imports, tables.
    rows, _, _ = read_rows(sample[:1], settings)
    parquet_bytes(as_table(rows, signals=settings.signals)[0])
    start = time.perf_counter()
    rows, _, _ = read_rows(sample, settings)
    size = 0
    if rows:
        size = len(parquet_bytes(as_table(rows, signals=settings.signals)[0]))
    seconds = time.perf_counter() - start
    scale = len(chosen) / len(sample)
    return Estimate(int(size * scale), seconds * scale, storage.free_bytes())


def check_room(expected: Estimate, storage: Storage) -> None:
    """Raise `OSError` (ENOSPC) where the disk has not the room that is expected to be needed."""
    if expected.free_bytes is not None and expected.num_bytes > expected.free_bytes:
        raise OSError(
            errno.ENOSPC,
            f"about {expected.num_bytes / 1e6:.0f} MB are needed and {expected.free_bytes / 1e6:.0f} MB free",
            str(storage),
        )


def _check_plan(storage: Storage, found: dict[str, Any], plan: dict[str, Any]) -> None:
    if found == plan:
        return
    other = [key for key, value in plan["settings"].items() if found.get("settings", {}).get(key) != value]
    if found.get("records_fingerprint") != plan["records_fingerprint"]:
        other.insert(0, f"other records ({found.get('num_records')}, now {plan['num_records']})")
    raise ValueError(
        f"folder: {storage} holds another preparation, it differs in: {', '.join(other)}; name another folder, or "
        "remove this one"
    )


def _begin(storage: Storage, plan: dict[str, Any], settings: PreparationSettings) -> None:
    """Write the plan, or make sure that the folder is one where it was begun."""
    names = storage.names("")
    if PLAN in names:
        _check_plan(storage, json.loads(storage.read(PLAN)), plan)
        return
    if names:
        raise ValueError(
            f"folder: {storage} holds files ({sorted(names)[0]}, ...) and no preparation; name another one"
        )
    storage.write(PLAN, as_json(plan))


def _run(
    blocks: Sequence[list[RecordSource]],
    numbers: Sequence[int],
    settings: PreparationSettings,
    storage: Storage,
    workers: int,
    scheduler: str | None,
    progress: bool,
) -> None:
    work = ((number, blocks[number], settings, storage) for number in numbers)
    total = sum(len(block) for block in blocks)
    rejected = 0
    with progress_bar(None, "preparing", " records", total=total, shown=progress) as bar:
        bar.update(total - sum(len(blocks[number]) for number in numbers))
        for number, num_rejected in run_blocks(write_block, work, workers=workers, scheduler=scheduler):
            rejected += num_rejected
            bar.set_postfix(rejected=rejected, refresh=False)
            bar.update(len(blocks[number]))


def write_block(
    number: int, sources: Sequence[RecordSource], settings: PreparationSettings, storage: Storage
) -> tuple[int, int]:
    """Prepare a block and write it into the journal, last of all; returns its number and how many were rejected."""
    report, amplitudes = prepare_block(number, sources, settings, storage)
    storage.write(f"{JOURNAL}/{number:05d}.parquet", amplitudes.as_bytes())
    storage.write(f"{JOURNAL}/{number:05d}.json", as_json(report.as_dict()))
    return number, len(report.rejections)


def _finished(storage: Storage) -> Iterator[BlockReport]:
    """The reports of the blocks whose shard is there too."""
    shards = storage.names(SHARDS)
    for name in storage.names(JOURNAL):
        if not name.endswith(".json"):
            continue
        report = BlockReport.from_dict(json.loads(storage.read(f"{JOURNAL}/{name}")))
        if report.shard is None or shards.get(report.shard) == report.size:
            yield report


def _reports(storage: Storage, count: int) -> list[BlockReport]:
    return [BlockReport.from_dict(json.loads(storage.read(f"{JOURNAL}/{number:05d}.json"))) for number in range(count)]


def _mark_duplicates(blocks: list[list[RecordSource]], reports: Sequence[BlockReport]) -> list[int]:
    """Exclude the records whose samples an earlier one has; returns the blocks that have to be done again."""
    first: dict[str, str] = {}
    again = []
    for number, (block, report) in enumerate(zip(blocks, reports, strict=True)):
        sentences = {}
        for record_id, content, _ in report.records:
            other = first.setdefault(content, record_id)
            if other != record_id:
                sentences[record_id] = f"the same samples as record {other!r}"
        if sentences:
            again.append(number)
            blocks[number] = [
                replace(source, excluded=("duplicate", sentences[source.record_id]))
                if source.record_id in sentences and source.excluded is None
                else source
                for source in block
            ]
    return again


def _finish(
    storage: Storage,
    plan: dict[str, Any],
    reports: list[BlockReport],
    settings: PreparationSettings,
    data_set: DataSetFacts | None,
) -> dict[str, Any]:
    """Write what stands beside the shards, the manifest last, and remove what is needed no more."""
    import pyarrow

    amplitudes = FoldAmplitudes()
    for report in reports:
        amplitudes.merge(FoldAmplitudes.from_bytes(storage.read(f"{JOURNAL}/{report.number:05d}.parquet")))
    contents = {
        AMPLITUDES: amplitudes.as_bytes(),
        REJECTED: rejections_csv(rejection for report in reports for rejection in report.rejections),
    }
    if settings.tokenizer is not None:
        contents[TOKENIZER] = format_tokenizer(settings.tokenizer._content).encode("ascii")
    written_with = {"ecgbyte": __version__, "pyarrow": pyarrow.__version__}
    digests = {name: hashlib.sha256(content).hexdigest() for name, content in contents.items()}
    manifest = manifest_of(plan, reports, digests, data_set, written_with)
    contents[CROISSANT] = as_json(
        croissant_of(manifest, plain_columns(signals=settings.signals, tokenizer=settings.tokenizer))
    )
    for name, content in contents.items():
        storage.write(name, content)
    storage.write(MANIFEST, as_json(manifest))
    _tidy(storage, manifest)
    return manifest


def _tidy(storage: Storage, manifest: dict[str, Any]) -> None:
    """Remove what a finished preparation needs no more: journal, plan, shards that were done again."""
    kept = {shard["file"].rpartition("/")[2] for shard in manifest["shards"]}
    for name in storage.names(SHARDS):
        if name not in kept:
            storage.remove(f"{SHARDS}/{name}")
    for name in storage.names(JOURNAL):
        storage.remove(f"{JOURNAL}/{name}")
    storage.remove_folder(JOURNAL)
    storage.remove(PLAN)
    storage.remove_partial(SHARDS)
