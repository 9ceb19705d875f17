"""Partial files: written beside their place, locked while they are, renamed at the end. See `ecgbyte.files`."""

from __future__ import annotations

import contextlib
import hashlib
import os
import shutil
import stat
import tempfile
from collections.abc import Iterator
from pathlib import Path

try:
    import fcntl
except ImportError:  # Windows, where a file that is open cannot be removed: that is lock enough
    fcntl = None  # type: ignore[assignment]

# Names for several writers of one file; those of killed writers are looked for among so many.
_SLOTS = 8
_LONGEST_NAME = 200


def file_status(path: Path) -> os.stat_result | None:
    """What stands at `path`, links followed; None where nothing does."""
    try:
        return path.stat()
    except FileNotFoundError:
        return None


def is_file(path: Path, status: os.stat_result) -> bool:
    """Whether the file at `path` is the one that `status` is of."""
    found = file_status(path)
    return found is not None and os.path.samestat(found, status)


@contextlib.contextmanager
def written_beside(target: Path, before: os.stat_result | None) -> Iterator[Path]:
    """A partial file that becomes `target`."""
    if not target.parent.is_dir():
        raise FileNotFoundError(f"path: the folder {target.parent} of {target.name!r} does not exist")
    if before is not None and not os.access(target, os.W_OK):
        raise PermissionError(f"path: {target} exists and may not be written")
    # What replaces a private file is private from its first byte on. The system takes the umask off a new file's mode.
    handle, partial = _claim(target, 0o666 if before is None else 0o600)
    try:
        yield partial
        if before is not None:
            _keep_owner_and_mode(partial, before)
        os.fsync(handle)
        if fcntl is None:
            os.close(handle)
            handle = -1
        partial.replace(target)
    except BaseException:
        if fcntl is None and handle >= 0:
            os.close(handle)
            handle = -1
        partial.unlink(missing_ok=True)
        raise
    finally:
        if handle >= 0:
            os.close(handle)


@contextlib.contextmanager
def written_into(path: Path) -> Iterator[Path]:
    """A temporary file elsewhere, whose bytes go into `path`, which is no regular file."""
    with tempfile.TemporaryDirectory(prefix="ecgbyte-") as folder:
        partial = Path(folder) / "content"
        partial.touch()
        yield partial
        with partial.open("rb") as source, os.fdopen(os.open(path, os.O_WRONLY | os.O_APPEND), "wb") as sink:
            shutil.copyfileobj(source, sink)


def _claim(target: Path, mode: int) -> tuple[int, Path]:
    """Open and lock a partial file beside `target`, and remove those that killed processes left."""
    name = target.name
    if len(os.fsencode(name)) > _LONGEST_NAME:
        name = hashlib.sha256(os.fsencode(name)).hexdigest()
    slot = 0
    claimed = None
    while claimed is None or slot < _SLOTS:
        partial = target.with_name(f".{name}.partial" if slot == 0 else f".{name}.{slot}.partial")
        _remove_if_left(partial)
        if claimed is None:
            claimed = _create_locked(partial, mode)
        slot += 1
    return claimed


def _create_locked(partial: Path, mode: int) -> tuple[int, Path] | None:
    """Create and lock `partial`; None where another process has it."""
    try:
        handle = os.open(partial, os.O_RDWR | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0), mode)
    except FileExistsError:
        return None
    if fcntl is not None:
        with contextlib.suppress(OSError):  # where files cannot be locked, nobody takes them for left
            fcntl.flock(handle, fcntl.LOCK_EX)
        # Another save may have found the file before it was locked, and removed it.
        if os.fstat(handle).st_nlink == 0:
            os.close(handle)
            return None
    return handle, partial


def _remove_if_left(partial: Path) -> None:
    """Remove `partial` unless a living process writes it."""
    if not os.path.lexists(partial):
        return
    try:
        handle = os.open(partial, os.O_RDWR | getattr(os, "O_NOFOLLOW", 0))
    except OSError:  # gone meanwhile, or nothing of ours
        return
    try:
        if fcntl is not None:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            # Between open and lock its writer may have finished, and the name may be another's.
            if os.fstat(handle).st_nlink == 0 or not is_file(partial, os.fstat(handle)):
                return
            partial.unlink(missing_ok=True)
    except OSError:  # a living process holds the lock, or files cannot be locked here
        return
    finally:
        os.close(handle)
    if fcntl is None:
        with contextlib.suppress(PermissionError):
            partial.unlink(missing_ok=True)


def _keep_owner_and_mode(partial: Path, before: os.stat_result) -> None:
    """Give `partial` the owner, group and mode of the file that it replaces."""
    mode = stat.S_IMODE(before.st_mode) & 0o777
    now = partial.stat()
    if hasattr(os, "chown") and (now.st_uid, now.st_gid) != (before.st_uid, before.st_gid):
        try:
            os.chown(partial, before.st_uid, before.st_gid)
        except PermissionError:
            # Another group gets no more than everybody.
            mode = (mode & ~0o070) | ((mode & 0o007) << 3)
    if stat.S_IMODE(partial.stat().st_mode) != mode:
        partial.chmod(mode)
