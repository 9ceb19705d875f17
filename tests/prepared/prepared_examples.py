"""Small records, sources and preparations that the tests of prepared folders share."""

from __future__ import annotations

import csv
import io
import os
import subprocess
import sys
from pathlib import Path

from ecgbyte.prepared.settings import PreparationSettings
from ecgbyte.prepared.sources import RecordSource
from ecgbyte.prepared.storage import Storage
from ecgbyte.signals.preprocess import Preprocessor

CHAIN = Preprocessor(target_rate=100)


def sources_in(folder: Path, *, patients: bool = True) -> list[RecordSource]:
    """A source for each header below a folder, every two records of one patient."""
    sources = []
    for number, header in enumerate(sorted(folder.rglob("*.hea"))):
        place = header.relative_to(folder).as_posix()
        known = {"patient_id": f"p{number // 2}", "fold": number // 2 % 10 + 1} if patients else {}
        sources.append(RecordSource(header.stem, str(header), place, **known))
    return sources


def settings_of(**changes: object) -> PreparationSettings:
    """Settings with small shards."""
    return PreparationSettings(CHAIN, **{"records_per_shard": 3, **changes})  # type: ignore[arg-type]


def rejected_in(folder: Path) -> dict[str, tuple[str, str]]:
    """Code and sentence of each rejected record."""
    text = Storage(folder).read("rejected.csv").decode("utf-8")
    return {row["record"]: (row["code"], row["reason"]) for row in csv.DictReader(io.StringIO(text))}


def contents(folder: Path) -> dict[str, bytes]:
    """Every file below a folder."""
    return {file.relative_to(folder).as_posix(): file.read_bytes() for file in folder.rglob("*") if file.is_file()}


def start_command(*arguments: object, new_session: bool = False) -> subprocess.Popen:
    """The command ``ecgbyte`` in a process of its own, or with all that it starts in a session of its own."""
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    return subprocess.Popen(
        [sys.executable, "-m", "ecgbyte", *map(str, arguments)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment,
        start_new_session=new_session,
    )
