"""Adding token ids to a prepared folder: each shard is written anew with the columns of tokens, then the manifest.

Until the manifest is written the folder is what it was; a run that was stopped goes on from its journal.
"""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Mapping
from typing import Any

from ecgbyte.files import fingerprint
from ecgbyte.prepared.block import SHARDS, write_shard
from ecgbyte.prepared.columns import TOKEN_COLUMNS, parquet_bytes, plain_columns, records_of, schema, with_tokens
from ecgbyte.prepared.croissant import CROISSANT, croissant_of
from ecgbyte.prepared.engine import run_blocks
from ecgbyte.prepared.folder import PreparedFolder
from ecgbyte.prepared.manifest import MANIFEST, TOKENIZER, as_json
from ecgbyte.prepared.settings import check_tokenizer, tokenizer_of
from ecgbyte.prepared.storage import Storage
from ecgbyte.progress import progress_bar
from ecgbyte.tokenizer.ecg_tokenizer import ECGTokenizer
from ecgbyte.tokenizer.tokenizer_file import format_tokenizer

JOURNAL = "encoding"


def encode_folder(
    folder: PreparedFolder,
    storage: Storage,
    tokenizer: ECGTokenizer,
    *,
    workers: int = 1,
    scheduler: str | None = None,
    progress: bool = True,
) -> dict[str, Any]:
    """Add the columns of tokens to every shard of a folder.

    Parameters
    ----------
    folder : PreparedFolder
        With signals.
    storage : Storage
        The same folder, to write to.
    tokenizer : ECGTokenizer
        Made for records that were preprocessed as these.
    workers, scheduler
        As `ecgbyte.prepared.engine.run_blocks`.
    progress : bool

    Returns
    -------
    dict
        ``rows``, ``tokens``, ``symbols``, ``clipped`` (a share), and ``fingerprint`` of the folder as it is now.

    Raises
    ------
    ValueError
        If the folder holds no signals, tokens of another tokenizer, or records that do not fit this one.
    OSError
        If nothing can be written; what is done stays.
    """
    manifest = dict(folder.manifest)
    check_tokenizer(tokenizer, manifest["plan"]["settings"]["preprocessing"])
    if not manifest["plan"]["settings"]["signals"]:
        raise ValueError(f"folder: {storage} holds no signals, so nothing can be encoded")
    other = None if folder.tokenizer is None else folder.tokenizer.fingerprint
    if other not in (None, tokenizer.fingerprint):
        raise ValueError(f"folder: {storage} holds the tokens of another tokenizer ({other}); prepare another folder")
    if other == tokenizer.fingerprint:
        return _summary(folder)
    plan = {"folder": manifest["fingerprint"], "tokenizer": tokenizer.fingerprint}
    done = _begun(storage, plan)
    text = format_tokenizer(tokenizer._content)
    work = [
        (number, shard["file"], text, storage) for number, shard in enumerate(manifest["shards"]) if number not in done
    ]
    rows = {number: shard["rows"] for number, shard in enumerate(manifest["shards"])}
    with progress_bar(None, "encoding", " records", total=sum(rows.values()), shown=progress) as bar:
        bar.update(sum(rows[number] for number in done))
        for number in run_blocks(encode_shard, work, workers=workers, scheduler=scheduler):
            bar.update(rows[number])
    _finish(storage, manifest, tokenizer, text)
    return _summary(PreparedFolder(storage.place, storage_options=storage.options))


def encode_shard(number: int, file: str, tokenizer_text: str, storage: Storage) -> int:
    """Write a shard anew with tokens, and note it in the journal; returns its number."""
    import pyarrow
    from pyarrow import parquet

    table = parquet.read_table(io.BytesIO(storage.read(file)), use_threads=False)
    # What reading notes in the schema would be written too.
    table = pyarrow.Table.from_arrays(table.columns, schema=schema(signals=True, tokens=False))
    table = with_tokens(table, list(records_of(table)), tokenizer_of(tokenizer_text))
    name, size, digest = write_shard(number, parquet_bytes(table), storage)
    shard = {"file": f"{SHARDS}/{name}", "rows": len(table), "bytes": size, "sha256": digest}
    storage.write(f"{JOURNAL}/{number:05d}.json", as_json(shard))
    return number


def _begun(storage: Storage, plan: Mapping[str, str]) -> set[int]:
    """The shards that an earlier run has done; the plan of another run is given up, with what it did."""
    names = storage.names(JOURNAL)
    if "plan.json" in names and json.loads(storage.read(f"{JOURNAL}/plan.json")) == dict(plan):
        shards = storage.names(SHARDS)
        done = set()
        for name in names:
            if name != "plan.json":
                shard = json.loads(storage.read(f"{JOURNAL}/{name}"))
                if shards.get(shard["file"].rpartition("/")[2]) == shard["bytes"]:
                    done.add(int(name.removesuffix(".json")))
        return done
    for name in names:
        storage.remove(f"{JOURNAL}/{name}")
    storage.write(f"{JOURNAL}/plan.json", as_json(plan))
    return set()


def _finish(storage: Storage, manifest: dict[str, Any], tokenizer: ECGTokenizer, text: str) -> None:
    shards = [json.loads(storage.read(f"{JOURNAL}/{number:05d}.json")) for number in range(len(manifest["shards"]))]
    content = text.encode("ascii")
    manifest["shards"] = shards
    manifest["files"] = {**manifest["files"], TOKENIZER: hashlib.sha256(content).hexdigest()}
    settings = manifest["plan"]["settings_fingerprint"]
    manifest["fingerprint"] = fingerprint(settings, *(shard["sha256"] for shard in shards))
    columns = plain_columns(signals=True, tokenizer=tokenizer)
    storage.write(TOKENIZER, content)
    storage.write(CROISSANT, as_json(croissant_of(manifest, columns)))
    storage.write(MANIFEST, as_json(manifest))
    kept = {shard["file"].rpartition("/")[2] for shard in shards}
    for name in storage.names(SHARDS):
        if name not in kept:
            storage.remove(f"{SHARDS}/{name}")
    for name in storage.names(JOURNAL):
        storage.remove(f"{JOURNAL}/{name}")
    storage.remove_folder(JOURNAL)


def _summary(folder: PreparedFolder) -> dict[str, Any]:
    import numpy as np

    rows = tokens = symbols = 0
    clipped = 0.0
    for table in folder.tables(["leads", "num_samples", *TOKEN_COLUMNS]):
        table = table.combine_chunks()
        counts = np.diff([0, *np.cumsum(table.column("leads").combine_chunks().value_lengths().to_numpy())])
        sizes = counts * table.column("num_samples").to_numpy()
        rows += len(table)
        tokens += int(table.column("ids").combine_chunks().value_lengths().to_numpy().sum())
        symbols += int(sizes.sum())
        clipped += float((table.column("clipped").to_numpy() * sizes).sum())
    return {
        "rows": rows,
        "tokens": tokens,
        "symbols": symbols,
        "clipped": clipped / symbols if symbols else 0.0,
        "fingerprint": folder.fingerprint,
    }
