"""A preparation that is stopped at any moment goes on, and its bytes are those of one that was not."""

from __future__ import annotations

import errno
import signal
import time
from pathlib import Path

import pytest

import ecgbyte.prepared.preparation as preparation
from ecgbyte.cli import main
from ecgbyte.prepared.preparation import check_room, estimate, prepare
from ecgbyte.prepared.storage import Storage
from tests.cli.cli_examples import write_record
from tests.prepared.prepared_examples import contents, rejected_in, settings_of, sources_in, start_command

QUICK = ["--target-rate", "100", "--no-progress", "--no-estimate"]


@pytest.fixture(scope="module")
def many(tmp_path_factory) -> Path:
    """Sixty records, one of them cut, two of them the same."""
    folder = tmp_path_factory.mktemp("many")
    for number in range(60):
        write_record(folder, f"r{number:02d}", number % 59 if number != 59 else 3)
    file = folder / "r20.dat"
    file.write_bytes(file.read_bytes()[:500])
    return folder


@pytest.fixture(scope="module")
def whole(many, tmp_path_factory) -> dict[str, bytes]:
    """What an uninterrupted run writes."""
    output = tmp_path_factory.mktemp("whole") / "prepared"
    assert main(["prepare", str(many), "-o", str(output), "--records-per-shard", "2", *QUICK]) == 1
    assert rejected_in(output).keys() == {"r20", "r59"}
    return contents(output)


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGKILL])
def test_a_stopped_run_goes_on_to_the_same_bytes(how, many, whole, tmp_path):
    output = tmp_path / "prepared"
    command = ["prepare", many, "-o", output, "--records-per-shard", "2", *QUICK]
    stops = 0
    for least in (2, 9, 16):
        process = start_command(*command)
        deadline = time.monotonic() + 120
        while process.poll() is None and time.monotonic() < deadline:
            if len(list(output.glob("journal/*.json"))) >= least:
                process.send_signal(how)
                break
            time.sleep(0.002)
        _, told = process.communicate(timeout=120)
        if how == signal.SIGINT and process.returncode == 130:
            assert "goes on from there" in told
        stops += process.returncode not in (0, 1)
    assert stops, "no run was stopped before its end"
    assert main([str(argument) for argument in command]) == 1
    assert contents(output) == whole


@pytest.mark.parametrize("stop_at", range(0, 70, 6))
def test_stopped_before_any_write(stop_at, tree, tmp_path, monkeypatch):
    sources, settings = sources_in(tree), settings_of()
    # Of two records with the same samples one must go in a second pass.
    sources.append(type(sources[0])("again", sources[1].path, "again.hea"))
    plain, output = tmp_path / "plain", tmp_path / "stopped"
    prepare(sources, settings, Storage(plain), progress=False)
    number = 0
    write, remove = Storage.write, Storage.remove

    def counted(method):
        def call(self, *arguments):
            nonlocal number
            number += 1
            if number == stop_at:
                raise KeyboardInterrupt
            return method(self, *arguments)

        return call

    monkeypatch.setattr(Storage, "write", counted(write))
    monkeypatch.setattr(Storage, "remove", counted(remove))
    try:
        prepare(sources, settings, Storage(output), progress=False)
    except KeyboardInterrupt:
        prepare(sources, settings, Storage(output), progress=False)
    assert contents(output) == contents(plain)


def test_a_finished_folder_stays_as_it_is(tree, tmp_path):
    output = tmp_path / "prepared"
    first = prepare(sources_in(tree), settings_of(), Storage(output), progress=False)
    before = {file: file.stat().st_mtime_ns for file in output.rglob("*")}
    assert prepare(sources_in(tree), settings_of(), Storage(output), progress=False) == first
    assert {file: file.stat().st_mtime_ns for file in output.rglob("*") if file.is_file()}.items() <= before.items()


def test_another_preparation_is_refused(tree, tmp_path):
    output = tmp_path / "prepared"
    sources = sources_in(tree)
    prepare(sources, settings_of(), Storage(output), progress=False)
    with pytest.raises(ValueError, match="another preparation, it differs in: keep_flat_leads"):
        prepare(sources, settings_of(keep_flat_leads=True), Storage(output), progress=False)
    with pytest.raises(ValueError, match=r"other records \(10, now 9\)"):
        prepare(sources[:9], settings_of(), Storage(output), progress=False)


def test_a_folder_with_other_files_is_refused(tree, tmp_path):
    (tmp_path / "mine.txt").write_text("mine")
    with pytest.raises(ValueError, match=r"holds files \(mine.txt, ...\) and no preparation"):
        prepare(sources_in(tree), settings_of(), Storage(tmp_path), progress=False)


def test_a_lost_shard_is_made_again(tree, tmp_path, monkeypatch):
    output = tmp_path / "prepared"
    prepare(sources_in(tree), settings_of(), Storage(tmp_path / "plain"), progress=False)

    def stop(*arguments):
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(preparation, "_finish", stop)
        with pytest.raises(KeyboardInterrupt):
            prepare(sources_in(tree), settings_of(), Storage(output), progress=False)
    next((output / "shards").glob("00001-*")).unlink()
    prepare(sources_in(tree), settings_of(), Storage(output), progress=False)
    assert contents(output) == contents(tmp_path / "plain")


def test_a_full_disk_is_a_clear_stop(many, whole, full_disk, capsys):
    output = full_disk / "prepared"
    command = ["prepare", str(many), "-o", str(output), "--records-per-shard", "2", *QUICK]
    assert main(command) == 2
    told = capsys.readouterr().err
    assert "no space left on the disk" in told and "goes on from there" in told
    (full_disk / "filling").unlink()
    assert main(command) == 1
    assert contents(output) == whole


def test_too_little_room_is_told_before_the_start(tree, tmp_path):
    storage = Storage(tmp_path / "prepared")
    expected = estimate(sources_in(tree), settings_of(), storage)
    assert expected.num_bytes > 10_000 and expected.seconds > 0 and expected.free_bytes > 0
    check_room(expected, storage)
    with pytest.raises(OSError, match="are needed and") as caught:
        check_room(type(expected)(expected.num_bytes, 1.0, 10), storage)
    assert caught.value.errno == errno.ENOSPC
    assert not (tmp_path / "prepared").exists()
