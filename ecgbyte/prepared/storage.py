"""Folders on a local disk, a shared file system or S3-compatible storage, by one set of calls.

Local files are written as `ecgbyte.files` writes them: under a temporary name, then renamed. Object storage shows an
object when it is whole. Either way nobody ever reads half a file.
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import Any

from ecgbyte.files import write_atomically


def is_url(place: str) -> bool:
    """Whether a place is not on a file system that paths lead to."""
    return "://" in place


class Storage:
    """A folder that files are written to and read from.

    *Thread-safety*: without state that changes; it can be pickled, so other processes write to the same folder.

    Parameters
    ----------
    place : str or path-like
        A path, or a URL that fsspec knows: ``s3://bucket/folder``.
    options : dict, optional
        For fsspec, such as ``{"endpoint_url": "http://..."}``; what is not given comes from the usual places (the
        environment, ``~/.aws``).

    Raises
    ------
    ModuleNotFoundError
        If the place is a URL and fsspec, or its part for this kind of storage, is not installed.
    """

    def __init__(self, place: str | os.PathLike[str], options: dict[str, Any] | None = None) -> None:
        text = os.fspath(place)
        self.remote = is_url(text)
        self.place = text.rstrip("/") if self.remote else str(Path(text).absolute())
        self.options = dict(options or {})
        if self.remote:
            self._file_system()

    def __str__(self) -> str:
        return self.place

    def _file_system(self) -> tuple[Any, str]:
        try:
            import fsspec

            system, root = fsspec.core.url_to_fs(self.place, **self.options)
        except ImportError as error:
            raise ModuleNotFoundError(f"path: {self.place}: {error}; pip install 'ecgbyte[prepare]'") from error
        return system, root

    def path(self, name: str) -> str:
        """The place of a file, for messages and for other readers."""
        return f"{self.place}/{name}"

    def write(self, name: str, content: bytes) -> None:
        """Write a whole file; folders on the way are made.

        Raises
        ------
        OSError
            If that fails; for a full disk the message says what is free.
        """
        if self.remote:
            system, root = self._file_system()
            system.pipe_file(f"{root}/{name}", content)
            return
        target = Path(self.place, name)
        target.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(target, content)

    def read(self, name: str) -> bytes:
        """The content of a file.

        Raises
        ------
        FileNotFoundError
            If there is none.
        """
        if self.remote:
            system, root = self._file_system()
            content: bytes = system.cat_file(f"{root}/{name}")
            return content
        return Path(self.place, name).read_bytes()

    def names(self, folder: str) -> dict[str, int]:
        """The files in a folder below, with their sizes in bytes, without hidden ones; none where it is missing."""
        if not self.remote:
            place = Path(self.place, folder)
            if not place.is_dir():
                return {}
            with os.scandir(place) as entries:
                return {e.name: e.stat().st_size for e in entries if e.is_file() and not e.name.startswith(".")}
        system, root = self._file_system()
        system.invalidate_cache()
        try:
            found = system.ls(f"{root}/{folder}".rstrip("/"), detail=True)
        except FileNotFoundError:
            return {}
        return {entry["name"].rpartition("/")[2]: entry["size"] for entry in found if entry["type"] == "file"}

    def all_names(self) -> list[str]:
        """The paths of all files in the folder and below, sorted."""
        if not self.remote:
            files = (file for file in Path(self.place).rglob("*") if file.is_file())
            return sorted(file.relative_to(self.place).as_posix() for file in files)
        system, root = self._file_system()
        system.invalidate_cache()
        return sorted(name.removeprefix(f"{root}/") for name in system.find(root))

    def exists(self, name: str) -> bool:
        """Whether there is such a file."""
        folder, _, last = name.rpartition("/")
        return last in self.names(folder)

    def remove(self, name: str) -> None:
        """Remove a file; that there is none is no error."""
        if self.remote:
            system, root = self._file_system()
            if system.exists(f"{root}/{name}"):
                system.rm_file(f"{root}/{name}")
            return
        Path(self.place, name).unlink(missing_ok=True)

    def remove_folder(self, name: str) -> None:
        """Remove a folder that holds no file any more, where there is one."""
        if not self.remote and Path(self.place, name).is_dir():
            shutil.rmtree(Path(self.place, name))

    def remove_partial(self, name: str) -> None:
        """Remove from a folder what writers that were killed have left."""
        if not self.remote:
            for left in Path(self.place, name).glob(".*.partial"):
                left.unlink(missing_ok=True)

    def free_bytes(self) -> int | None:
        """What is free on the disk; None where nobody knows."""
        if self.remote:
            return None
        place = Path(self.place)
        while not place.exists():
            place = place.parent
        return shutil.disk_usage(place).free
