"""Downloading data sets that need no account: file by file, each with its checksum, going on where it stopped."""

from __future__ import annotations

import hashlib
import os
import posixpath
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from ecgbyte.checks import whole_number
from ecgbyte.data.sets.described import DataSetDescription
from ecgbyte.files import write_atomically
from ecgbyte.progress import progress_bar

_LIST = "SHA256SUMS.txt"
_TIMEOUT_S = 60


@dataclass(frozen=True)
class Downloaded:
    """What a download did: files there before, and files fetched now."""

    present: int
    fetched: int


def download(
    description: DataSetDescription,
    folder: str | os.PathLike[str],
    *,
    only: str = "",
    connections: int = 4,
    progress: bool = True,
) -> Downloaded:
    """Download a data set, or a part of it, into a folder.

    Its ``SHA256SUMS.txt`` names the files. One that is there with the right checksum is left alone, so an interrupted
    download goes on when it is started again; one that arrives with another checksum is thrown away.

    Parameters
    ----------
    description : DataSetDescription
        Of a data set that needs no account.
    folder : path-like
        Made where it is missing.
    only : str
        Take only files whose path begins so, and the tables at the top: ``"records100/"``.
    connections : int
        Files that are fetched at the same time.
    progress : bool

    Returns
    -------
    Downloaded

    Raises
    ------
    ModuleNotFoundError
        If pooch is not installed.
    OSError
        If the server cannot be reached, or nothing can be written.
    ValueError
        If the data set cannot be downloaded so, its list is no list of checksums, or a file arrives damaged.
    """
    if not description.checksums:
        raise ValueError(f"data_set: {description.name} is not downloaded by ecgbyte; {description.how}")
    whole_number("connections", connections, minimum=1, maximum=32)
    try:
        import pooch
    except ImportError as error:
        raise ModuleNotFoundError("downloads need pooch; pip install 'ecgbyte[prepare]'") from error
    pooch.get_logger().setLevel("WARNING")
    target = Path(folder)
    target.mkdir(parents=True, exist_ok=True)
    base = posixpath.dirname(description.checksums)
    downloader = pooch.HTTPDownloader(timeout=_TIMEOUT_S)
    listed = Path(
        pooch.retrieve(description.checksums, None, fname=f".{_LIST}.new", path=target, downloader=downloader)
    )
    text = listed.read_text(encoding="utf-8")
    listed.unlink()
    wanted = {
        name: digest
        for name, digest in checksums_of(text)
        if name.startswith(description.part) and (name.startswith(only) or "/" not in name)
    }
    if not wanted:
        raise ValueError(f"only: no file of {description.name} begins with {only!r}")
    write_atomically(target / _LIST, text)
    missing = {name: digest for name, digest in wanted.items() if not _is_there(target / name, digest)}

    def fetch(name: str) -> None:
        place = target / name
        pooch.retrieve(
            f"{base}/{name}", f"sha256:{missing[name]}", fname=place.name, path=place.parent, downloader=downloader
        )

    with (
        ThreadPoolExecutor(connections) as pool,
        progress_bar(None, "downloading", " files", total=len(missing), shown=progress) as bar,
    ):
        try:
            for _ in pool.map(fetch, sorted(missing)):
                bar.update()
        except BaseException:
            pool.shutdown(wait=True, cancel_futures=True)
            raise
    return Downloaded(len(wanted) - len(missing), len(missing))


def checksums_of(text: str) -> Iterator[tuple[str, str]]:
    """Path and SHA-256 of each line of a ``SHA256SUMS.txt``.

    Raises
    ------
    ValueError
        If a line is none, or a path leads out of the folder.
    """
    for number, line in enumerate(text.splitlines(), 1):
        digest, _, name = line.strip().partition(" ")
        name = name.strip().removeprefix("*")
        path = PurePosixPath(name)
        sound = len(digest) == 64 and all(letter in "0123456789abcdef" for letter in digest)
        if not sound or not name or path.is_absolute() or ".." in path.parts or "\\" in name:
            raise ValueError(f"{_LIST}: line {number} is {line[:100]!r}, expected a SHA-256 and a path")
        yield name, digest


def _is_there(file: Path, digest: str) -> bool:
    if not file.is_file():
        return False
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest() == digest
