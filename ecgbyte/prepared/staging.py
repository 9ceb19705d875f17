"""Records in S3-compatible and other remote storage, brought to this machine while they are read."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from ecgbyte.prepared.sources import RecordSource
from ecgbyte.prepared.storage import Storage, is_url
from ecgbyte.signals.reading.wfdb_record import signal_files


@contextmanager
def local_file(source: RecordSource, options: Mapping[str, Any] | None = None) -> Iterator[Path]:
    """The file of a record on this machine; of a remote one a copy, with the signal files that its header names.

    Parameters
    ----------
    source : RecordSource
    options : mapping, optional
        For fsspec.

    Raises
    ------
    FileNotFoundError
        If the file is not there; a signal file that is missing is left to the reader to tell.
    """
    if not is_url(source.path):
        yield Path(source.path)
        return
    folder, _, name = source.path.rpartition("/")
    storage = Storage(folder, dict(options or {}))
    with tempfile.TemporaryDirectory(prefix="ecgbyte-") as place:
        file = Path(place, name)
        file.write_bytes(storage.read(name))
        if file.suffix == ".hea":
            # A header that cannot be understood names no file; reading it will say why.
            for part in _named_by(file):
                try:
                    part.write_bytes(storage.read(part.name))
                except FileNotFoundError:
                    continue
        yield file


def _named_by(header: Path) -> list[Path]:
    try:
        return sorted(signal_files(header))
    except (ValueError, OSError):
        return []
