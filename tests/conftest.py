"""Fixtures shared by the tests."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

# A process started in the background of a script ignores interrupts, and so would all that the tests start.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

# Processes that share the suite (pytest -n) have a core each; torch reads this when it is loaded.
if "PYTEST_XDIST_WORKER" in os.environ:
    os.environ.setdefault("OMP_NUM_THREADS", "1")

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="session")
def real_data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with ``ptb-xl/`` (300 records at 100 Hz, 200 at 500 Hz) and ``ecg-qa/``, or skip.

    Looks for the packed real recordings in the folder that ECGBYTE_SHARED_DATA names, else in ``../shared/data``.
    """
    packed = Path(os.environ.get("ECGBYTE_SHARED_DATA", ROOT.parent / "shared" / "data"))
    if not (packed / "unpack.py").exists():
        pytest.skip(f"real ECG recordings are not in {packed} (set ECGBYTE_SHARED_DATA to their folder)")
    destination = tmp_path_factory.mktemp("real-data")
    command = [sys.executable, str(packed / "unpack.py"), str(destination), "--max-records", "300"]
    subprocess.run(command, check=True, capture_output=True, text=True, timeout=300)
    return destination


@contextlib.contextmanager
def _file_system(place: Path, options: str, what: str) -> Iterator[None]:
    """A tmpfs at `place`, or skip where mounting is not allowed."""
    place.mkdir()
    try:
        subprocess.run(["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(place)], check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError) as error:
        pytest.skip(f"a {what} file system cannot be mounted here ({error})")
    try:
        yield
    finally:
        subprocess.run(["umount", "--lazy", str(place)], check=True)


@pytest.fixture
def full_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of its own of 1 MB, with some 200 kB free, or skip where mounting is not allowed."""
    place = tmp_path / "disk"
    with _file_system(place, "size=1m", "small"):
        (place / "filling").write_bytes(bytes(800_000))
        yield place


@pytest.fixture
def read_only_folder(tmp_path: Path) -> Iterator[Path]:
    """An empty folder that may not be written, by root neither; or skip where that cannot be had."""
    place = tmp_path / "read-only"
    if os.geteuid() == 0:
        with _file_system(place, "ro,size=1m", "read-only"):
            yield place
        return
    place.mkdir()
    place.chmod(0o555)
    yield place
    place.chmod(0o755)


@pytest.fixture(scope="session")
def browser() -> Iterator[Any]:
    """The system's Chromium, driven by playwright, or a skip with the reason."""
    sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    path = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if path is None:
        pytest.skip("no Chromium on the path (Debian: apt-get install chromium)")
    with sync_api.sync_playwright() as playwright:
        # As root, as in a container, Chromium starts only without its sandbox; it opens nothing but these tests' files.
        started = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        yield started
        started.close()


@pytest.fixture
def open_page(browser: Any, tmp_path: Path) -> Iterator[Callable[..., Any]]:
    """Open HTML in a window of a width; the test fails where the page raises an error or asks for anything."""
    opened = []
    troubles: list[str] = []

    def open_html(html: str, width: int = 1300, height: int = 900) -> Any:
        path = tmp_path / f"page-{len(opened)}.html"
        path.write_text(html, encoding="utf-8")
        page = browser.new_page(viewport={"width": width, "height": height})
        page.set_default_timeout(20_000)
        page.on("pageerror", lambda error: troubles.append(f"error: {error}"))
        page.on("console", lambda message: message.type == "error" and troubles.append(f"console: {message.text}"))
        page.on("request", lambda request: request.url != path.as_uri() and troubles.append(f"asked for {request.url}"))
        opened.append(page)
        page.goto(path.as_uri())
        return page

    yield open_html
    for page in opened:
        page.close()
    assert troubles == []


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("ecgbyte", "benchmarks of ecgbyte (with --benchmark-only)")
    group.addoption(
        "--scale",
        choices=("smoke", "default", "full"),
        default="default",
        help="smoke: tiny inputs, for the checks; default: some minutes; full: also 1e8 symbols, about 20 minutes",
    )
    group.addoption("--ptbxl", metavar="DIR", default=None, help="PTB-XL as published, for the real corpora")
    group.addoption(
        "--write-results",
        metavar="DIR",
        default=None,
        help="write CSV files and figures there, if every benchmark passes; nothing is written without",
    )
