"""Downloading from a server on this machine: checksums, parts, and going on after an interruption."""

from __future__ import annotations

import dataclasses
import functools
import hashlib
import threading
from collections.abc import Iterator
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from ecgbyte.data.sets.described import descriptions
from ecgbyte.data.sets.download import Downloaded, checksums_of, download

pytest.importorskip("pooch", reason="downloads need pooch")
FILES = {"table.csv": b"a,b\n", "records100/1.dat": b"\x01" * 300, "records500/1.dat": b"\x02" * 900}


class QuietHandler(SimpleHTTPRequestHandler):
    asked: list[str] = []  # noqa: RUF012

    def log_message(self, *_: object) -> None:
        pass

    def do_GET(self) -> None:
        self.asked.append(self.path)
        super().do_GET()


@pytest.fixture
def server(tmp_path) -> Iterator[tuple[Path, str]]:
    root = tmp_path / "server"
    lines = []
    for name, content in FILES.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(content)
        lines.append(f"{hashlib.sha256(content).hexdigest()} {name}\n")
    (root / "SHA256SUMS.txt").write_text("".join(lines))
    QuietHandler.asked.clear()
    http = ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(QuietHandler, directory=str(root)))
    thread = threading.Thread(target=http.serve_forever)
    thread.start()
    try:
        yield root, f"http://127.0.0.1:{http.server_address[1]}/SHA256SUMS.txt"
    finally:
        http.shutdown()
        http.server_close()
        thread.join()


def described(url: str):
    return dataclasses.replace(descriptions()["ptb-xl"], checksums=url)


def test_files_arrive_and_are_not_fetched_again(server, tmp_path):
    _, url = server
    target = tmp_path / "target"
    assert download(described(url), target, progress=False) == Downloaded(0, 3)
    assert {name: (target / name).read_bytes() for name in FILES} == FILES
    (target / "records100/1.dat").write_bytes(b"cut")
    QuietHandler.asked.clear()
    assert download(described(url), target, progress=False) == Downloaded(2, 1)
    assert QuietHandler.asked == ["/SHA256SUMS.txt", "/records100/1.dat"]
    assert (target / "records100/1.dat").read_bytes() == FILES["records100/1.dat"]


def test_a_part_is_the_tables_and_what_was_named(server, tmp_path):
    _, url = server
    assert download(described(url), tmp_path / "target", only="records100/", progress=False) == Downloaded(0, 2)
    assert not (tmp_path / "target/records500").exists()
    with pytest.raises(ValueError, match="only: no file of ptb-xl begins with 'nothing/'"):
        download(dataclasses.replace(described(url), part="training/"), tmp_path, only="nothing/", progress=False)


def test_a_damaged_file_is_not_kept(server, tmp_path):
    root, url = server
    (root / "records500/1.dat").write_bytes(b"other")
    with pytest.raises(ValueError, match="SHA256"):
        download(described(url), tmp_path / "target", progress=False)
    assert not (tmp_path / "target/records500/1.dat").exists()


def test_without_a_list_the_steps_are_told(tmp_path):
    with pytest.raises(ValueError, match=r"code-15 is not downloaded by ecgbyte; Download exams\.csv"):
        download(descriptions()["code-15"], tmp_path)


@pytest.mark.parametrize("line", ["nonsense", f"{'0' * 64} ../up", f"{'0' * 64} /etc/passwd", f"{'g' * 64} a"])
def test_a_list_that_leads_out_is_refused(line):
    with pytest.raises(ValueError, match="line 1"):
        list(checksums_of(line))
