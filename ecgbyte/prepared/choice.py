"""Which of many records are prepared, and which there are in remote storage."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from ecgbyte.checks import whole_number
from ecgbyte.prepared.sources import RecordSource
from ecgbyte.prepared.storage import Storage

# Of files beside headers (.dat, .mat) nothing is known from afar; these stand for themselves.
_RECORD_ENDINGS = (".hea", ".npy", ".npz", ".csv", ".scp", ".edf", ".dcm", ".xml")


def choose_sources(
    sources: Sequence[RecordSource],
    *,
    folds: Collection[int] | None = None,
    listed: Collection[str] | None = None,
    limit: int | None = None,
) -> list[RecordSource]:
    """The records of some folds, that are listed, and no more than `limit`; their order stays.

    Parameters
    ----------
    sources : sequence of RecordSource
    folds : collection of int, optional
        A record that the data set itself leaves out has none, and is left out of the choice.
    listed : collection of str, optional
        Ids, or paths below the folder of the data set with or without ``.hea``.
    limit : int, optional

    Raises
    ------
    ValueError
        If the records have no folds, a listed record is not there, or none is left.
    """
    chosen = list(sources)
    if folds is not None:
        if not any(source.fold for source in chosen):
            raise ValueError("folds: these records have none; a data set by name (NAME:FOLDER) has")
        chosen = [source for source in chosen if source.fold in set(folds)]
    if listed is not None:
        wanted = set(listed)
        known = [(source, {source.record_id, source.place, source.place.removesuffix(".hea")}) for source in chosen]
        chosen = [source for source, names in known if names & wanted]
        absent = sorted(wanted.difference(*(names for _, names in known)))
        if absent:
            more = f" and {len(absent) - 1} more" if len(absent) > 1 else ""
            raise ValueError(f"records: {absent[0]!r}{more} of the {len(wanted)} listed are not among the records")
    if limit is not None:
        chosen = chosen[: whole_number("limit", limit, minimum=1)]
    if not chosen:
        raise ValueError("folds, records: none of the records is left")
    return chosen


def sources_in_storage(storage: Storage) -> list[RecordSource]:
    """The records in a folder of S3-compatible or other remote storage, sorted by path.

    They are known by their endings; a WFDB record by its header.

    Raises
    ------
    ValueError
        If there is none.
    """
    sources = [
        RecordSource(name.rpartition(".")[0], storage.path(name), name)
        for name in storage.all_names()
        if name.endswith(_RECORD_ENDINGS)
    ]
    if not sources:
        raise ValueError(f"source: {storage} holds no file that ends in one of {', '.join(_RECORD_ENDINGS)}")
    return sources
