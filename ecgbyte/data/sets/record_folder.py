"""What data sets share whose records are WFDB files in a folder, named by tables beside them."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path, PurePosixPath

from ecgbyte.checks import whole_number
from ecgbyte.data.catalogue import RecordEntry
from ecgbyte.signals.reading.reader import read_record
from ecgbyte.signals.records import Record


class RecordFolder:
    """A folder in the layout that its data set is published in; the base class of those that read the tables.

    Parameters
    ----------
    root : path-like
        The folder.
    title : str
        The data set's name as people write it, for messages.
    tables : sequence of str
        Files that must be in the folder.
    signals : str
        Where the signals lie in it, for messages.
    sampling_rate : int
        Samples a second of every record.
    max_records : int or None
        What the user gave.

    Raises
    ------
    FileNotFoundError
        If the folder or one of its tables does not exist.
    TypeError, ValueError
        If `max_records` is no whole number of 1 at least.

    Notes
    -----
    *Thread-safety*: immutable once made; `read` may be called from several threads.
    """

    def __init__(
        self,
        root: str | os.PathLike[str],
        *,
        title: str,
        tables: Sequence[str],
        signals: str,
        sampling_rate: int,
        max_records: int | None,
    ) -> None:
        if max_records is not None:
            whole_number("max_records", max_records, minimum=1)
        self.root = Path(root)
        if not self.root.is_dir():
            contents = ", ".join(tables)
            raise FileNotFoundError(
                f"root: {self.root} is no folder; expected the unpacked {title} with {contents} and {signals}"
            )
        for table in tables:
            if not (self.root / table).is_file():
                raise FileNotFoundError(
                    f"root: {table} is not in {self.root}; expected the folder of {title} as published"
                )
        self._sampling_rate = sampling_rate
        self._entries: tuple[RecordEntry, ...] = ()
        self._missing = 0

    @property
    def sampling_rate(self) -> float:
        """Samples a second of the records that `read` returns."""
        return float(self._sampling_rate)

    @property
    def entries(self) -> Sequence[RecordEntry]:
        """All records, by id."""
        return self._entries

    @property
    def missing(self) -> int:
        """How many records the tables name that are not in the folder; counted only with ``available_only``."""
        return self._missing

    def read(self, record_id: str) -> Record:
        """Read one record's signal.

        Parameters
        ----------
        record_id : str
            The id of an entry.

        Returns
        -------
        Record
            Signal float32 [12, samples] in mV, leads in canonical order whatever their order in the file, its id
            `record_id`.

        Raises
        ------
        KeyError
            If no entry has this id.
        FileNotFoundError
            If its files are not there; the message names them.
        ValueError
            If they cannot be read, hold samples marked as invalid, or are not at the expected rate.
        """
        path = self.root / self.stem(record_id)
        record = read_record(path)
        if record.sampling_rate != self._sampling_rate:
            raise ValueError(f"{path}: {record.sampling_rate:g} samples a second, expected {self._sampling_rate}")
        return replace(record, record_id=record_id)

    def stem(self, record_id: str) -> str:
        """Where a record's files are, from the folder of the data set and without ending.

        Raises
        ------
        KeyError
            If no entry has this id.
        """
        stem = self._stem(record_id)
        if stem is None:
            raise KeyError(f"record_id: {record_id!r} is not among the {len(self._entries)} records of {self.root}")
        return stem

    def _stem(self, record_id: str) -> str | None:
        """A record's files, from `root` and without extension; None where no entry has this id."""
        raise NotImplementedError

    def _is_available(self, stem: str) -> bool:
        return all((self.root / f"{stem}{end}").is_file() for end in (".hea", ".dat"))

    def _keep(self, entries: Sequence[RecordEntry], missing: int, table: str, example: str) -> None:
        """Take the entries that the tables gave, one at least; `example` says what files were expected."""
        if not entries:
            raise ValueError(
                f"root: none of the records that {self.root / table} names is there ({missing} are missing), "
                f"expected .hea and .dat files {example}"
            )
        self._entries, self._missing = tuple(entries), missing


def check_stem(stem: str) -> str:
    """Return `stem` if it stays in the folder that it is taken from.

    Raises
    ------
    ValueError
        If it is absolute or goes up.
    """
    path = PurePosixPath(stem)
    if path.is_absolute() or ".." in path.parts or "\\" in stem or not path.name:
        raise ValueError(f"got {stem!r}, expected a path inside of the data set's folder")
    return stem
