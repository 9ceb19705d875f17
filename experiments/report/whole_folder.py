"""A folder of results is replaced whole: whatever stops the writer, the old results or the new ones are there."""

from __future__ import annotations

import contextlib
import ctypes
import errno
import os
import shutil
from collections.abc import Collection, Iterator
from pathlib import Path

from filelock import FileLock

_AT_FDCWD, _RENAME_EXCHANGE = -100, 2


@contextlib.contextmanager
def replaced_folder(folder: str | os.PathLike[str], *, made_again: Collection[str]) -> Iterator[Path]:
    """Give a new folder beside `folder` to write into; it takes the place of `folder` when the block ends.

    Where the block raises, is interrupted or killed, `folder` stays as it was. What a killed writer left beside it is
    removed by the next one. Of two writers the second waits for the first, and the last to finish wins, whole.

    Parameters
    ----------
    folder : path-like
        Need not be there; the folder that holds it is made.
    made_again : collection of str
        Names in `folder` that the block writes. What else lies there, such as someone's notes, is copied first.

    Yields
    ------
    Path
        The new folder, on the same file system.

    Raises
    ------
    OSError
        If a file cannot be written; where the system does not say which, the folder is named.
    """
    folder = Path(os.path.realpath(folder))
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(folder.with_name(f".{folder.name}.lock")):
            _recover(folder)
            beside = folder.with_name(f".{folder.name}.new")
            try:
                beside.mkdir()
                if folder.exists():
                    _copy_others(folder, beside, made_again)
                yield beside
                _swap(beside, folder)
            finally:
                # Either the unfinished new folder or the old one that was replaced.
                shutil.rmtree(beside, ignore_errors=True)
    except OSError as error:
        if error.errno is not None and error.filename is None:
            error.filename = str(folder)
        raise


def _recover(folder: Path) -> None:
    """Remove what killed writers left, which hold no lock; put back an old folder that was moved away and no more."""
    shutil.rmtree(folder.with_name(f".{folder.name}.new"), ignore_errors=True)
    old = folder.with_name(f".{folder.name}.old")
    if old.exists():
        if folder.exists():
            shutil.rmtree(old, ignore_errors=True)
        else:
            old.rename(folder)


def _copy_others(folder: Path, beside: Path, made_again: Collection[str]) -> None:
    for entry in folder.iterdir():
        if entry.name in made_again:
            continue
        if entry.is_dir() and not entry.is_symlink():
            shutil.copytree(entry, beside / entry.name, symlinks=True)
        else:
            shutil.copy2(entry, beside / entry.name, follow_symlinks=False)


def _swap(beside: Path, folder: Path) -> None:
    """Put `beside` in the place of `folder`: in one step where the system can."""
    if not folder.exists():
        beside.rename(folder)
        return
    if _exchange(beside, folder):
        return
    old = folder.with_name(f".{folder.name}.old")
    try:
        folder.rename(old)
        beside.rename(folder)
    except BaseException:
        if not folder.exists():
            old.rename(folder)
        raise
    shutil.rmtree(old, ignore_errors=True)


def _exchange(one: Path, other: Path) -> bool:
    """Exchange the names of two folders in one step (Linux); False where the system or the file system cannot."""
    try:
        rename = ctypes.CDLL(None, use_errno=True).renameat2
    except (OSError, AttributeError, TypeError):
        return False
    if rename(_AT_FDCWD, os.fsencode(one), _AT_FDCWD, os.fsencode(other), _RENAME_EXCHANGE) == 0:
        return True
    number = ctypes.get_errno()
    if number in (errno.ENOSYS, errno.EINVAL, errno.ENOTSUP):
        return False
    raise OSError(number, os.strerror(number), str(other))
