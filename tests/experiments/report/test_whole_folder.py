"""A folder of results is never destroyed: a full disk, Ctrl-C, a kill or two writers leave the old or the new whole."""

from __future__ import annotations

import errno
import os
import signal
import subprocess
import sys
import textwrap
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from experiments.report import whole_folder
from experiments.report.whole_folder import replaced_folder

ROOT = Path(__file__).resolve().parents[3]
NAMES = ("measures.csv", "tables/a.csv", "tables/b.csv", "answers/c.jsonl")
MADE_AGAIN = ("measures.csv", "tables", "answers", "figures")


class Watch:
    """Acts at the n-th change of a file below a folder, of whatever kind and whoever makes it."""

    def __init__(self) -> None:
        self.folder, self.left, self.act = "", 0, lambda: None
        sys.addaudithook(self._see)

    def _see(self, event: str, arguments: tuple[Any, ...]) -> None:
        if not self.folder or not self._is_change(event, arguments):
            return
        self.left -= 1
        if self.left == 0:
            self.act()

    def _is_change(self, event: str, arguments: tuple[Any, ...]) -> bool:
        if event == "open":
            path, mode, flags = arguments
            writes = flags & (os.O_WRONLY | os.O_RDWR) if isinstance(flags, int) else "w" in str(mode)
            return bool(writes) and str(path).startswith(self.folder)
        changes = ("os.rename", "os.mkdir", "os.remove", "os.rmdir", "shutil.rmtree", "shutil.copyfile")
        return event in changes and str(arguments[0]).startswith(self.folder)

    @contextmanager
    def at(self, folder: Path, number: int, act: Callable[[], None]) -> Iterator[None]:
        self.folder, self.left, self.act = str(folder), number, act  # type: ignore[assignment]
        try:
            yield
        finally:
            self.folder = ""


@pytest.fixture(scope="module")
def watch() -> Watch:
    # A hook cannot be taken away; it does nothing while no folder is named.
    return Watch()


def write(folder: Path, text: str) -> None:
    with replaced_folder(folder, made_again=MADE_AGAIN) as beside:
        for name in NAMES:
            (beside / name).parent.mkdir(exist_ok=True)
            (beside / name).write_text(text)


def content(folder: Path) -> dict[str, str]:
    return {
        path.relative_to(folder).as_posix(): path.read_text() for path in sorted(folder.rglob("*")) if path.is_file()
    }


OLD, NEW = (dict.fromkeys(sorted(NAMES), text) for text in ("old", "new"))


def raising(error: BaseException) -> Callable[[], None]:
    def act() -> None:
        raise error

    return act


@pytest.fixture(params=["in one step", "in two steps"])
def swap(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """As systems do it that can exchange two folders, and as others do."""
    if request.param == "in two steps":
        monkeypatch.setattr(whole_folder, "_exchange", lambda one, other: False)
    elif sys.platform != "linux":
        pytest.skip("only Linux exchanges two folders in one step")
    return str(request.param)


def test_a_new_folder_and_one_that_is_replaced(tmp_path: Path, swap: str) -> None:
    folder = tmp_path / "deep" / "results"
    write(folder, "old")
    assert content(folder) == OLD
    (folder / "figures").mkdir()
    (folder / "figures" / "gone.png").write_text("of the old run")
    (folder / "notes").mkdir()
    (folder / "notes" / "mine.md").write_text("mine")
    write(folder, "new")
    assert content(folder) == {**NEW, "notes/mine.md": "mine"}, "what someone else put there stays"
    assert {path.name for path in folder.parent.iterdir()} == {"results", ".results.lock"}


def test_the_folder_behind_a_link_is_replaced_and_the_link_stays(tmp_path: Path) -> None:
    write(tmp_path / "real", "old")
    (tmp_path / "link").symlink_to("real")
    write(tmp_path / "link", "new")
    assert (tmp_path / "link").is_symlink() and content(tmp_path / "real") == NEW


@pytest.mark.parametrize(
    "error", [KeyboardInterrupt(), OSError(errno.ENOSPC, "No space left on device")], ids=["interrupt", "full disk"]
)
def test_stopped_at_any_write_the_old_or_the_new_is_whole(
    tmp_path: Path, watch: Watch, swap: str, error: BaseException
) -> None:
    folder = tmp_path / "results"
    outcomes = []
    for number in range(1, 100):
        write(folder, "old")
        reached = True
        with watch.at(tmp_path, number, raising(error)):
            try:
                write(folder, "new")
                reached = watch.left <= 0
            except (KeyboardInterrupt, OSError) as raised:
                assert raised is error or isinstance(raised.__context__, type(error))
        if not reached:
            break
        found = content(folder)
        assert found in (OLD, NEW), f"stopped at change {number}"
        outcomes.append(found == OLD)
    else:
        pytest.fail("never ran to its end")
    assert len(outcomes) > 10 and any(outcomes) and not all(outcomes), "every change of a file was one of the moments"
    write(folder, "new")
    assert content(folder) == NEW
    assert {path.name for path in tmp_path.iterdir()} == {"results", ".results.lock"}


SCRIPT = """
import os, signal, sys
from pathlib import Path
sys.path[:0] = [{root!r}, {here!r}]
import test_whole_folder as test
from experiments.report import whole_folder
if {steps} == 2:
    whole_folder._exchange = lambda one, other: False
watch = test.Watch()
with watch.at(Path({folder!r}), {number}, lambda: os.kill(os.getpid(), signal.SIGKILL)):
    test.write(Path({folder!r}) / "results", "new")
"""


def run(tmp_path: Path, number: int, steps: int) -> int:
    code = textwrap.dedent(SCRIPT).format(
        root=str(ROOT), here=str(Path(__file__).parent), folder=str(tmp_path), number=number, steps=steps
    )
    return subprocess.run([sys.executable, "-c", code], check=False, capture_output=True).returncode


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="no SIGKILL on this system")
@pytest.mark.parametrize(("number", "steps"), [(3, 1), (6, 1), (9, 2), (11, 2), (12, 2), (13, 2)])
def test_killed_at_a_write_nothing_is_lost_and_the_next_writer_cleans_up(
    tmp_path: Path, number: int, steps: int
) -> None:
    folder = tmp_path / "results"
    write(folder, "old")
    assert run(tmp_path, number, steps) == -signal.SIGKILL
    # In two steps there is a moment without the folder: the old one lies beside it, and the next writer puts it back.
    places = [folder, tmp_path / ".results.old"]
    assert any(place.exists() and content(place) in (OLD, NEW) for place in places)
    with pytest.raises(RuntimeError), replaced_folder(folder, made_again=MADE_AGAIN):
        raise RuntimeError("the next writer fails too")
    assert content(folder) in (OLD, NEW)
    assert {path.name for path in tmp_path.iterdir()} == {"results", ".results.lock"}


def test_of_two_writers_at_once_one_wins_whole(tmp_path: Path) -> None:
    write(tmp_path / "results", "old")
    code = """
import sys, time
from pathlib import Path
sys.path.insert(0, {root!r})
from experiments.report.whole_folder import replaced_folder
print("ready", flush=True)
sys.stdin.readline()
for _ in range(20):
    with replaced_folder(Path({folder!r}), made_again={again!r}) as beside:
        for name in {names!r}:
            (beside / name).parent.mkdir(exist_ok=True)
            (beside / name).write_text(sys.argv[1])
            time.sleep(0.001)
"""
    code = code.format(root=str(ROOT), folder=str(tmp_path / "results"), again=MADE_AGAIN, names=NAMES)
    writers = [
        subprocess.Popen([sys.executable, "-c", code, text], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        for text in ("one", "two")
    ]
    for writer in writers:
        assert writer.stdout is not None and writer.stdout.readline() == "ready\n"
    for writer in writers:
        assert writer.stdin is not None
        writer.stdin.write("\n")
        writer.stdin.flush()
    while any(writer.poll() is None for writer in writers):
        # The folder may be exchanged between two looks; within one file there is never a part.
        assert (tmp_path / "results" / "measures.csv").read_text() in ("old", "one", "two")
    for writer in writers:
        writer.communicate()
        assert writer.returncode == 0
    found = content(tmp_path / "results")
    assert set(found) == set(NAMES) and len(set(found.values())) == 1
    assert {path.name for path in tmp_path.iterdir()} == {"results", ".results.lock"}


def test_an_error_names_the_folder_where_the_system_names_no_file(tmp_path: Path) -> None:
    with (
        pytest.raises(OSError, match="No space left") as raised,
        replaced_folder(tmp_path / "results", made_again=()),
    ):
        raise OSError(errno.ENOSPC, "No space left on device")
    assert raised.value.filename == str(tmp_path / "results")
    (tmp_path / "file").write_text("")
    with pytest.raises(OSError), replaced_folder(tmp_path / "file" / "results", made_again=()):
        pass
