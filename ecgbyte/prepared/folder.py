"""Reading what ``ecgbyte prepare`` wrote: records in order or one by one, and what is known of them.

The shards are plain Parquet files, so others read them too (pandas, DuckDB, ``datasets.load_dataset("parquet", ...)``).
"""

from __future__ import annotations

import dataclasses
import io
import os
from collections import OrderedDict
from collections.abc import Collection, Iterator, Mapping, Sequence
from functools import cached_property
from threading import Lock
from typing import TYPE_CHECKING, Any

from ecgbyte.data.catalogue import RecordEntry
from ecgbyte.prepared.amplitudes import FoldAmplitudes
from ecgbyte.prepared.columns import entry_of, records_of
from ecgbyte.prepared.manifest import AMPLITUDES, MANIFEST, TOKENIZER, read_manifest
from ecgbyte.prepared.storage import Storage
from ecgbyte.signals.amplitude_range import AmplitudeRange
from ecgbyte.signals.preprocess import CHAIN_VERSION, Preprocessor
from ecgbyte.signals.records import Record
from ecgbyte.tokenizer.ecg_tokenizer import ECGTokenizer
from ecgbyte.tokenizer.tokenizer_file import parse_tokenizer

if TYPE_CHECKING:
    import pyarrow

_ENTRY_COLUMNS = ["record_id", "patient_id", "fold", "report", "findings", "assessed"]
# Groups of rows that stay decoded, for whoever reads single records in about their order.
_GROUPS_KEPT = 16


class PreparedFolder:
    """A prepared folder: an `ecgbyte.data.catalogue.RecordSet` whose records are preprocessed already.

    Parameters
    ----------
    root : path-like or str
        The folder, or its URL.
    storage_options : dict, optional
        For fsspec, where it is a URL.

    Raises
    ------
    FileNotFoundError
        If nothing is prepared there, or the preparation has not come to its end.
    ModuleNotFoundError
        If pyarrow is not installed.
    ValueError
        If the manifest is none, or of another version.

    Notes
    -----
    *Thread-safety*: immutable once made, but for a few rows that are kept decoded under a lock. It can be pickled.

    Examples
    --------
    ::

        folder = PreparedFolder("ptb-xl-prepared")
        for record in folder.records(folds=range(1, 9)):
            print(record.record_id, record.signal.shape)
    """

    def __init__(self, root: str | os.PathLike[str], *, storage_options: dict[str, Any] | None = None) -> None:
        from ecgbyte.prepared.preparation import PLAN, check_pyarrow

        check_pyarrow()
        self._storage = Storage(root, storage_options)
        manifest = read_manifest(self._storage)
        if manifest is None:
            unfinished = self._storage.exists(PLAN)
            state = "is not finished; give the same ecgbyte prepare again" if unfinished else "holds no manifest.json"
            raise FileNotFoundError(f"root: {self._storage} {state}")
        self.manifest: Mapping[str, Any] = manifest
        self._lock = Lock()
        self._groups: OrderedDict[tuple[int, int], list[Record]] = OrderedDict()

    def __reduce__(self) -> tuple[Any, ...]:
        return _opened, (self._storage.place, self._storage.options)

    @property
    def name(self) -> str:
        """The data set's name, and that it is prepared."""
        facts = self.manifest["data_set"]
        return f"{facts['name'] if facts else 'records'}-prepared"

    @property
    def source(self) -> str:
        """What the data set's licence asks of any result made from it."""
        facts = self.manifest["data_set"]
        return f"Data: {facts['title']} ({facts['citation']}), licence {facts['licence']}." if facts else ""

    @property
    def fingerprint(self) -> str:
        """Identifies settings and shards."""
        return str(self.manifest["fingerprint"])

    @property
    def preprocessor(self) -> Preprocessor | None:
        """What the records went through; None where they were taken as they were.

        Raises
        ------
        ValueError
            If that was another version of the chain.
        """
        settings = self.manifest["plan"]["settings"]["preprocessing"]
        if settings is None:
            return None
        settings = dict(settings)
        version = settings.pop("chain_version")
        if version != CHAIN_VERSION:
            raise ValueError(
                f"root: {self._storage} was prepared by version {version} of the chain, not {CHAIN_VERSION}"
            )
        settings["notch"] = tuple(settings["notch"])
        settings["band"] = None if settings["band"] is None else tuple(settings["band"])
        return Preprocessor(settings.pop("target_rate"), **settings)

    @cached_property
    def sampling_rate(self) -> float:
        """Samples a second of the records.

        Raises
        ------
        ValueError
            If they have several rates, as they may without preprocessing.
        """
        rates = set(self.table(["sampling_rate"]).column("sampling_rate").unique().to_pylist())
        if len(rates) != 1:
            raise ValueError(f"root: {self._storage} has records at {sorted(rates)} Hz, expected one rate")
        return float(rates.pop())

    @property
    def shards(self) -> list[str]:
        """The places of the shards, in order: for other readers of Parquet."""
        return [self._storage.path(shard["file"]) for shard in self.manifest["shards"]]

    @cached_property
    def tokenizer(self) -> ECGTokenizer | None:
        """The tokenizer of the columns of tokens; None where there are none."""
        if TOKENIZER not in self.manifest["files"]:
            return None
        return ECGTokenizer(parse_tokenizer(self._storage.read(TOKENIZER)))

    @cached_property
    def amplitudes(self) -> FoldAmplitudes:
        """How often each amplitude occurs in each fold."""
        return FoldAmplitudes.from_bytes(self._storage.read(AMPLITUDES))

    def tables(
        self, columns: Sequence[str] | None = None, *, folds: Collection[int] | None = None
    ) -> Iterator[pyarrow.Table]:
        """The rows, shard after shard.

        Parameters
        ----------
        columns : sequence of str, optional
            Which to read; all where not given.
        folds : collection of int, optional
            Only rows of these.

        Raises
        ------
        FileNotFoundError
            If a shard is missing.
        ValueError
            If a shard is damaged.
        """
        for number in range(len(self.manifest["shards"])):
            yield self.shard_table(number, columns, folds=folds)

    def shard_table(
        self, number: int, columns: Sequence[str] | None = None, *, folds: Collection[int] | None = None
    ) -> pyarrow.Table:
        """The rows of one shard, counted from 0; arguments and errors as `tables`."""
        import pyarrow as pa
        import pyarrow.compute as pc

        wanted = columns if columns is None or folds is None or "fold" in columns else [*columns, "fold"]
        try:
            table = self._file(number).read(columns=wanted, use_threads=False)
        except FileNotFoundError:
            raise
        except (OSError, pa.ArrowException) as error:
            raise ValueError(f"root: {self.shards[number]} is damaged: {error}") from error
        if folds is not None:
            table = table.filter(pc.is_in(table.column("fold"), pa.array(sorted(folds), pa.int8())))
        return table if columns is None else table.select(columns)

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns of the shards."""
        return tuple(self._file(0).schema_arrow.names) if self.manifest["shards"] else ()

    def table(self, columns: Sequence[str], *, folds: Collection[int] | None = None) -> pyarrow.Table:
        """Some columns of all rows, such as ids and reports, in one table; arguments as `tables`."""
        import pyarrow as pa

        return pa.concat_tables(list(self.tables(columns, folds=folds)))

    def records(self, *, folds: Collection[int] | None = None) -> PreparedRecords:
        """The records in their order, as often as they are iterated, one shard in memory at a time.

        Parameters
        ----------
        folds : collection of int, optional
            Only those of these folds.
        """
        return PreparedRecords(self, None if folds is None else tuple(sorted(set(folds))))

    @cached_property
    def entries(self) -> Sequence[RecordEntry]:
        """What is known of every row: patient, fold, findings, report."""
        return tuple(entry_of(row) for table in self.tables(_ENTRY_COLUMNS) for row in table.to_pylist())

    @cached_property
    def _places(self) -> dict[str, tuple[int, int, int]]:
        """Of each record the shard, the group of rows in it, and the row in that."""
        places = {}
        for number in range(len(self.manifest["shards"])):
            file = self._file(number)
            for group in range(file.num_row_groups):
                ids = file.read_row_group(group, columns=["record_id"]).column(0).to_pylist()
                places.update({record_id: (number, group, row) for row, record_id in enumerate(ids)})
        return places

    def read(self, record_id: str) -> Record:
        """One record, preprocessed.

        Raises
        ------
        KeyError
            If there is none of this id.
        ValueError
            If the shards hold no signals.
        """
        if record_id not in self._places:
            raise KeyError(f"record_id: {record_id!r} is not among the {len(self._places)} rows of {self._storage}")
        number, group, row = self._places[record_id]
        with self._lock:
            if (number, group) not in self._groups:
                table = self._file(number).read_row_group(group, use_threads=False)
                self._groups[number, group] = list(self.marked(records_of(table)))
                while len(self._groups) > _GROUPS_KEPT:
                    self._groups.popitem(last=False)
            self._groups.move_to_end((number, group))
            return self._groups[number, group][row]

    def marked(self, records: Iterator[Record]) -> Iterator[Record]:
        """The records with a mark of what they went through, so that nothing filters them again."""
        chain = self.preprocessor
        mark = None if chain is None else chain.fingerprint
        return (dataclasses.replace(record, preprocessed=mark) for record in records)

    def _file(self, number: int) -> Any:
        from pyarrow import ArrowException, parquet

        shard = self.manifest["shards"][number]
        place = self._storage.path(shard["file"])
        try:
            source = io.BytesIO(self._storage.read(shard["file"])) if self._storage.remote else place
            return parquet.ParquetFile(source, memory_map=not self._storage.remote)
        except FileNotFoundError as error:
            raise FileNotFoundError(f"root: {place} is missing, {MANIFEST} names it") from error
        except ArrowException as error:
            raise ValueError(f"root: {place} is damaged: {error}") from error

    def check(self) -> None:
        """Compare every shard with the manifest.

        Raises
        ------
        FileNotFoundError, ValueError
            If one is missing, or another than was written; the message names it.
        """
        import hashlib

        for shard in self.manifest["shards"]:
            found = hashlib.sha256(self._storage.read(shard["file"])).hexdigest()
            if found != shard["sha256"]:
                raise ValueError(f"root: {self._storage.path(shard['file'])} is not what was written (SHA-256 differs)")


class PreparedRecords:
    """The records of a prepared folder as a collection that can be iterated again; see `PreparedFolder.records`."""

    def __init__(self, folder: PreparedFolder, folds: tuple[int, ...] | None) -> None:
        self._folder = folder
        self._folds = folds

    def __iter__(self) -> Iterator[Record]:
        for table in self._folder.tables(folds=self._folds):
            yield from self._folder.marked(records_of(table))

    def __len__(self) -> int:
        if self._folds is None:
            return int(self._folder.manifest["counts"]["rows"])
        return len(self._folder.table(["record_id"], folds=self._folds))

    def fitted_amplitude_range(self) -> AmplitudeRange:
        """The range over all samples, from the counts that the folder keeps: nothing is read again."""
        return self._folder.amplitudes.amplitude_range(self._folds)


def _opened(place: str, options: dict[str, Any]) -> PreparedFolder:
    return PreparedFolder(place, storage_options=options)


def is_prepared(place: str | os.PathLike[str]) -> bool:
    """Whether a path or URL is a folder that ``ecgbyte prepare`` finished."""
    storage = Storage(place)
    try:
        return read_manifest(storage) is not None
    except (ValueError, NotADirectoryError):
        return False
