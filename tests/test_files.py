"""Files are whole or absent, devices and links stay, modes are kept, and what killed writers left is removed."""

from __future__ import annotations

import errno
import os
import signal
import stat
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import wfdb

from ecgbyte import ECGTokenizer
from ecgbyte.cli import main
from ecgbyte.files import open_memmap, replacing, write_arrays, write_atomically
from ecgbyte.signals.leads import LEADS

# A process that begins a file, says so, and waits to be killed.
WRITER = """
import sys, time
from ecgbyte.files import replacing
with replacing(sys.argv[1]) as partial:
    partial.write_bytes(b"half")
    print("begun", flush=True)
    time.sleep(600)
"""


def begin_writing(path: Path) -> subprocess.Popen[bytes]:
    writer = subprocess.Popen([sys.executable, "-c", WRITER, str(path)], stdout=subprocess.PIPE)
    assert writer.stdout is not None and writer.stdout.readline() == b"begun\n"
    return writer


def kill(writer: subprocess.Popen[bytes]) -> None:
    writer.kill()
    assert writer.wait() == -signal.SIGKILL
    assert writer.stdout is not None
    writer.stdout.close()


def mode_of(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_text_and_bytes_replace_the_file(tmp_path: Path) -> None:
    path = tmp_path / "a"
    write_atomically(path, "ä\n")
    assert path.read_bytes() == "ä\n".encode()
    write_atomically(path, b"\0")
    assert path.read_bytes() == b"\0"
    assert list(tmp_path.iterdir()) == [path]


def test_a_failed_save_leaves_the_old_file_and_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "a"
    write_atomically(path, "old")
    with pytest.raises(RuntimeError, match="stop"), replacing(path) as partial:
        partial.write_text("new")
        raise RuntimeError("stop")
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("umask", [0o022, 0o027, 0o077, 0o002])
def test_a_new_file_has_the_mode_that_open_gives_and_the_umask_is_left_alone(tmp_path: Path, umask: int) -> None:
    code = f"""
import os, pathlib, sys
os.umask({umask})
os.umask = lambda mask: sys.exit("the umask of the process was set")
from ecgbyte.files import write_atomically
write_atomically("saved", "text")
pathlib.Path("opened").write_text("text")
"""
    subprocess.run([sys.executable, "-c", code], cwd=tmp_path, check=True)
    assert mode_of(tmp_path / "saved") == mode_of(tmp_path / "opened") == 0o666 & ~umask


@pytest.mark.parametrize("mode", [0o600, 0o640, 0o644, 0o660])
def test_an_existing_file_keeps_its_mode_from_the_first_byte_on(tmp_path: Path, mode: int) -> None:
    path = tmp_path / "private"
    path.write_text("old")
    path.chmod(mode)
    with replacing(path) as partial:
        assert mode_of(partial) & ~mode == 0
        partial.write_text("new")
    assert (mode_of(path), path.read_text()) == (mode, "new")


@pytest.mark.skipif(os.geteuid() != 0, reason="giving a file to another owner needs root")
def test_an_existing_file_keeps_its_owner(tmp_path: Path) -> None:
    path = tmp_path / "theirs"
    path.write_text("old")
    os.chown(path, 12345, 23456)
    write_atomically(path, "new")
    assert (path.stat().st_uid, path.stat().st_gid, path.read_text()) == (12345, 23456, "new")


def test_a_symbolic_link_stays_and_its_target_is_written(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    target, link = tmp_path / "elsewhere" / "target", tmp_path / "link"
    link.symlink_to(Path("elsewhere") / "target")
    for content in ("created through the link", "replaced through the link"):
        write_atomically(link, content)
        assert link.is_symlink() and not target.is_symlink()
        assert target.read_text() == content
    assert {path.name for path in tmp_path.rglob("*")} == {"elsewhere", "target", "link"}


def test_links_that_lead_nowhere_are_refused(tmp_path: Path) -> None:
    (tmp_path / "round").symlink_to("round")
    with pytest.raises(OSError, match="round") as caught:
        write_atomically(tmp_path / "round", "x")
    assert caught.value.errno == errno.ELOOP
    (tmp_path / "away").symlink_to("absent/file")
    with pytest.raises(FileNotFoundError, match=r"the folder .*absent of 'file' does not exist"):
        write_atomically(tmp_path / "away", "x")


def test_a_fifo_stays_and_its_reader_gets_the_bytes(tmp_path: Path) -> None:
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    got: list[bytes] = []
    reader = threading.Thread(target=lambda: got.append(fifo.read_bytes()))
    reader.start()
    write_atomically(fifo, b"x" * 100_000)
    reader.join()
    assert got == [b"x" * 100_000]
    assert fifo.is_fifo() and list(tmp_path.iterdir()) == [fifo]


def test_a_device_is_written_into(tmp_path: Path) -> None:
    device = tmp_path / "null"
    try:
        os.mknod(device, 0o666 | stat.S_IFCHR, os.makedev(1, 3))
    except PermissionError:
        pytest.skip("making a device needs root")
    write_atomically(device, "gone")
    assert device.is_char_device() and list(tmp_path.iterdir()) == [device]


@pytest.mark.skipif(not Path("/dev/full").is_char_device(), reason="there is no /dev/full")
def test_a_full_device_is_named() -> None:
    with pytest.raises(OSError, match=r"no space left on the disk or in the quota .*'/dev/full'") as caught:
        write_atomically("/dev/full", "x")
    assert caught.value.errno == errno.ENOSPC
    assert Path("/dev/full").is_char_device()


def test_folders_and_missing_folders_are_named(tmp_path: Path) -> None:
    with pytest.raises(IsADirectoryError, match=f"path: {tmp_path} is a folder, expected a file"):
        write_atomically(tmp_path, "x")
    with pytest.raises(FileNotFoundError, match=r"path: the folder .*absent of 'a' does not exist"):
        write_atomically(tmp_path / "absent" / "a", "x")


def test_a_file_that_may_not_be_written_is_not_replaced(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a"
    path.write_text("old")
    path.chmod(0o444)
    if os.geteuid() == 0:  # root may write anything
        monkeypatch.setattr(os, "access", lambda *_: False)
    with pytest.raises(PermissionError, match=r"path: .*a exists and may not be written"):
        write_atomically(path, "new")
    assert path.read_text() == "old"


@pytest.mark.parametrize("name", ["a.npz", "a" * 250])
def test_what_killed_writers_left_is_removed_by_the_next_save(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    for writer in [begin_writing(path), begin_writing(path), begin_writing(path)]:
        kill(writer)
    assert len(list(tmp_path.iterdir())) == 3
    write_atomically(path, "whole")
    assert list(tmp_path.iterdir()) == [path]
    assert path.read_text() == "whole"


def test_what_a_living_writer_writes_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "a"
    writer = begin_writing(path)
    partials = set(tmp_path.iterdir())
    write_atomically(path, "whole")
    assert set(tmp_path.iterdir()) == {path, *partials}
    kill(writer)
    write_atomically(path, "again")
    assert list(tmp_path.iterdir()) == [path]


def test_many_writers_of_one_file_leave_one_whole_file(tmp_path: Path) -> None:
    path = tmp_path / "a"
    contents = [bytes([letter]) * 50_000 for letter in range(16)]
    seen: list[bytes] = []
    errors: list[BaseException] = []
    done = threading.Event()

    def write(content: bytes) -> None:
        try:
            for _ in range(20):
                write_atomically(path, content)
        except BaseException as error:
            errors.append(error)

    def read() -> None:
        while not done.is_set():
            if path.exists():
                seen.append(path.read_bytes())

    reader = threading.Thread(target=read)
    reader.start()
    writers = [threading.Thread(target=write, args=(content,)) for content in contents]
    for thread in writers:
        thread.start()
    for thread in writers:
        thread.join()
    done.set()
    reader.join()
    assert not errors
    assert set(seen) <= set(contents)
    assert list(tmp_path.iterdir()) == [path]


def test_arrays_come_back_and_give_the_same_bytes(tmp_path: Path) -> None:
    arrays = {"ids": np.arange(5, dtype=np.int32), "name": np.array("record")}
    for name in ("a.npz", "b"):
        write_arrays(tmp_path / name, arrays)
    assert (tmp_path / "a.npz").read_bytes() == (tmp_path / "b").read_bytes()
    with np.load(tmp_path / "b", allow_pickle=False) as stored:
        assert set(stored) == {"ids", "name"}
        np.testing.assert_array_equal(stored["ids"], arrays["ids"])
    with pytest.raises(TypeError, match="arrays: 'ids' is of dtype object, expected numbers or text"):
        write_arrays(tmp_path / "c", {"ids": np.array([None])})
    assert not (tmp_path / "c").exists()


@pytest.mark.parametrize("reserves", [True, False])
def test_a_memory_map_has_its_room_reserved(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, reserves: bool) -> None:
    if not reserves:

        def refuse(*_: object) -> None:
            raise OSError(errno.EOPNOTSUPP, "not here")

        monkeypatch.setattr(os, "posix_fallocate", refuse)
    path = tmp_path / "a.npy"
    array = open_memmap(path, np.float32, (3, 5, 70_000))
    assert path.stat().st_blocks * 512 >= array.nbytes
    assert (array.dtype, array.shape, float(np.abs(array).max())) == (np.float32, (3, 5, 70_000), 0.0)
    array[1] = 2
    array.flush()
    stored = np.load(path)
    assert stored[1].min() == 2 and stored[::2].max() == 0


def save_a_tokenizer(path: Path) -> None:
    pairs = [(left, right) for left in range(26) for right in range(26)]
    triples = [(26 + pair, letter) for pair in range(676) for letter in range(26)]
    ECGTokenizer.from_merges(pairs + triples).save(path)


def test_the_command_tells_a_full_disk_in_one_line_and_exits_with_2(
    full_disk: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    one, two, *chest = np.sin(np.arange(8 * 1000).reshape(8, 1000) / 7).round(3)
    limbs = [one, two, two - one, -(one + two) / 2, one - two / 2, two - one / 2]
    signals = np.array([*limbs, *chest]).T
    options = {"fs": 100, "units": ["mV"] * 12, "fmt": ["16"] * 12, "write_dir": str(full_disk)}
    wfdb.wrsamp("r", sig_name=list(LEADS), p_signal=signals, **options)
    with pytest.raises(OSError, match="No space left"):
        (full_disk / "rest").write_bytes(bytes(1_000_000))
    arguments = ["train", str(full_disk / "r"), "-o", str(full_disk / "tokenizer.json"), "--num-merges", "5"]
    assert main([*arguments, "--no-preprocess", "--no-progress"]) == 2
    (line,) = [text for text in capsys.readouterr().err.splitlines() if "error" in text]
    assert "no space left on the disk" in line and "tokenizer.json" in line
    assert not (full_disk / "tokenizer.json").exists()


def save_a_memory_map(path: Path) -> None:
    with replacing(path) as partial:
        open_memmap(partial, np.float32, (100_000,))


@pytest.mark.parametrize(
    "save",
    [
        lambda path: write_atomically(path, bytes(400_000)),
        lambda path: write_arrays(path, {"ids": np.arange(100_000)}),
        save_a_memory_map,
        save_a_tokenizer,
    ],
    ids=["bytes", "arrays", "memory-map", "tokenizer"],
)
def test_a_full_disk_is_one_sentence_and_the_old_file_stays(full_disk: Path, save: Callable[[Path], object]) -> None:
    path = full_disk / "saved"
    ECGTokenizer.from_merges([(0, 0)]).save(path)  # tokenizers replace only their like
    old = path.read_bytes()
    with pytest.raises(OSError, match=r"no space left on the disk .* MB free.*saved'$") as caught:
        save(path)
    assert caught.value.errno == errno.ENOSPC
    assert path.read_bytes() == old
    assert {place.name for place in full_disk.iterdir()} == {"filling", "saved"}
