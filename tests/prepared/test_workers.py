"""Several processes and clusters: the same bytes, also where a worker dies."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator

import pytest

from ecgbyte.prepared.engine import run_blocks
from ecgbyte.prepared.preparation import prepare
from ecgbyte.prepared.storage import Storage
from tests.cli.cli_examples import write_record
from tests.prepared.prepared_examples import contents, settings_of, sources_in, start_command

pytest.importorskip("distributed", reason="several processes need Dask")
ENVIRONMENT = {**os.environ, "OMP_NUM_THREADS": "1"}


def started(*arguments: str) -> subprocess.Popen:
    return subprocess.Popen(
        [sys.executable, "-m", "distributed.cli.dask_" + arguments[0], *arguments[1:]],
        stderr=subprocess.PIPE,
        text=True,
        env=ENVIRONMENT,
    )


@pytest.fixture
def cluster() -> Iterator[tuple[str, list[subprocess.Popen]]]:
    """A scheduler and two workers, each a process of its own."""
    scheduler = started("scheduler", "--host", "127.0.0.1", "--port", "0", "--no-dashboard", "--no-show")
    processes = [scheduler]
    try:
        address = None
        for line in scheduler.stderr:
            if found := re.search(r"Scheduler at:\s+(tcp://\S+)", line):
                address = found[1]
                break
        assert address is not None, "the scheduler did not start"
        for _ in range(2):
            processes.append(
                started("worker", address, "--nthreads", "1", "--no-nanny", "--no-dashboard", "--host", "127.0.0.1")
            )
        yield address, processes[1:]
    finally:
        for process in processes[::-1]:
            process.kill()
            process.wait()


def test_two_processes_write_the_same_bytes(tree, tmp_path):
    sources = sources_in(tree)
    prepare(sources, settings_of(records_per_shard=1), Storage(tmp_path / "one"), progress=False)
    prepare(sources, settings_of(records_per_shard=1), Storage(tmp_path / "two"), workers=2, progress=False)
    assert contents(tmp_path / "two") == contents(tmp_path / "one")


def test_a_cluster_of_which_a_worker_dies(cluster, tmp_path):
    address, workers = cluster
    records = tmp_path / "records"
    for number in range(60):
        write_record(records, f"r{number:02d}", number)
    sources = sources_in(records, patients=False)
    expected, output = tmp_path / "expected", tmp_path / "output"
    arguments = ["--records-per-shard", "1", "--target-rate", "100", "--no-progress", "--no-estimate"]
    process = start_command("prepare", records, "-o", output, "--scheduler", address, *arguments)
    deadline = time.monotonic() + 120
    while len(list(output.glob("journal/*.json"))) < 5 and time.monotonic() < deadline and process.poll() is None:
        time.sleep(0.005)
    workers[0].send_signal(signal.SIGKILL)
    died_midway = not (output / "manifest.json").exists()
    told = process.communicate(timeout=180)
    assert process.returncode == 0, told
    assert died_midway
    prepare(sources, settings_of(records_per_shard=1), Storage(expected), progress=False)
    assert contents(output) == contents(expected)


def test_ctrl_c_reaches_all_and_ends_quietly(tmp_path):
    records = tmp_path / "records"
    for number in range(60):
        write_record(records, f"r{number:02d}", number)
    expected, output = tmp_path / "expected", tmp_path / "output"
    command = ["prepare", records, "-o", output, "--records-per-shard", "1", "--target-rate", "100", "--no-estimate"]
    process = start_command(*command, "--workers", "2", new_session=True)
    deadline = time.monotonic() + 120
    while len(list(output.glob("journal/*.json"))) < 5 and time.monotonic() < deadline and process.poll() is None:
        time.sleep(0.005)
    os.killpg(process.pid, signal.SIGINT)
    _, told = process.communicate(timeout=120)
    assert process.returncode == 130 and "Traceback" not in told and "goes on from there" in told
    sources = sources_in(records, patients=False)
    for folder in (output, expected):
        prepare(sources, settings_of(records_per_shard=1), Storage(folder), progress=False)
    assert contents(output) == contents(expected)


def test_a_scheduler_that_is_not_there(tree, tmp_path, monkeypatch):
    with pytest.raises(OSError, match=r"scheduler: tcp://127.0.0.1:9 cannot be reached"):
        list(run_blocks(abs, [(-1,)], scheduler="tcp://127.0.0.1:9", timeout_s=2))


def test_each_block_is_done_once_and_errors_end_the_run():
    assert sorted(run_blocks(abs, ((-n,) for n in range(40)), workers=2)) == list(range(40))
    with pytest.raises(ZeroDivisionError):
        list(run_blocks(divmod, [(1, 1), (1, 0)], workers=2))


def test_one_worker_is_this_process():
    assert set(run_blocks(os.getpid, [(), ()])) == {os.getpid()}
    with pytest.raises(ValueError, match="workers: got 0"):
        list(run_blocks(abs, [], workers=0))
