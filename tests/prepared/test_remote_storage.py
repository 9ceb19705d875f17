"""Preparing from and into S3-compatible storage: a real server on this machine, started by the test."""

from __future__ import annotations

import io
from collections.abc import Iterator

import pytest

from ecgbyte.cli import main
from ecgbyte.prepared.folder import PreparedFolder
from ecgbyte.prepared.preparation import prepare
from ecgbyte.prepared.storage import Storage
from tests.prepared.prepared_examples import contents, settings_of, sources_in

pytest.importorskip("s3fs", reason="S3 needs s3fs")
moto_server = pytest.importorskip("moto.server", reason="the local server of S3's kind is moto")


@pytest.fixture(scope="module")
def bucket(tree) -> Iterator[tuple[str, dict[str, str]]]:
    """A bucket that holds the records, and the options that lead to it."""
    import s3fs

    server = moto_server.ThreadedMotoServer(ip_address="127.0.0.1", port=0)
    server.start()
    try:
        host, port = server.get_host_and_port()
        options = {"key": "test", "secret": "test", "endpoint_url": f"http://{host}:{port}"}
        system = s3fs.S3FileSystem(**options)
        system.mkdir("ecgs")
        for file in sorted(tree.iterdir()):
            system.pipe_file(f"ecgs/records/{file.name}", file.read_bytes())
        yield "s3://ecgs", options
    finally:
        server.stop()


def stored(place: str, options: dict[str, str]) -> dict[str, bytes]:
    storage = Storage(place, options)
    return {name: storage.read(name) for name in storage.all_names()}


def test_from_a_bucket_into_a_bucket(bucket, tree, tmp_path, monkeypatch):
    place, options = bucket
    given = [text for key, value in options.items() for text in ("--storage-option", f"{key}={value}")]
    command = ["--records-per-shard", "3", "--target-rate", "100", "--no-progress"]
    assert main(["prepare", f"{place}/records", "-o", f"{place}/prepared", *given, *command]) == 0
    local = tmp_path / "prepared"
    prepare(sources_in(tree, patients=False), settings_of(), Storage(local), progress=False)
    assert stored(f"{place}/prepared", options) == contents(local)
    folder = PreparedFolder(f"{place}/prepared", storage_options=options)
    folder.check()
    assert folder.read("r3").num_samples == 500 and len(list(folder.records())) == 10


def test_a_stopped_run_goes_on_there_too(bucket, tree, monkeypatch):
    place, options = bucket
    storage, number = Storage(f"{place}/stopped", options), 0
    write = Storage.write

    def stopping(self, *arguments):
        nonlocal number
        number += 1
        if number == 8:
            raise KeyboardInterrupt
        write(self, *arguments)

    with monkeypatch.context() as patched:
        patched.setattr(Storage, "write", stopping)
        with pytest.raises(KeyboardInterrupt):
            prepare(sources_in(tree), settings_of(), storage, progress=False)
    prepare(sources_in(tree), settings_of(), storage, progress=False)
    prepare(sources_in(tree), settings_of(), Storage(f"{place}/whole", options), progress=False)
    assert stored(f"{place}/stopped", options) == stored(f"{place}/whole", options)


def test_a_record_that_is_not_in_the_bucket_is_rejected(bucket, tree):
    place, options = bucket
    sources = sources_in(tree)[:2]
    lost = type(sources[0])("lost", f"{place}/records/lost.hea", "lost.hea")
    settings = settings_of(storage_options=tuple(options.items()))
    manifest = prepare([*sources, lost], settings, Storage(f"{place}/lost", options), progress=False)
    assert manifest["counts"]["rejected_by_code"] == {"missing-file": 1}


def test_shards_are_read_by_others(bucket):
    from pyarrow import parquet

    place, options = bucket
    folder = PreparedFolder(f"{place}/prepared", storage_options=options)
    storage = Storage(f"{place}/prepared", options)
    rows = [len(parquet.read_table(io.BytesIO(storage.read(s["file"])))) for s in folder.manifest["shards"]]
    assert rows == [3, 3, 3, 1]
